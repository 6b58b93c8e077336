"""The table of expressions: Django's `F`, `Value` and arithmetic as aggregation expressions.

Adding one is a function with the decorator `@expression(Class)`, which gets the model and
the expression and returns MQL.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from bson import Decimal128
from django.conf import settings
from django.db import models
from django.db.models.expressions import Combinable, CombinedExpression, ExpressionWrapper
from django.db.utils import NotSupportedError

from .paths import Path, kind, resolve

Compiler = Callable[[Any, Any], Any]

EXPRESSIONS: dict[type, Compiler] = {}


def expression(*classes: type) -> Callable[[Compiler], Compiler]:
    """Register the compiler of expressions of these classes."""

    def register(function: Compiler) -> Compiler:
        EXPRESSIONS.update(dict.fromkeys(classes, function))
        return function

    return register


def compile_expression(model: Any, value: Any) -> Any:
    """Return the aggregation expression of `value`, an expression or a plain value."""
    if not hasattr(value, "resolve_expression"):
        return literal(value)
    try:
        function = EXPRESSIONS[type(value)]
    except KeyError:
        raise NotSupportedError(
            f"{type(value).__name__} has no counterpart here; use .pipeline([...]) with the "
            "stage that does it, or .collection."
        ) from None
    return function(model, value)


def reference(model: Any, name: str) -> Path:
    """Return the path that `F(name)` names; NotSupportedError if it leads to no single value."""
    path = resolve(model, name)
    if path.relation is not None or path.rest:
        raise NotSupportedError(
            f"F({name!r}) reaches beyond the document of {model._meta.label}; use "
            ".pipeline([...]) with $lookup."
        )
    # Aggregation expressions make arrays of paths through arrays, and know no positions.
    position = any(part.isdecimal() for part in path.path.split("."))
    if path.list_path is not None or (position and kind(path.field) != "JSONField"):
        raise NotSupportedError(
            f"F({name!r}) reaches into a list of {model._meta.label}; use .pipeline([...]) with "
            "$unwind."
        )
    return path


def literal(value: Any) -> Any:
    """Return a plain value as aggregation expression, in which no text is a path."""
    if isinstance(value, decimal.Decimal):
        value = Decimal128(value)
    elif isinstance(value, datetime.timedelta):
        value = value // datetime.timedelta(microseconds=1)
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        utc = datetime.UTC if settings.USE_TZ else None
        value = datetime.datetime(value.year, value.month, value.day, tzinfo=utc)
    elif isinstance(value, models.Model):
        value = value.pk
    elif isinstance(value, int | float | datetime.datetime | None):
        return value
    return {"$literal": value}


@expression(models.F)
def _f(model: Any, value: Any) -> str:
    return f"${reference(model, value.name).path}"


@expression(models.Value)
def _value(model: Any, value: Any) -> Any:
    return literal(value.value)


@expression(ExpressionWrapper)
def _wrapper(model: Any, value: Any) -> Any:
    return compile_expression(model, value.expression)


_ARITHMETIC = {
    Combinable.ADD: "$add",
    Combinable.SUB: "$subtract",
    Combinable.MUL: "$multiply",
    Combinable.DIV: "$divide",
    Combinable.MOD: "$mod",
    Combinable.POW: "$pow",
}


@expression(CombinedExpression)
def _combined(model: Any, value: Any) -> Any:
    sides = [compile_expression(model, side) for side in (value.lhs, value.rhs)]
    kinds = [kind_of(model, side) for side in (value.lhs, value.rhs)]
    if any(each in DATES for each in kinds):
        return _with_dates(value, kinds, sides)
    operator = _ARITHMETIC.get(value.connector)
    if operator is None:
        raise NotSupportedError(
            f"The operator {value.connector!r} has no counterpart here; use .pipeline([...])."
        )
    return {operator: sides}


# Dates: MongoDB counts their distances in milliseconds, and stored durations are microseconds

DATES = frozenset({"DateField", "DateTimeField"})


def kind_of(model: Any, value: Any) -> str:
    """Return the internal type of the field that holds values such as `value` yields, or ""."""
    if isinstance(value, models.F):
        return kind(reference(model, value.name).field)
    if isinstance(value, ExpressionWrapper):
        return kind(value.output_field)
    if isinstance(value, CombinedExpression):
        kinds = [kind_of(model, side) for side in (value.lhs, value.rhs)]
        dates = [each for each in kinds if each in DATES]
        if len(dates) == 1:
            return dates[0]
        return "DurationField" if dates or "DurationField" in kinds else ""
    plain = value.value if isinstance(value, models.Value) else value
    if isinstance(plain, datetime.timedelta):
        return "DurationField"
    if isinstance(plain, datetime.datetime):
        return "DateTimeField"
    return "DateField" if isinstance(plain, datetime.date) else ""


def _with_dates(value: Any, kinds: list[str], sides: list[Any]) -> dict[str, Any]:
    lhs, rhs = sides
    if value.connector == Combinable.SUB and set(kinds) <= DATES:
        distance = {"startDate": rhs, "endDate": lhs, "unit": "millisecond"}
        return {"$multiply": [{"$dateDiff": distance}, 1000]}
    if value.connector == Combinable.ADD and kinds[0] == "DurationField":
        lhs, rhs = rhs, lhs
        kinds = kinds[::-1]
    operator = {Combinable.ADD: "$dateAdd", Combinable.SUB: "$dateSubtract"}.get(value.connector)
    if operator is None or kinds[0] not in DATES or kinds[1] != "DurationField":
        raise NotSupportedError(
            f"{value} has no counterpart here: of dates there are only date + duration, "
            "date - duration and date - date; use .pipeline([...])."
        )
    amount = {"$toLong": {"$trunc": {"$divide": [rhs, 1000]}}}
    return {operator: {"startDate": lhs, "unit": "millisecond", "amount": amount}}
