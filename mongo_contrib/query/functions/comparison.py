"""`Coalesce`, `Cast`, `Greatest` and their kin, and `JSONObject`."""

from __future__ import annotations

from typing import Any

from django.db.models import functions
from django.db.utils import NotSupportedError

from ..casting import WHOLE
from ..expressions import Scope, expression, resolved_kind
from ..paths import kind
from .text import sources, unless_null


@expression(functions.Coalesce)
def _coalesce(scope: Scope, value: Any) -> Any:
    return {"$ifNull": sources(scope, value)}


@expression(functions.Greatest)
def _greatest(scope: Scope, value: Any) -> Any:
    return {"$max": sources(scope, value)}


@expression(functions.Least)
def _least(scope: Scope, value: Any) -> Any:
    return {"$min": sources(scope, value)}


@expression(functions.NullIf)
def _null_if(scope: Scope, value: Any) -> Any:
    first, second = sources(scope, value)
    return {"$cond": [{"$eq": [first, second]}, None, first]}


@expression(functions.JSONObject)
def _json_object(scope: Scope, value: Any) -> Any:
    pairs = list(zip(value.source_expressions[::2], value.source_expressions[1::2], strict=True))
    for key, _ in pairs:
        if not key.value or key.value.startswith("$") or "." in key.value:
            raise NotSupportedError(f"{key.value!r} can't be the key of a document.")
    return {key.value: {"$ifNull": [scope.compile(each), None]} for key, each in pairs}


if hasattr(functions, "JSONArray"):  # Django 6.0

    @expression(functions.JSONArray)
    def _json_array(scope: Scope, value: Any) -> Any:
        return sources(scope, value)


_TEXT = frozenset({"CharField", "TextField", "SlugField", "URLField", "EmailField"})
_NUMBERS = WHOLE | {"FloatField", "DecimalField"}
#: Of these it is not known what they hold.
_ANY = frozenset({"JSONField", ""})


@expression(functions.Cast)
def _cast(scope: Scope, value: Any) -> Any:
    (source,) = value.source_expressions
    computed, field = scope.compile(source), value.output_field
    before, after = resolved_kind(source), kind(field)
    if before == after or (before in _TEXT and after in _TEXT):
        return computed
    if after in WHOLE and before in _NUMBERS | _TEXT | {"BooleanField", "DurationField", *_ANY}:
        number = {"$toDouble": computed} if before in _TEXT else computed
        return {"$toLong": number if before == "BooleanField" else {"$trunc": number}}
    if after == "FloatField" and before in _NUMBERS | _TEXT | _ANY:
        return {"$toDouble": computed}
    if after == "DecimalField" and before in _NUMBERS | _TEXT | _ANY:
        number = {"$toDecimal": computed}
        return (
            number if field.decimal_places is None else {"$round": [number, field.decimal_places]}
        )
    if after in _TEXT and before == "DateField":
        return {"$dateToString": {"date": computed, "format": "%Y-%m-%d"}}
    if after in _TEXT and before in _NUMBERS | _ANY | {"BooleanField", "ObjectIdField"}:
        return {"$toString": computed}
    if after == "BooleanField" and before in _NUMBERS:
        return {"$toBool": computed}
    if after == "DateTimeField" and before == "DateField":
        return computed
    if after == "ObjectIdField" and before in _TEXT:
        return unless_null(computed, {"$toObjectId": computed})
    if after == "JSONField":
        return computed
    raise NotSupportedError(
        f"Cast() from {before or 'an unknown type'} to {after} has no plain counterpart; use "
        "TruncDate() or TruncTime() of dates, or .pipeline([...]) with $set and $convert."
    )
