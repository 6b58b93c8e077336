"""What comes after `pipeline()`, constant memory, and what needs stages of its own."""

import gc
import weakref

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import Count, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Length, RowNumber

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Author, Book, Every

pytestmark = pytest.mark.django_db

LONG = [{"$match": {"pages": {"$gt": 10}}}]


@pytest.fixture
def library():
    ann = Author.objects.create(name="Ann")
    return Book.objects.bulk_create(
        Book(title=title, pages=pages, author=ann if pages == 30 else None)
        for title, pages in (("a", 5), ("bb", 20), ("c", 30), ("dd", 40), ("e", 50))
    )


def titles(queryset):
    return [book.title for book in queryset]


def test_instances_of_a_pipeline_are_filtered_ordered_and_annotated(library, assert_num_commands):
    books = Book.objects.pipeline(LONG, documents=True)
    with assert_num_commands(1):
        assert titles(books.filter(pages__lt=50).order_by("-title")) == ["dd", "c", "bb"]
    assert titles(books.exclude(title="c").order_by("pages")[:2]) == ["bb", "dd"]
    assert titles(books.order_by("-pages")[1:3].filter(pages=30)) == ["c"]
    assert books.filter(pages=30).get().title == "c"
    assert books.filter(author__name="Ann").get().title == "c"
    assert books.filter(pages=5).count() == 0
    assert books.filter(Q(pages=20) | Q(title="e")).count() == 2
    assert books.filter(pages__gt=F("pages") - 1).exists()
    assert titles(books.match({"title": "e"})) == ["e"]
    sized = books.annotate(n=Length("title"))
    assert sized.get(n=2, pages=40).n == 2
    assert titles(sized.order_by("-n", "title")) == ["bb", "dd", "c", "e"]
    assert titles(sized.filter(n=1).order_by("title")) == ["c", "e"]
    assert sorted(sized.values_list("title", "n")) == [("bb", 2), ("c", 1), ("dd", 2), ("e", 1)]
    named = books.annotate(by=F("author__name")).order_by("title")
    assert [book.by for book in named] == [None, "Ann", None, None]
    assert books.aggregate(n=Count("pk")) == {"n": 4}
    assert books.filter(title="c").select_related("author").get().author.name == "Ann"
    assert titles(books.none()) == []


def test_what_is_filtered_before_comes_first(library):
    with CaptureCommands() as commands:
        list(Book.objects.filter(title="c").pipeline(LONG, documents=True).filter(pages=30))
    assert commands[0].command["pipeline"] == [
        {"$match": {"title": "c"}},
        *LONG,
        {"$match": {"pages": 30}},
    ]


def test_documents_of_any_shape_are_narrowed_by_match(library):
    sums = Book.objects.pipeline([{"$group": {"_id": "$author_id", "n": {"$sum": "$pages"}}}])
    assert next(iter(sums.match({"n": 30})))["_id"] == library[2].author_id
    assert sums.match({"n": {"$gt": 30}}).count() == 1
    for refused in (
        lambda: sums.filter(n=1),
        lambda: sums.order_by("n"),
        lambda: sums.annotate(m=F("n")),
    ):
        with pytest.raises(TypeError):
            refused()


@pytest.mark.parametrize(
    "ask",
    [
        lambda books: books.order_by("author__name"),
        lambda books: books.annotate(by=F("author__name")).filter(by="Ann"),
    ],
)
def test_what_a_pipeline_can_not_be_followed_by(ask):
    with pytest.raises(NotSupportedError, match=r"\$lookup"):
        ask(Book.objects.pipeline(LONG, documents=True))


def test_names_after_a_pipeline_are_checked():
    with pytest.raises(FieldError):
        Book.objects.pipeline(LONG, documents=True).filter(bogus=1)


@pytest.mark.parametrize(
    ("ask", "stage"),
    [
        (lambda: Book.objects.annotate(n=Window(RowNumber())), r"\$setWindowFields"),
        (lambda: Book.objects.union(Book.objects.all()), r"\$unionWith"),
        (lambda: Book.objects.intersection(Book.objects.all()), "Q objects"),
        (lambda: Book.objects.difference(Book.objects.all()), "Q objects"),
        (
            lambda: Book.objects.annotate(
                x=Subquery(Author.objects.filter(pk=OuterRef("author")).values("name"))
            ),
            r"\$lookup",
        ),
    ],
)
def test_what_needs_stages_of_ones_own_names_them(ask, stage):
    with pytest.raises(NotSupportedError, match=stage):
        ask()


@pytest.mark.parametrize("annotated", [False, True])
def test_iterating_keeps_a_batch_and_no_more(annotated):
    Every.objects.bulk_create(Every(big=n, text="x" * 100) for n in range(500))
    rows = Every.objects.annotate(x=F("big")) if annotated else Every.objects.all()
    alive = []
    with CaptureCommands() as commands:
        for number, row in enumerate(rows.iterator(chunk_size=50)):
            alive.append(weakref.ref(row))
            if number == 300:
                gc.collect()
                assert sum(each() is not None for each in alive) < 60
    assert len(alive) == 500
    names = [event.name for event in commands]
    assert names[0] == ("aggregate" if annotated else "find")
    assert set(names[1:]) == {"getMore"}
    assert all(event.command["batchSize"] == 50 for event in commands[1:])


@pytest.mark.parametrize("annotated", [False, True])
@pytest.mark.parametrize("rows", [False, True])
def test_an_abandoned_cursor_is_closed(annotated, rows):
    Every.objects.bulk_create(Every(big=n) for n in range(20))
    found = Every.objects.annotate(x=F("big")) if annotated else Every.objects.all()
    if rows:
        found = found.values_list("big")
    with CaptureCommands() as commands:
        iterator = found.iterator(chunk_size=5)
        next(iterator)
        iterator.close()
        del iterator
        gc.collect()
    assert "killCursors" in [event.name for event in commands], [
        (e.name, e.phase) for e in commands
    ]
