"""Count and show the commands that code sends to MongoDB, as Django does with queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from mongo_contrib.db import get_connection
from mongo_contrib.db.commands import CommandEvent, register, unregister

__all__ = ["CaptureCommands", "MongoTestMixin", "assert_num_commands"]

# The connection's housekeeping: whether it occurs depends on what ran before.
HOUSEKEEPING = frozenset({"ping", "endSessions"})


class CaptureCommands:
    """A context manager holding the commands sent inside it, in order, as CommandEvents.

    ``using`` is an alias, by default the first that is MongoDB. Commands of every thread and
    event loop of the process count, those of other processes do not. It can be read while it is
    open and after.
    """

    def __init__(self, using: str | None = None) -> None:
        self.using = using
        self._events: dict[int, CommandEvent] = {}
        # The same object each time, as a bound method is not.
        self._callback = self._note

    def __enter__(self) -> CaptureCommands:
        connection = get_connection(self.using)
        self._alias = connection.alias
        if not _in_event_loop():
            # What is asked once per process must not count for the test that happens to be first.
            connection.ensure_connection()
            connection.features.has("transactions")
        self._events.clear()
        register(self._callback)
        return self

    def __exit__(self, *exc_info: object) -> None:
        unregister(self._callback)

    def _note(self, event: CommandEvent) -> None:
        if event.alias != self._alias or event.name in HOUSEKEEPING:
            return
        # The end of a command replaces its start, in the place that this had.
        if event.phase == "started" or event.request_id in self._events:
            self._events[event.request_id] = event

    @property
    def commands(self) -> list[CommandEvent]:
        """The commands so far, in the order in which they were sent."""
        return list(self._events.values())

    @property
    def names(self) -> list[str]:
        """The names of the commands so far: ["find", "update"]."""
        return [event.name for event in self._events.values()]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[CommandEvent]:
        return iter(self.commands)

    def __getitem__(self, index: int) -> CommandEvent:
        return self.commands[index]

    def __str__(self) -> str:
        """A numbered list, one command a line."""
        return "\n".join(f"{n}. {event}" for n, event in enumerate(self._events.values(), 1))


@contextmanager
def assert_num_commands(number: int, *, using: str | None = None) -> Iterator[CaptureCommands]:
    """Fail with a list of the commands unless exactly ``number`` are sent inside."""
    with CaptureCommands(using) as captured:
        yield captured
    if len(captured) != number:
        raise AssertionError(
            f"{len(captured)} commands executed, {number} expected\n"
            f"Captured commands were:\n{captured}"
        )


class MongoTestMixin:
    """For any of Django's test case classes: ``class MyTests(MongoTestMixin, TestCase)``."""

    def assertNumCommands(
        self,
        number: int,
        func: Callable[..., Any] | None = None,
        *args: Any,
        using: str | None = None,
        **kwargs: Any,
    ) -> AbstractContextManager[CaptureCommands] | None:
        """Django's assertNumQueries() for MongoDB: a context manager, or call ``func``."""
        context = assert_num_commands(number, using=using)
        if func is None:
            return context
        with context:
            func(*args, **kwargs)
        return None


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
