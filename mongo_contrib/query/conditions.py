"""Combining MQL conditions so that none can widen another.

A condition is an MQL filter document, or `NOTHING`, which no document fulfils and which
therefore needs no command; the empty document is fulfilled by all.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, Literal


class Nothing(Enum):
    NOTHING = "nothing"

    def __repr__(self) -> str:
        return self.name


NOTHING: Final = Nothing.NOTHING

Condition = dict[str, Any] | Literal[Nothing.NOTHING]


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Return what fulfils every one of `conditions`."""
    kept = []
    for condition in conditions:
        if condition is NOTHING:
            return NOTHING
        if condition:
            kept.append(condition)
    if len(kept) < 2:
        return kept[0] if kept else {}
    merged: dict[str, Any] = {}
    for condition in kept:
        # One document reads better and plans the same, as long as no key is said twice.
        if merged.keys() & condition.keys():
            return {"$and": kept}
        merged.update(condition)
    return merged


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return what fulfils at least one of `conditions`."""
    kept = []
    for condition in conditions:
        if condition is NOTHING:
            continue
        if not condition:
            return {}
        kept.append(condition)
    if not kept:
        return NOTHING
    return kept[0] if len(kept) == 1 else {"$or": kept}


def one_of(conditions: Iterable[Condition]) -> Condition:
    """Return what fulfils an odd number of `conditions`, as Q's `^` does."""
    conditions = list(conditions)
    result = conditions[0]
    for condition in conditions[1:]:
        result = any_of(
            [all_of([result, none_of(condition)]), all_of([none_of(result), condition])]
        )
    return result


def none_of(condition: Condition) -> Condition:
    """Return what does not fulfil `condition`; as in Django, that includes null and missing."""
    if condition is NOTHING:
        return {}
    if not condition:
        return NOTHING
    return {"$nor": [condition]}
