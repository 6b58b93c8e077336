"""`order_by()` beyond fields: across one reference, by what is computed, where null comes."""

import pytest
from django.db import NotSupportedError
from django.db.models import Case, F, OrderBy, Value, When
from django.db.models.functions import Length, Lower, Random

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Publisher

pytestmark = pytest.mark.django_db


@pytest.fixture
def library():
    names = ["Cyd", "Ann", "Bob"]
    authors = [Author.objects.create(name=name) for name in names]
    home = Publisher.objects.create(name="P", home=Address(city="Ulm"))
    rows = [("e", 0, 5), ("b", 1, 3), ("a", 2, 3), ("d", None, 9), ("c", 0, 1)]
    return Book.objects.bulk_create(
        Book(
            title=title,
            author=None if author is None else authors[author],
            pages=pages,
            publisher=home if title == "e" else None,
        )
        for title, author, pages in rows
    )


def titles(queryset):
    return "".join(queryset.values_list("title", flat=True))


def stages(event):
    return [next(iter(stage)) for stage in event.command["pipeline"]]


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        (["author__name", "title"], "dbace"),
        (["-author__name", "title"], "ceabd"),
        (["author__name", "-title"], "dbaec"),
        (["pages", "-author__name"], "cabed"),
        (["-pages", "author__name"], "debac"),
        (["author__name", "author__email", "pages"], "dbace"),
        ([F("author__name").desc(), "title"], "ceabd"),
        ([Lower("author__name").asc(), "title"], "dbace"),
        (["-publisher__home__city", "title"], "eabcd"),
        (["author_id", "title"], "dceba"),
    ],
    ids=str,
)
def test_across_a_reference(library, ordering, expected, assert_num_commands):
    books = Book.objects.order_by(*ordering)
    with assert_num_commands(1):
        assert titles(books) == expected
    assert titles(books.reverse()) == expected[::-1]
    assert titles(books[1:3]) == expected[1:3]
    assert "".join(book.title for book in books) == expected
    assert books.count() == 5
    assert books.filter(pages__gt=3).exists()
    assert books.first().title == expected[0]
    assert books.last().title == expected[-1]
    assert titles(books.filter(author__name="Cyd")) == expected.replace("a", "").replace(
        "b", ""
    ).replace("d", "")


def test_the_lookup_brings_the_key_alone_and_nothing_of_it_is_left(library):
    with CaptureCommands() as commands:
        book = Book.objects.filter(pages__lt=9).order_by("-author__name")[:1].get()
    assert stages(commands[0]) == ["$match", "$lookup", "$set", "$sort", "$limit", "$unset"]
    (lookup,) = [s["$lookup"] for s in commands[0].command["pipeline"] if "$lookup" in s]
    assert lookup["pipeline"] == [{"$project": {"name": 1, "_id": 0}}]
    book.save()
    assert not [k for k in Book.objects.collection.find_one({"_id": book.pk}) if k[:2] == "__"]


def test_with_everything_else(library):
    books = Book.objects.order_by("author__name", "title")
    assert [book.author and book.author.name for book in books.select_related("author")][:2] == [
        None,
        "Ann",
    ]
    assert books.only("title").first().get_deferred_fields() >= {"pages"}
    assert list(books.values_list("title", "author__name")[:2]) == [("d", None), ("b", "Ann")]
    assert list(books.annotate(low=Lower("author__name")).values_list("low", flat=True)) == [
        None,
        "ann",
        "bob",
        "cyd",
        "cyd",
    ]
    assert [book.title for book in books.iterator(chunk_size=2)] == list("dbace")
    pages = Book.objects.order_by("author__name").values_list("pages", flat=True).distinct()
    assert len(pages) == 5  # what is sorted by counts as a value, as in SQL
    assert "$lookup" in str(books.explain())


def test_by_what_is_computed(library):
    assert titles(Book.objects.order_by(F("pages") * -1, "title")) == "deabc"
    assert titles(Book.objects.order_by((F("pages") * -1).desc(), "title")) == "cabed"
    Book.objects.filter(title="a").update(title="AA")
    assert titles(Book.objects.order_by(Lower("title").desc())) == "edcbAA"
    assert titles(Book.objects.order_by(Length("title"), "-title")) == "edcbAA"
    first = Case(When(title="d", then=Value(0)), default=Value(1))
    assert titles(Book.objects.order_by(first, "title")) == "dAAbce"
    assert titles(Book.objects.alias(x=F("pages") + 1).order_by("x", "title")) == "cAAbed"
    assert titles(Book.objects.annotate(x=F("pages") + 1).order_by("-x", "title")) == "deAAbc"
    assert titles(Book.objects.order_by("tags__len", "title")) == "AAbcde"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("nulls", ["nulls_first", "nulls_last", None])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["big", "x"])
def test_where_null_comes(name, descending, nulls, reverse):
    values = [3, None, 1, None, 2]
    Every.objects.bulk_create(Every(big=value) for value in values)
    order = OrderBy(F(name), descending=descending, **({nulls: True} if nulls else {}))
    rows = Every.objects.annotate(x=F("big") * 1).order_by(order)
    if reverse:
        rows = rows.reverse()
    numbers = sorted((value for value in values if value is not None), reverse=descending)
    first = nulls == "nulls_first" or (nulls is None and not descending)
    expected = [None, None, *numbers] if first else [*numbers, None, None]
    assert list(rows.values_list("big", flat=True)) == (expected[::-1] if reverse else expected)


def test_null_where_the_server_puts_it_needs_no_pipeline():
    with CaptureCommands() as commands:
        list(Every.objects.order_by(F("big").asc(nulls_first=True), F("small").desc(nulls_last=1)))
    assert commands[0].command["sort"] == {"big": 1, "small": -1}


def test_at_random():
    Every.objects.bulk_create(Every(big=n) for n in range(50))
    orders = {tuple(Every.objects.order_by("?").values_list("big", flat=True)) for _ in range(3)}
    assert len(orders) == 3
    assert all(sorted(order) == list(range(50)) for order in orders)
    with CaptureCommands() as commands:
        some = [row.big for row in Every.objects.filter(big__lt=20).order_by("?")[:5]]
        list(Every.objects.order_by("?")[3:5])
        list(Every.objects.annotate(x=F("big")).order_by("?")[:5])
    assert len(set(some)) == 5
    assert max(some) < 20
    assert stages(commands[0]) == ["$match", "$sample"]
    assert "$rand" in str(commands[1].command)
    assert stages(commands[2]) == ["$sample", "$set"]
    assert Every.objects.order_by("?").first() is not None
    assert len(set(Every.objects.order_by("big", "?").values_list("big", flat=True))) == 50
    shuffled = [row.r for row in Every.objects.annotate(r=Random()).order_by("r")]
    assert shuffled == sorted(shuffled)
    assert len(set(shuffled)) == 50


def test_one_reference_and_no_more():
    for name in ("author__books__title", "author__profile"):
        with pytest.raises(Exception, match=r"\$lookup|Unsupported|Cannot resolve"):
            Book.objects.order_by(name)
    with pytest.raises(NotSupportedError, match="Count"):
        Author.objects.order_by("books__title")
