"""References: reached in both directions, in batches, and dangling ones told apart."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.db.models import Prefetch
from django.db.utils import NotSupportedError

from tests.testapp.models import (
    Account,
    Author,
    Book,
    Entry,
    Mention,
    Page,
    Profile,
    Publisher,
    RefLine,
    RefOrder,
    RefProduct,
    Ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf():
    authors = Author.objects.bulk_create([Author(name=f"A{number}") for number in range(3)])
    insel = Publisher.objects.create(name="Insel")
    Book.objects.bulk_create(
        [
            Book(title=f"B{number}", author=authors[number % 3], publisher=insel)
            for number in range(9)
        ]
    )
    Ticket.objects.create(code="T", holder=authors[0])
    return authors


def test_a_reference_is_fetched_once_when_asked_for(shelf, assert_num_commands):
    book = Book.objects.get(title="B4")
    with assert_num_commands(1):
        assert book.author.name == "A1"
        assert book.author.name == "A1"
    with assert_num_commands(0):
        assert book.author_id == shelf[1].pk


def test_select_related_is_one_command_more_for_each_reference(shelf, assert_num_commands):
    with assert_num_commands(3):
        found = [
            (book.title, book.author.name, book.publisher.name)
            for book in Book.objects.select_related("author", "publisher").order_by("title")
        ]
    assert found[4] == ("B4", "A1", "Insel")
    with assert_num_commands(2):
        assert Ticket.objects.select_related("holder").get().holder.name == "A0"


def test_prefetch_related_both_ways_and_nested(shelf, assert_num_commands):
    with assert_num_commands(3):
        found = {
            author.name: sorted((book.title, book.publisher.name) for book in author.books.all())
            for author in Author.objects.prefetch_related("books__publisher")
        }
    assert found["A0"] == [("B0", "Insel"), ("B3", "Insel"), ("B6", "Insel")]
    some = Prefetch("books", Book.objects.filter(title__gt="B5"), to_attr="late")
    with assert_num_commands(2):
        assert {len(author.late) for author in Author.objects.prefetch_related(some)} == {1}
    with assert_num_commands(2):
        tickets = [
            getattr(author, "ticket", None)
            for author in Author.objects.order_by("name").prefetch_related("ticket")
        ]
    assert [ticket and ticket.code for ticket in tickets] == ["T", None, None]


def test_the_reverse_manager_works(shelf):
    author = shelf[0]
    assert author.books.count() == 3
    assert author.books.filter(title="B3").get().author is author
    new = author.books.create(title="New")
    assert new.author_id == author.pk
    other = Book.objects.get(title="B1")
    author.books.add(other)
    assert Book.objects.get(title="B1").author == author
    author.books.remove(other)
    assert Book.objects.get(title="B1").author is None
    author.books.clear()
    assert not author.books.exists()
    assert author.ticket.code == "T"


def test_a_dangling_reference_is_a_clear_does_not_exist():
    book = Book.objects.create(title="x", author_id=ObjectId())
    book = Book.objects.get(pk=book.pk)
    for found in (book, Book.objects.select_related("author").get()):
        with pytest.raises(Author.DoesNotExist, match=r"'author' refers to testapp\.Author"):
            _ = found.author
    assert book.author_id is not None


def test_an_author_without_a_ticket():
    author = Author.objects.create(name="Ann")
    with pytest.raises(Author.ticket.RelatedObjectDoesNotExist):
        _ = author.ticket


def test_a_key_that_is_a_reference_leads_on():
    ann, bob = Account.objects.create(name="Ann"), Account.objects.create(name="Bob")
    for account in (ann, bob):
        profile = Profile.objects.create(account=account, motto=f"I am {account}")
        Entry.objects.create(profile=profile, text=f"by {account}")
    found = Entry.objects.filter
    for entries in (
        found(profile__account=ann),
        found(profile__account=ann.pk),
        found(profile__account__name="Ann"),
        found(profile__account__id=ann.pk),
        found(profile__motto="I am Ann"),
        found(profile__pk=ann.pk),
    ):
        assert [entry.text for entry in entries] == ["by Ann"]
    assert Account.objects.get(profile__entries__text="by Bob") == bob
    assert set(Entry.objects.values_list("profile__account__name", flat=True)) == {"Ann", "Bob"}
    assert (
        Entry.objects.select_related("profile__account").get(text="by Bob").profile.account == bob
    )
    ann.delete()
    assert [entry.text for entry in Entry.objects.all()] == ["by Bob"]


def test_embedded_documents_are_no_collection_to_look_back_to():
    account = Account.objects.create(name="Ann")
    Page.objects.create(mentions=[Mention(account=account)])
    assert Page.objects.filter(mentions__account__name="Ann").count() == 1
    with pytest.raises(NotSupportedError, match=r"stored inside other documents"):
        Account.objects.filter(mention__isnull=True)


def test_an_unsaved_reference_within_is_no_data_lost():
    product = RefProduct(name="new")
    order = RefOrder(lines=[RefLine(product=product)])
    with pytest.raises(ValueError, match="unsaved related object 'product'"):
        order.save()
    product.save()
    order.save()
    assert RefOrder.objects.get(pk=order.pk).lines[0].product == product
