"""`Trunc*` and `Extract*` around daylight saving, against plain Python."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import NotSupportedError
from django.db.models import DateField, DateTimeField, F, TimeField
from django.db.models.functions import (
    Extract,
    ExtractDay,
    ExtractHour,
    ExtractIsoWeekDay,
    ExtractIsoYear,
    ExtractMinute,
    ExtractMonth,
    ExtractQuarter,
    ExtractSecond,
    ExtractWeek,
    ExtractWeekDay,
    ExtractYear,
    Trunc,
    TruncDate,
    TruncDay,
    TruncHour,
    TruncMinute,
    TruncMonth,
    TruncQuarter,
    TruncSecond,
    TruncTime,
    TruncWeek,
    TruncYear,
)
from django.test import override_settings

from tests.testapp.models import Every

from .oracle import _PARTS

pytestmark = pytest.mark.django_db

UTC = datetime.UTC
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]

MOMENTS = [
    # Berlin: the hour that is missing, and the one that comes twice.
    *(
        datetime.datetime(2024, 3, 31, hour, minute, 7, 123000, tzinfo=UTC)
        for hour in range(3)
        for minute in (0, 29, 59)
    ),
    *(
        datetime.datetime(2024, 10, 26, 22, tzinfo=UTC) + datetime.timedelta(minutes=20 * n)
        for n in range(12)
    ),
    # New York: the same.
    *(
        datetime.datetime(2024, 3, 10, 6, tzinfo=UTC) + datetime.timedelta(minutes=25 * n)
        for n in range(6)
    ),
    *(
        datetime.datetime(2024, 11, 3, 4, 30, tzinfo=UTC) + datetime.timedelta(minutes=25 * n)
        for n in range(8)
    ),
    # Ends of years, whose weeks are another year's.
    datetime.datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
    datetime.datetime(2024, 12, 30, 4, 59, 59, 999000, tzinfo=UTC),
    datetime.datetime(2021, 1, 1, 0, 0, tzinfo=UTC),
    datetime.datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC),
    datetime.datetime(2024, 2, 29, 12, tzinfo=UTC),
]


@pytest.fixture
def rows():
    Every.objects.bulk_create([*(Every(moment=moment) for moment in MOMENTS), Every()])


def found(expression):
    """Return what is computed of each moment."""
    return dict(Every.objects.annotate(x=expression).values_list("moment", "x"))


EXTRACTS = {
    "year": ExtractYear,
    "iso_year": ExtractIsoYear,
    "quarter": ExtractQuarter,
    "month": ExtractMonth,
    "week": ExtractWeek,
    "day": ExtractDay,
    "week_day": ExtractWeekDay,
    "iso_week_day": ExtractIsoWeekDay,
    "hour": ExtractHour,
    "minute": ExtractMinute,
    "second": ExtractSecond,
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("part", EXTRACTS)
def test_parts_of_moments(rows, part, zone):
    zone = ZoneInfo(zone)
    expected = {moment: _PARTS[part](moment.astimezone(zone)) for moment in MOMENTS}
    values = found(EXTRACTS[part]("moment", tzinfo=zone))
    assert values == {**expected, None: None}
    assert found(Extract("moment", part, tzinfo=zone)) == values
    assert all(type(value) is int for value in values.values() if value is not None)


def start_of(moment, unit, zone):
    """Return the first moment of the period: of the local day or a longer one, or of the hour."""
    local = moment.astimezone(zone)
    if unit in ("hour", "minute", "second"):
        zero = {"microsecond": 0}
        zero |= {"second": 0} if unit != "second" else {}
        zero |= {"minute": 0} if unit == "hour" else {}
        return local.replace(**zero)  # which keeps its fold
    day = local.date()
    if unit == "week":
        day -= datetime.timedelta(days=day.weekday())
    if unit == "month":
        day = day.replace(day=1)
    if unit == "quarter":
        day = day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    if unit == "year":
        day = day.replace(day=1, month=1)
    return datetime.datetime(day.year, day.month, day.day, tzinfo=zone)


TRUNCS = {
    "year": TruncYear,
    "quarter": TruncQuarter,
    "month": TruncMonth,
    "week": TruncWeek,
    "day": TruncDay,
    "hour": TruncHour,
    "minute": TruncMinute,
    "second": TruncSecond,
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", TRUNCS)
def test_starts_of_periods(rows, unit, zone):
    zone = ZoneInfo(zone)
    values = found(TRUNCS[unit]("moment", tzinfo=zone))
    expected = {moment: start_of(moment, unit, zone).astimezone(UTC) for moment in MOMENTS}
    assert {m: v and v.astimezone(UTC) for m, v in values.items()} == {**expected, None: None}
    assert all(value.tzinfo is zone for value in values.values() if value is not None)
    assert found(Trunc("moment", unit, tzinfo=zone)) == values


@pytest.mark.parametrize("zone", ZONES)
def test_days_and_clocks_of_moments(rows, zone):
    zone = ZoneInfo(zone)
    local = {moment: moment.astimezone(zone) for moment in MOMENTS}
    assert found(TruncDate("moment", tzinfo=zone)) == {
        **{moment: each.date() for moment, each in local.items()},
        None: None,
    }
    assert found(TruncTime("moment", tzinfo=zone)) == {
        **{moment: each.time() for moment, each in local.items()},
        None: None,
    }
    months = found(TruncMonth("moment", tzinfo=zone, output_field=DateField()))
    assert months == {
        **{moment: each.date().replace(day=1) for moment, each in local.items()},
        None: None,
    }
    hours = found(TruncHour("moment", tzinfo=zone, output_field=TimeField()))
    assert hours == {
        **{moment: datetime.time(each.hour) for moment, each in local.items()},
        None: None,
    }


def test_the_zone_is_the_current_one_unless_told(rows):
    berlin = ZoneInfo("Europe/Berlin")
    assert found(TruncDay("moment")) == found(TruncDay("moment", tzinfo=berlin))
    assert found(ExtractHour("moment")) == found(ExtractHour("moment", tzinfo=berlin))
    offset = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    assert found(ExtractMinute("moment", tzinfo=offset)) == {
        **{moment: moment.astimezone(offset).minute for moment in MOMENTS},
        None: None,
    }


@override_settings(USE_TZ=False)
def test_without_time_zones():
    moment = datetime.datetime(2024, 10, 27, 2, 30, 5)
    Every.objects.create(moment=moment)
    row = Every.objects.annotate(
        hour=TruncHour("moment"), date=TruncDate("moment"), n=ExtractHour("moment")
    ).get()
    assert (row.hour, row.date, row.n) == (moment.replace(minute=0, second=0), moment.date(), 2)


DAYS = [datetime.date(2024, 2, 29), datetime.date(2020, 12, 31), datetime.date(1, 1, 1), None]


def test_dates_have_no_zone():
    Every.objects.bulk_create(Every(day=day) for day in DAYS)
    rows = Every.objects.annotate(
        month=TruncMonth("day"),
        week=TruncWeek("day"),
        same=TruncDay("day"),
        year=ExtractYear("day"),
        in_year=ExtractWeek("day"),
    )
    for row in rows.exclude(day=datetime.date(1, 1, 1)):
        day = row.day
        assert row.month == (day and day.replace(day=1))
        assert row.week == (day and day - datetime.timedelta(days=day.weekday()))
        assert row.same == day
        assert row.year == (day and day.year)
        assert row.in_year == (day and day.isocalendar().week)


def test_times_of_day():
    times = [datetime.time(8, 30, 59, 123456), datetime.time(0, 0), None]
    Every.objects.bulk_create(Every(time=time) for time in times)
    rows = Every.objects.annotate(
        h=ExtractHour("time"), m=ExtractMinute("time"), s=ExtractSecond("time")
    ).annotate(hour=TruncHour("time"), minute=TruncMinute("time"), second=TruncSecond("time"))
    for row in rows:
        time = row.time
        assert (row.h, row.m, row.s) == (
            (None,) * 3 if time is None else (time.hour, time.minute, time.second)
        )
        assert row.hour == (time and time.replace(minute=0, second=0, microsecond=0))
        assert row.minute == (time and time.replace(second=0, microsecond=0))
        assert row.second == (time and time.replace(microsecond=0))


def test_what_is_truncated_can_be_asked(rows):
    rows = Every.objects.annotate(date=TruncDate("moment"), hour=TruncHour("moment"))
    assert rows.filter(date=datetime.date(2024, 2, 29)).count() == 1
    assert rows.filter(date__year=2024).count() == rows.filter(moment__year=2024).count()
    assert rows.filter(hour__hour=13).count() == rows.filter(moment__hour=13).count()
    assert Every.objects.filter(moment__hour=F("moment__hour")).count() == len(MOMENTS)
    assert Every.objects.annotate(x=F("moment__year")).filter(x=2024).count() == (
        rows.filter(moment__year=2024).count()
    )


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (ExtractHour("duration"), NotSupportedError),
        (ExtractHour("day"), ValueError),
        (ExtractYear("day", tzinfo=UTC), ValueError),
        (ExtractYear("text"), ValueError),
        (TruncMonth("text"), TypeError),
        (TruncHour("day"), ValueError),
        (TruncMonth("time", output_field=DateTimeField()), ValueError),
    ],
    ids=str,
)
def test_what_has_no_such_parts(expression, error):
    with pytest.raises(error):
        Every.objects.annotate(x=expression)
