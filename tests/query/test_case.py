"""`Case` and `When`, and conditions as values: what `filter()` finds, and the same as a value."""

import datetime
import decimal

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    FloatField,
    IntegerField,
    Q,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Lower
from django.db.models.lookups import GreaterThan

from tests.testapp.models import Address, Author, Book, Every, Remark

pytestmark = pytest.mark.django_db

D = decimal.Decimal


@pytest.fixture
def rows():
    Every.objects.bulk_create(
        [
            Every(slug="1", big=1, text="one", numbers=[1, 2], flag=True),
            Every(slug="2", big=2, text="Two", numbers=[], decimal=D("2.5")),
            Every(slug="3", big=3, day=datetime.date(2024, 2, 29), json={"a": {"b": 1}}),
            Every(slug="4", text="four", numbers=[5], home=Address(city="Ulm")),
            Every(
                slug="5",
                big=-1,
                text="",
                moment=datetime.datetime(2024, 2, 29, 23, 30, tzinfo=datetime.UTC),
                remarks=[Remark(author="X", stars=1), Remark(author="Y", stars=5)],
            ),
            Every(slug="6", json={"a": None}, flag=False, numbers=[2, 5]),
            Every(slug="7", json=[1, {"a": 1}], days=[datetime.date(2024, 2, 29)]),
        ]
    )


SIZE = Case(
    When(big__gte=3, then=Value("big")),
    When(Q(big__gt=0) & ~Q(big=2), then=Value("small")),
    When(big__isnull=True, then=Value("none")),
    default=Value("other"),
    output_field=CharField(),
)
SIZES = {
    "1": "small",
    "2": "other",
    "3": "big",
    "4": "none",
    "5": "other",
    "6": "none",
    "7": "none",
}


def test_annotated(rows):
    assert dict(Every.objects.annotate(size=SIZE).values_list("slug", "size")) == SIZES


def test_filtered_sorted_and_grouped(rows):
    rows = Every.objects.annotate(size=SIZE)
    assert sorted(rows.filter(size="other").values_list("slug", flat=True)) == ["2", "5"]
    assert Every.objects.filter(slug="1").filter(Case(When(big=1, then=True), default=False))
    ordered = Every.objects.order_by(SIZE.asc(), "slug").values_list("slug", flat=True)
    assert list(ordered) == sorted(SIZES, key=lambda slug: (SIZES[slug], slug))
    counted = Every.objects.values(size=SIZE).annotate(n=Count("pk"))
    assert {row["size"]: row["n"] for row in counted} == {
        "small": 1,
        "other": 2,
        "big": 1,
        "none": 3,
    }


def test_without_default_it_is_null(rows):
    found = Every.objects.annotate(x=Case(When(big=1, then=F("big") + 10)))
    assert dict(found.filter(slug__in=["1", "2"]).values_list("slug", "x")) == {"1": 11, "2": None}
    assert found.filter(x__isnull=True).count() == 6


def test_in_aggregates(rows):
    ones = Case(When(big__gt=0, then=1), default=0, output_field=IntegerField())
    assert Every.objects.aggregate(n=Sum(ones)) == {"n": 3}
    assert Every.objects.aggregate(n=Count(Case(When(text="one", then="pk")))) == {"n": 1}
    assert Every.objects.aggregate(
        n=Count("pk", filter=GreaterThan(F("big"), 1)), m=Count("pk", filter=Q(numbers=5))
    ) == {"n": 2, "m": 2}


def test_updated(rows):
    changed = Case(
        When(big=1, then=Value("first")),
        When(big__gt=2, then=Lower(Value("THIRD"))),
        default=F("text"),
        output_field=CharField(),
    )
    assert Every.objects.filter(big__gt=0).update(text=changed, big=F("big") * 2) == 3
    assert dict(Every.objects.filter(big__gt=0).values_list("slug", "text")) == {
        "1": "first",
        "2": "Two",
        "3": "third",
    }
    row = Every.objects.get(slug="1")
    row.big = Case(When(text="first", then=Value(100)), default=Value(0))
    row.save()
    assert Every.objects.get(slug="1").big == 100


CONDITIONS = [
    Q(big=1),
    Q(big__gt=1),
    Q(big__lte=2),
    Q(big__lt=0),
    Q(big__in=[1, 3]),
    Q(big__range=(1, 2)),
    Q(big__isnull=True),
    Q(big__isnull=False),
    Q(big=None),
    ~Q(big=1),
    ~Q(big__gt=1),
    Q(big=1) | Q(text="Two"),
    Q(big=1) ^ Q(text="one"),
    ~(Q(big=1) | Q(text="Two")),
    Q(pk__in=[]),
    ~Q(pk__in=[]),
    Q(text="one"),
    Q(text__iexact="TWO"),
    Q(text__contains="o"),
    Q(text__icontains="O"),
    Q(text__startswith="f"),
    Q(text__endswith="r"),
    Q(text__regex=r"^.{3}$"),
    Q(text__iregex="^t"),
    Q(text=""),
    Q(big__contains="1"),
    Q(flag=True),
    Q(flag=False),
    Q(decimal__gt=2),
    Q(decimal__lt="2.6"),
    Q(day="2024-02-29"),
    Q(day__gt="2024-01-01"),
    Q(day__year=2024),
    Q(day__month=2),
    Q(moment__date=datetime.date(2024, 3, 1)),
    Q(moment__day=1),
    Q(moment__hour__lt=1),
    Q(home__city="Ulm"),
    Q(home__city__startswith="U"),
    Q(home=None),
    Q(json__a__b=1),
    Q(json__a__b__gt=0),
    Q(json__a=None),
    Q(json__a__isnull=True),
    Q(json__has_key="a"),
    Q(numbers=2),
    Q(numbers__gt=4),
    Q(numbers__contains=[1, 2]),
    Q(numbers__overlap=[1, 5]),
    Q(numbers__len=1),
    Q(numbers__len__gt=0),
    Q(numbers__isnull=True),
    Q(numbers=[5]),
    ~Q(numbers=2),
    Q(numbers__in=[1]),
    Q(days="2024-02-29"),
    Q(remarks__stars=5),
    Q(remarks__stars__gt=1, remarks__author="X"),
    Q(remarks__author="Y", remarks__stars=5),
    ~Q(remarks__stars=5),
    Q(big__gt=F("small")),
    Q(big__gte=F("big")),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_as_a_value_a_condition_means_what_it_means_in_a_filter(rows, condition):
    wanted = sorted(Every.objects.filter(condition).values_list("slug", flat=True))
    found = dict(Every.objects.annotate(x=condition).values_list("slug", "x"))
    assert set(found.values()) <= {True, False}
    assert sorted(slug for slug, value in found.items() if value) == wanted
    case = Case(When(condition, then=Value(1)), default=Value(0))
    assert Every.objects.aggregate(n=Sum(case))["n"] == len(wanted)
    assert Every.objects.aggregate(n=Count("pk", filter=condition))["n"] == len(wanted)


def test_conditions_across_references():
    ann = Author.objects.create(name="Ann")
    Book.objects.bulk_create([Book(title="a", author=ann), Book(title="b")])
    books = Book.objects.annotate(x=Q(author__name="Ann"))
    assert dict(books.values_list("title", "x")) == {"a": True, "b": False}
    by = Case(When(author__name="Ann", then=Value(1)), default=Value(2))
    assert dict(Book.objects.annotate(x=by).values_list("title", "x")) == {"a": 1, "b": 2}
    authors = Author.objects.annotate(x=Q(books__title="a"))
    assert authors.get().x is True


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        (lambda: Case(When(bogus=1, then=Value(1))), FieldError),
        (lambda: Case(When(big="x", then=Value(1))), ValueError),
        (lambda: Case(When(big=1, then=Value(1)), default=Value("x")), FieldError),
        (lambda: Q(point__near=(1, 2)), (FieldError, NotSupportedError)),
        (lambda: When(big=1, then=Value(1)), NotSupportedError),
    ],
)
def test_what_is_refused(expression, error):
    with pytest.raises(error):
        Every.objects.annotate(x=expression())


def test_branches_of_several_types_need_to_be_told(rows):
    both = Case(When(big=1, then="big"), default="number", output_field=FloatField())
    assert Every.objects.annotate(x=both).get(slug="1").x == 1.0
