"""A connection on an event loop: of one task, used by code that native() runs, and only there."""

import asyncio
import contextlib
import functools
import inspect
import weakref
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

from mongo_contrib.bridge import in_bridge, wait

__all__ = ["TaskBound"]

# The block of each alias that this context's code was started in, by this task or another.
_blocks: ContextVar[dict[str, "Block"]] = ContextVar("mongo_contrib.db.blocks")


class Block:
    """An outermost atomic block of a connection."""

    def __init__(self, connection: "TaskBound") -> None:
        self.connection = weakref.ref(connection)

    @property
    def open(self) -> bool:
        connection = self.connection()
        return connection is not None and connection.block is self and connection.in_atomic_block


def running_task() -> Any:
    """Return the task that is running on this thread, or None."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def guarded(name: str) -> Callable[..., Any]:
    """Return a method of Django's that it forbids on an event loop, allowed inside native()."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        inherited = getattr(BaseDatabaseWrapper, name)
        return (inherited.__wrapped__ if in_bridge() else inherited)(self, *args, **kwargs)

    method.__name__ = name
    return method


def awaited(function: Callable[[], Awaitable[Any]]) -> Callable[[], Any]:
    """Return a coroutine function as one that is called: inside native(), or without a loop."""

    @functools.wraps(function)
    def call() -> Any:
        if in_bridge() or running_task() is not None:
            return wait(function())
        return async_to_sync(function)()

    return call


class TaskBound(BaseDatabaseWrapper):
    """What DatabaseWrapper does differently where an event loop runs.

    Django keeps the connections of a loop's thread in the context of the task. Each task has
    its own, so that tasks that take turns don't share a transaction; see
    bridge.settle_connections().
    """

    #: The outermost atomic block that was begun last.
    block: Block | None = None
    #: The block of another task that this connection's task was started in.
    outer: Block | None = None

    connect = guarded("connect")
    cursor = guarded("cursor")
    commit = guarded("commit")
    rollback = guarded("rollback")
    close = guarded("close")
    savepoint = guarded("savepoint")
    savepoint_rollback = guarded("savepoint_rollback")
    savepoint_commit = guarded("savepoint_commit")
    clean_savepoints = guarded("clean_savepoints")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        task = running_task()
        self.task = None if task is None else weakref.ref(task)
        super().__init__(*args, **kwargs)

    def for_task(self, task: Any) -> "TaskBound":
        """Return this connection if it is the task's, else a new one for the task."""
        if self.task is not None and self.task() is task:
            return self
        fresh: TaskBound = connections.create_connection(self.alias)
        block = _blocks.get({}).get(self.alias)
        if block is not None and block.open:
            fresh.outer = block
        return fresh

    def ensure_connection(self) -> None:
        """See BaseDatabaseWrapper; on an event loop, only inside native()."""
        if not in_bridge():
            if self.task is None:
                self._refuse_block_of_a_task(_blocks.get({}).get(self.alias))
            try:
                super().ensure_connection()
            except SynchronousOnlyOperation:
                raise SynchronousOnlyOperation(
                    f"You cannot call this from an async context: DATABASES[{self.alias!r}] was "
                    "asked for something on an event loop's thread. Await the method of this "
                    'name with an "a" before it (`await document.asave()`); what an attribute '
                    "has to load comes by select_related() or `await document.aget(name)`; and a "
                    "whole function runs by `await mongo_contrib.bridge.native(function)`."
                ) from None
            return
        patched = BaseDatabaseWrapper.ensure_connection
        if patched.__module__ != BaseDatabaseWrapper.__module__:
            # A test tool has put its own in place, to forbid the database. Django's would refuse
            # any event loop.
            with contextlib.suppress(SynchronousOnlyOperation):
                patched(self)
        if self.outer is not None:
            self._refuse_block_of_a_task(self.outer)
            self.outer = None
        if self.connection is None:
            if self.in_atomic_block and self.closed_in_transaction:
                raise ProgrammingError("Cannot open a new connection in an atomic block.")
            with self.wrap_database_errors:
                self.connect()

    def _refuse_block_of_a_task(self, block: Block | None) -> None:
        if block is not None and block.open:
            raise TransactionManagementError(
                f"This task or thread was started inside an atomic block of another task on "
                f"DATABASES[{self.alias!r}]: a MongoDB transaction can't be used by two at once. "
                "Await one after the other inside the block, without gather(), create_task(), "
                "wait_for() and sync_to_async(); or start the task before the block, or with "
                "`context=contextvars.Context()`, to work outside of the transaction."
            )

    def get_autocommit(self) -> bool:
        """See BaseDatabaseWrapper; on an event loop it is known without a connection."""
        if self.connection is None and self.task is not None:
            return bool(self.settings_dict["AUTOCOMMIT"])
        return bool(super().get_autocommit())

    def on_commit(self, func: Any, robust: bool = False) -> None:
        """See BaseDatabaseWrapper; takes coroutine functions, too."""
        super().on_commit(awaited(func) if inspect.iscoroutinefunction(func) else func, robust)

    def validate_no_broken_transaction(self) -> None:
        """See BaseDatabaseWrapper; names the first error and the cure."""
        if not self.needs_rollback:
            return
        first = self.rollback_exc
        what = f"{type(first).__name__}: {first}" if first else "an inner atomic block failed"
        raise TransactionManagementError(
            f"An error occurred in the current transaction on DATABASES[{self.alias!r}] ({what}). "
            "You can't execute queries until the end of the 'atomic' block: MongoDB ends a "
            "transaction at the first error. Catch the error outside of the block; what may "
            "collide with others is repeated by mongo_contrib.transaction.retry."
        ) from first

    def begin_block(self) -> None:
        """Note that an outermost atomic block begins."""
        self.rollback_exc = None
        if self.task is not None:
            self.block = Block(self)
            _blocks.set({**_blocks.get({}), self.alias: self.block})
