"""Files: how fast they go in and out, beside the driver's own GridFSBucket and the disk.

As in `benchmarks.odm`, each side runs in a process of its own on the same server and they take
turns; the best round of each counts. Here it is throughput that is compared, so wall time; the
client's CPU stands beside it. Requests are made within the process (`sides.requests`), so what a
web server costs is in none of the figures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pymongo

from .odm import BASE, OURS, Measured, Process, measure
from .sides.base import NOT_OFFERED

#: Bytes of the file in one round, and of the one whose memory and first bytes are measured.
SIZE = 32 * 1024 * 1024
LARGE = 1024 * 1024 * 1024

GRIDFS = "mongo_contrib.storage.GridFSStorage"
#: Name -> backend and options of STORAGES; "text" sides store a log of the same size.
SIDES: dict[str, dict[str, Any]] = {
    BASE: {"backend": GRIDFS},
    OURS: {"backend": GRIDFS},
    "verify": {"backend": GRIDFS, "options": {"verify": True}},
    "deduplicate": {"backend": GRIDFS, "options": {"deduplicate": True}},
    "compress": {"backend": GRIDFS, "options": {"compress": ["text/*"]}, "text": True},
    "disk": {"backend": "django.core.files.storage.FileSystemStorage"},
}


@dataclass(frozen=True)
class Task:
    """One way through a file; `goal` is the throughput wanted, as a share of GridFSBucket's."""

    name: str
    title: str
    method: str
    goal: float | None
    operations: int = SIZE // (1024 * 1024)


TASKS = [
    Task("file_upload", "upload", "upload", 0.9),
    Task("file_download", "download", "download", 0.9),
    Task("file_view", "serving view, WSGI", "view", 0.8),
    Task("file_aview", "serving view, ASGI", "aview", 0.8),
]


def run(
    uri: str,
    database: str,
    *,
    rounds: int,
    only: str = "",
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Return all figures; MB are 1024 * 1024 bytes.

    There are twice as many rounds as asked for: a machine that is busy for a moment shows more in
    wall time than in CPU.
    """
    rounds *= 2
    tasks = [task for task in TASKS if only in task.name]
    sides: dict[str, Process] = {}
    results = []
    try:
        for name in SIDES:
            progress(f"starting {name}", 0)
            sides[name] = Process(
                name, sys.executable, uri, database, module="benchmarks.sides.storage"
            )
        for number, task in enumerate(tasks):
            share = number / (len(tasks) + 1)
            found = measure(task, sides, rounds, lambda text, at=share: progress(text, at))
            results.append(result(task, found))
    finally:
        for side in sides.values():
            side.close()
        _drop(uri, *(f"{database}_{name}" for name in SIDES))
    figures: dict[str, Any] = {
        "sides": {name: side.label for name, side in sides.items()},
        "rounds": rounds,
        "bytes": SIZE,
        "tasks": results,
    }
    if only in "file_large":
        progress("a file of 1 GB", len(tasks) / (len(tasks) + 1))
        figures["large"] = large(uri, f"{database}_large")
    return figures


def large(uri: str, database: str, size: int = LARGE) -> dict[str, Any]:
    """What one file of this size costs: memory over the base, and the time to a first byte."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < 8 * size:
        return {"error": f"{free / 1e9:.0f} GB free are too few to try a file of 1 GB."}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.sides.large", uri, database, str(size)],
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            return {"error": ran.stderr.strip().splitlines()[-1]}
        found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return found
    finally:
        _drop(uri, f"{database}_{OURS}")


def _drop(uri: str, *databases: str) -> None:
    with pymongo.MongoClient(uri) as client:
        for name in databases:
            client.drop_database(name)


def result(task: Task, found: dict[str, Measured]) -> dict[str, Any]:
    """Return the MB a second and the client's CPU of each side at a task, beside raw pymongo."""
    base = found[BASE]
    sides: dict[str, Any] = {}
    for name, each in found.items():
        if each.error:
            sides[name] = {"error": each.error}
            continue
        sides[name] = {
            "mb_per_second": round(1e6 / each.wall, 1),
            "cpu_us_per_mb": round(each.cpu, 1),
            "throughput": round(base.wall / each.wall, 3),
            "cpu_ratio": round(each.cpu / base.cpu, 3),
        }
    return {"task": task.name, "title": task.title, "goal": task.goal, "sides": sides}


def table(figures: dict[str, Any]) -> str:
    """Return the figures for people: throughput, and the client's CPU in brackets."""
    names = [name for name in figures["sides"] if name != BASE]
    lines = [
        f"files of {figures['bytes'] // 1024**2} MB: throughput as a share of raw GridFSBucket's "
        "(client CPU in brackets)",
        "",
        f"{'task':<22}{'raw MB/s':>9}" + "".join(f"{name:>16}" for name in names) + f"{'goal':>7}",
    ]
    for each in figures["tasks"]:
        sides = each["sides"]
        line = f"{each['title']:<22}{sides[BASE]['mb_per_second']:>9.0f}"
        line += "".join(f"{_cell(sides[name]):>16}" for name in names)
        reached = sides[OURS].get("throughput", 0) >= (each["goal"] or 0)
        lines.append(f"{line}{each['goal'] or '':>7}{'' if reached else '  missed'}")
    if found := figures.get("large"):
        lines += ["", *_large(found)]
    return "\n".join(lines)


def _cell(side: dict[str, Any]) -> str:
    if "error" in side:
        return "-" if side["error"] == NOT_OFFERED else "failed"
    return f"{side['throughput']:.2f} ({side['cpu_ratio']:.2f})"


def _large(found: dict[str, Any]) -> list[str]:
    if "error" in found:
        return [f"a large file: {found['error']}"]
    memory = ", ".join(f"{way} {mb:.0f}" for way, mb in found["memory_mb"].items())
    first = found["first_byte_ms"]
    return [
        f"a file of {found['bytes'] / 1024**2:,.0f} MB: memory over the base of "
        f"{found['base_mb']:.0f} MB, in MB (goal: 64): {memory}",
        f"first byte of a range: {first['start']:.2f} ms at the start, {first['middle']:.2f} ms "
        f"in the middle, {first['middle'] / first['start']:.2f} times that (goal: 2)",
    ]
