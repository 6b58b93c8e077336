"""Transactions beyond Django's words for them: on an event loop, and repeated when they lose.

`django.db.transaction` works as it does everywhere: `atomic()`, `on_commit()`, `set_rollback()`.
Here is what it has no words for: `aatomic()`, `aon_commit()` and `retry()`.
"""

import asyncio
import functools
import inspect
import random
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar, overload

from django.db import transaction
from pymongo.errors import PyMongoError

from mongo_contrib.bridge import in_bridge, native, wait
from mongo_contrib.db.aliases import get_connection
from mongo_contrib.exceptions import WriteConflict

__all__ = ["aatomic", "aon_commit", "retry"]

Function = TypeVar("Function", bound=Callable[..., Any])

# The pauses between two attempts, in seconds: their mean doubles from the first to the last.
FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.5


class AsyncAtomic:
    """Django's atomic block for `async with` and for coroutine functions; see aatomic()."""

    def __init__(self, using: str | None, durable: bool) -> None:
        self.using = using
        self.durable = durable

    @functools.cached_property
    def _atomic(self) -> Any:
        alias = get_connection(self.using).alias
        return transaction.Atomic(alias, savepoint=True, durable=self.durable)

    async def __aenter__(self) -> None:
        await native(self._atomic.__enter__)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await native(self._atomic.__exit__, exc_type, exc, traceback)

    def __call__(self, function: Function) -> Function:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(
                f"aatomic() decorates coroutine functions, and {name_of(function)} is none; "
                "django.db.transaction.atomic() decorates the others."
            )

        @functools.wraps(function)
        async def within(*args: Any, **kwargs: Any) -> Any:
            async with self:
                return await function(*args, **kwargs)

        return within  # type: ignore[return-value]


@overload
def aatomic(using: Function) -> Function: ...
@overload
def aatomic(using: str | None = None, *, durable: bool = False) -> AsyncAtomic: ...
def aatomic(using: Any = None, *, durable: bool = False) -> Any:
    """Return an atomic block for `async with`, or as the decorator of a coroutine function.

    What the task does in it is one transaction on the alias `using` (by default the first that
    is MongoDB); it is committed when the block ends well and rolled back when an exception, or
    a cancellation, leaves it. Blocks within it join it. It is the task's: tasks started inside
    the block may not use the alias while it is open.
    """
    if callable(using):
        return AsyncAtomic(None, durable)(using)
    return AsyncAtomic(using, durable)


async def aon_commit(
    function: Callable[[], Any], using: str | None = None, robust: bool = False
) -> None:
    """Call a function, or await a coroutine function, when the transaction is committed.

    At once where there is none. Inside of a block, `transaction.on_commit()` is the same.
    """
    await native(transaction.on_commit, function, get_connection(using).alias, robust)


@overload
def retry(using: Function) -> Function: ...
@overload
def retry(
    using: str | None = None, *, attempts: int = 10, seconds: float = 30
) -> Callable[[Function], Function]: ...
def retry(using: Any = None, *, attempts: int = 10, seconds: float = 30) -> Any:
    """Decorate a function, sync or async, to run in a transaction and again if that loses.

    It loses to another transaction that changed the same documents first, or to a server that
    went away or changed its role. Then everything is rolled back and the function is called
    again, with the same arguments, after a short pause: at most `attempts` times in all and
    not after `seconds`. Inside an outer atomic block it joins that one and is called once, for
    only the whole transaction can be repeated.

    The function should change nothing but documents; what else is to be done once belongs into
    `transaction.on_commit()`. A commit of which nobody knows whether it has happened
    (CommitUncertain) is not repeated.
    """
    if callable(using):
        return retry()(using)
    if attempts < 1:
        raise ValueError(f"retry(attempts={attempts!r}): it takes at least 1.")

    def decorate(function: Any) -> Any:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"retry() can't repeat {name_of(function)}: what a generator has yielded is gone."
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def arepeated(*args: Any, **kwargs: Any) -> Any:
                return await _arepeat(using, attempts, seconds, function, args, kwargs)

            return arepeated

        @functools.wraps(function)
        def repeated(*args: Any, **kwargs: Any) -> Any:
            return _repeat(using, attempts, seconds, function, args, kwargs)

        return repeated

    return decorate


class Attempts:
    """Counts attempts and decides whether there is to be another one."""

    def __init__(self, attempts: int, seconds: float) -> None:
        self.attempts = attempts
        self.started = time.monotonic()
        self.deadline = self.started + seconds
        self.done = 0

    def pause_after(self, error: BaseException) -> float:
        """Return the seconds to wait before the next attempt; re-raise if there is none."""
        self.done += 1
        if not is_transient(error):
            raise error
        # At random, so that two that have met don't meet again.
        pause = random.uniform(0, 2 * min(FIRST_PAUSE * 2**self.done, LONGEST_PAUSE))
        now = time.monotonic()
        if self.done >= self.attempts or now + pause > self.deadline:
            if self.attempts > 1:
                error.add_note(
                    f"transaction.retry() gave up after {self.done} attempts in "
                    f"{now - self.started:.1f} seconds."
                )
            raise error
        return pause


def _repeat(
    using: str | None, attempts: int, seconds: float, function: Any, args: Any, kwargs: Any
) -> Any:
    connection = get_connection(using)
    if connection.in_atomic_block:
        return function(*args, **kwargs)
    tried = Attempts(attempts, seconds)
    while True:
        try:
            with transaction.atomic(using=connection.alias):
                result = function(*args, **kwargs)
                raise_hidden_loss(connection)
            return result
        except Exception as error:
            pause = tried.pause_after(error)
        if in_bridge():
            wait(asyncio.sleep(pause))
        else:
            time.sleep(pause)


async def _arepeat(
    using: str | None,
    attempts: int,
    seconds: float,
    function: Callable[..., Awaitable[Any]],
    args: Any,
    kwargs: Any,
) -> Any:
    if await native(lambda: get_connection(using).in_atomic_block):
        return await function(*args, **kwargs)
    tried = Attempts(attempts, seconds)
    while True:
        try:
            async with aatomic(using):
                result = await function(*args, **kwargs)
                raise_hidden_loss(get_connection(using))
            return result
        except Exception as error:
            pause = tried.pause_after(error)
        await asyncio.sleep(pause)


def raise_hidden_loss(connection: Any) -> None:
    """Raise the loss that ended the transaction, if the function has caught it and gone on."""
    if connection.needs_rollback and is_transient(connection.rollback_exc):
        raise connection.rollback_exc


def is_transient(error: BaseException | None) -> bool:
    """Return whether an error means that the same transaction may well succeed next time."""
    while error is not None:
        # Not every server labels a conflict.
        if isinstance(error, WriteConflict):
            return True
        if isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError"):
            return True
        error = error.__cause__
    return False


def name_of(function: Any) -> str:
    return getattr(function, "__qualname__", None) or repr(function)
