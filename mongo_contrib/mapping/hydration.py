"""From stored documents to instances: a function for each class, closed over its shape.

The decoded document is copied once, keys are renamed where stored names differ, and the copy
becomes the instance's `__dict__`. What is left to do depends on the class alone, and is decided
when the function is made, not for each document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .loaded import DEFAULT_FETCH_MODE, LoadedState

if TYPE_CHECKING:
    from .plan import Plan

Hydrator = Callable[[dict[str, Any]], Any]


def hydrator(plan: Plan, db: str | None, fetch_mode: Any) -> Hydrator:
    """Return the function that makes an instance of a document that was read from `db`.

    The instance keeps the document, to compare with on saving: nobody may change it.
    """
    general = _general(plan, db, fetch_mode)
    plain = not (plan.lazy or plan.decoded or plan.deferred or plan.unstored)
    default_mode = fetch_mode is None or fetch_mode is DEFAULT_FETCH_MODE
    if plan.adoptable and plain and default_mode and len(plan.renamed) == 1:
        return _flat(plan, db, general)
    return general


def _flat(plan: Plan, db: str | None, general: Hydrator) -> Hydrator:
    """Return the function of a class that stores values as they are: only the key is renamed."""
    model, new, state_class = plan.model, plan.model.__new__, LoadedState
    columns, kept = plan.columns, plan.kept
    ((column, attname),) = plan.renamed
    good: set[Any] = set()
    last: tuple[list[str], list[type]] = ([], [])

    def make(document: dict[str, Any]) -> Any:
        nonlocal last
        keys, types = [*document], [*map(type, document.values())]
        # Mostly a document looks like the one before; as one value, because threads share it.
        last_keys, last_types = last
        if types != last_types or keys != last_keys:
            shape = (*keys, *types)
            if shape not in good:
                if document.keys() != columns or unexpected(document, kept):
                    return general(document)
                remember_shape(good, shape)
            last = (keys, types)
        state = state_class()
        state.db = db
        state.loaded = document
        values = document.copy()
        values[attname] = values.pop(column)
        values["_state"] = state
        instance = new(model)
        instance.__dict__ = values
        return instance

    return make


#: So many shapes of a class's documents are known to be sound: which keys, with which types.
_MAX_SHAPES = 200


def remember_shape(good: set[Any], shape: Any) -> None:
    if len(good) >= _MAX_SHAPES:
        good.clear()
    good.add(shape)


def unexpected(document: dict[str, Any], kept: list[tuple[str, frozenset[type]]]) -> bool:
    """Tell whether a value is of a type that its field does not take as it is."""
    get = document.get
    return any(type(get(column)) not in types for column, types in kept)


def _general(plan: Plan, db: str | None, fetch_mode: Any) -> Hydrator:
    model, new, state_class = plan.model, plan.model.__new__, LoadedState
    columns, count = plan.columns, len(plan.columns)
    known, lacking = columns.issuperset, columns.difference
    renamed, lazy, absent = plan.renamed, plan.lazy, plan.absent
    kept, decoded, read = plan.kept, plan.decoded, plan.read
    deferred, unstored = plan.deferred, plan.unstored
    if fetch_mode is DEFAULT_FETCH_MODE:
        fetch_mode = None
    adoptable, collected = plan.adoptable, plan.collected
    good: set[Any] = set()

    def make(document: dict[str, Any]) -> Any:
        state = state_class()
        state.db = db
        state.loaded = {**deferred, **document} if deferred else document
        state.source = document
        if fetch_mode is not None:
            state.fetch_mode = fetch_mode
        values = adopted(document) if adoptable else collected(document)
        values["_state"] = state
        instance = new(model)
        instance.__dict__ = values
        return instance

    def adopted(document: dict[str, Any]) -> dict[str, Any]:
        values = document.copy()
        missing: Any = ()
        if len(document) != count or not known(document):
            missing = lacking(document)
            if len(document) + len(missing) != count:
                for column in document.keys() - columns:
                    del values[column]
        for column in lazy:
            values.pop(column, None)
        shape = (*values, *map(type, values.values()))
        to_read = decoded
        if shape not in good:
            if unexpected(document, kept):
                to_read = read
            else:
                remember_shape(good, shape)
        try:
            for column, value_of in to_read:
                value = values.get(column)
                if value is not None:
                    values[column] = value_of(value)
        except Exception:
            # One of them is broken: look which.
            return collected(document)
        for column, attname in renamed:
            if column in values:
                values[attname] = values.pop(column)
        for column in missing:
            attname, default = absent[column]
            values[attname] = None if default is None else default()
        if unstored:
            values.update(unstored)
        return values

    return make
