"""Arithmetic with F(): on numbers, and on dates and durations.

Of two whole numbers a quotient is whole, cut towards zero, and a division by zero is null: as
SQLite has both, and PostgreSQL the first.
"""

from __future__ import annotations

from typing import Any

from django.db.models.expressions import (
    Combinable,
    CombinedExpression,
    DurationExpression,
    NegatedExpression,
    TemporalSubtraction,
)
from django.db.utils import NotSupportedError

from .casting import WHOLE
from .expressions import Scope, expression, resolved_kind

_OPERATORS = {
    Combinable.ADD: "$add",
    Combinable.SUB: "$subtract",
    Combinable.MUL: "$multiply",
    Combinable.DIV: "$divide",
    Combinable.MOD: "$mod",
    Combinable.POW: "$pow",
}

_DATES = frozenset({"DateField", "DateTimeField"})


@expression(CombinedExpression, DurationExpression)
def _combined(scope: Scope, value: Any) -> Any:
    sides = scope.all_of((value.lhs, value.rhs))
    kinds = [resolved_kind(side) for side in (value.lhs, value.rhs)]
    if any(each in _DATES for each in kinds):
        return _moved(value, kinds, sides)
    operator = _OPERATORS.get(value.connector)
    if operator is None:
        raise NotSupportedError(
            f"The operator {value.connector!r} has no counterpart here; use .pipeline([...])."
        )
    computed: Any = {operator: sides}
    if operator not in ("$divide", "$mod"):
        return computed
    if operator == "$divide" and WHOLE.issuperset(kinds):
        computed = {"$toLong": {"$trunc": computed}}
    return unless(sides[1], 0, computed)


def unless(value: Any, bad: Any, computed: Any) -> Any:
    """Return `computed`, or null where `value` is the one that the server refuses."""
    if isinstance(value, int | float) and value != bad:
        return computed
    return {"$cond": [{"$eq": [value, bad]}, None, computed]}


# Dates: MongoDB counts their distances in milliseconds, and stored durations are microseconds


@expression(TemporalSubtraction)
def _distance(scope: Scope, value: Any) -> Any:
    end, start = scope.all_of((value.lhs, value.rhs))
    if resolved_kind(value.lhs) not in _DATES:
        raise NotSupportedError(
            f"{value} has no counterpart here: times of day are stored as text."
        )
    distance = {"startDate": start, "endDate": end, "unit": "millisecond"}
    return {"$multiply": [{"$dateDiff": distance}, 1000]}


def _moved(value: Any, kinds: list[str], sides: list[Any]) -> Any:
    moment, duration = sides
    if value.connector == Combinable.ADD and kinds[0] == "DurationField":
        moment, duration = duration, moment
        kinds = kinds[::-1]
    operator = {Combinable.ADD: "$dateAdd", Combinable.SUB: "$dateSubtract"}.get(value.connector)
    if operator is None or kinds[0] not in _DATES or kinds[1] != "DurationField":
        raise NotSupportedError(
            f"{value} has no counterpart here: of dates there are only date + duration, "
            "date - duration and date - date; use .pipeline([...])."
        )
    amount = {"$toLong": {"$trunc": {"$divide": [duration, 1000]}}}
    return {operator: {"startDate": moment, "unit": "millisecond", "amount": amount}}


@expression(NegatedExpression)
def _negated(scope: Scope, value: Any) -> Any:
    return {"$not": [scope.compile(value.expression)]}
