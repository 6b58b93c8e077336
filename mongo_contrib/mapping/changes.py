"""What an update has to send: the difference of two stored forms of one document."""

from __future__ import annotations

import math
from typing import Any

from bson.code import Code
from bson.int64 import Int64

_MISSING = object()


def changes(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the update that turns `before` into `after`: `{"$set": ..., "$unset": ...}`, or {}.

    Embedded documents are compared key by key, so that two people who edit different
    keys of one both survive; arrays are set whole, because positions shift. Keys of
    `before` that `after` lacks are unset.
    """
    to_set: dict[str, Any] = {}
    to_unset: dict[str, Any] = {}
    _compare(before, after, prefix, to_set, to_unset)
    update: dict[str, Any] = {}
    if to_set:
        update["$set"] = to_set
    if to_unset:
        update["$unset"] = to_unset
    return update


def _compare(
    before: dict[str, Any],
    after: dict[str, Any],
    prefix: str,
    to_set: dict[str, Any],
    to_unset: dict[str, Any],
) -> None:
    for key, new in after.items():
        old = before.get(key, _MISSING)
        if same(old, new):
            continue
        path = f"{prefix}{key}"
        if type(old) is dict and type(new) is dict and _addressable(old, new):
            _compare(old, new, f"{path}.", to_set, to_unset)
        else:
            to_set[path] = new
    for key in before:
        if key not in after:
            to_unset[f"{prefix}{key}"] = ""


def same(old: Any, new: Any) -> bool:
    """Tell whether two stored values are one: equal, and of the same types throughout."""
    if old is new:
        return True
    # 1 == 1.0 == True in Python; in BSON they are three different values. An array or a
    # document of equal values may differ so too, deep inside: compare those type by type.
    if type(old) is not type(new):
        # The driver reads a 64-bit integer as its own subclass of int.
        return type(old) is Int64 and type(new) is int and old == new
    if type(old) is dict:
        # Keys stay in the order in which they are stored: another one alone is no change.
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if type(old) is list:
        return len(old) == len(new) and all(map(same, old, new))
    if old != new:
        return bool(old != old and new != new)
    # Zero has two signs, and code a scope, whose values may be equal and of other types.
    if type(old) is float and not old:
        return math.copysign(1, old) == math.copysign(1, new)
    return type(old) is not Code or same(old.scope, new.scope)


def _addressable(*documents: dict[str, Any]) -> bool:
    """Tell whether every key can stand in a dotted path."""
    return all(
        key and "." not in key and key[0] != "$" for document in documents for key in document
    )
