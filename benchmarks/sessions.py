"""Sessions: what a request costs the client, on each of our engines, on raw pymongo, on Django's.

As in `benchmarks.odm`, each side runs in a process of its own and they take turns. Raw pymongo
finds and updates the same documents with the same options on the same client. Django's engines
keep theirs in SQLite, which works in the client's process: its CPU is in their figures, as that
of no server is in the others'.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pymongo

from .odm import BASE, OURS, Process, measure, result
from .sides.base import Task

#: How many sessions there are, and how often a round does something.
SESSIONS = 50
OPERATIONS = 200
NEEDS = ("sessions", SESSIONS)
TASKS = [
    Task("session_change", "session: load, change one key, save", OPERATIONS, 1.3, NEEDS),
    Task("session_read", "session: load", OPERATIONS, None, NEEDS),
    Task("session_create", "session: create", OPERATIONS, None, NEEDS),
    Task("session_achange", "session: load, change, save, async", OPERATIONS, None, NEEDS),
]
#: Name -> settings of the side.
SIDES: dict[str, dict[str, Any]] = {
    BASE: {},
    OURS: {"SESSION_ENGINE": "mongo_contrib.sessions.backends.mongo"},
    "sealed": {
        "SESSION_ENGINE": "mongo_contrib.sessions.backends.mongo",
        "MONGO_SESSION_ENCRYPTION_KEYS": ["only-for-benchmarks-only-for-bench-only-for"],
    },
    "cached": {"SESSION_ENGINE": "mongo_contrib.sessions.backends.cached_mongo"},
    "django db": {"SESSION_ENGINE": "django.contrib.sessions.backends.db"},
    "django cached_db": {"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"},
}


def run(
    uri: str,
    database: str,
    *,
    rounds: int,
    only: str = "",
    progress: Callable[[str, float], None],
) -> dict[str, Any]:
    """Return all figures, as `odm.run()` does."""
    tasks = [task for task in TASKS if only in task.name]
    sides: dict[str, Process] = {}
    results = []
    try:
        for name in SIDES:
            progress(f"starting {name}", 0)
            sides[name] = Process(
                name, sys.executable, uri, database, module="benchmarks.sides.sessions"
            )
        for number, task in enumerate(tasks):
            share = number / len(tasks)
            found = measure(task, sides, rounds, lambda text, at=share: progress(text, at))
            results.append(result(task, found))
    finally:
        for side in sides.values():
            side.close()
        with pymongo.MongoClient(uri) as client:
            client.drop_database(database)
    return {
        "sides": {name: side.label for name, side in sides.items()},
        "missing": {},
        "rounds": rounds,
        "tasks": results,
    }
