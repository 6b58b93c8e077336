"""What "no thread hop" means, for the tests of every `a...` method."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

from asgiref.sync import SyncToAsync

from mongo_contrib.db.commands import register, unregister
from mongo_contrib.repository import Repository

# What the driver does in a thread of its own, perhaps for an earlier test.
CLEANING_UP = {"killCursors", "endSessions"}


@asynccontextmanager
async def no_thread_hop() -> AsyncIterator[list[str]]:
    """Fail if anything inside is given to a thread; gives the names of the commands sent.

    Commands are seen where they are sent: each in the thread of the running loop.
    """
    # The driver looks up the host's name, once for each connection, in a thread.
    await Repository("anything").aexists()
    loop = asyncio.get_running_loop()
    names: list[str] = []
    threads: set[int] = set()

    def note(event):
        if event.name not in CLEANING_UP:
            threads.add(threading.get_ident())
        if event.phase == "started":
            names.append(event.name)

    def refuse(*args, **kwargs):
        raise AssertionError("a thread was asked for")

    before = threading.active_count()
    register(note)
    try:
        with (
            mock.patch.object(loop, "run_in_executor", refuse),
            mock.patch.object(SyncToAsync, "__call__", refuse),
            mock.patch.object(threading.Thread, "start", refuse),
        ):
            yield names
    finally:
        unregister(note)
    assert threads <= {threading.get_ident()}
    # Those of earlier tests may have ended.
    assert threading.active_count() <= before
