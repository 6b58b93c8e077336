"""`values(...).annotate(...)`: groups, against plain Python."""

import datetime
import decimal
import statistics
from collections import defaultdict

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import (
    Avg,
    Case,
    Count,
    F,
    FloatField,
    Max,
    Min,
    Q,
    StdDev,
    Sum,
    Value,
    Variance,
    When,
)
from django.db.models.functions import Cast, Coalesce, Lower, TruncMonth, Upper

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Publisher

pytestmark = pytest.mark.django_db

D = decimal.Decimal

#: Text, whole number, decimal.
ROWS = [
    ("a", 3, D("1.5")),
    ("a", 1, None),
    ("a", 3, D("2.5")),
    ("b", None, D("4")),
    ("b", None, None),
    (None, 7, None),
    (None, 9, D("1")),
    ("c", 2, D("1")),
]


@pytest.fixture
def rows():
    Every.objects.bulk_create(
        Every(text=text, big=big, decimal=price, slug=str(n), home=Address(city=(text or "x") * 2))
        for n, (text, big, price) in enumerate(ROWS)
    )


def groups(column):
    """Return the values of a column by text."""
    found = defaultdict(list)
    for row in ROWS:
        found[row[0]].append(row[column])
    return found


def present(values):
    return [value for value in values if value is not None]


def oracle(function, column=1):
    """Return `function` of what is not null of each group, None of nothing."""
    return {
        text: function(present(values)) if present(values) else None
        for text, values in groups(column).items()
    }


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (Count("*"), {text: len(values) for text, values in groups(1).items()}),
        (Count("pk"), {text: len(values) for text, values in groups(1).items()}),
        (Count("big"), {text: len(present(values)) for text, values in groups(1).items()}),
        (
            Count("big", distinct=True),
            {text: len(set(present(values))) for text, values in groups(1).items()},
        ),
        (
            Count("pk", filter=Q(big__gt=2)),
            {text: len([n for n in present(v) if n > 2]) for text, v in groups(1).items()},
        ),
        (
            Count("pk", filter=~Q(big__gt=2)),
            {text: len([n for n in v if n is None or n <= 2]) for text, v in groups(1).items()},
        ),
        (Sum("big"), oracle(sum)),
        (Sum("big", distinct=True), oracle(lambda values: sum(set(values)))),
        (Sum("big", default=0), {text: value or 0 for text, value in oracle(sum).items()}),
        (Sum("decimal"), oracle(sum, 2)),
        (Sum(F("big") * 2), oracle(lambda values: sum(values) * 2)),
        (Avg("big"), oracle(statistics.fmean)),
        (Avg("big", distinct=True), oracle(lambda values: statistics.fmean(set(values)))),
        (Avg("decimal"), oracle(statistics.mean, 2)),
        (Min("big"), oracle(min)),
        (Max("big"), oracle(max)),
        (Max("decimal"), oracle(max, 2)),
        (StdDev("big"), oracle(statistics.pstdev)),
        (
            StdDev("big", sample=True),
            oracle(lambda values: statistics.stdev(values) if len(values) > 1 else None),
        ),
        (Variance("big"), oracle(statistics.pvariance)),
        (
            Variance("big", sample=True),
            oracle(lambda values: statistics.variance(values) if len(values) > 1 else None),
        ),
        (Sum("big") + Count("pk"), None),
        (
            Coalesce(Sum("big"), Value(-1)),
            {text: value or -1 for text, value in oracle(sum).items()},
        ),
    ],
    ids=str,
)
def test_groups(rows, aggregate, expected, assert_num_commands):
    if expected is None:
        counted = {text: len(values) for text, values in groups(1).items()}
        expected = {
            text: None if value is None else value + counted[text]
            for text, value in oracle(sum).items()
        }
    with assert_num_commands(1):
        found = list(Every.objects.values("text").annotate(found=aggregate))
    assert all(row.keys() == {"text", "found"} for row in found)
    for row in found:
        wanted = expected[row["text"]]
        value = row["found"]
        assert value == (pytest.approx(wanted) if isinstance(value, float) else wanted)
        assert wanted is None or isinstance(value, int | float | D)
    assert sorted(str(row["text"]) for row in found) == ["None", "a", "b", "c"]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        (StdDev("big"), statistics.pstdev([3, 1, 3, 7, 9, 2])),
        (StdDev("big", sample=True), statistics.stdev([3, 1, 3, 7, 9, 2])),
        (Variance("big"), statistics.pvariance([3, 1, 3, 7, 9, 2])),
        (Variance("big", filter=Q(text="a")), statistics.pvariance([3, 1, 3])),
        (StdDev("big", filter=Q(text="nobody")), None),
    ],
    ids=str,
)
def test_deviations_of_all(rows, aggregate, value):
    found = Every.objects.aggregate(x=aggregate)["x"]
    assert found == (None if value is None else pytest.approx(value))


def test_groups_are_filtered_sorted_and_sliced(rows):
    counted = Every.objects.values("text").annotate(n=Count("pk"))
    assert list(counted.order_by("-n", "text")[:2]) == [
        {"text": "a", "n": 3},
        {"text": None, "n": 2},
    ]
    assert list(counted.order_by("-n", "text").values_list("text", "n")[1:3]) == [
        (None, 2),
        ("b", 2),
    ]
    assert list(counted.filter(n__gt=2)) == [{"text": "a", "n": 3}]
    assert counted.filter(n=2).count() == 2
    assert counted.exclude(n=2).count() == 2
    assert counted.filter(Q(n=3) | Q(text="c")).count() == 2
    assert counted.filter(~Q(n=3), text="c").get() == {"text": "c", "n": 1}
    assert counted.filter(n__gt=F("n")).count() == 0
    assert counted.count() == 4
    assert counted.exists()
    assert not counted.filter(n__gt=99).exists()
    assert counted.order_by("-n").first() == {"text": "a", "n": 3}
    assert counted.order_by("text").last() == {"text": "c", "n": 1}
    assert list(counted.values_list("n", flat=True).order_by("n")) == [1, 2, 2, 3]
    assert list(counted.none()) == []
    assert [row["n"] for row in counted.order_by("n").iterator(chunk_size=1)] == [1, 2, 2, 3]
    assert counted.order_by(F("text").asc(nulls_last=True)).first()["text"] == "a"
    assert counted.order_by(Count("pk").desc())[0]["n"] == 3
    with pytest.raises(TypeError, match="unordered"):
        counted.first()
    assert not counted.ordered


def test_what_is_filtered_before_and_after(rows):
    counted = Every.objects.filter(big__gt=1).values("text").annotate(n=Count("pk"))
    with CaptureCommands() as commands:
        # About the documents, wherever it stands.
        assert list(counted.filter(text="a", n__gt=1)) == [{"text": "a", "n": 2}]
    assert commands[0].command["pipeline"][0] == {"$match": {"big": {"$gt": 1}, "text": "a"}}


def test_several_keys_and_several_aggregates(rows):
    found = Every.objects.values("text", "big").annotate(Count("pk"), most=Max("decimal"))
    assert sorted(found.values_list("text", "big", "pk__count", "most"), key=str) == sorted(
        [
            ("a", 3, 2, D("2.5")),
            ("a", 1, 1, None),
            ("b", None, 2, D("4")),
            (None, 7, 1, None),
            (None, 9, 1, D("1")),
            ("c", 2, 1, D("1")),
        ],
        key=str,
    )
    rows = Every.objects.values("text").annotate(n=Count("pk"), s=Sum("big"))
    rows = rows.annotate(mean=Cast(F("s"), FloatField()) / F("n"), many=Q(n__gt=2))
    assert rows.get(text="a") == {"text": "a", "n": 3, "s": 7, "mean": 7 / 3, "many": True}
    size = Case(When(n__gt=2, then=Value("big")), default=Value("small"))
    assert rows.annotate(size=size).get(text="c")["size"] == "small"


def test_groups_by_paths_references_and_what_is_computed(rows):
    by_city = Every.objects.values("home__city").annotate(n=Count("pk")).order_by("home__city")
    assert next(iter(by_city)) == {"home__city": "aa", "n": 3}
    by_upper = Every.objects.annotate(up=Upper("text")).values("up").annotate(n=Count("pk"))
    assert by_upper.get(up="A")["n"] == 3
    assert Every.objects.values(up=Upper("text")).annotate(n=Count("pk")).get(up="A")["n"] == 3
    two = Every.objects.values("text").annotate(up=Upper("text"), n=Count("pk"))
    assert two.get(text="a") == {"text": "a", "up": "A", "n": 3}
    late = Every.objects.values("text").annotate(n=Count("pk")).annotate(up=Upper("text"))
    assert late.get(text="a") == {"text": "a", "up": "A", "n": 3}


def test_groups_by_references(assert_num_commands):
    ann, bob = Author.objects.bulk_create([Author(name="Ann"), Author(name="Bob")])
    Book.objects.bulk_create(
        [
            Book(title="1", author=ann, pages=5),
            Book(title="2", author=ann, pages=7),
            Book(title="3", author=bob, pages=1),
            Book(title="4"),
        ]
    )
    by_key = Book.objects.values("author").annotate(n=Count("pk"))
    assert {row["author"]: row["n"] for row in by_key} == {ann.pk: 2, bob.pk: 1, None: 1}
    by_id = Book.objects.values_list("author_id").annotate(n=Count("pk"))
    assert dict(by_id) == {ann.pk: 2, bob.pk: 1, None: 1}
    with assert_num_commands(1):
        by_name = Book.objects.values_list("author__name").annotate(n=Sum("pages"))
        assert dict(by_name) == {"Ann": 12, "Bob": 1, None: 0}
    assert list(by_name.order_by("-author__name").values_list("author__name", flat=True)) == [
        "Bob",
        "Ann",
        None,
    ]
    assert dict(by_name.filter(author__name="Ann")) == {"Ann": 12}
    busy = Book.objects.values("author").annotate(n=Count("pk")).filter(n__gt=1)
    assert Author.objects.filter(pk__in=busy.values("author")).get() == ann
    assert (
        Book.objects.values("author").annotate(n=Count("author__name")).get(author=ann)["n"] == 2
    )


def test_groups_by_month():
    utc = datetime.UTC
    Every.objects.bulk_create(
        # The second is in February in Berlin.
        Every(moment=moment)
        for moment in (
            datetime.datetime(2024, 1, 31, 12, tzinfo=utc),
            datetime.datetime(2024, 1, 31, 23, 30, tzinfo=utc),
            datetime.datetime(2024, 2, 10, tzinfo=utc),
            None,
        )
    )
    by_month = Every.objects.annotate(month=TruncMonth("moment")).values("month")
    found = by_month.annotate(n=Count("pk")).order_by("month")
    assert [(row["month"] and row["month"].month, row["n"]) for row in found] == [
        (None, 1),
        (1, 1),
        (2, 2),
    ]
    assert found[2]["month"].isoformat() == "2024-02-01T00:00:00+01:00"


def test_lists_are_one_value():
    Book.objects.bulk_create(
        [Book(title="1", tags=["a", "b"]), Book(title="2", tags=["a", "b"]), Book(title="3")]
    )
    found = Book.objects.values("tags").annotate(n=Count("pk")).order_by("-n")
    assert list(found) == [{"tags": ["a", "b"], "n": 2}, {"tags": [], "n": 1}]


def test_the_order_of_the_class_makes_no_groups():
    Publisher.objects.bulk_create(
        Publisher(name=name, founded=datetime.date(year, 1, 1))
        for name, year in (("a", 2000), ("b", 2000), ("c", 2001))
    )
    found = Publisher.objects.values("founded").annotate(n=Count("pk"))
    assert sorted(row["n"] for row in found) == [1, 2]


def test_aggregates_of_groups(rows):
    counted = Every.objects.values("text").annotate(n=Count("pk"), s=Sum("big"))
    assert counted.aggregate(most=Max("n"), mean=Avg("n"), all=Sum("s"), groups=Count("*")) == {
        "most": 3,
        "mean": 2.0,
        "all": 25,
        "groups": 4,
    }
    assert counted.filter(n__gt=2).aggregate(groups=Count("*")) == {"groups": 1}
    assert counted.order_by("-n")[:2].aggregate(Sum("n")) == {"n__sum": 5}
    assert counted.none().aggregate(n=Count("*"), s=Sum("s")) == {"n": 0, "s": None}
    with pytest.raises(FieldError):
        counted.aggregate(Sum("big"))


def test_distinct_rows_of_groups(rows):
    counted = Every.objects.values("text").annotate(n=Count("pk"))
    assert counted.distinct().count() == 4
    with pytest.raises(NotSupportedError, match=r"\$group"):
        list(counted.values("n").distinct())


def test_explained(rows):
    assert "$group" in str(Every.objects.values("text").annotate(n=Count("pk")).explain())


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda: Every.objects.values("text").annotate(text=Count("pk")), ValueError),
        (lambda: Every.objects.values("text").annotate(n=Sum("text")), FieldError),
        (lambda: Every.objects.values("text").annotate(n=Sum("bogus")), FieldError),
        (
            lambda: Every.objects.values("remarks__stars").annotate(n=Count("pk")),
            NotSupportedError,
        ),
        (lambda: Every.objects.values("numbers__0").annotate(n=Count("pk")), NotSupportedError),
        (
            lambda: Every.objects.all()[:3].values("text").annotate(n=Count("pk")),
            NotSupportedError,
        ),
        (
            lambda: Every.objects.values("text").annotate(n=Count("pk")).values("big", "n"),
            NotSupportedError,
        ),
        (
            lambda: list(Every.objects.values("text").annotate(n=Count("pk")).order_by("big")),
            NotSupportedError,
        ),
        (
            lambda: list(
                Every.objects.values("text").annotate(n=Count("pk")).filter(Q(n=1) | Q(big=1))
            ),
            NotSupportedError,
        ),
        (
            lambda: Every.objects.values("text").annotate(n=Count("pk")).filter(n=1).update(big=1),
            NotSupportedError,
        ),
        (lambda: Author.objects.values("name").annotate(n=Count("books")), NotSupportedError),
        (
            lambda: Every.objects.values("text").annotate(n=Count("pk")).annotate(m=Sum("n")),
            FieldError,
        ),
    ],
)
def test_what_groups_do_not_do(ask, error):
    with pytest.raises(error):
        ask()


def test_lower_cased_keys_meet(rows):
    Every.objects.create(text="A")
    found = Every.objects.values(low=Lower("text")).annotate(n=Count("pk")).get(low="a")
    assert found == {"low": "a", "n": 4}
