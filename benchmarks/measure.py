"""Measuring: client CPU of an operation, as a ratio to raw pymongo doing the same.

Wall time on a shared machine says more about the machine than about us, and what the server
costs is not ours. So each task is timed by the CPU that this process used, in turns with its
counterpart, and the best of several rounds counts.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7


@dataclass(frozen=True)
class Task:
    """One thing done twice: by raw pymongo and by a document class."""

    name: str
    raw: Callable[[], object]
    ours: Callable[[], object]
    #: How many operations one call makes.
    operations: int
    goal: float


@dataclass(frozen=True)
class Result:
    """CPU microseconds per operation on each side."""

    task: Task
    raw: float
    ours: float

    @property
    def ratio(self) -> float:
        return self.ours / self.raw

    def figures(self) -> dict[str, object]:
        return {
            "task": self.task.name,
            "raw_us": round(self.raw, 2),
            "ours_us": round(self.ours, 2),
            "ratio": round(self.ratio, 3),
            "goal": self.task.goal,
        }

    @property
    def reached(self) -> bool:
        return self.ratio <= self.task.goal


def measure(task: Task, progress: Callable[[str], None]) -> Result:
    """Return the best of several rounds, the two sides taking turns."""
    best = {"raw": float("inf"), "ours": float("inf")}
    task.raw()
    task.ours()
    for number in range(1, ROUNDS + 1):
        progress(f"{task.name}: round {number} of {ROUNDS}")
        for side, function in (("raw", task.raw), ("ours", task.ours)):
            best[side] = min(best[side], spent(function)["cpu"] / task.operations * 1e6)
    return Result(task, best["raw"], best["ours"])


def spent(function: Callable[..., object], *args: object) -> dict[str, float]:
    """Return the seconds of CPU and of wall time that a call takes, without collecting garbage."""
    gc.collect()
    gc.disable()
    wall, cpu = time.perf_counter(), time.process_time()
    function(*args)
    found = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    gc.enable()
    return found


def progress_bar(text: str, share: float | None) -> None:
    """Show on one line of a terminal what is going on, and how far it is; None hides the bar."""
    if not sys.stderr.isatty():
        return
    bar = ""
    if share is not None:
        filled = round(share * _BAR)
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] {share:>4.0%} "
    print(f"\r\033[K{bar}{text}"[:200], end="", file=sys.stderr, flush=True)


_BAR = 24


def table(results: list[Result]) -> str:
    """Return the results as a table for people."""
    lines = [
        f"{'task':<34}{'raw pymongo':>14}{'documents':>14}{'ratio':>8}{'goal':>7}",
        f"{'':<34}{'µs CPU each':>14}{'µs CPU each':>14}",
    ]
    for result in results:
        mark = "" if result.reached else "  missed"
        lines.append(
            f"{result.task.name:<34}{result.raw:>14.1f}{result.ours:>14.1f}"
            f"{result.ratio:>8.2f}{result.task.goal:>7.2f}{mark}"
        )
    return "\n".join(lines)
