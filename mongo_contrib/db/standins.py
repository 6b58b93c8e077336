"""The driver's asynchronous objects with a synchronous face, for code that runs in a bridge.

A stand-in has all that its original has: collections, databases, sessions and cursors lead on to
stand-ins, and what would have to be awaited is waited for.
"""

import asyncio
import contextlib
import inspect
import weakref
from collections.abc import Callable, Generator, Iterator
from types import CoroutineType
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession, _TransactionContext
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from mongo_contrib.bridge import bridged_loop, on_loop, running_loop, wait

__all__ = ["StandIn", "closed_cursors", "original", "stand_in"]

_closing: "weakref.WeakKeyDictionary[Any, set[asyncio.Task[None]]]" = weakref.WeakKeyDictionary()


class StandIn:
    """One of the driver's asynchronous objects, to be used as its synchronous counterpart."""

    __slots__ = ("_original",)

    def __init__(self, original: Any) -> None:
        self._original = original

    def __repr__(self) -> str:
        return f"<StandIn of {self._original!r}>"

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        if inspect.ismethod(value):
            return waiting(value)
        return stand_in(value)

    def __getitem__(self, name: str) -> Any:
        return stand_in(self._original[name])

    def __eq__(self, other: object) -> bool:
        return bool(self._original == original(other))

    def __hash__(self) -> int:
        return hash(self._original)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Any:
        return stand_in(wait(self._original.__aenter__()))

    def __exit__(self, *exc_info: Any) -> Any:
        return wait(self._original.__aexit__(*exc_info))


class CursorStandIn(StandIn):
    """A cursor or a change stream: iterated without a detour while its batch lasts."""

    __slots__ = ("_loop",)

    def __init__(self, original: Any) -> None:
        super().__init__(original)
        self._loop = bridged_loop()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        step = self._original.next()
        try:
            if not on_loop():
                return wait(step)
            # Most documents have come already, with others: these need nobody's waiting.
            pending = step.send(None)
        except StopIteration as got:
            return got.value
        except StopAsyncIteration:
            raise StopIteration from None
        try:
            return wait(_Continued(step, pending))
        except StopAsyncIteration:
            raise StopIteration from None

    next = __next__

    def __enter__(self) -> "CursorStandIn":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()

    def close(self) -> None:
        """Have it closed on the server, at the loop's next turn.

        Not now: this is what generators do at their end, which comes at any moment, in any
        thread and in cancelled tasks. What is in a transaction ends with that.
        """
        if not getattr(self._original, "alive", True) or getattr(self._original, "session", None):
            return
        if running_loop() is self._loop:
            tasks = _closing.setdefault(self._loop, set())
            task = self._loop.create_task(_close(self._original))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def _close(cursor: Any) -> None:
    # InvalidOperation: the client was closed first. What the server has lost needs no closing.
    with contextlib.suppress(PyMongoError):
        await cursor.close()


async def closed_cursors() -> None:
    """Wait for the cursors that are being closed on the running loop."""
    # One turn for whoever ends now, too.
    await asyncio.sleep(0)
    await asyncio.gather(*_closing.pop(asyncio.get_running_loop(), ()))


class _Continued:
    """A coroutine that was begun by hand: awaits the rest of it."""

    def __init__(self, coroutine: Any, pending: Any) -> None:
        self.coroutine = coroutine
        self.pending = pending

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, pending = self.coroutine, self.pending
        while True:
            try:
                sent = yield pending
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as exc:
                step, sent = coroutine.throw, exc
            else:
                step = coroutine.send
            try:
                pending = step(sent)
            except StopIteration as got:
                return got.value


KINDS: dict[type, type[StandIn]] = {
    AsyncMongoClient: StandIn,
    AsyncDatabase: StandIn,
    AsyncCollection: StandIn,
    AsyncClientSession: StandIn,
    _TransactionContext: StandIn,
    AsyncCursor: CursorStandIn,
    AsyncCommandCursor: CursorStandIn,
    AsyncChangeStream: CursorStandIn,
}


def stand_in(value: Any) -> Any:
    """Return the stand-in of one of the driver's objects; anything else as it is."""
    for kind in type(value).__mro__:
        if kind in KINDS:
            return KINDS[kind](value)
    return value


def original(value: Any) -> Any:
    """Return what a stand-in stands for; anything else as it is."""
    return value._original if isinstance(value, StandIn) else value


def waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of the driver as a synchronous one that takes and gives stand-ins."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            kwargs = {name: original(value) for name, value in kwargs.items()}
        result = method(*[original(value) for value in args], **kwargs)
        if isinstance(result, CoroutineType):
            result = wait(result)
        return stand_in(result)

    return call
