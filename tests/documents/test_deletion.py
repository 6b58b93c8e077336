"""Deleting documents: Django's rules over references, with few commands."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import ProtectedError, RestrictedError
from django.db.models.signals import post_delete, pre_delete

from tests.testapp.models import Author, Book, Loan, Publisher, Ticket

pytestmark = pytest.mark.django_db


def test_a_document_to_which_nothing_refers_is_one_command(assert_num_commands):
    loan = Loan.objects.create(note="x")
    with assert_num_commands(1):
        assert loan.delete() == (1, {"testapp.Loan": 1})
    assert loan.pk is None
    Loan.objects.bulk_create([Loan(note=str(number)) for number in range(20)])
    with assert_num_commands(1):
        assert Loan.objects.filter(note__gte="1").delete() == (19, {"testapp.Loan": 19})
    assert Loan.objects.all().delete() == (1, {"testapp.Loan": 1})
    assert Loan.objects.all().delete() == (0, {})


def test_cascade_and_set_null_are_batched(assert_num_commands):
    authors = Author.objects.bulk_create([Author(name=str(number)) for number in range(50)])
    Book.objects.bulk_create(
        [Book(title=str(number), author=authors[number % 50]) for number in range(200)]
    )
    Loan.objects.bulk_create([Loan(reader=author) for author in authors])
    Ticket.objects.create(code="A", holder=authors[0])
    # Look at authors, their books and tickets, the books' loans; delete books and authors, set
    # null twice; the transaction's end.
    with assert_num_commands(10):
        _, by_model = Author.objects.all().delete()
    assert by_model == {"testapp.Author": 50, "testapp.Book": 200}
    assert Loan.objects.filter(reader=None).count() == 50
    assert Ticket.objects.get().holder is None


def test_protect_and_restrict_refuse_and_nothing_is_lost():
    insel = Publisher.objects.create(name="Insel")
    author = Author.objects.create(name="Ann")
    book = Book.objects.create(title="x", publisher=insel, author=author)
    with pytest.raises(ProtectedError, match=r"Book.publisher"):
        insel.delete()
    Loan.objects.create(book=book)
    with pytest.raises(RestrictedError, match=r"Loan.book"):
        author.delete()
    with pytest.raises(RestrictedError, match=r"Loan.book"):
        Book.objects.all().delete()
    assert (Publisher.objects.count(), Author.objects.count(), Book.objects.count()) == (1, 1, 1)


def test_signals_are_sent_for_each():
    seen = []

    def remember(sender, instance, signal, **kwargs):
        seen.append((signal is pre_delete, str(instance)))

    author = Author.objects.create(name="Ann")
    Book.objects.create(title="One", author=author)
    for signal in (pre_delete, post_delete):
        signal.connect(remember, sender=Book)
    try:
        author.delete()
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(remember, sender=Book)
    assert seen == [(True, "One"), (False, "One")]


@pytest.mark.needs("transactions")
def test_a_cascade_that_fails_in_the_middle_is_undone():
    author = Author.objects.create(name="Ann")
    Book.objects.create(title="One", author=author)

    def fail(sender, **kwargs):
        raise RuntimeError("in the middle")

    post_delete.connect(fail, sender=Author)
    try:
        with pytest.raises(RuntimeError):
            author.delete()
    finally:
        post_delete.disconnect(fail, sender=Author)
    assert Author.objects.count() == 1 and Book.objects.count() == 1


@pytest.mark.needs("transactions")
def test_writes_of_documents_join_the_transaction():
    author = Author.objects.create(name="Ann")
    with pytest.raises(RuntimeError), transaction.atomic():
        author.name = "Bob"
        author.save()
        Author.objects.create(name="Cid")
        assert Author.objects.count() == 2
        Author.objects.filter(name="Bob").update(name="Dan")
        raise RuntimeError
    assert [each.name for each in Author.objects.all()] == ["Ann"]
