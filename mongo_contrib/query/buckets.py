"""`dates()` and `datetimes()`: the periods in which there are documents."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldError
from django.db.models.query import BaseIterable
from django.utils import timezone

from .dates import zone_of
from .expressions import reference
from .paths import kind as kind_of


class DateIterable(BaseIterable):
    """Yield the first day of each period."""

    def __iter__(self) -> Iterator[datetime.date]:
        for moment in _starts(self.queryset):
            yield moment.date()


class DatetimeIterable(BaseIterable):
    """Yield the first moment of each period, aware if `USE_TZ`."""

    def __iter__(self) -> Iterator[datetime.datetime]:
        return _starts(self.queryset)


def buckets(
    queryset: Any, name: str, unit: str, order: str, tzinfo: Any, iterable: type[BaseIterable]
) -> Any:
    """Return the query set of the periods of `unit` that the dates at `name` fall into."""
    path = reference(queryset.model, name)
    expected = ("DateTimeField",) if iterable is DatetimeIterable else _DATES
    if kind_of(path.field) not in expected:
        raise FieldError(f"{name!r} is a {kind_of(path.field)}, which has no such periods.")
    if order not in ("ASC", "DESC"):
        raise ValueError("'order' must be either 'ASC' or 'DESC'.")
    trunc: dict[str, Any] = {"date": f"${path.path}", "unit": unit}
    if unit == "week":
        trunc["startOfWeek"] = "monday"
    clone = queryset.order_by()
    if zone := zone_of(path.field, tzinfo):
        trunc["timezone"] = zone
        clone.query.zone = tzinfo or timezone.get_current_timezone()
    clone.query.stages = (
        *clone.query.stages,
        {"$match": {path.path: {"$type": "date"}}},
        {"$group": {"_id": {"$dateTrunc": trunc}}},
        {"$sort": {"_id": 1 if order == "ASC" else -1}},
    )
    clone._iterable_class = iterable
    return clone


_DATES = ("DateField", "DateTimeField")


def _starts(queryset: Any) -> Iterator[datetime.datetime]:
    zone = queryset.query.zone
    for row in queryset.query.get_compiler(using=queryset.db).documents():
        moment = row["_id"]
        yield moment.astimezone(zone) if zone is not None and settings.USE_TZ else moment
