"""Synchronous code that awaits: one code for both worlds, on the event loop's own thread.

`native(function)` runs a synchronous function in a greenlet. Whatever in it asks MongoDB does so
through the running loop's AsyncMongoClient, and while that waits, the greenlet gives way to the
loop. So every `a...` method is its synchronous twin, run by `native()`: no thread is involved.
"""

import asyncio
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections
from greenlet import getcurrent, greenlet

__all__ = [
    "bridged_loop",
    "in_bridge",
    "in_thread",
    "native",
    "on_loop",
    "pause",
    "running_loop",
    "stream",
    "wait",
]

P = ParamSpec("P")
R = TypeVar("R")

# Documents that a stream asks of its iterator at once: as many as a server's first batch has.
BATCH = 101

# The task that the context's connections were made for, or checked to be of.
_settled: ContextVar[Any] = ContextVar("mongo_contrib.bridge.settled", default=None)


class Lent(threading.local):
    """What a thread has that a bridge waits for."""

    #: The loop that awaits for it.
    loop: asyncio.AbstractEventLoop | None = None


_lent = Lent()


class Bridge(greenlet):
    """What runs the function of one `native()`."""

    #: The coroutine that would await for it is being closed: nothing can be awaited any more.
    closing = False


def in_bridge() -> bool:
    """Return whether this code was called by `native()`, so that it may `wait()`."""
    return on_loop() or _lent.loop is not None


def on_loop() -> bool:
    """Return whether this code was called by `native()` and is in its thread."""
    return type(getcurrent()) is Bridge


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def bridged_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that awaits for this code."""
    return _lent.loop or asyncio.get_running_loop()


async def native(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function on this thread, natively asynchronous where it asks MongoDB.

    It sees the task's context variables and its transaction. Where the task is cancelled, it
    gets the CancelledError at the operation it waits for. Other work that takes long blocks the
    loop, as it does anywhere in a coroutine.
    """
    settle_connections()
    driver = getcurrent()
    bridge = Bridge(function, driver)
    bridge.gr_context = driver.gr_context
    result: Any = bridge.switch(*args, **kwargs)
    while not bridge.dead:
        try:
            value = await result
        except GeneratorExit as exc:
            # Nobody will await any more: the function unwinds at once.
            bridge.closing = True
            bridge.throw(exc)
            raise
        except BaseException as exc:
            result = bridge.throw(exc)
        else:
            result = bridge.switch(value)
    return result


def wait(awaitable: Awaitable[R]) -> R:
    """Return what an awaitable gives, for synchronous code inside `native()`."""
    bridge = getcurrent()
    if type(bridge) is not Bridge:
        if _lent.loop is not None:
            return asyncio.run_coroutine_threadsafe(_coroutine(awaitable), _lent.loop).result()
        _discard(awaitable)
        raise SynchronousOnlyOperation(
            "wait() is for code that native() runs: `await native(function, ...)`."
        )
    if bridge.closing:
        _discard(awaitable)
        raise GeneratorExit
    return bridge.parent.switch(awaitable)


def pause(seconds: float) -> None:
    """Sleep, without holding up an event loop."""
    if on_loop():
        wait(asyncio.sleep(seconds))
    else:
        time.sleep(seconds)


def _discard(awaitable: Any) -> None:
    if asyncio.iscoroutine(awaitable):
        awaitable.close()


async def _coroutine(awaitable: Awaitable[R]) -> R:
    return await awaitable


def in_thread(function: Callable[..., R], /, *args: Any, **kwargs: Any) -> R:
    """Call a function for a bridge in the thread in which Django uses SQL databases.

    What it asks MongoDB still goes through the event loop, in the task's transaction.
    """
    if not on_loop():
        return function(*args, **kwargs)
    loop = asyncio.get_running_loop()
    ours = [each for each in connections.all() if hasattr(each, "for_task")]

    def call() -> R:
        with lent(loop, ours):
            return function(*args, **kwargs)

    return wait(sync_to_async(call)())


@contextmanager
def lent(loop: asyncio.AbstractEventLoop, ours: list[Any]) -> Generator[None, None, None]:
    """Let this thread use a task's connections, which waits for it."""
    before = [connections[each.alias] for each in ours]
    for each in ours:
        each.inc_thread_sharing()
        connections[each.alias] = each
    _lent.loop = loop
    try:
        yield
    finally:
        _lent.loop = None
        for each in before:
            connections[each.alias] = each
        for each in ours:
            each.dec_thread_sharing()


async def stream(iterator: Iterator[R], batch: int = BATCH) -> AsyncGenerator[R, None]:
    """Yield what a synchronous iterator yields, run by `native()`, `batch` items at a time.

    Closing it closes the iterator, with its cursor on the server.
    """
    ended = False
    try:
        while not ended:
            items, error = await native(_take, iterator, batch)
            ended = error is not None or len(items) < batch
            for item in items:
                yield item
            if error is not None:
                raise error
    finally:
        close = getattr(iterator, "close", None)
        if not ended and close is not None:
            await native(close)


def _take(iterator: Iterator[R], number: int) -> tuple[list[R], Exception | None]:
    """Return the next items, and the error that came instead of more."""
    items: list[R] = []
    try:
        items.extend(islice(iterator, number))
    except Exception as error:
        return items, error
    return items, None


def settle_connections() -> None:
    """Give the running task connections of its own for those that its context has inherited.

    A connection keeps the state of one transaction. The contexts of tasks are copies of that of
    the task which started them, and Django keeps an event loop's connections in the context.
    """
    task = asyncio.current_task()
    settled = _settled.get()
    if settled is not None and settled() is task:
        return
    for connection in connections.all(initialized_only=True):
        for_task = getattr(connection, "for_task", None)
        if for_task is not None:
            connections[connection.alias] = for_task(task)
    _settled.set(weakref.ref(task) if task is not None else None)
