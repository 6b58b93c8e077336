"""Whether a document fulfils a partial index's condition, told without a server."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(condition: dict[str, Any], document: dict[str, Any]) -> bool:
    """Tell whether `document` fulfils `condition`, made of what partial indexes take."""
    for key, asked in condition.items():
        if key == "$and":
            fulfilled = all(matches(each, document) for each in asked)
        elif key == "$or":
            fulfilled = any(matches(each, document) for each in asked)
        else:
            found = _values(document, key.split("."))
            operators = asked if _is_operators(asked) else {"$eq": asked}
            fulfilled = all(_fulfils(found, *each) for each in operators.items())
        if not fulfilled:
            return False
    return True


def columns_of(condition: dict[str, Any]) -> set[str]:
    """Return the keys of a document that the condition asks about."""
    found: set[str] = set()
    for key, asked in condition.items():
        if key in ("$and", "$or"):
            found.update(*map(columns_of, asked))
        else:
            found.add(key.partition(".")[0])
    return found


def _is_operators(asked: Any) -> bool:
    return isinstance(asked, dict) and all(key.startswith("$") for key in asked) and bool(asked)


def _values(value: Any, parts: list[str]) -> list[Any]:
    """Return what a path leads to, several values where it crosses arrays."""
    if not parts:
        return [value, *value] if isinstance(value, list) else [value]
    if isinstance(value, list):
        return [found for item in value for found in _values(item, parts)]
    if isinstance(value, dict) and parts[0] in value:
        return _values(value[parts[0]], parts[1:])
    return []


def _fulfils(found: list[Any], name: str, asked: Any) -> bool:
    if name == "$exists":
        return bool(found) == bool(asked)
    if name == "$eq":
        return asked in found or (asked is None and not found)
    if name == "$in":
        return any(value in asked for value in found) or (None in asked and not found)
    return any(_compares(_ORDER[name], value, asked) for value in found)


def _compares(compare: Callable[[Any, Any], bool], value: Any, asked: Any) -> bool:
    try:
        return compare(value, asked)
    except TypeError:
        # Values of different types don't compare in MongoDB either.
        return False
