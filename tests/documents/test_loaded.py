"""What a save compares with: never something that the server does not have."""

from __future__ import annotations

import copy
import pickle

import pytest
from bson import ObjectId
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.utils import NotSupportedError

from tests.testapp.models import Author, Book, Every, Publisher

pytestmark = pytest.mark.django_db


class Abandoned(Exception):
    """Ends a transaction."""


@pytest.fixture
def book():
    return Book.objects.create(title="Momo", pages=300, price=9)


def stored(document):
    return document._meta.model.objects.collection.find_one({"_id": document.pk})


def rolled_back(function):
    with pytest.raises(Abandoned), transaction.atomic():
        function()
        raise Abandoned


@pytest.mark.needs("transactions")
def test_what_was_rolled_back_is_sent_by_the_next_save(book):
    Book.objects.filter(pk=book.pk).update(title="Momo, revised")
    book.pages = 301
    rolled_back(book.save)
    assert stored(book)["pages"] == 300
    book.save()
    # And nothing but that: the title is another's.
    assert (stored(book)["pages"], stored(book)["title"]) == (301, "Momo, revised")


@pytest.mark.needs("transactions")
def test_a_value_that_was_taken_away_and_rolled_back_is_taken_away_by_the_next_save(book):
    book.price = None
    rolled_back(book.save)
    book.save()
    assert "price" not in stored(book)


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("insert", [lambda new: new.save(), lambda new: bulk(new)])
def test_an_insert_that_was_rolled_back_is_done_by_the_next_save(insert):
    new = Book(title="New", pages=1)
    rolled_back(lambda: insert(new))
    assert not Book.objects.exists()
    new.save()
    assert stored(new)["title"] == "New"


def bulk(new):
    Book.objects.bulk_create([new])


@pytest.mark.needs("transactions")
def test_what_was_read_in_a_transaction_that_was_rolled_back_was_never_there(book):
    def read():
        Book.objects.filter(pk=book.pk).update(pages=5)
        found.append(Book.objects.get(pk=book.pk))

    found = []
    rolled_back(read)
    assert stored(book)["pages"] == 300
    found[0].save()
    assert stored(book)["pages"] == 5


@pytest.mark.needs("transactions")
def test_several_saves_in_one_transaction_and_after_it(book, assert_num_commands):
    with transaction.atomic():
        book.pages = 1
        book.save()
        book.pages = 300
        book.title = "Other"
        book.save()
    assert (stored(book)["pages"], stored(book)["title"]) == (300, "Other")
    with assert_num_commands(0):
        book.save()
    rolled_back(lambda: [setattr(book, "pages", 2), book.save(), setattr(book, "pages", 300)])
    with transaction.atomic():
        book.save()
    assert stored(book)["pages"] == 300


@pytest.mark.needs("transactions")
def test_copies_made_in_a_transaction_know_what_became_of_it(book):
    copies = []

    def save():
        book.pages = 2
        book.save()
        copies.extend([copy.copy(book), copy.deepcopy(book), pickle.loads(pickle.dumps(book))])

    rolled_back(save)
    for each in copies:
        each.save()
        assert stored(book)["pages"] == 2
        Book.objects.update(pages=300)


def test_none_can_be_given_to_a_deferred_field(book):
    again = Book.objects.defer("price").get(pk=book.pk)
    again.price = None
    again.save()
    assert "price" not in stored(book)


def test_none_can_follow_a_computed_value():
    every = Every.objects.create(big=3)
    every.big = F("big") + 1
    every.save()
    every.big = None
    every.save()
    assert "big" not in stored(every)


def test_an_expression_is_computed_once_by_an_instance_that_was_not_loaded(book):
    other = Book(id=book.pk, title="Momo", pages=F("pages") + 1)
    other.save()
    other.save()
    assert stored(book)["pages"] == other.pages == 301


def test_bulk_update_is_what_the_next_save_compares_with(book):
    book.pages = 2
    Book.objects.bulk_update([book], ["pages"])
    book.pages = 300
    book.save()
    assert stored(book)["pages"] == 300
    book.pages = F("pages") + 1
    Book.objects.bulk_update([book], ["pages"])
    book.save()
    assert stored(book)["pages"] == book.pages == 301


def test_bulk_update_loads_what_is_deferred(book):
    again = Book.objects.only("title").get(pk=book.pk)
    assert Book.objects.bulk_update([again], ["pages"]) == 1
    assert stored(book)["pages"] == 300


@pytest.mark.needs("transactions")
def test_bulk_update_does_all_or_nothing():
    first, second = (Publisher.objects.create(name=f"{name} {ObjectId()}") for name in "ab")
    first.founded, second.name = "2001-01-01", first.name
    with pytest.raises(IntegrityError):
        Publisher.objects.bulk_update([first, second], ["founded", "name"], batch_size=1)
    assert "founded" not in stored(first)
    first.save()
    assert "founded" in stored(first)


def test_a_document_that_bulk_create_ignored_is_not_taken_for_stored():
    name = f"Insel {ObjectId()}"
    Publisher.objects.create(name=name)
    ignored = Publisher(name=name)
    Publisher.objects.bulk_create([ignored], ignore_conflicts=True)
    with pytest.raises(IntegrityError):
        ignored.save()


def test_bulk_create_refuses_expressions():
    with pytest.raises(NotSupportedError, match=r"can't be inserted with the expression"):
        Book.objects.bulk_create([Book(title="x", pages=F("pages") + 1)])


def test_an_insert_that_was_refused_leaves_the_key_none():
    name = f"Insel {ObjectId()}"
    Publisher.objects.create(name=name)
    refused = Publisher(name=name)
    with pytest.raises(IntegrityError):
        refused.save()
    assert refused.pk is None


def test_refreshing_tells_what_is_stored(book):
    again = Book(id=book.pk)
    again.refresh_from_db()
    again.title = "Changed"
    Book.objects.update(pages=1)
    again.save()
    assert (stored(book)["title"], stored(book)["pages"]) == ("Changed", 1)
    again = Book(id=book.pk, title="Mine", pages=2)
    again.refresh_from_db(fields=["pages"])
    again.save()
    assert (stored(book)["title"], stored(book)["pages"]) == ("Mine", 1)
    assert "price" not in stored(book)


def test_a_document_from_a_key_of_another_is_written_whole(book):
    again = Book.objects.get(pk=book.pk)
    again.pk = Book.objects.create(title="Second", pages=2, author=Author.objects.create()).pk
    again.save()
    assert stored(again) == {**stored(book), "_id": again.pk}
