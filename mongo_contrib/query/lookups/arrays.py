"""Lists: their elements and their length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from ..casting import cast
from ..conditions import NOTHING, Condition, all_of, any_of, none_of
from ..elements import some_element
from ..nodes import Node, group
from ..paths import FREE, Path, kind
from .comparisons import equal_all, is_in, isnull
from .table import Lookup, lookup


def _is_list(path: Path) -> bool:
    return path.is_list


def _may_be_list(path: Path) -> bool:
    return path.is_list or kind(path.field) in FREE


def has_all(path: Path, values: Iterable[Any]) -> Condition:
    """Return the condition that a list holds every one of `values`; all lists hold none."""
    stored = [cast(path, item) for item in values]
    if any(item is NOTHING for item in stored):
        return NOTHING
    return equal_all(path.path, stored) if stored else isnull(path, False)


@lookup("all", of=_may_be_list)
def all_values(path: Path, value: Any) -> Node:
    """Each of the values is an element, or each of the `Q` and dicts is met by an element."""
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise TypeError(f"The 'all' look-up on {path.path!r} needs a list, not {value!r}.")
    values = list(value)
    asked = [item for item in values if isinstance(item, Q)]
    rest = [item for item in values if not isinstance(item, Q)]
    nodes = [some_element(path, item) for item in asked]
    if rest or not asked:
        nodes.append(has_all(path, rest))
    return group(Q.AND, nodes)


@lookup("elem_match", of=_is_list)
def elem_match(path: Path, value: Any) -> Node:
    """One element meets all of a `Q` or of a dict of look-ups."""
    return some_element(path, value)


@lookup("overlap", of=_is_list)
def overlap(path: Path, value: Any) -> Condition:
    return is_in(path, value)


@lookup("contained_by", of=_is_list)
def contained_by(path: Path, value: Any) -> Condition:
    values = [item for each in value if (item := cast(path, each)) is not NOTHING]
    return all_of([_array(path), {path.path: {"$not": {"$elemMatch": {"$nin": values}}}}])


#: An element takes two bytes at least, and a document may have 16 MB.
_LONGEST = 2**23


@lookup("len", "size", of=_may_be_list)
def length(path: Path, value: Any) -> Condition:
    size = _whole(path, value)
    return {path.path: {"$size": size}} if size >= 0 else NOTHING


def _array(path: Path) -> Condition:
    return {path.path: {"$type": "array"}}


def _longer(path: Path, count: int) -> Condition:
    """Lists longer than `count` are those that have an element at that position."""
    if count < 0:
        return _array(path)
    longer: Condition = {f"{path.path}.{count}": {"$exists": True}}
    # A key of a document may be called as a position is.
    return longer if path.is_list else all_of([_array(path), longer])


def _not_longer(path: Path, count: int) -> Condition:
    return all_of([_array(path), none_of(_longer(path, count))])


LENGTHS: dict[str, Lookup] = {
    "exact": length,
    "gt": lambda path, value: _longer(path, _whole(path, value)),
    "gte": lambda path, value: _longer(path, _whole(path, value) - 1),
    "lt": lambda path, value: _not_longer(path, _whole(path, value) - 1),
    "lte": lambda path, value: _not_longer(path, _whole(path, value)),
    "in": lambda path, value: any_of(length(path, item) for item in value),
}


def _whole(path: Path, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(f"The length of {path.path!r} is a number, not {value!r}.") from None
    # No list is longer, as no document is, and none shorter than none.
    return max(-1, min(number, _LONGEST))
