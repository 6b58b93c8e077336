"""What an instance knows of its stored document: the next save compares with it.

`_state.loaded` is the document as it was last read or written here, by stored names. What was
read or written in a transaction is true only if that is committed: `_state.within` keeps the
transaction, so that nothing is taken for stored that was rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models
from django.db.models.base import ModelState

from .changes import same

#: Stands in `loaded` for a value that only the server knows. It survives pickling and copying,
#: and equals nothing that can be stored.
UNKNOWN: Any = ...

#: What fields raise of values that are none of theirs.
NOT_ENCODED = (
    *(ArithmeticError, AttributeError, KeyError, TypeError, ValueError),
    DatabaseError,
    ValidationError,
)

#: Django 6.1 has fetch modes, Django 5.2 none.
DEFAULT_FETCH_MODE = getattr(models, "FETCH_ONE", None)


class DocumentState:
    """The `_state` of a document: what Django's `ModelState` has, at half the cost.

    Two of its attributes lie in slots, and it has no `__del__()`, which Django 6.1's has.
    """

    __slots__ = ("__dict__", "db", "loaded", "source")

    adding = True
    fields_cache = ModelState.__dict__["fields_cache"]
    fetch_mode = DEFAULT_FETCH_MODE
    peers: Any = ()
    #: A transaction, and the columns that were written in it; None for the whole document.
    within: tuple[Any, frozenset[str] | None] | None = None
    #: The attributes that have been made of `source`, see `lazy.py`.
    made: frozenset[str] = frozenset()
    #: Whether what can't be read is given as it is stored, see `lazy.show_stored()`.
    lenient = False
    #: Of an embedded document: what it was found in, for messages.
    owner: tuple[Any, ...] | None = None

    db: str | None
    loaded: dict[str, Any] | None
    #: The stored document that attributes are made of when they are first touched.
    source: dict[str, Any] | None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        # Weak references can't be pickled, as Django has it.
        state.pop("peers", None)
        for name in ("db", "loaded", "source"):
            if hasattr(self, name):
                state[name] = getattr(self, name)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class NewState(DocumentState):
    """The `_state` of a document that nobody has saved yet."""

    __slots__ = ()

    def __init__(self) -> None:
        self.db = None


class LoadedState(DocumentState):
    """The `_state` of a loaded document."""

    __slots__ = ()

    adding = False


def recall(state: Any, transaction: Any) -> dict[str, Any] | None:
    """Return what is known of the stored document, None if nothing is.

    `transaction` is the one that is running, if any.
    """
    loaded: dict[str, Any] | None = getattr(state, "loaded", None)
    within = getattr(state, "within", None)
    if within is None or within[0] is transaction:
        return loaded
    earlier, columns = within
    if not earlier.committed and loaded is not None:
        loaded = None if columns is None else {**loaded, **unknown(columns)}
    state.loaded, state.within = loaded, None
    return loaded


def remember(
    state: Any, loaded: dict[str, Any] | None, transaction: Any, columns: Iterable[str] | None
) -> None:
    """Keep what is known from now on; `columns` were read or written just now, None means all.

    Unless they are all, `recall()` has been asked before what else is known.
    """
    state.loaded = loaded
    if transaction is None:
        if getattr(state, "within", None) is not None:
            state.within = None
        return
    chosen = None if columns is None else frozenset(columns)
    within = getattr(state, "within", None)
    if within is not None and within[0] is transaction and chosen is not None:
        chosen = None if within[1] is None else chosen | within[1]
    state.within = (transaction, chosen)


def remember_all(
    instances: Iterable[Any], documents: Iterable[dict[str, Any]], transaction: Any, using: str
) -> None:
    """Keep what is known of instances that were inserted just now, on `using`."""
    within = None if transaction is None else (transaction, None)
    for instance, document in zip(instances, documents, strict=True):
        state = instance._state
        if type(state) is NewState:
            # It has all that the other has.
            state.__class__ = LoadedState  # type: ignore[assignment]
        else:
            state.adding = False
        state.db = using
        state.loaded = document
        if within is not None or getattr(state, "within", None) is not None:
            state.within = within


def unknown(columns: Iterable[str]) -> dict[str, Any]:
    return dict.fromkeys(columns, UNKNOWN)


def was_read(instance: Any, column: str, value: Any) -> bool:
    """Tell whether a value is the very object that was read, of whatever type it is."""
    loaded = getattr(instance._state, "loaded", None)
    return loaded is not None and loaded.get(column) is value


def as_it_was(instance: Any, each: Any, value: Any) -> bool:
    """Tell whether a value that can't be stored was stored all the same: then it may stay."""
    stored = (getattr(instance._state, "loaded", None) or {}).get(each.column)
    if stored is None:
        return False
    if value is stored or each.decode is None:
        return value is stored
    try:
        return same(each.decode(stored), value)
    except NOT_ENCODED:
        return False
