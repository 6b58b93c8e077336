"""The `a...` methods of documents and related managers, and the signals that they send."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.db import models
from django.db.models.fields.related_descriptors import create_reverse_many_to_one_manager
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from mongo_contrib.bridge import native
from mongo_contrib.documents import Document, DocumentQuerySet
from mongo_contrib.repository import Repository
from mongo_contrib.test import CaptureCommands
from mongo_contrib.transaction import aatomic
from tests.hops import no_thread_hop
from tests.query.test_async import asynchronous
from tests.testapp.models import Author, Book, Publisher

pytestmark = pytest.mark.django_db

# Django gives a thread to these whatever the database is: hashing a password takes a while.
HASHING = {"acheck_password"}


def hops(cls):
    """The asynchronous methods of a class that hand over to a thread."""
    return {
        name
        for name in asynchronous(cls)
        if "sync_to_async" in inspect.unwrap(getattr(cls, name)).__code__.co_names
        or "sync_to_async" in inspect.unwrap(getattr(cls, name)).__code__.co_freevars
    }


def test_every_asynchronous_method_of_djangos_is_native():
    """Fails with a Django that has one more: it needs a twin in documents/twins.py."""
    assert asynchronous(models.Model) <= asynchronous(Document)
    for name in asynchronous(models.Model):
        assert getattr(Document, name).__module__.startswith("mongo_contrib."), name


def test_nothing_of_ours_hands_over_to_a_thread():
    from mongo_contrib.auth.backends import MongoBackend
    from mongo_contrib.auth.models import Group, GroupManager, User, UserManager
    from mongo_contrib.sessions.backends.mongo import SessionStore
    from mongo_contrib.storage import GridFSStorage

    ours = (Author, Book, DocumentQuerySet, Group, GroupManager, MongoBackend, Repository)
    for cls in (*ours, SessionStore, GridFSStorage, User, UserManager):
        assert hops(cls) - HASHING == set(), cls
    # Is this a test? Django's own do.
    assert "asave" in hops(models.Model)


async def test_saving_changing_and_deleting():
    async with no_thread_hop() as sent:
        book = Book(title="Momo", pages=1)
        await book.asave()
        book.pages = 2
        await book.asave(update_fields=["pages"])
        await book.asave()
        await Book.objects.filter(pk=book.pk).aupdate(pages=3)
        await book.arefresh_from_db()
        assert book.pages == 3
        other = await Book.objects.only("title").aget()
        assert await other.aget("pages") == 3
        assert await book.adelete() == (1, {"testapp.Book": 1})
    assert sent.count("insert") == 1
    assert sent.count("update") == 2
    assert not await Book.objects.aexists()


async def test_validating_asks_the_database():
    await Publisher.objects.acreate(name="Thienemann")
    async with no_thread_hop():
        with pytest.raises(ValidationError, match="already exists"):
            await Publisher(name="Thienemann").afull_clean()
        await Publisher(name="Other").afull_clean()
    with pytest.raises(SynchronousOnlyOperation):
        Publisher(name="Thienemann").full_clean()


async def test_a_document_that_is_gone_says_so():
    author = await Author.objects.acreate(name="Ende")
    await Author.objects.all().adelete()
    with pytest.raises(Author.DoesNotExist):
        await author.arefresh_from_db()


async def test_deleting_takes_along_what_refers():
    author = await Author.objects.acreate(name="Ende")
    await Book.objects.abulk_create([Book(title=title, author=author) for title in "abc"])
    async with no_thread_hop():
        assert (await author.adelete())[0] == 4
    assert not await Book.objects.aexists()


# Related managers


def test_every_method_of_djangos_related_managers_is_native():
    """Fails with a Django whose related managers have another method without a twin."""
    relation = Book._meta.get_field("author").remote_field
    djangos = create_reverse_many_to_one_manager(Book._default_manager.__class__, relation)
    names = asynchronous(djangos)
    assert {"aadd", "acreate", "aremove", "aclear", "aset", "aget_or_create"} <= names
    ours = type(Author(name="x").books)
    for name in names:
        assert "sync_to_async" not in getattr(ours, name).__code__.co_names, name
        assert "sync_to_async" not in getattr(ours, name).__code__.co_freevars, name
    assert ours.aadd.alters_data


async def test_related_managers():
    author, other = await Author.objects.abulk_create(
        [Author(name="Ende"), Author(name="Preussler")]
    )
    momo = await Book.objects.acreate(title="Momo")
    async with no_thread_hop():
        await author.books.aadd(momo)
        krabat = await other.books.acreate(title="Krabat")
        found, created = await author.books.aget_or_create(title="Momo")
        assert (found, created) == (momo, False)
        found, created = await author.books.aupdate_or_create(title="Momo", defaults={"pages": 9})
        assert (found.pages, created) == (9, False)
        assert [book.title async for book in author.books.all()] == ["Momo"]
        await author.books.aset([krabat])
        assert [book.title async for book in author.books.aiterator()] == ["Krabat"]
        await author.books.aremove(krabat)
        assert await author.books.acount() == 0
        await author.books.aset([krabat, momo])
        await author.books.aclear()
        assert await Book.objects.filter(author=None).acount() == 2
        assert await author.books(manager="objects").acount() == 0
        await author.books(manager="objects").aadd(momo)
        assert await author.books.acount() == 1


# Signals


@pytest.fixture
def listen():
    """``listen(signal, receiver)`` connects a receiver of Author's signals for the test."""
    connected = []

    def listen(signal, receiver):
        signal.connect(receiver, sender=Author)
        connected.append((signal, receiver))

    yield listen
    for signal, receiver in connected:
        signal.disconnect(receiver, sender=Author)


@pytest.fixture
def heard(listen):
    """What receivers of both kinds have heard, in order."""
    heard = []

    def connect(signal, name):
        def function(sender, instance, **named):
            heard.append((name, "function", threading.get_ident()))

        async def coroutine(sender, instance, **named):
            await asyncio.sleep(0)
            heard.append((name, "coroutine", threading.get_ident()))

        listen(signal, coroutine)
        listen(signal, function)
        return function, coroutine

    receivers = [
        connect(signal, name)
        for signal, name in (
            (pre_save, "pre_save"),
            (post_save, "post_save"),
            (pre_delete, "pre_delete"),
            (post_delete, "post_delete"),
        )
    ]
    yield heard
    del receivers


async def test_receivers_of_both_kinds_are_called_here(heard):
    here = threading.get_ident()
    async with no_thread_hop():
        author = await Author.objects.acreate(name="Ende")
        assert heard == [
            (name, kind, here)
            for name in ("pre_save", "post_save")
            for kind in ("function", "coroutine")
        ]
        heard.clear()
        await author.adelete()
        assert heard == [
            (name, kind, here)
            for name in ("pre_delete", "post_delete")
            for kind in ("function", "coroutine")
        ]


def test_without_a_loop_they_are_called_as_django_does(heard):
    Author.objects.create(name="Ende")
    assert [(name, kind) for name, kind, _ in heard] == [
        (name, kind) for name in ("pre_save", "post_save") for kind in ("function", "coroutine")
    ]
    assert heard[0][2] == threading.get_ident()
    # asgiref runs a coroutine without a loop in a thread with one.
    assert heard[1][2] != threading.get_ident()


@pytest.mark.parametrize("kind", ["function", "coroutine"])
async def test_receivers_use_documents(listen, kind):
    if kind == "function":

        def receiver(instance, **named):
            Book.objects.create(title=f"By {instance.name}", author=instance)

    else:

        async def receiver(instance, **named):
            await Book.objects.acreate(title=f"By {instance.name}", author=instance)

    listen(post_save, receiver)
    async with no_thread_hop():
        await Author.objects.acreate(name="Ende")
        assert (await Book.objects.aget()).title == "By Ende"


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("kind", ["function", "coroutine"])
async def test_what_receivers_write_is_part_of_the_transaction(listen, kind):
    if kind == "function":

        def receiver(instance, **named):
            Book.objects.create(title="Momo")

    else:

        async def receiver(instance, **named):
            await Book.objects.acreate(title="Momo")
            async with aatomic():
                await Book.objects.acreate(title="Jim Knopf")

    listen(post_save, receiver)
    with pytest.raises(LookupError):
        async with aatomic():
            await Author.objects.acreate(name="Ende")
            assert await Book.objects.aexists()
            raise LookupError
    assert not await Book.objects.aexists()


@pytest.mark.parametrize("kind", ["function", "coroutine"])
async def test_a_receiver_that_fails_stops_the_save(listen, kind):
    if kind == "function":

        def receiver(**named):
            raise LookupError("not now")

    else:

        async def receiver(**named):
            raise LookupError("not now")

    listen(pre_save, receiver)
    with pytest.raises(LookupError, match="not now"):
        await Author.objects.acreate(name="Ende")
    assert not await Author.objects.aexists()


async def test_what_receivers_are_told(listen):
    told = []

    async def receiver(sender, **named):
        told.append((sender, named))

    listen(post_save, receiver)
    author = await Author.objects.acreate(name="Ende")
    [(sender, named)] = told
    assert (sender, named["instance"], named["created"]) == (Author, author, True)
    assert named["signal"] is post_save
    assert named["using"] == "default"


# One code for both


async def test_a_whole_synchronous_function_runs_natively():
    def work():
        author = Author.objects.create(name="Ende")
        for title in ("Momo", "Jim Knopf"):
            author.books.create(title=title)
        return sorted(book.author.name + ": " + book.title for book in Book.objects.all())

    async with no_thread_hop():
        assert await native(work) == ["Ende: Jim Knopf", "Ende: Momo"]


async def test_many_tasks_at_once():
    async def work(number):
        author = await Author.objects.acreate(name=f"Author {number}")
        await Book.objects.abulk_create(
            [Book(title=f"{number}-{book}", author=author) for book in range(5)]
        )
        return [book.author.name async for book in author.books.select_related("author")]

    results = await asyncio.gather(*(work(number) for number in range(20)))
    assert results == [[f"Author {number}"] * 5 for number in range(20)]


async def test_a_save_that_changes_nothing_sends_nothing():
    author = await Author.objects.acreate(name="Ende")
    with CaptureCommands() as captured:
        await author.asave()
    assert captured.names == []
