"""Look-ups on parts of dates: `born__year=1980`, `added__date__gte=...`, `added__hour__in=[8, 9]`.

Years and days are ranges, so that an index serves them; the other parts are computed by the
server. Datetimes are taken apart in the current time zone, as Django does; dates have none.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldError
from django.db.utils import NotSupportedError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time

from ..mapping.encoding import encode_value
from .conditions import NOTHING, Condition, all_of, any_of
from .paths import DATE_TRANSFORMS, Path, kind

#: A comparison by its look-up's name, as aggregation operators.
COMPARISONS = {"exact": "$eq", "gt": "$gt", "gte": "$gte", "lt": "$lt", "lte": "$lte"}

_EXTRACT = {
    "month": "$month",
    "day": "$dayOfMonth",
    "week": "$isoWeek",
    "week_day": "$dayOfWeek",
    "iso_week_day": "$isoDayOfWeek",
    "hour": "$hour",
    "minute": "$minute",
    "second": "$second",
}
_YEARS = range(datetime.MINYEAR, datetime.MAXYEAR + 1)
_OF_TIME = {"hour": 0, "minute": 3, "second": 6}
_PARTS_OF = {
    "DateTimeField": DATE_TRANSFORMS,
    "DateField": DATE_TRANSFORMS - {"date", "time", *_OF_TIME},
    "TimeField": frozenset(_OF_TIME),
}


def date_condition(path: Path, part: str, comparison: str, value: Any) -> Condition:
    """Return the condition that `part` of the date at `path` compares so with `value`."""
    if part not in _PARTS_OF.get(kind(path.field), ()):
        raise FieldError(f"Unsupported lookup {part!r} for {type(path.field).__name__}.")
    if comparison == "isnull":
        return {path.path: None if value else {"$ne": None}}
    if comparison == "in":
        return any_of(date_condition(path, part, "exact", item) for item in value)
    if comparison == "range":
        low, high = value
        return all_of(
            [
                date_condition(path, part, "gte", low),
                date_condition(path, part, "lte", high),
            ]
        )
    if comparison not in COMPARISONS:
        raise FieldError(f"Unsupported lookup {comparison!r} for {part!r} of {path.path!r}.")
    if part in _PERIODS:
        if path.list_path or path.is_list:
            raise NotSupportedError(
                f"Parts of dates inside lists ({path.path}) are not supported; use .match() with "
                "$elemMatch."
            )
        if part != "date" and (year := _number(part, value)) not in _YEARS:
            return _beyond_all(path, year, comparison)
        return _in_period(path, *_PERIODS[part](value), comparison)
    return _computed(path, part, comparison, value)


# Ranges


def _beyond_all(path: Path, year: int, comparison: str) -> Condition:
    """Compare with a year that no date lies in."""
    fulfilled = ("lt", "lte") if year > datetime.MAXYEAR else ("gt", "gte")
    return {path.path: {"$ne": None}} if comparison in fulfilled else NOTHING


def _in_period(
    path: Path, start: datetime.date, end: datetime.date | None, comparison: str
) -> Condition:
    """Compare with the period from `start` up to but without `end` (None: the end of time)."""
    first = None if start == datetime.date.min else _bound(path.field, start)
    after = None if end is None else _bound(path.field, end)
    # Before the first day there is nothing, and after the last.
    if (comparison == "lt" and first is None) or (comparison == "gt" and after is None):
        return NOTHING
    operators: dict[str, Any] = {}
    if comparison in ("exact", "gte") and first is not None:
        operators["$gte"] = first
    if comparison in ("exact", "lte") and after is not None:
        operators["$lt"] = after
    if comparison == "lt":
        operators["$lt"] = first
    if comparison == "gt":
        operators["$gte"] = after
    return {path.path: operators or {"$ne": None}}


def _bound(field: Any, day: datetime.date) -> Any:
    if kind(field) == "DateField":
        return encode_value(field, day)
    moment = datetime.datetime(day.year, day.month, day.day)
    if settings.USE_TZ:
        moment = timezone.make_aware(moment, timezone.get_current_timezone())
    return moment


def _year(value: Any) -> tuple[datetime.date, datetime.date | None]:
    year = int(value)
    end = None if year == datetime.MAXYEAR else datetime.date(year + 1, 1, 1)
    return datetime.date(year, 1, 1), end


def _iso_year(value: Any) -> tuple[datetime.date, datetime.date | None]:
    year = int(value)
    end = None if year == datetime.MAXYEAR else datetime.date.fromisocalendar(year + 1, 1, 1)
    return datetime.date.fromisocalendar(year, 1, 1), end


def _day(value: Any) -> tuple[datetime.date, datetime.date | None]:
    if isinstance(value, str):
        parsed = parse_date(value)
        if parsed is None:
            raise ValueError(f"{value!r} is not a date as YYYY-MM-DD.")
        value = parsed
    if isinstance(value, datetime.datetime):
        value = (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    if not isinstance(value, datetime.date):
        raise TypeError(f"{value!r} is not a date.")
    end = None if value == datetime.date.max else value + datetime.timedelta(days=1)
    return value, end


_PERIODS: dict[str, Callable[[Any], tuple[datetime.date, datetime.date | None]]] = {
    "year": _year,
    "iso_year": _iso_year,
    "date": _day,
}


def _number(part: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{part!r} is compared with a number, not with {value!r}.") from None
    # Beyond every part of a date, and still a number that can be sent.
    return max(-(2**31), min(number, 2**31))


# Computed by the server


def _computed(path: Path, part: str, comparison: str, value: Any) -> Condition:
    operand: Any
    if part == "time":
        operand = _clock(value)
    else:
        operand = _number(part, value)
    stored = "string" if kind(path.field) == "TimeField" else "date"
    return {
        # Null sorts below every number, and would be less than any.
        path.path: {"$type": stored},
        "$expr": {COMPARISONS[comparison]: [date_part(path, part), operand]},
    }


def date_part(path: Path, part: str) -> dict[str, Any]:
    """Return the aggregation expression of `part` of the date at `path`."""
    is_time = kind(path.field) == "TimeField"
    return part_expression(f"${path.path}", part, zone_of(path.field), is_time)


def part_expression(source: Any, part: str, zone: str | None, is_time: bool) -> dict[str, Any]:
    """Return the aggregation expression of `part` of a date, or of a time of day."""
    if is_time:
        number = {"$toInt": {"$substrBytes": [source, _OF_TIME[part], 2]}}
        return {"$cond": [{"$gt": [source, None]}, number, None]}
    moment: dict[str, Any] = {"date": source}
    if zone:
        moment["timezone"] = zone
    if part == "time":
        return {"$dateToString": {**moment, "format": "%H:%M:%S.%L"}}
    if part == "quarter":
        return {"$ceil": {"$divide": [{"$month": moment}, 3]}}
    if part == "year":
        return {"$year": moment}
    if part == "iso_year":
        return {"$isoWeekYear": moment}
    return {_EXTRACT[part]: moment}


def zone_of(field: Any, tzinfo: datetime.tzinfo | None = None) -> str | None:
    """Return the time zone in which datetimes of `field` are taken apart, by the server's name."""
    if kind(field) != "DateTimeField" or not settings.USE_TZ:
        return None
    zone = tzinfo or timezone.get_current_timezone()
    name = getattr(zone, "key", None)
    if name:
        return name
    offset = zone.utcoffset(None)
    if offset is None:
        raise NotSupportedError(f"The time zone {zone!r} has neither a name nor a fixed offset.")
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _clock(value: Any) -> str:
    if isinstance(value, str):
        parsed = parse_time(value)
        if parsed is None:
            raise ValueError(f"{value!r} is not a time as HH:MM:SS.")
        value = parsed
    if not isinstance(value, datetime.time):
        raise TypeError(f"{value!r} is not a time.")
    return value.isoformat(timespec="milliseconds")
