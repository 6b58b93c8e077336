"""Django's look-ups in plain Python: what a filter must find."""

from __future__ import annotations

import datetime
import operator
import re
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")

_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def fulfils(value: Any, lookup: str, operand: Any) -> bool:
    """Tell whether a single value fulfils a look-up; null fulfils none but those that ask it."""
    if lookup == "isnull":
        return (value is None) == operand
    if value is None or operand is None:
        return lookup in ("exact", "iexact") and value is operand
    if lookup in _ORDER:
        return _ORDER[lookup](value, operand)
    return _LOOKUPS[lookup](value, operand)


def _folds(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is not None


_LOOKUPS = {
    "exact": operator.eq,
    "in": lambda value, operand: value in [item for item in operand if item is not None],
    "range": lambda value, operand: operand[0] <= value <= operand[1],
    "iexact": lambda value, operand: _folds(re.escape(operand), value),
    "contains": lambda value, operand: operand in value,
    "icontains": lambda value, operand: _folds(f".*{re.escape(operand)}.*", value),
    "startswith": lambda value, operand: value.startswith(operand),
    "istartswith": lambda value, operand: _folds(f"{re.escape(operand)}.*", value),
    "endswith": lambda value, operand: value.endswith(operand),
    "iendswith": lambda value, operand: _folds(f".*{re.escape(operand)}", value),
    "regex": lambda value, operand: re.search(operand, value) is not None,
    "iregex": lambda value, operand: re.search(operand, value, re.IGNORECASE) is not None,
}


def list_fulfils(value: Any, lookup: str, operand: Any) -> bool:
    """The same for a list: one element that fulfils it is enough."""
    if lookup == "isnull":
        return (value is None) == operand
    if value is None:
        return lookup == "exact" and operand is None
    if lookup in _OF_LISTS:
        return _OF_LISTS[lookup](value, operand)
    if lookup.startswith("len"):
        return fulfils(len(value), lookup.removeprefix("len__").replace("len", "exact"), operand)
    if lookup == "exact" and isinstance(operand, list):
        return value == operand
    return any(item is not None and fulfils(item, lookup, operand) for item in value)


_OF_LISTS = {
    "contains": lambda value, operand: all(
        item in value for item in (operand if isinstance(operand, list) else [operand])
    ),
    "overlap": lambda value, operand: any(item in value for item in operand),
    "contained_by": lambda value, operand: all(item in operand for item in value),
}


def part_of(moment: Any, part: str) -> Any:
    """Return what a transform takes of a date, or of a datetime in the current time zone."""
    if isinstance(moment, datetime.datetime):
        moment = moment.astimezone(BERLIN)
    return _PARTS[part](moment)


_PARTS = {
    "year": lambda d: d.year,
    "iso_year": lambda d: d.isocalendar().year,
    "quarter": lambda d: (d.month + 2) // 3,
    "month": lambda d: d.month,
    "week": lambda d: d.isocalendar().week,
    "day": lambda d: d.day,
    "week_day": lambda d: d.isoweekday() % 7 + 1,
    "iso_week_day": lambda d: d.isoweekday(),
    "hour": lambda d: d.hour,
    "minute": lambda d: d.minute,
    "second": lambda d: d.second,
    "date": lambda d: d.date(),
    "time": lambda d: d.time(),
}
