"""Django's signals of models, sent by code that native() runs.

`Signal.send()` hands coroutine functions to asgiref, which refuses where an event loop runs. And
receivers that use an SQL database, as there may be in a mixed project, may not run there at all.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import connections
from django.db.models import signals

from ..bridge import in_bridge, in_thread, wait
from ..db.aliases import is_mongo

__all__ = ["NativeModelSignal", "install"]


class NativeModelSignal(signals.ModelSignal):
    """A model signal that calls its receivers inside native() as `send()` does elsewhere.

    Coroutine functions are awaited, one after the other, in the task itself and so in its
    transaction. The others are called; in a project that has an SQL database they are called in
    the thread that sync_to_async() has for it, with documents still going through the loop.
    """

    def _live_receivers(self, sender: Any) -> Any:
        called, coroutines = super()._live_receivers(sender)
        if not in_bridge():
            return called, coroutines
        if called and has_sql():
            called = [functools.partial(in_thread, receiver) for receiver in called]
        return [*called, *(functools.partial(_await, each) for each in coroutines)], []


def _await(receiver: Any, **named: Any) -> Any:
    return wait(receiver(**named))


def has_sql() -> bool:
    """Return whether a database of the project is not ours."""
    dummy = "django.db.backends.dummy"
    return any(
        entry["ENGINE"] != dummy and not is_mongo(alias)
        for alias, entry in connections.settings.items()
    )


def install() -> None:
    """Make the signals that saving and deleting send native; elsewhere they are as they were."""
    for signal in (
        signals.pre_save,
        signals.post_save,
        signals.pre_delete,
        signals.post_delete,
        signals.m2m_changed,
    ):
        signal.__class__ = NativeModelSignal
