"""Query sets: rows, order, slices, raw MQL, and what is not supported."""

import operator
import threading

import pytest
from bson import ObjectId
from django.core.exceptions import FieldError
from django.db import IntegrityError, NotSupportedError, connections, transaction
from django.db.models import (
    Count,
    Exists,
    F,
    FilteredRelation,
    OuterRef,
    Prefetch,
    Subquery,
    Window,
)
from django.db.models.functions import MD5, RowNumber

from mongo_contrib.documents import DocumentQuerySet
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Publisher, Remark, Ticket

pytestmark = pytest.mark.django_db

PAGES = [3, 1, 2, None, 5, 1]


@pytest.fixture
def rows():
    return Every.objects.bulk_create(
        Every(big=pages, text=text, slug=str(n))
        for n, (pages, text) in enumerate(zip(PAGES, "bcabca", strict=True))
    )


@pytest.fixture
def library():
    ann, bob = Author.objects.bulk_create([Author(name="Ann"), Author(name="Bob")])
    piper = Publisher.objects.create(name="Piper", home=Address(city="Munich"))
    return Book.objects.bulk_create(
        [
            Book(title="Emil", pages=170, author=bob, tags=["city", "boys"]),
            Book(
                title="Momo",
                pages=300,
                author=ann,
                publisher=piper,
                extra={"isbn": {"ten": "1"}},
                remarks=[Remark(author="X", stars=1), Remark(author="Y", stars=2)],
            ),
            Book(title="Orphan", pages=1),
        ]
    )


# Rows


def test_values_are_dicts(library):
    first = Book.objects.order_by("title").values()[0]
    assert first.keys() == {field.attname for field in Book._meta.fields}
    assert (first["title"], first["id"]) == ("Emil", library[0].pk)
    assert list(Book.objects.order_by("-title").values("title", "pages")[:2]) == [
        {"title": "Orphan", "pages": 1},
        {"title": "Momo", "pages": 300},
    ]


def test_values_list_flat_and_named(library):
    books = Book.objects.order_by("title")
    assert list(books.values_list("title", "pages")) == [
        ("Emil", 170),
        ("Momo", 300),
        ("Orphan", 1),
    ]
    assert list(books.values_list("pages", flat=True)) == [170, 300, 1]
    assert books.values_list("title", "pk", named=True)[0]._fields == ("title", "pk")
    assert books.values_list("title", named=True).get(pages=1).title == "Orphan"
    with pytest.raises(TypeError):
        books.values_list("title", "pages", flat=True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("author", ["Bob", "Ann", None]),
        ("author_id", ["Bob", "Ann", None]),
        ("author__pk", ["Bob", "Ann", None]),
    ],
)
def test_references_are_keys(library, name, values):
    keys = dict(Author.objects.values_list("pk", "name"))
    found = Book.objects.order_by("title").values_list(name, flat=True)
    assert [keys.get(key) for key in found] == values


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("author__name", ["Bob", "Ann", None]),
        ("publisher__home__city", [None, "Munich", None]),
        ("remarks__stars", [[], [1, 2], []]),
        ("remarks__0__author", [None, "X", None]),
        ("tags__0", ["city", None, None]),
        ("extra__isbn__ten", [None, "1", None]),
        ("pk", ["e", "m", "o"]),
    ],
)
def test_values_along_paths_and_across_references(library, name, values):
    found = list(Book.objects.order_by("title").values_list(name, flat=True))
    if name == "pk":
        values = [book.pk for book in library]
    assert found == values


def test_values_across_a_reference_cost_one_command_more(library, assert_num_commands):
    with assert_num_commands(2):
        rows = list(Book.objects.order_by("title").values("title", "author__name"))
    assert rows[1] == {"title": "Momo", "author__name": "Ann"}


def test_only_what_is_asked_for_is_read(library):
    with CaptureCommands() as commands:
        list(Book.objects.values_list("title", "remarks__author", "remarks__stars"))
    assert commands[0].command["projection"] == {
        "title": 1,
        "remarks.author": 1,
        "remarks.stars": 1,
        "_id": 0,
    }


@pytest.mark.parametrize("name", ["bogus", "author__bogus", "books", "title__lower", "home__city"])
def test_values_of_nothing_are_refused(name):
    with pytest.raises(FieldError):
        Book.objects.values(name)


def test_distinct_rows(rows):
    texts = Every.objects.values_list("text", flat=True).distinct()
    assert list(texts.order_by("text")) == ["a", "b", "c"]
    assert texts.count() == 3
    assert texts.filter(big__gt=2).count() == 2
    assert list(texts.order_by("-text")[1:]) == ["b", "a"]
    pairs = Every.objects.values_list("text", "big").distinct().order_by("text", "big")
    assert list(pairs) == [("a", 1), ("a", 2), ("b", None), ("b", 3), ("c", 1), ("c", 5)]
    # Documents differ by their keys.
    assert Every.objects.distinct().count() == len(rows)


# Order and slices


def key(name):
    """MongoDB's order: null first."""
    return lambda document: (getattr(document, name) is not None, getattr(document, name) or 0)


def test_order(rows):
    def slugs(queryset):
        return [document.slug for document in queryset]

    by_pages = sorted(rows, key=lambda row: (key("big")(row), row.text))
    assert slugs(Every.objects.order_by("big", "text")) == slugs(by_pages)
    assert slugs(Every.objects.order_by("big", "text").reverse()) == slugs(by_pages[::-1])
    assert slugs(Every.objects.order_by("-big", "-text")) == slugs(by_pages[::-1])
    assert slugs(Every.objects.order_by(F("big").desc(), F("text").desc())) == slugs(
        by_pages[::-1]
    )
    assert slugs(Every.objects.order_by("text").order_by("slug")) == list("012345")
    assert slugs(Every.objects.order_by("-pk")) == list("543210")
    assert Every.objects.order_by("big").last().big == 5
    assert Every.objects.earliest("slug").slug == "0"
    assert Every.objects.latest("slug").slug == "5"
    assert Publisher.objects.all().ordered
    assert not Publisher.objects.order_by().ordered


def test_the_class_orders_by_default_and_along_paths():
    Publisher.objects.bulk_create(
        Publisher(name=name, home=Address(city=city)) for name, city in ("bz", "ax", "cy")
    )
    assert [each.name for each in Publisher.objects.all()] == ["a", "b", "c"]
    assert [each.name for each in Publisher.objects.order_by("home__city")] == ["a", "c", "b"]
    assert [each.name for each in Publisher.objects.order_by("-home__city")] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bogus", FieldError),
        ("title__icontains", FieldError),
        ("-bogus", FieldError),
        ("loans", NotSupportedError),
        ("author__books__title", NotSupportedError),
        (1, NotSupportedError),
    ],
    ids=str,
)
def test_orders_that_there_are_not(name, error):
    with pytest.raises(error):
        Book.objects.order_by(name)


SLICES = [
    slice(None, 2),
    slice(2, None),
    slice(1, 4),
    slice(0, 0),
    slice(4, 99),
    slice(99, 100),
    slice(None, None, 2),
    slice(1, 5, 2),
]


@pytest.mark.parametrize("part", SLICES, ids=str)
def test_slices_are_those_of_a_list(rows, part):
    found = Every.objects.order_by("slug")[part]
    expected = list("012345")[part]
    assert [document.slug for document in found] == expected
    if part.step is None:
        assert found.all().count() == len(expected)
        assert found.all().exists() == bool(expected)
        assert [document.slug for document in found.all()[1:2]] == expected[1:2]
        assert [document.slug for document in found.all()[1:]] == expected[1:]


def test_single_rows(rows):
    by_slug = Every.objects.order_by("slug")
    assert by_slug[2].slug == "2"
    assert by_slug[1:][0].slug == "1"
    with pytest.raises(IndexError):
        by_slug[99]
    for wrong in (-1, slice(-1, None), slice(None, -1)):
        with pytest.raises(ValueError):
            by_slug[wrong]
    with pytest.raises(TypeError):
        by_slug["0"]
    assert by_slug.get(big=5).slug == "4"
    with pytest.raises(Every.DoesNotExist):
        by_slug.get(big=99)
    with pytest.raises(Every.MultipleObjectsReturned):
        by_slug.get(big=1)
    assert by_slug.first().slug == "0"
    assert Every.objects.filter(big=99).first() is None


def test_a_slice_takes_no_more_conditions(rows):
    part = Every.objects.all()[:2]
    for refused in (
        lambda: part.filter(big=1),
        lambda: part.order_by("big"),
        lambda: part.match({}),
        lambda: part.update(big=1),
        lambda: part.delete(),
        lambda: part.distinct(),
        lambda: part.last(),
    ):
        with pytest.raises(TypeError):
            refused()


def test_what_is_read_and_counted_is_bounded(rows):
    with CaptureCommands() as commands:
        Every.objects.exists()
        list(Every.objects.order_by("slug")[2:4])
        Every.objects.first()
        Every.objects.filter(pk=rows[0].pk).get()
    limits = [event.command.get("limit") for event in commands]
    assert limits == [1, 2, 1, 21]
    assert commands[1].command["skip"] == 2


# One query set, many uses


def test_query_sets_are_lazy_and_cached(rows, assert_num_commands):
    with assert_num_commands(0):
        queryset = Every.objects.filter(big=1).order_by("slug").exclude(slug="9")
    with assert_num_commands(1):
        assert len(queryset) == 2
        assert bool(queryset)
        assert queryset[0] in queryset
        assert queryset.count() == 2
    with assert_num_commands(1):
        assert queryset.contains(rows[1])
        assert Every.objects.contains(rows[1])


def test_only_and_defer_read_the_rest_when_asked(library, assert_num_commands):
    with assert_num_commands(1):
        book = Book.objects.only("title").get(title="Momo")
        assert book.title == "Momo"
        assert book.get_deferred_fields() >= {"pages", "remarks", "author_id"}
    with assert_num_commands(1):
        assert book.pages == 300
        assert book.pages == 300
    with assert_num_commands(1):
        book = Book.objects.defer("remarks", "pages").get(title="Momo")
        assert book.get_deferred_fields() == {"remarks", "pages"}
    assert Book.objects.only("title").defer("title").get(title="Momo").pk == book.pk
    assert Book.objects.defer("title").only("title", "pages")[0].get_deferred_fields() >= {"extra"}
    assert Book.objects.defer("title").defer(None)[0].get_deferred_fields() == set()
    with pytest.raises(FieldError):
        list(Book.objects.only("bogus"))
    with pytest.raises(TypeError):
        Book.objects.values("title").only("title")


def test_in_bulk(library, assert_num_commands):
    emil, momo, _ = library
    with assert_num_commands(1):
        assert Book.objects.in_bulk([momo.pk, emil.pk, ObjectId()]) == {
            momo.pk: momo,
            emil.pk: emil,
        }
    assert len(Book.objects.in_bulk()) == 3
    assert Book.objects.in_bulk([]) == {}
    assert Publisher.objects.in_bulk(["Piper"], field_name="name")["Piper"].name == "Piper"
    with pytest.raises(ValueError):
        Book.objects.in_bulk(["Momo"], field_name="title")


def test_iterators_read_in_batches(rows):
    with CaptureCommands() as commands:
        batches = Every.objects.order_by("slug").iterator(chunk_size=2)
        assert [document.slug for document in batches] == list("012345")
    assert commands[0].command["batchSize"] == 2
    assert commands.names[:3] == ["find", "getMore", "getMore"]


def test_related_documents_are_fetched_in_batches(library, assert_num_commands):
    with assert_num_commands(2):
        books = list(Book.objects.select_related("author").order_by("title"))
        assert [book.author and book.author.name for book in books] == ["Bob", "Ann", None]
    with assert_num_commands(2):
        authors = Author.objects.prefetch_related("books").order_by("name")
        assert [[book.title for book in author.books.all()] for author in authors] == [
            ["Momo"],
            ["Emil"],
        ]
    long = Prefetch("books", Book.objects.filter(pages__gt=200), to_attr="long")
    with assert_num_commands(3):
        authors = list(Author.objects.prefetch_related(long, "long__publisher").order_by("name"))
        assert [[book.publisher.name for book in author.long] for author in authors] == [
            ["Piper"],
            [],
        ]


# Making sure that there is one


def test_get_or_create_is_one_command_where_it_is_there(assert_num_commands):
    with assert_num_commands(2):
        piper, made = Publisher.objects.get_or_create(name="Piper")
    assert made
    with assert_num_commands(1):
        assert Publisher.objects.get_or_create(name="Piper") == (piper, False)
    found, made = Publisher.objects.get_or_create(
        name="Zed", defaults={"home": lambda: Address(city="Ulm")}
    )
    assert made
    assert found.home.city == "Ulm"
    with pytest.raises(FieldError):
        Publisher.objects.get_or_create(bogus=1)
    with pytest.raises(Publisher.MultipleObjectsReturned):
        Publisher.objects.get_or_create(name__gt="")


def test_update_or_create_sends_what_changed():
    assert Publisher.objects.update_or_create(name="A", defaults={"home": Address(city="U")})[1]
    with CaptureCommands() as commands:
        found, made = Publisher.objects.update_or_create(
            name="A", defaults={"home": Address(city="B")}, create_defaults={"name": "never"}
        )
    assert (made, found.home.city) == (False, "B")
    assert commands[-1].command["updates"][0]["u"] == {"$set": {"home.town": "B"}}
    _, made = Publisher.objects.update_or_create(
        name="C", defaults={"name": "never"}, create_defaults={"name": "C", "home": None}
    )
    assert made


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get_or_create", "update_or_create"])
def test_of_many_at_once_one_makes_it(method):
    barrier = threading.Barrier(4, timeout=30)
    results, errors = [], []

    def work(number):
        try:
            barrier.wait()
            defaults = {"home": Address(city=str(number))}
            results.append(getattr(Publisher.objects, method)(name="Piper", defaults=defaults))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(made for _, made in results) == [False, False, False, True]
    assert {found.pk for found, _ in results} == {Publisher.objects.get().pk}


def test_bulk_create(assert_num_commands):
    with CaptureCommands() as commands:
        made = Publisher.objects.bulk_create(Publisher(name=str(n)) for n in range(5))
    assert [name for name in commands.names if name != "commitTransaction"] == ["insert"]
    assert all(document.pk and not document._state.adding for document in made)
    with assert_num_commands(0):
        made[0].save()
    with CaptureCommands() as commands:
        Author.objects.bulk_create([Author(name=str(n)) for n in range(5)], batch_size=2)
    assert commands.names.count("insert") == 3
    with assert_num_commands(0):
        assert Author.objects.bulk_create([]) == []
    with pytest.raises(IntegrityError):
        Publisher.objects.bulk_create([Publisher(name="new"), Publisher(name="0")])


def test_bulk_create_can_pass_over_what_is_there():
    Publisher.objects.create(name="b")
    Publisher.objects.bulk_create([Publisher(name=name) for name in "abc"], ignore_conflicts=True)
    assert [publisher.name for publisher in Publisher.objects.all()] == ["a", "b", "c"]


@pytest.mark.needs("transactions")
def test_duplicates_cannot_be_passed_over_in_a_transaction():
    Publisher.objects.create(name="b")
    with transaction.atomic():
        with pytest.raises(NotSupportedError, match="atomic"):
            Publisher.objects.bulk_create([Publisher(name="b")], ignore_conflicts=True)
        Publisher.objects.create(name="a")
    assert Publisher.objects.count() == 2


# MongoDB's own words


def test_match_narrows_with_mql(library):
    assert Book.objects.match({"pages": {"$mod": [2, 1]}}).get().title == "Orphan"
    assert Book.objects.filter(title="Momo").match({"tags": {"$size": 0}}).count() == 1
    assert Book.objects.match({"author_id": library[1].author_id}).exclude(pages=1).count() == 1
    with pytest.raises(TypeError, match="MQL"):
        Book.objects.match("pages > 1")


def test_pipelines_follow_what_is_filtered_ordered_and_sliced(library):
    stages = [{"$group": {"_id": None, "titles": {"$push": "$title"}}}]
    books = Book.objects.filter(pages__gt=1).order_by("-title")
    assert list(books.pipeline(stages)) == [{"_id": None, "titles": ["Momo", "Emil"]}]
    assert list(books[:1].pipeline(stages)) == [{"_id": None, "titles": ["Momo"]}]
    assert books.pipeline(stages).count() == 1
    assert books.pipeline(stages).exists()
    assert Book.objects.none().pipeline(stages).count() == 0
    sorted_up = Book.objects.pipeline([{"$sort": {"pages": 1}}])
    assert [book["title"] for book in sorted_up] == ["Orphan", "Emil", "Momo"]
    # Of a query set that has been read, a slice would be one of its results.
    assert [book["title"] for book in sorted_up.all()[1:]] == ["Emil", "Momo"]
    assert [book["title"] for book in sorted_up.all()[:2][1:]] == ["Emil"]
    assert sorted_up.all()[0]["title"] == "Orphan"
    assert sorted_up.all().first()["title"] == "Orphan"
    assert sorted_up.pipeline([{"$match": {"pages": 170}}]).get()["title"] == "Emil"
    (found,) = Book.objects.pipeline([{"$match": {"pages": 300}}], documents=True)
    assert (found, found.author.name) == (library[1], "Ann")


def test_a_pipeline_takes_no_more_conditions(library):
    made = Book.objects.pipeline([{"$match": {}}])
    for refused in (
        lambda: made.filter(pages=1),
        lambda: made.exclude(pages=1),
        lambda: made.order_by("pages"),
        lambda: made.reverse(),
        lambda: made.update(pages=1),
        lambda: made.delete(),
    ):
        with pytest.raises(TypeError):
            refused()


def test_explain_hint_and_time_limits(library):
    books = Book.objects.filter(title="Momo")
    plan = books.hint("_id_").explain()
    assert plan["queryPlanner"]["winningPlan"]
    with CaptureCommands() as commands:
        list(books.hint("_id_").max_time_ms(5000))
        books.hint([("_id", 1)]).max_time_ms(5000).count()
        books.max_time_ms(5000).exists()
    assert [event.command.get("maxTimeMS") for event in commands] == [5000] * 3
    assert commands[0].command["hint"] == "_id_"
    assert Book.objects.none().explain()["queryPlanner"]


def test_estimated_count_and_collection(library):
    assert Book.objects.filter(pages=1).estimated_count() == 3
    assert Book.objects.collection.name == "testapp_book"
    assert Book.objects.all().collection.count_documents({}) == 3


def test_own_query_sets_chain(library):
    Book.objects.filter(title="Emil").update(price="5")
    assert isinstance(Book.objects.cheap(), DocumentQuerySet)
    assert Book.objects.filter(pages__gt=1).cheap().get().title == "Emil"


# What is not supported names what to use

UNSUPPORTED = {
    "annotate": lambda: Book.objects.annotate(n=Count("author")),
    "alias": lambda: Book.objects.alias(n=Count("author")),
    "union": lambda: Book.objects.union(Book.objects.all()),
    "intersection": lambda: Book.objects.intersection(Book.objects.all()),
    "difference": lambda: Book.objects.difference(Book.objects.all()),
    "extra": lambda: Book.objects.extra(where=["1"]),
    "raw": lambda: Book.objects.raw("SELECT 1"),
    "distinct(*fields)": lambda: Book.objects.distinct("title"),
    "F across references in update()": lambda: Book.objects.update(title=F("author__name")),
    "Exists": lambda: Book.objects.filter(Exists(Author.objects.filter(pk=OuterRef("author")))),
    "Subquery": lambda: Book.objects.filter(author=Subquery(Author.objects.values("pk"))),
    "hashes": lambda: Book.objects.annotate(x=MD5("title")),
    "Window": lambda: Book.objects.annotate(n=Window(RowNumber())),
    "FilteredRelation": lambda: Book.objects.alias(x=FilteredRelation("author")),
    "bits": lambda: Book.objects.update(pages=F("pages").bitand(1)),
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_is_not_supported_says_so_at_once_and_what_to_use(what, assert_num_commands):
    with assert_num_commands(0), pytest.raises(NotSupportedError) as caught:
        UNSUPPORTED[what]()
    message = str(caught.value)
    assert any(word in message for word in (".match(", ".pipeline(", "values(", "'in' look-up"))


def test_a_ticket_is_found_by_a_key_that_is_text():
    Ticket.objects.create(code="A.1", expires="2030-01-01T00:00Z")
    assert Ticket.objects.get(pk="A.1").code == "A.1"
    assert Ticket.objects.filter(pk__startswith="A.").exists()
    assert not Ticket.objects.filter(pk__startswith="Ax").exists()


def test_distinct_values_of_another_collection(library):
    Book.objects.create(title="Bob again", author=library[0].author)
    rows = Book.objects.values_list("author__name", flat=True).distinct()
    assert sorted(rows, key=str) == ["Ann", "Bob", None]
    assert rows.all().count() == 3


@pytest.mark.parametrize("combine", [operator.or_, operator.and_, operator.xor])
def test_pipelines_are_not_combined(combine):
    stages = Book.objects.pipeline([{"$match": {"pages": 1}}], documents=True)
    for sides in ((stages, Book.objects.filter(pages=2)), (Book.objects.filter(pages=2), stages)):
        with pytest.raises(TypeError, match="combine"):
            combine(*sides)


@pytest.mark.parametrize("method", ["only", "defer"])
def test_what_is_no_field_can_not_be_deferred(method):
    with pytest.raises(FieldError, match="books"):
        getattr(Author.objects, method)("books")
