"""`Trunc*`, `Extract*` and `Now`: in the time zone that is asked for, by the server's own clock.

A moment in the hour that comes twice stays in its own: hours, minutes and seconds are cut off
the moment itself, days and longer ones begin with the first moment of the local day.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import DateField, DateTimeField, TimeField, functions
from django.db.utils import NotSupportedError
from django.utils import timezone

from ..dates import part_expression, zone_of
from ..expressions import Scope, expression, output_field, resolved_kind

_EXTRACTS = (
    functions.Extract,
    functions.ExtractDay,
    functions.ExtractHour,
    functions.ExtractIsoWeekDay,
    functions.ExtractIsoYear,
    functions.ExtractMinute,
    functions.ExtractMonth,
    functions.ExtractQuarter,
    functions.ExtractSecond,
    functions.ExtractWeek,
    functions.ExtractWeekDay,
    functions.ExtractYear,
)
_TRUNCS = (
    functions.Trunc,
    functions.TruncDate,
    functions.TruncDay,
    functions.TruncHour,
    functions.TruncMinute,
    functions.TruncMonth,
    functions.TruncQuarter,
    functions.TruncSecond,
    functions.TruncTime,
    functions.TruncWeek,
    functions.TruncYear,
)
_CLOCK = {"hour": 2, "minute": 5, "second": 8}


@expression(functions.Now)
def _now(scope: Scope, value: Any) -> Any:
    return "$$NOW"


@expression(*_EXTRACTS)
def _extract(scope: Scope, value: Any) -> Any:
    source = value.source_expressions[0]
    if resolved_kind(source) == "DurationField":
        raise NotSupportedError(
            "Durations are stored as microseconds: divide them instead of Extract()."
        )
    zone = _zone(value, source)
    return part_expression(
        scope.compile(source), value.lookup_name, zone, resolved_kind(source) == "TimeField"
    )


@expression(*_TRUNCS)
def _trunc(scope: Scope, value: Any) -> Any:
    source = value.source_expressions[0]
    computed, unit = scope.compile(source), value.kind
    if resolved_kind(source) == "TimeField":
        return _trunc_time(computed, unit)
    zone = _zone(value, source)
    result = value.output_field
    moment: dict[str, Any] = {"date": computed}
    if zone:
        moment["timezone"] = zone
    if unit == "time" or isinstance(result, TimeField):
        clock = {"$dateToString": {**moment, "format": "%H:%M:%S.%L000"}}
        return clock if unit == "time" else _trunc_time(clock, unit)
    if isinstance(result, DateTimeField):
        return _start(moment, unit)
    if isinstance(result, DateField):
        day = computed
        if zone or resolved_kind(source) != "DateField":
            # Of the moment only the local day is left, which is stored as midnight UTC.
            text = {"$dateToString": {**moment, "format": "%Y-%m-%d"}}
            day = {"$dateFromString": {"dateString": text, "format": "%Y-%m-%d"}}
        return day if unit in ("date", "day") else _start({"date": day}, unit)
    raise NotSupportedError(f"{value} can't be a {type(result).__name__}.")


def _start(moment: dict[str, Any], unit: str) -> dict[str, Any]:
    week = {"startOfWeek": "monday"} if unit == "week" else {}
    return {"$dateTrunc": {**moment, "unit": unit, **week}}


def _trunc_time(clock: Any, unit: str) -> Any:
    if unit == "time":
        return clock
    length = _CLOCK[unit]
    rest = "00:00:00.000000"[length:]
    kept = {"$substrBytes": [clock, 0, length]}
    return {"$cond": [{"$gt": [clock, None]}, {"$concat": [kept, rest]}, None]}


def _zone(value: Any, source: Any) -> str | None:
    field = output_field(source)
    if value.tzinfo is not None and not isinstance(field, DateTimeField):
        raise ValueError("tzinfo can only be used with DateTimeField.")
    return zone_of(field, value.tzinfo)


def in_zone(value: Any) -> Any:
    """Return what puts the moments that a `Trunc()` yields into its time zone."""
    zone = value.tzinfo or timezone.get_current_timezone()
    return lambda moment: moment.astimezone(zone)


def local_moments(value: Any) -> Any:
    """Return the decoder of what `Trunc()` yields; None if it is like any other's."""
    is_moment = isinstance(value, _TRUNCS) and isinstance(value.output_field, DateTimeField)
    return in_zone(value) if is_moment and settings.USE_TZ else None
