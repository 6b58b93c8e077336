"""`aggregate()` against plain Python."""

import datetime
import decimal

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import Avg, Count, F, Max, Min, Q, Sum, Value

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Author, Book, Every

pytestmark = pytest.mark.django_db

D = decimal.Decimal
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def rows():
    Every.objects.bulk_create(
        [
            Every(big=3, number=1.5, decimal=D("1.25"), text="b", duration=HOUR),
            Every(big=1, number=2.5, decimal=D("2.50"), text="a", duration=HOUR * 3),
            Every(big=3, day=datetime.date(2024, 2, 29), text="a"),
            Every(number=0.5, day=datetime.date(2020, 1, 1), numbers=[1, 2]),
        ]
    )


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        (Count("*"), 4),
        (Count("pk"), 4),
        (Count("big"), 3),
        (Count("big", distinct=True), 2),
        (Count("text", distinct=True), 2),
        (Count("numbers"), 1),
        (Count("big", filter=Q(text="a")), 2),
        (Count("pk", filter=Q(text="nobody")), 0),
        (Count("pk", filter=~Q(text="a")), 2),
        (Sum("big"), 7),
        (Sum("big", distinct=True), 4),
        (Sum("big", filter=Q(big__lt=3)), 1),
        (Sum("big", filter=Q(text="nobody")), None),
        (Sum("big", filter=Q(text="nobody"), default=0), 0),
        (Sum("big", default=9), 7),
        (Sum("number"), 4.5),
        (Sum("decimal"), D("3.75")),
        (Sum("duration"), HOUR * 4),
        (Sum(F("big") * 2), 14),
        (Sum(F("big") + F("number")), 8.0),
        (Avg("big"), 7 / 3),
        (Avg("big", distinct=True), 2.0),
        (Avg("decimal"), D("1.875")),
        (Avg("duration"), HOUR * 2),
        (Avg("number", filter=Q(text__isnull=True)), 0.5),
        (Min("big"), 1),
        (Max("big"), 3),
        (Min("text"), "a"),
        (Max("text"), "b"),
        (Min("day"), datetime.date(2020, 1, 1)),
        (Max("day"), datetime.date(2024, 2, 29)),
        (Max("decimal"), D("2.50")),
        (Min("duration"), HOUR),
        (Min("day", filter=Q(text="b")), None),
        (
            Max("day", filter=Q(text="b"), default=Value(datetime.date(2000, 1, 1))),
            datetime.date(2000, 1, 1),
        ),
    ],
    ids=str,
)
def test_aggregates(rows, aggregate, value):
    found = Every.objects.aggregate(found=aggregate)["found"]
    assert found == value
    assert type(found) is type(value) or isinstance(found, type(value))


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        (Count("*"), 0),
        (Count("big"), 0),
        (Sum("big"), None),
        (Avg("big"), None),
        (Min("big"), None),
    ],
    ids=str,
)
def test_of_nothing(aggregate, value):
    assert Every.objects.aggregate(found=aggregate) == {"found": value}
    assert Every.objects.none().aggregate(found=aggregate) == {"found": value}
    assert (
        Every.objects.aggregate(found=aggregate, n=Count("pk", filter=Q(big=1)))["found"] == value
    )


def test_several_are_one_command(rows, assert_num_commands):
    with assert_num_commands(1):
        found = Every.objects.filter(big__gt=0).aggregate(
            Sum("big"), Max("text"), low=Min("big"), some=Count("pk", filter=Q(text="a"))
        )
    assert found == {"big__sum": 7, "text__max": "b", "low": 1, "some": 2}
    with assert_num_commands(0):
        assert Every.objects.aggregate() == {}
        assert Every.objects.none().aggregate(n=Count("*")) == {"n": 0}


def test_aliases_may_look_like_anything(rows):
    found = Every.objects.aggregate(**{"$sum.x": Sum("big"), "_id": Count("*"), "a1": Max("big")})
    assert found == {"$sum.x": 7, "_id": 4, "a1": 3}


def test_slices_filters_and_order_come_first(rows):
    assert Every.objects.order_by("-big")[:2].aggregate(Sum("big")) == {"big__sum": 6}
    assert Every.objects.filter(text="a").exclude(big=1).aggregate(Sum("big")) == {"big__sum": 3}
    with CaptureCommands() as commands:
        Every.objects.order_by("text").filter(text="a").aggregate(Sum("big"))
    assert [next(iter(stage)) for stage in commands[0].command["pipeline"]] == [
        "$match",
        "$group",
        "$replaceWith",
    ]


def test_filters_across_references():
    ann = Author.objects.create(name="Ann")
    Book.objects.bulk_create([Book(title="A", pages=1, author=ann), Book(title="B", pages=2)])
    found = Book.objects.aggregate(n=Sum("pages", filter=Q(author__name="Ann")), all=Sum("pages"))
    assert found == {"n": 1, "all": 3}


@pytest.mark.parametrize(
    ("aggregate", "error"),
    [
        (Sum("bogus"), FieldError),
        (Count("*", distinct=True), FieldError),
        (Sum(Sum("big")), (FieldError, NotSupportedError)),
        (F("big"), (TypeError, NotSupportedError)),
    ],
    ids=str,
)
def test_what_cannot_be_aggregated(aggregate, error):
    with pytest.raises(error):
        Every.objects.aggregate(found=aggregate)


def test_aggregates_across_a_reference_are_one_command(assert_num_commands):
    ann = Author.objects.create(name="Ann")
    Book.objects.bulk_create([Book(title="A", author=ann), Book(title="B")])
    with assert_num_commands(1):
        assert Book.objects.aggregate(n=Count("author__name")) == {"n": 1}


def test_aggregates_over_what_refers_name_the_alternative():
    with pytest.raises(NotSupportedError, match=r"\$lookup"):
        Author.objects.aggregate(Count("books"))


def test_expressions_of_aggregates(rows):
    found = Every.objects.aggregate(x=Sum("big") + Count("pk"), y=Sum("big") * 1.0 / Count("pk"))
    assert found == {"x": 11, "y": 1.75}
    nobody = Every.objects.filter(text="nobody")
    assert nobody.aggregate(x=Count("pk") + 1, y=Sum("big") + 1) == {"x": 1, "y": None}
    assert nobody.none().aggregate(x=Count("pk") + 1, y=Sum("big") + 1) == {"x": 1, "y": None}


@pytest.mark.parametrize("name", ["remarks__stars", "remarks__0__stars", "tags__0"])
@pytest.mark.parametrize("kind", [Count, Max, Sum])
def test_values_inside_of_lists_are_refused_not_passed_over(name, kind):
    with pytest.raises(NotSupportedError, match=r"\$unwind"):
        Book.objects.aggregate(x=kind(name))


@pytest.mark.parametrize("name", ["title", "tags", "published", "author"])
def test_a_sum_of_what_is_no_number_is_refused(name):
    with pytest.raises(FieldError, match="needs numbers"):
        Book.objects.aggregate(x=Sum(name))


def test_aggregates_of_distinct_rows():
    Book.objects.bulk_create(Book(title=str(n), pages=n // 2) for n in range(5))
    found = Book.objects.values("pages").distinct().aggregate(n=Count("pages"), sum=Sum("pages"))
    assert found == {"n": 3, "sum": 3}
