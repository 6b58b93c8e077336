"""The commonest conditions, made without a detour: a field, or a path, equals a value.

What a name leads to is looked up once for each class. Everything else, and every value that its
field would have to convert, is left to `filters.build()`, which comes to the same for these.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import FieldError

from ..mapping.encoding import passing
from .conditions import Condition
from .lookups import LOOKUPS, comparisons
from .paths import resolve

#: Names come with requests, too: as many as this are kept for a class.
_MAX_NAMES = 500

_LOOKUPS: dict[str, Any] = {"exact": comparisons.exact, "in": comparisons.is_in}
_MANY = (list, tuple, set, frozenset)
_INT64 = range(-(2**63), 2**63)


def plain_condition(model: Any, asked: Collection[Any]) -> Condition | None:
    """Return the condition that all of `asked` holds, if they are plain: name and value of each.

    None if any is not. They are what lies in a `Q`, or the keywords of `get()`.
    """
    condition: dict[str, Any] = {}
    for child in asked:
        if type(child) is not tuple:
            return None
        name, value = child
        known = _known(model, name)
        if known is None:
            return None
        path, kind, many, in_list = known
        if many:
            if type(value) not in _MANY or set(map(type, value)) != {kind}:
                return None
            values = list(value)
            if kind is int and not all(item in _INT64 for item in values):
                return None
            value = {"$in": values}
        elif type(value) is not kind or (kind is int and value not in _INT64):
            return None
        if path in condition or (in_list and len(asked) > 1):
            return None
        condition[path] = value
    return condition or None


_Known = tuple[str, type, bool, bool]


def _known(model: Any, name: str) -> _Known | None:
    """Return the stored path, the type of values, whether many are asked for and in a list."""
    try:
        return model.__dict__["_plain_names"][name]
    except KeyError:
        pass
    names = model.__dict__.get("_plain_names")
    if names is None or len(names) >= _MAX_NAMES:
        names = model._plain_names = {}
    names[name] = found = _find(model, name)
    return found


def _find(model: Any, name: str) -> _Known | None:
    if type(name) is not str:
        return None
    try:
        path = resolve(model, name)
    except FieldError:
        return None
    lookup = path.rest[0] if path.rest else "exact"
    if len(path.rest) > 1 or path.relation is not None or lookup not in _LOOKUPS:
        return None
    if LOOKUPS.get(lookup) is not _LOOKUPS[lookup]:
        # Somebody has put one of their own in its place.
        return None
    field = path.field
    if hasattr(field, "base_field") or hasattr(field, "document"):
        return None
    kind = passing(field)
    if kind is None:
        return None
    return path.path, kind, lookup == "in", path.list_path is not None
