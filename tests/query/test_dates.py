"""Parts of dates, and `dates()` and `datetimes()`, against plain Python."""

import datetime
import itertools
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.utils import timezone

from tests.query.oracle import BERLIN, fulfils, part_of
from tests.testapp.models import Book, Every

UTC = datetime.UTC


def utc(*args):
    return datetime.datetime(*args, tzinfo=UTC)


MOMENTS = [
    None,
    utc(1, 1, 2),
    utc(1969, 12, 31, 22, 59, 59),
    utc(1969, 12, 31, 23),
    utc(1999, 12, 31, 22, 59, 59, 999000),
    utc(1999, 12, 31, 23),
    # Two o'clock in the night of 31 March 2024 does not exist in Berlin.
    utc(2024, 3, 31, 0, 59, 59),
    utc(2024, 3, 31, 1),
    utc(2024, 3, 31, 21, 59, 59),
    utc(2024, 3, 31, 22),
    # Half past two in the night of 27 October 2024 comes twice.
    utc(2024, 10, 27, 0, 30),
    utc(2024, 10, 27, 1, 30),
    utc(2024, 10, 27, 22, 59),
    utc(2024, 10, 27, 23),
    utc(2024, 2, 29, 12, 34, 56, 789000),
    utc(2024, 12, 29, 23),
    utc(2024, 12, 30, 12),
    utc(2027, 1, 3, 22, 59),
    utc(2027, 1, 3, 23),
    utc(9999, 12, 30, 22),
]
DAYS = [
    None,
    datetime.date.min,
    datetime.date(1, 12, 31),
    datetime.date(1969, 12, 31),
    datetime.date(1970, 1, 1),
    datetime.date(2000, 2, 29),
    datetime.date(2020, 12, 31),
    datetime.date(2021, 1, 3),
    datetime.date(2021, 1, 4),
    datetime.date(2024, 3, 31),
    datetime.date(2024, 12, 30),
    datetime.date(9998, 12, 31),
    datetime.date.max,
]
PARTS = {
    "year": [0, 1, 1969, 1970, 2000, 2024, 9998, 9999, 10_000, 10**20, -1],
    "iso_year": [0, 1, 1970, 2020, 2021, 2025, 9999, 10_000],
    "quarter": [0, 1, 4, 5],
    "month": [1, 2, 3, 10, 12, 13],
    "week": [1, 5, 13, 52, 53],
    "day": [1, 3, 27, 29, 31],
    "week_day": [1, 2, 7],
    "iso_week_day": [1, 6, 7],
}
TIMES = {"hour": [0, 1, 2, 3, 23], "minute": [0, 30, 59], "second": [0, 56, 59]}


def asked(part, operands):
    for lookup, operand in itertools.product(("exact", "gt", "gte", "lt", "lte"), operands):
        yield f"{part}__{lookup}", operand
    yield part, operands[1]
    yield f"{part}__in", operands[:3]
    yield f"{part}__in", []
    yield f"{part}__range", (operands[0], operands[2])
    yield f"{part}__isnull", True
    yield f"{part}__isnull", False


def holds(value, lookup, operand):
    part, _, lookup = lookup.partition("__")
    return fulfils(value if value is None else part_of(value, part), lookup or "exact", operand)


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_days(compare, part):
    compare("day", DAYS, asked(part, PARTS[part]), holds)


@pytest.mark.parametrize("part", [*PARTS, *TIMES])
def test_parts_of_moments_are_those_of_the_current_time_zone(compare, part):
    compare("moment", MOMENTS, asked(part, {**PARTS, **TIMES}[part]), holds)


def test_days_of_moments(compare):
    days = [datetime.date(*d) for d in ((1, 1, 2), (1970, 1, 1), (2024, 3, 31), (2024, 10, 27))]
    days += [datetime.date(2024, 4, 1), datetime.date(2000, 1, 1), datetime.date.min]
    compare(
        "moment", MOMENTS, [*asked("date", days), ("date", "2024-03-31")], texts_as_days(holds)
    )


def texts_as_days(holds):
    def also(value, lookup, operand):
        if isinstance(operand, str):
            operand = datetime.date.fromisoformat(operand)
        return holds(value, lookup, operand)

    return also


def test_times_of_moments(compare):
    times = [datetime.time(*t) for t in ((0,), (1, 59, 59), (3,), (13, 34, 56, 789000), (23, 59))]
    # The Rust server can't write the first years as text.
    compare("moment", [None, *MOMENTS[2:]], asked("time", times), holds)


@pytest.mark.parametrize("part", TIMES)
def test_parts_of_times(compare, part):
    times = [None, *(datetime.time(*t) for t in ((0,), (1, 30, 59), (2, 59), (23, 0, 56, 1)))]
    compare("time", times, asked(part, TIMES[part]), holds)


def test_another_time_zone_gives_other_parts(db):
    Every.objects.create(moment=utc(2024, 12, 31, 23, 30))
    assert Every.objects.filter(moment__year=2025, moment__hour=0).exists()
    with timezone.override(ZoneInfo("America/New_York")):
        assert Every.objects.filter(moment__year=2024, moment__hour=18).exists()
        assert Every.objects.filter(moment__date=datetime.date(2024, 12, 31)).exists()
    with timezone.override(datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))):
        assert Every.objects.filter(moment__hour=20, moment__minute=0).exists()


def test_a_year_and_a_day_are_ranges_that_an_index_serves():
    condition = Every.objects.filter(moment__year=2024).query.condition("default")
    assert condition == {
        "moment": {
            "$gte": datetime.datetime(2024, 1, 1, tzinfo=BERLIN),
            "$lt": datetime.datetime(2025, 1, 1, tzinfo=BERLIN),
        }
    }
    condition = Every.objects.filter(day__year__lte=2024).query.condition("default")
    assert condition == {"day": {"$lt": utc(2025, 1, 1)}}


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("day__hour", 1, FieldError),
        ("time__year", 1, FieldError),
        ("text__year", 1, FieldError),
        ("big__month", 1, FieldError),
        ("moment__year__contains", 1, FieldError),
        ("moment__bogus", 1, FieldError),
        ("moment__year", "x", ValueError),
        ("moment__year", {"$gt": 1}, ValueError),
        ("moment__hour", "x", ValueError),
        ("moment__hour", {"$gt": 1}, ValueError),
        ("moment__date", "x", ValueError),
        ("moment__date", {"$gt": 1}, TypeError),
        ("moment__time", "x", ValueError),
        ("day__date", datetime.date(2024, 1, 1), FieldError),
        ("day__time", datetime.time(), FieldError),
        ("days__year", 2024, FieldError),
        ("remarks__written__hour", 1, NotSupportedError),
    ],
)
def test_what_is_no_part_of_a_date_is_refused_when_filtering(name, value, error):
    with pytest.raises(error):
        Every.objects.filter(**{name: value})


def test_a_year_of_dates_in_lists_of_embedded_documents(db):
    from tests.testapp.models import Remark

    Every.objects.create(remarks=[Remark(author="A", written=utc(2023, 12, 31, 23, 30))])
    assert Every.objects.filter(remarks__written__year=2024, remarks__author="A").exists()
    assert not Every.objects.filter(remarks__written__year=2023).exists()


# dates() and datetimes()


def start_of(day, unit):
    if unit == "week":
        return day - datetime.timedelta(days=day.weekday())
    return day.replace(**{"year": {"month": 1, "day": 1}, "month": {"day": 1}, "day": {}}[unit])


@pytest.mark.parametrize("unit", ["year", "month", "week", "day"])
def test_dates_are_the_periods_in_which_there_are_documents(db, unit):
    days = [day for day in DAYS if day is None or day > datetime.date(1900, 1, 1)]
    Every.objects.bulk_create(Every(day=day) for day in [*days, *days])
    expected = sorted({start_of(day, unit) for day in days if day})
    assert list(Every.objects.dates("day", unit)) == expected
    assert list(Every.objects.dates("day", unit, order="DESC")) == expected[::-1]
    assert list(Every.objects.dates("day", unit)[1:3]) == expected[1:3]
    assert Every.objects.dates("day", unit)[0] == expected[0]
    assert Every.objects.dates("day", unit).count() == len(expected)
    assert Every.objects.dates("day", unit).first() == expected[0]
    assert Every.objects.dates("day", unit, order="DESC").first() == expected[-1]
    later = Every.objects.filter(day__gt=datetime.date(2021, 1, 3))
    later_expected = {
        start_of(day, unit) for day in days if day and day > datetime.date(2021, 1, 3)
    }
    assert set(later.dates("day", unit)) == later_expected


@pytest.mark.parametrize("unit", ["year", "month", "week", "day", "hour", "minute", "second"])
def test_datetimes_are_the_periods_of_the_time_zone(db, unit):
    moments = [moment for moment in MOMENTS if moment and moment.year > 1900]
    Every.objects.bulk_create(Every(moment=moment) for moment in [None, *moments])
    expected = set()
    for moment in moments:
        local = moment.astimezone(BERLIN)
        if unit in ("hour", "minute", "second"):
            zeros = {"hour": ("minute", "second"), "minute": ("second",), "second": ()}[unit]
            local = local.replace(microsecond=0, **dict.fromkeys(zeros, 0))
        else:
            day = start_of(local.date(), unit)
            local = datetime.datetime(day.year, day.month, day.day, tzinfo=BERLIN)
        expected.add(local.astimezone(UTC))
    found = list(Every.objects.datetimes("moment", unit))
    assert [moment.astimezone(UTC) for moment in found] == sorted(expected)
    assert all(moment.utcoffset() == moment.astimezone(BERLIN).utcoffset() for moment in found)


def test_days_of_moments_as_dates(db):
    Every.objects.create(moment=utc(2023, 12, 31, 23, 30))
    assert list(Every.objects.dates("moment", "day")) == [datetime.date(2024, 1, 1)]
    assert list(Every.objects.datetimes("moment", "day", tzinfo=UTC)) == [utc(2023, 12, 31)]


def test_no_dates_cost_no_command_where_nothing_can_be(db, assert_num_commands):
    with assert_num_commands(0):
        assert list(Every.objects.none().dates("day", "year")) == []


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("dates", ("day", "hour"), ValueError),
        ("dates", ("day", "year", "sideways"), ValueError),
        ("dates", ("text", "year"), FieldError),
        ("dates", ("bogus", "year"), FieldError),
        ("datetimes", ("day", "year"), FieldError),
        ("datetimes", ("moment", "century"), ValueError),
    ],
)
def test_what_has_no_periods_is_refused(method, args, error):
    with pytest.raises(error):
        getattr(Every.objects, method)(*args)


def test_dates_are_no_query_set_of_documents_any_more():
    dates = Book.objects.dates("published", "year")
    for refused in (
        lambda: dates.filter(pages=1),
        lambda: dates.order_by("pages"),
        lambda: dates.reverse(),
        lambda: dates.update(pages=1),
        lambda: dates.delete(),
    ):
        with pytest.raises(TypeError):
            refused()
    with pytest.raises(NotSupportedError, match="list"):
        Book.objects.filter(published__in=dates)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_days_at_the_ends_of_the_calendar_can_be_asked_for(zone):
    Every.objects.create(moment=utc(2024, 1, 1))
    with timezone.override(zone):
        first = timezone.make_aware(datetime.datetime(1, 1, 1))
        last = timezone.make_aware(datetime.datetime(9999, 12, 31, 23))
        assert Every.objects.filter(moment__gte=first, moment__lt=last).count() == 1
        assert Every.objects.exclude(moment__in=[first, last]).count() == 1
