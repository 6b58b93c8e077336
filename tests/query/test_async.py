"""The `a...` methods of query sets: all of them, the same answers, and on one thread."""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref
from contextlib import aclosing

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db.models import Count, Manager, Prefetch, QuerySet

from mongo_contrib.documents import DocumentQuerySet, afetch
from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.query.twins import QueryTwins
from mongo_contrib.test import CaptureCommands
from tests.hops import no_thread_hop
from tests.testapp.models import Author, Book, Publisher

pytestmark = pytest.mark.django_db


def asynchronous(cls):
    return {
        name
        for name, member in inspect.getmembers(cls)
        if inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)
    }


@pytest.fixture
def library():
    """Three authors with two books each."""
    for number in range(3):
        author = Author.objects.create(name=f"Author {number}", email=f"{number}@example.org")
        for book in range(2):
            Book.objects.create(title=f"Book {number}{book}", pages=100 * number, author=author)


# Each gets the query set of the three authors, in order.
CALLS = {
    "aaggregate": lambda found: found.aaggregate(number=Count("pk")),
    "abulk_create": lambda found: found.abulk_create([Author(name="x"), Author(name="y")]),
    "abulk_update": None,  # see below: it takes objects
    "acontains": None,
    "acount": lambda found: found.acount(),
    "acreate": lambda found: found.acreate(name="new"),
    "adelete": lambda found: found.adelete(),
    "aearliest": lambda found: found.aearliest("name"),
    "aestimated_count": lambda found: found.aestimated_count(),
    "aexists": lambda found: found.aexists(),
    "aexplain": lambda found: found.aexplain(),
    "afirst": lambda found: found.afirst(),
    "aget": lambda found: found.aget(name="Author 1"),
    "aget_or_create": lambda found: found.aget_or_create(
        name="new", defaults={"email": "n@x.org"}
    ),
    "ain_bulk": lambda found: found.ain_bulk(),
    "aiterator": lambda found: collected(found.aiterator()),
    "alast": lambda found: found.alast(),
    "alatest": lambda found: found.alatest("name"),
    "aupdate": lambda found: found.aupdate(email=None),
    "aupdate_or_create": lambda found: found.aupdate_or_create(
        name="Author 1", defaults={"email": "other@x.org"}
    ),
}


async def collected(stream):
    return [each async for each in stream]


def test_every_asynchronous_method_of_djangos_is_native():
    """Fails with a Django that has one more: it needs a twin in mongo_contrib/query/twins.py."""
    for name in asynchronous(QuerySet) | {"__aiter__"}:
        assert getattr(DocumentQuerySet, name).__module__.startswith("mongo_contrib."), name


def test_every_twin_is_tried_below():
    twins = {name for name in vars(QueryTwins) if name.startswith("a")} - {"acollection"}
    assert twins == set(CALLS)


def test_managers_have_what_djangos_managers_have():
    names = {name for name in dir(Manager) if name.startswith("a") and name in CALLS}
    assert names
    assert names <= set(dir(Book.objects))
    assert not hasattr(Book.objects, "adelete")
    assert inspect.iscoroutinefunction(Book.objects.none().adelete)
    assert Book.objects.none().adelete.alters_data


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call])
async def test_it_answers_without_a_thread(library, name):
    async with no_thread_hop() as sent:
        result = await CALLS[name](Author.objects.order_by("name"))
    assert sent
    del result


async def test_answers_are_those_of_the_synchronous_methods(library):
    found = Author.objects.order_by("name")
    authors = await collected(found)
    async with no_thread_hop():
        assert [each.name for each in authors] == ["Author 0", "Author 1", "Author 2"]
        assert await found.aaggregate(number=Count("pk")) == {"number": 3}
        assert await found.acount() == await found.aestimated_count() == 3
        assert await found.aexists()
        assert await found.acontains(authors[1])
        assert await found.afirst() == await found.aearliest("name") == authors[0]
        assert await found.alast() == await found.alatest("name") == authors[2]
        assert await found.aget(name="Author 1") == authors[1]
        assert await found.ain_bulk([authors[0].pk]) == {authors[0].pk: authors[0]}
        assert (await found.aexplain())["queryPlanner"]
        with pytest.raises(Author.DoesNotExist):
            await found.aget(name="nobody")
        with pytest.raises(Author.MultipleObjectsReturned):
            await found.aget()


async def test_writing(library):
    async with no_thread_hop():
        author, created = await Author.objects.aget_or_create(
            name="new", defaults={"email": "new@x.org"}
        )
        assert created
        assert await Author.objects.aget_or_create(name="new") == (author, False)
        changed, created = await Author.objects.aupdate_or_create(
            name="new", defaults={"email": "newer@x.org"}
        )
        assert (changed.email, created) == ("newer@x.org", False)
        made = await Author.objects.abulk_create([Author(name="a"), Author(name="b")])
        for each in made:
            each.name += "!"
        assert await Author.objects.abulk_update(made, ["name"]) == 2
        assert await Author.objects.filter(name__endswith="!").acount() == 2
        assert await Author.objects.filter(name__endswith="!").aupdate(name="c") == 2
        assert await Author.objects.filter(name="c").adelete() == (2, {"testapp.Author": 2})
        with pytest.raises(DuplicateKeyError, match="newer"):
            await Author.objects.acreate(name="x", email="newer@x.org")


async def test_deleting_walks_references_as_ever(library):
    async with no_thread_hop():
        deleted, each = await Author.objects.filter(name="Author 1").adelete()
    assert (deleted, each) == (3, {"testapp.Author": 1, "testapp.Book": 2})
    assert await Book.objects.acount() == 4


async def test_two_that_create_the_same_at_once(library):
    results = await asyncio.gather(
        *(
            Publisher.objects.aget_or_create(name="Thienemann", defaults={"home": None})
            for _ in range(5)
        )
    )
    assert len({each.pk for each, _ in results}) == 1
    assert sum(created for _, created in results) == 1


async def test_pymongos_own_collection(library):
    async with no_thread_hop():
        assert await Author.objects.acollection.count_documents({}) == 3
        assert await Author.objects.all().acollection.count_documents({}) == 3


# Streams


STREAMS = {
    "documents": lambda books: books,
    "values": lambda books: books.values("title", "author__name"),
    "values_list": lambda books: books.values_list("title", flat=True),
    "select_related": lambda books: books.select_related("author"),
    "prefetch_related": lambda books: books.prefetch_related("author__books"),
    "only": lambda books: books.only("title"),
    "pipeline": lambda books: books.pipeline([{"$project": {"title": 1}}]),
    "documents of a pipeline": lambda books: books.pipeline([{"$limit": 4}], documents=True),
    "sliced": lambda books: books[1:5],
    "dates": lambda books: books.dates("published", "year"),
    "nothing": lambda books: books.none(),
    "across a reference": lambda books: books.filter(author__name="Author 1"),
}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("how", ["async for", "aiterator", "aiterator by one"])
def test_streams_yield_what_loops_do(library, kind, how):
    def books():
        return STREAMS[kind](Book.objects.order_by("title"))

    async def stream():
        async with no_thread_hop():
            if how == "async for":
                return [shown(each) async for each in books()]
            chunk_size = 2000 if how == "aiterator" else 1
            return [shown(each) async for each in books().aiterator(chunk_size)]

    assert asyncio.run(stream()) == [shown(each) for each in books()]


def shown(each):
    """What can be compared: with what has been fetched along, but fetching nothing."""
    if not isinstance(each, Book):
        return each
    if "author" not in each._state.fields_cache:
        return each.pk, sorted(each.__dict__)
    author = each.author
    return each.pk, author.name, len(getattr(author, "_prefetched_objects_cache", {}))


async def test_what_was_found_is_kept(library):
    found = Book.objects.order_by("title").prefetch_related("author")
    with CaptureCommands() as captured:
        first = [each async for each in found]
        second = [each async for each in found]
        assert [each.author.name for each in first][::2] == ["Author 0", "Author 1", "Author 2"]
        assert all(one is other for one, other in zip(first, second, strict=True))
        assert len(found) == 6
    assert captured.names == ["find", "find"]


async def test_iterating_takes_constant_memory():
    await Book.objects.abulk_create([Book(title=str(number)) for number in range(1000)])
    alive, most = weakref.WeakSet(), 0
    with CaptureCommands() as captured:
        async for book in Book.objects.aiterator(chunk_size=50):
            if not most:
                assert captured.names == ["find"]
            alive.add(book)
            del book
            most = max(most, len(alive))
    assert most <= 51
    # The last may bring nothing but the news that it is the last.
    assert len(captured.names) in (20, 21)


async def killed(captured):
    """Whether nothing but the first batch was asked for, and the cursor is closed soon."""
    for _ in range(200):
        if len(captured.names) > 1:
            break
        await asyncio.sleep(0.001)
    return captured.names == ["find", "killCursors"]


async def test_a_loop_that_ends_early_closes_the_cursor():
    await Book.objects.abulk_create([Book(title=str(number)) for number in range(300)])
    with CaptureCommands() as captured:
        async with aclosing(Book.objects.aiterator(chunk_size=10)) as books:
            async for _ in books:
                break
        assert await killed(captured)


async def test_so_does_one_without_aclosing_at_the_loops_next_turn():
    await Book.objects.abulk_create([Book(title=str(number)) for number in range(300)])
    with CaptureCommands() as captured:
        async for _ in Book.objects.aiterator(chunk_size=10):
            break
        gc.collect()
        assert await killed(captured)


async def test_a_cancelled_loop_closes_the_cursor():
    await Book.objects.abulk_create([Book(title=str(number)) for number in range(300)])
    reached = asyncio.Event()

    async def read():
        async with aclosing(Book.objects.aiterator(chunk_size=10)) as books:
            async for _ in books:
                reached.set()
                await asyncio.sleep(60)

    with CaptureCommands() as captured:
        task = asyncio.create_task(read())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await killed(captured)


def test_a_stream_that_is_open_when_its_loop_ends_leaves_nothing():
    kept = []

    async def begin():
        await Book.objects.abulk_create([Book(title=str(number)) for number in range(300)])
        for _ in range(3):
            kept.append(Book.objects.aiterator(chunk_size=10))
            await anext(kept[-1])

    with CaptureCommands() as captured:
        asyncio.run(begin())
    assert [each.ag_frame for each in kept] == [None] * 3
    # The client has waited for them.
    assert captured.names.count("killCursors") == 3


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(ValueError, match="strictly positive"):
        Book.objects.aiterator(chunk_size=0)


# What is not awaited


async def test_a_synchronous_method_is_refused_with_a_cure(library):
    with pytest.raises(SynchronousOnlyOperation, match=r'with an "a" before it'):
        Book.objects.count()
    with pytest.raises(SynchronousOnlyOperation, match="native"):
        list(Book.objects.all())


async def test_a_reference_that_is_not_loaded_is_refused_with_a_cure(library):
    book = await Book.objects.afirst()
    with pytest.raises(SynchronousOnlyOperation, match=r"select_related\(\)"):
        book.author  # noqa: B018
    assert (await book.aget("author")).name == "Author 0"
    assert book.author.name == "Author 0"


async def test_related_objects_can_be_prefetched_for_documents_at_hand(library):
    books = [book async for book in Book.objects.order_by("title")]
    async with no_thread_hop() as sent:
        await afetch(
            books, Prefetch("author", Author.objects.filter(name__gt="Author 0")), "author__books"
        )
    assert len(sent) == 2
    assert [book.author and book.author.name for book in books[2:]] == [
        *["Author 1"] * 2,
        *["Author 2"] * 2,
    ]
