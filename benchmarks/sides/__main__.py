"""One side in a process of its own: reads what to do from standard input, a line each.

`python -m benchmarks.sides NAME URI DATABASE`. The answer to each line is a line of JSON:
seconds of CPU and of wall time for a round, or what went wrong.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import warnings
from typing import Any

from benchmarks.measure import spent

from .base import NOT_OFFERED, TASKS


class Worker:
    def __init__(self, name: str, uri: str, database: str) -> None:
        # Of a peer's own deprecated ways; they would only clutter the table.
        warnings.simplefilter("ignore")
        self.loop = asyncio.new_event_loop()
        module = importlib.import_module(f"benchmarks.sides.{name}")
        self.side = module.SIDE(uri, database)
        if hasattr(self.side, "start"):
            self.call(self.side.start)
        self.side.make_indexes()
        self.tasks = {task.name: task for task in TASKS}

    def call(self, function: Any, *args: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return self.loop.run_until_complete(function(*args))
        return function(*args)

    def prepare(self, name: str) -> dict[str, Any]:
        task = self.tasks[name]
        if not hasattr(self.side, name):
            return {"error": NOT_OFFERED}
        self.side.empty()
        if task.needs:
            kind, number = task.needs
            self.call(getattr(self.side, f"fill_{kind}"), number)
            self.side.note_keys()
        return {}

    def round(self, name: str) -> dict[str, Any]:
        task = self.tasks[name]
        side = self.side
        side.round += 1
        args = []
        if name.endswith("create"):
            side.empty()
            kind = {"nested_create": side.nesteds, "large_create": side.larges}
            args = [list(kind.get(name, side.smalls)(task.operations))]
            if name == "bulk_create":
                args = [[side.make_small(each) for each in args[0]]]
        function = getattr(side, name)
        return spent(self.call, function, *args)

    def serve(self) -> None:
        self.answer({"label": self.side.label})
        for line in sys.stdin:
            command, _, name = line.strip().partition(" ")
            try:
                self.answer(self.prepare(name) if command == "prepare" else self.round(name))
            except Exception as error:
                # A peer that can't do a task still takes part in the others.
                self.answer({"error": f"{type(error).__name__}: {error}"[:300]})

    @staticmethod
    def answer(document: dict[str, Any]) -> None:
        print(json.dumps(document), flush=True)


if __name__ == "__main__":
    Worker(*sys.argv[1:]).serve()
