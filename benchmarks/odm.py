"""The tasks of MongoDB's "ODM Performance Benchmark", on each side of `benchmarks.sides`.

Every side runs in a process of its own on the same server; for each task they take turns, and
the best round of each counts. What is compared is **client CPU**, divided by that of raw
pymongo; wall time stands beside it, and says as much about the server as about the client.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pymongo

from .sides.base import NOT_OFFERED, TASKS, Task

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
BASE = "raw"
OURS = "ours"
#: What to install for each peer, in an environment of its own.
PEERS = {
    "mongoengine": "mongoengine",
    "beanie": "beanie",
    "django_mongodb_backend": "django-mongodb-backend",
}


class SideFailed(Exception):
    """A side's process ended, or said that it can't."""


@dataclasses.dataclass
class Measured:
    """The best round of one side at one task, in microseconds of one operation."""

    cpu: float = float("inf")
    wall: float = float("inf")
    error: str = ""

    def add(self, spent: dict[str, float], operations: int) -> None:
        self.cpu = min(self.cpu, spent["cpu"] / operations * 1e6)
        self.wall = min(self.wall, spent["wall"] / operations * 1e6)


class Process:
    """One side, in its own process and environment; `module` is the program of sides."""

    def __init__(
        self, name: str, python: str, uri: str, database: str, module: str = "benchmarks.sides"
    ) -> None:
        self.name = name
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [python, "-m", module, name, uri, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.label: str = self._answer()["label"]

    def ask(self, command: str, task: str) -> dict[str, Any]:
        """Return the answer; SideFailed if the side can't."""
        assert self._process.stdin
        self._process.stdin.write(f"{command} {task}\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise SideFailed(answer["error"])
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout and self._process.stderr
        line = self._process.stdout.readline()
        if not line:
            last = self._process.stderr.read().strip().splitlines()[-1:]
            raise SideFailed(f"{self.name} ended: {' '.join(last)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


def environment(name: str, progress: Callable[[str], None]) -> str:
    """Return the Python of a peer's environment, made if it is not there."""
    directory = ROOT / f".venv-bench-{name}"
    python = directory / "bin" / "python"
    stamp = directory / f".pymongo-{pymongo.version}"
    if not stamp.exists():
        progress(f"installing {PEERS[name]} into {directory.name}")
        subprocess.run([ROOT / "scripts/make-venv", directory, sys.executable], check=True)
        subprocess.run(
            # Of one driver, so that what differs is what the library adds.
            [python, "-m", "pip", "install", "-q", PEERS[name], f"pymongo=={pymongo.version}"],
            check=True,
        )
        stamp.touch()
    return str(python)


def start(
    names: Iterable[str], uri: str, database: str, progress: Callable[[str], None]
) -> tuple[dict[str, Process], dict[str, str]]:
    """Return the sides that run, and why the others don't."""
    running: dict[str, Process] = {}
    missing: dict[str, str] = {}
    for name in names:
        progress(f"starting {name}")
        try:
            python = environment(name, progress) if name in PEERS else sys.executable
            running[name] = Process(name, python, uri, f"{database}_{name}")
        except (SideFailed, subprocess.CalledProcessError) as error:
            if name not in PEERS:
                raise
            missing[name] = str(error)
    return running, missing


def measure(
    task: Task, sides: dict[str, Process], rounds: int, progress: Callable[[str], None]
) -> dict[str, Measured]:
    """Return what each side needs for a task, the sides taking turns in every round."""
    found = {name: Measured() for name in sides}

    def ask(command: str, name: str) -> dict[str, Any] | None:
        if found[name].error:
            return None
        try:
            return sides[name].ask(command, task.name)
        except SideFailed as error:
            found[name].error = str(error)
            return None

    for name in sides:
        progress(f"{task.title}: {name} prepares")
        ask("prepare", name)
    for number in range(rounds + 1):
        for name in sides:
            progress(f"{task.title}: round {number} of {rounds}, {name}")
            spent = ask("round", name)
            # The first round warms up.
            if spent and number:
                found[name].add(spent, task.operations)
    return found


def run(
    uri: str,
    database: str,
    *,
    rounds: int = ROUNDS,
    only: str = "",
    peers: bool = True,
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Return all figures: `{"sides": labels, "missing": reasons, "tasks": [...]}`."""
    names = [BASE, OURS, *(PEERS if peers else ())]
    tasks = [task for task in TASKS if only in task.name]
    sides, missing = start(names, uri, database, lambda text: progress(text, 0))
    results = []
    try:
        for number, task in enumerate(tasks):
            share = number / len(tasks)
            found = measure(task, sides, rounds, lambda text, at=share: progress(text, at))
            results.append(result(task, found))
    finally:
        for side in sides.values():
            side.close()
        with pymongo.MongoClient(uri) as client:
            for name in sides:
                client.drop_database(f"{database}_{name}")
    return {
        "sides": {name: side.label for name, side in sides.items()},
        "missing": missing,
        "rounds": rounds,
        "tasks": results,
    }


def result(task: Task, found: dict[str, Measured]) -> dict[str, Any]:
    """Return what was found at a task, beside raw pymongo."""
    base = found[BASE]
    sides: dict[str, Any] = {}
    for name, each in found.items():
        if each.error:
            sides[name] = {"error": each.error}
            continue
        sides[name] = {
            "cpu_us": round(each.cpu, 2),
            "wall_us": round(each.wall, 2),
            "cpu_ratio": round(each.cpu / base.cpu, 3),
            "wall_ratio": round(each.wall / base.wall, 3),
        }
    return {
        "task": task.name,
        "title": task.title,
        "operations": task.operations,
        "goal": task.goal,
        "sides": sides,
    }


def table(figures: dict[str, Any]) -> str:
    """Return the ratios for people: client CPU, and wall time in brackets."""
    names = [name for name in figures["sides"] if name != BASE]
    lines = [f"{name}: {label}" for name, label in figures["sides"].items()]
    lines += [f"{name}: left out, {reason}" for name, reason in figures["missing"].items()]
    lines += ["", "client CPU as a multiple of raw pymongo's (wall time in brackets)", ""]
    head = f"{'task':<46}{'raw µs':>9}"
    lines.append(head + "".join(f"{name[:15]:>17}" for name in names) + f"{'goal':>7}")
    for each in figures["tasks"]:
        line = f"{each['title']:<46}{_raw(each):>9}"
        line += "".join(f"{_cell(each['sides'][name]):>17}" for name in names)
        lines.append(f"{line}{each['goal'] or '':>7}{_verdict(each)}")
    return "\n".join(lines)


def _raw(result: dict[str, Any]) -> str:
    return f"{result['sides'][BASE]['cpu_us']:,.1f}"


def _cell(side: dict[str, Any]) -> str:
    if "error" in side:
        return "-" if side["error"] == NOT_OFFERED else "failed"
    return f"{side['cpu_ratio']:.2f} ({side['wall_ratio']:.2f})"


def _verdict(result: dict[str, Any]) -> str:
    """Say what was promised and not kept."""
    sides = result["sides"]
    ours = sides[OURS].get("cpu_ratio")
    if ours is None:
        return f"  failed: {sides[OURS]['error']}"
    said = []
    if result["goal"] and ours > result["goal"]:
        said.append("missed")
    faster = [name for name in PEERS if sides.get(name, {}).get("cpu_ratio", ours) < ours]
    if faster:
        said.append(f"slower than {', '.join(faster)}")
    return f"  {'; '.join(said)}" if said else ""
