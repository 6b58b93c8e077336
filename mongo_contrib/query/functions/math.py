"""Functions on numbers. Where one has no value (`Sqrt(-1)`, `Ln(0)`) it is null, as in SQLite."""

from __future__ import annotations

import math
from typing import Any

from django.db.models import functions

from ..arithmetic import unless
from ..expressions import Scope, expression
from .text import sources, unless_null


def _plain(operator: str, *classes: type) -> None:
    """Register functions that the server has by another name, null for null."""

    @expression(*classes)
    def compiler(scope: Scope, value: Any) -> Any:
        found = sources(scope, value)
        return {operator: found[0] if len(found) == 1 else found}


_plain("$abs", functions.Abs)
_plain("$ceil", functions.Ceil)
_plain("$floor", functions.Floor)
_plain("$exp", functions.Exp)
_plain("$pow", functions.Power)
_plain("$sin", functions.Sin)
_plain("$cos", functions.Cos)
_plain("$tan", functions.Tan)
_plain("$atan", functions.ATan)
_plain("$atan2", functions.ATan2)
_plain("$degreesToRadians", functions.Radians)
_plain("$radiansToDegrees", functions.Degrees)


@expression(functions.Round)
def _round(scope: Scope, value: Any) -> Any:
    return {"$round": sources(scope, value)}


@expression(functions.Sqrt)
def _sqrt(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return _where({"$gte": [number, 0]}, {"$sqrt": number})


@expression(functions.Ln)
def _ln(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return _where({"$gt": [number, 0]}, {"$ln": number})


@expression(functions.Log)
def _log(scope: Scope, value: Any) -> Any:
    base, number = sources(scope, value)
    possible = [{"$gt": [base, 0]}, {"$ne": [base, 1]}, {"$gt": [number, 0]}]
    return _where({"$and": possible}, {"$log": [number, base]})


@expression(functions.ASin)
def _asin(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return _where({"$and": [{"$gte": [number, -1]}, {"$lte": [number, 1]}]}, {"$asin": number})


@expression(functions.ACos)
def _acos(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return _where({"$and": [{"$gte": [number, -1]}, {"$lte": [number, 1]}]}, {"$acos": number})


@expression(functions.Cot)
def _cot(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return unless(number, 0, {"$divide": [1, {"$tan": number}]})


@expression(functions.Mod)
def _mod(scope: Scope, value: Any) -> Any:
    number, divisor = sources(scope, value)
    return unless(divisor, 0, {"$mod": [number, divisor]})


@expression(functions.Sign)
def _sign(scope: Scope, value: Any) -> Any:
    (number,) = sources(scope, value)
    return unless_null(number, {"$cmp": [number, 0]})


@expression(functions.Pi)
def _pi(scope: Scope, value: Any) -> Any:
    return math.pi


@expression(functions.Random)
def _random(scope: Scope, value: Any) -> Any:
    return {"$rand": {}}


def _where(possible: Any, computed: Any) -> dict[str, Any]:
    return {"$cond": [possible, computed, None]}
