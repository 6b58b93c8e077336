"""Equality, order and null."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bson import DBRef, Regex

from ..casting import all_fulfil, cast, holds_values, required, rounded
from ..conditions import NOTHING, Condition, all_of, any_of
from ..paths import Path, kind
from .table import lookup


def equal(path: str, value: Any) -> Condition:
    """Return the condition that a stored value equals `value`, whatever that is.

    A document is compared whole: bare, its keys would be read as operators. So is a regular
    expression, which would be matched.
    """
    return {path: {"$eq": value} if isinstance(value, _NEVER_BARE) else value}


_NEVER_BARE = (dict, re.Pattern, DBRef, Regex)


def equal_all(path: str, values: list[Any]) -> Condition:
    """Return the condition that a stored array holds every one of `values`."""
    if any(isinstance(value, _NEVER_BARE) for value in values):
        # In $all, a document could be read as $elemMatch, and an expression would be matched.
        return all_of(equal(path, value) for value in values)
    return {path: {"$all": values}}


def _means_more(value: Any) -> bool:
    """Tell whether a value in `$in` is no value: patterns are matched, operators refused."""
    if isinstance(value, dict):
        return any(key.startswith("$") for key in value)
    return isinstance(value, re.Pattern | Regex)


def equal_any(path: str, values: list[Any]) -> Condition:
    """Return the condition that a stored value equals one of `values`."""
    apart = [value for value in values if _means_more(value)]
    if apart:
        rest = [value for value in values if not _means_more(value)]
        alone = [equal(path, value) for value in apart]
        return any_of([*alone, {path: {"$in": rest}}] if rest else alone)
    return {path: {"$in": values}} if values else NOTHING


def _ordered(path: Path, bounds: dict[str, Any]) -> Condition:
    """Ask for values within bounds; in an array, for one element within all of them."""
    operators = {}
    for name, value in bounds.items():
        bound = required(path, rounded(path, name, value))
        if bound is not NOTHING:
            operators[name] = bound
        elif not all_fulfil(path, name, value):
            return NOTHING
    if not operators:
        return isnull(path, False)
    if len(operators) > 1 and holds_values(path.field):
        return {path.path: {"$elemMatch": operators}}
    return {path.path: operators}


@lookup("exact")
def exact(path: Path, value: Any) -> Condition:
    if value is None:
        return _json_null(path) or isnull(path, True)
    value = cast(path, value)
    if value is NOTHING:
        return NOTHING
    return equal(path.path, value)


def _json_null(path: Path) -> Condition:
    """Inside a JSONField null is a value, and no key is another thing: Django's rule."""
    inside = kind(path.field) == "JSONField" and "." in path.path
    return {path.path: {"$type": "null"}} if inside else {}


@lookup("isnull")
def isnull(path: Path, value: Any) -> Condition:
    if not isinstance(value, bool):
        raise ValueError("The QuerySet value for an isnull lookup must be True or False.")
    if kind(path.field) == "JSONField" and "." in path.path:
        return {path.path: {"$exists": not value}}
    if kind(path.field) == "ReferenceListField":
        # An empty list refers to nothing, as none does.
        return {f"{path.path}.0": {"$exists": not value}}
    if path.is_list:
        # Null inside of a list is not the list's.
        is_array = {"$type": "array"}
        return {path.path: {"$not": is_array} if value else is_array}
    return {path.path: None if value else {"$ne": None}}


@lookup("in")
def is_in(path: Path, value: Any) -> Condition:
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise TypeError(f"The 'in' look-up on {path.path!r} needs a list, not {value!r}.")
    values = [cast(path, item) for item in value if item is not None]
    return equal_any(path.path, [item for item in values if item is not NOTHING])


@lookup("gt")
def gt(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$gt": value})


@lookup("gte")
def gte(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$gte": value})


@lookup("lt")
def lt(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$lt": value})


@lookup("lte")
def lte(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$lte": value})


@lookup("range")
def between(path: Path, value: Any) -> Condition:
    try:
        low, high = value
    except (TypeError, ValueError):
        raise ValueError(
            f"The 'range' look-up on {path.path!r} needs two values, not {value!r}."
        ) from None
    return _ordered(path, {"$gte": low, "$lte": high})
