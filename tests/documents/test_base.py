"""Saving, loading and deleting documents: what is stored and what is sent."""

from __future__ import annotations

import copy
import datetime
import pickle
from decimal import Decimal

import pytest
from bson import ObjectId
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, models
from django.db.models import F
from django.db.models.signals import post_init, post_save, pre_save
from django.db.utils import DataError, NotSupportedError

from mongo_contrib.documents import Document
from tests.testapp.models import Address, Author, Book, Every, Publisher, Remark, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def book():
    return Book.objects.create(
        title="Momo",
        pages=300,
        price=Decimal("9.99"),
        tags=["time", "child"],
        remarks=[Remark(author="Ann", stars=5, address=Address(city="Ulm"))],
        extra={"isbn": {"ten": "1", "thirteen": "2"}},
    )


def stored(document):
    return document._meta.model.objects.collection.find_one({"_id": document.pk})


def test_the_key_is_none_until_the_document_is_saved():
    author = Author(name="Ann")
    assert author.pk is None and author._state.adding
    author.save()
    assert isinstance(author.pk, ObjectId) and not author._state.adding
    assert stored(author) == {"_id": author.pk, "name": "Ann"}


def test_an_insert_is_one_command(assert_num_commands):
    with assert_num_commands(1):
        Author.objects.create(name="Ann")


def test_what_is_loaded_is_what_was_saved(book):
    again = Book.objects.get(pk=book.pk)
    assert again == book
    for field in Book._meta.concrete_fields:
        assert getattr(again, field.attname) == getattr(book, field.attname)


def test_a_save_that_changes_nothing_sends_nothing(book, assert_num_commands):
    again = Book.objects.get(pk=book.pk)
    with assert_num_commands(0):
        again.save()
        book.save()


def test_only_what_changed_is_sent(book, capture_commands):
    again = Book.objects.get(pk=book.pk)
    again.pages = 301
    again.extra["isbn"]["ten"] = "3"
    again.price = None
    again.save()
    (update,) = capture_commands[-1].command["updates"]
    assert update["u"] == {"$set": {"pages": 301, "extra.isbn.ten": "3"}, "$unset": {"price": ""}}
    assert Book.objects.get(pk=book.pk).price is None


def test_two_people_who_edit_different_fields_both_survive(book):
    first, second = Book.objects.get(pk=book.pk), Book.objects.get(pk=book.pk)
    first.title = "Momo!"
    second.tags.append("grey")
    first.save()
    second.save()
    again = Book.objects.get(pk=book.pk)
    assert (again.title, again.tags) == ("Momo!", ["time", "child", "grey"])


def test_changes_inside_embedded_documents_are_seen(book):
    again = Book.objects.get(pk=book.pk)
    again.remarks[0].address.city = "Bonn"
    again.save()
    assert stored(book)["remarks"][0]["address"]["town"] == "Bonn"


def test_keys_that_the_class_does_not_know_stay(book):
    Book.objects.collection.update_one(
        {"_id": book.pk}, {"$set": {"shelf": 7, "remarks.0.mood": "good"}}
    )
    again = Book.objects.get(pk=book.pk)
    again.title = "Other"
    again.remarks[0].stars = 4
    again.save()
    found = stored(book)
    assert found["shelf"] == 7
    assert found["remarks"][0] == {
        "author": "Ann",
        "stars": 4,
        "address": {"street": "", "town": "Ulm"},
        "mood": "good",
    }


def test_update_fields_sends_those_alone(book):
    again = Book.objects.get(pk=book.pk)
    again.title, again.pages = "New", 1
    again.save(update_fields=["pages"])
    found = stored(book)
    assert (found["title"], found["pages"]) == ("Momo", 1)
    # What was not sent is still a change.
    again.save()
    assert stored(book)["title"] == "New"


def test_a_deleted_document_is_inserted_again_by_save_but_not_by_a_forced_update(book):
    again = Book.objects.get(pk=book.pk)
    Book.objects.all().delete()
    again.pages = 1
    with pytest.raises(DatabaseError, match=r"did not affect any rows"):
        again.save(force_update=True)
    with pytest.raises(DatabaseError, match=r"did not affect any rows"):
        again.save(update_fields=["pages"])
    again.pages = 300
    with pytest.raises(DatabaseError, match=r"did not affect any rows"):
        again.save(force_update=True)
    assert not Book.objects.exists()
    again.pages = 2
    again.save()
    assert stored(book)["title"] == "Momo"


def test_saving_with_a_key_of_ones_own_is_one_command(assert_num_commands):
    with assert_num_commands(1):
        Author(id=ObjectId(), name="New").save()
    author = Author.objects.get()
    created = []

    def remember(created_list=created, **kwargs):
        created_list.append(kwargs["created"])

    post_save.connect(remember, sender=Author)
    try:
        with assert_num_commands(1):
            Author(id=author.pk, name="Renamed", email=None).save()
        Author(id=ObjectId(), name="Third").save()
    finally:
        post_save.disconnect(remember, sender=Author)
    assert created == [False, True]
    assert Author.objects.count() == 2 and Author.objects.get(pk=author.pk).name == "Renamed"


def test_force_insert_of_a_key_that_is_there_is_refused(book):
    with pytest.raises(IntegrityError):
        Book(id=book.pk, title="x").save(force_insert=True)
    with pytest.raises(IntegrityError):
        Book.objects.create(id=book.pk, title="x")


def test_a_declared_key_is_stored_as_the_key():
    Ticket.objects.create(code="A1", expires=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert Ticket.objects.collection.name == "tickets"
    assert Ticket.objects.collection.find_one()["_id"] == "A1"
    assert Ticket.objects.get(pk="A1").code == "A1"


def test_duplicates_name_their_fields():
    Publisher.objects.create(name="Insel")
    with pytest.raises(IntegrityError, match=r"name.*Insel") as caught:
        Publisher.objects.create(name="Insel")
    assert caught.value.fields == ("name",)


def test_any_number_of_documents_may_have_no_value_in_a_unique_field():
    Author.objects.create(name="A")
    Author.objects.create(name="B")
    Author.objects.create(name="C", email="c@example.org")
    with pytest.raises(IntegrityError, match=r"email"):
        Author.objects.create(name="D", email="c@example.org")


def test_none_of_a_field_with_a_default_is_none_again():
    every = Every.objects.create(remarks=None)
    assert Every.objects.get(pk=every.pk).remarks is None
    every.remarks = []
    every.save()
    assert Every.objects.get(pk=every.pk).remarks == []


def test_a_field_that_the_stored_document_lacks_has_its_default(book):
    Book.objects.collection.update_one({"_id": book.pk}, {"$unset": {"pages": "", "tags": ""}})
    again = Book.objects.get(pk=book.pk)
    assert (again.pages, again.tags) == (0, [])


def test_expressions_are_computed_by_the_server(book, assert_num_commands):
    book.pages = F("pages") + 5
    book.save()
    with assert_num_commands(1):
        assert book.pages == 305
    book.extra = None
    book.pages = F("pages") * 2
    book.save()
    assert Book.objects.get(pk=book.pk).pages == 610
    with pytest.raises(NotSupportedError, match=r"can't be inserted with the expression"):
        Book.objects.create(title="x", pages=F("pages") + 1)


def test_deferred_fields_are_loaded_when_asked_for_and_never_lost(book, assert_num_commands):
    again = Book.objects.only("title").get(pk=book.pk)
    assert again.get_deferred_fields() >= {"pages", "tags"}
    with assert_num_commands(1):
        assert again.pages == 300
    again.title = "Changed"
    again.save()
    found = stored(book)
    assert (found["title"], found["pages"], found["tags"]) == ("Changed", 300, ["time", "child"])


def test_refresh_from_db_takes_what_is_stored_as_loaded(book):
    Book.objects.filter(pk=book.pk).update(pages=9)
    book.title = "local"
    book.refresh_from_db(fields=["pages"])
    assert (book.pages, book.title) == (9, "local")
    book.save()
    assert (stored(book)["pages"], stored(book)["title"]) == (9, "local")
    book.refresh_from_db()
    book.pages = 10
    book.save()
    assert stored(book)["pages"] == 10


def test_signals_come_as_in_django(book):
    seen = []

    def on_pre(sender, instance, update_fields, **kwargs):
        seen.append(("pre", update_fields))

    def on_post(sender, instance, created, **kwargs):
        seen.append(("post", created))

    pre_save.connect(on_pre, sender=Book)
    post_save.connect(on_post, sender=Book)
    try:
        book.pages = 1
        book.save(update_fields=["pages"])
        Book.objects.create(title="Second")
    finally:
        pre_save.disconnect(on_pre, sender=Book)
        post_save.disconnect(on_post, sender=Book)
    assert seen == [
        ("pre", frozenset({"pages"})),
        ("post", False),
        ("pre", None),
        ("post", True),
    ]


def test_receivers_of_init_signals_see_loaded_documents(book):
    seen = []

    def remember(sender, instance, **kwargs):
        seen.append(instance.title)

    post_init.connect(remember, sender=Book)
    try:
        again = Book.objects.get(pk=book.pk)
    finally:
        post_init.disconnect(remember, sender=Book)
    assert seen == ["Momo"]
    again.pages = 7
    again.save()
    assert stored(book)["pages"] == 7


def test_a_broken_stored_value_is_named(book):
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"published": "yesterday"}})
    broken = Book.objects.get(pk=book.pk)
    with pytest.raises(DataError, match=rf"testapp.Book {book.pk}: .*'published' is 'yesterday'"):
        _ = broken.published
    Book.objects.create(title="Other")
    assert Book.objects.get(title="Other").title == "Other"


def test_documents_can_be_copied_and_pickled(book):
    again = Book.objects.get(pk=book.pk)
    for each in (copy.copy(again), copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        assert each == again and each.remarks == again.remarks
        each.pages = 1
        each.save()
        assert stored(book)["pages"] == 1
        Book.objects.update(pages=300)


def test_a_copy_without_its_key_is_a_new_document(book):
    again = Book.objects.get(pk=book.pk)
    again.pk = None
    again._state.adding = True
    again.title = "Copy"
    again.save()
    assert Book.objects.count() == 2
    assert stored(again)["pages"] == 300


def test_a_changed_key_makes_another_document(book):
    again = Book.objects.get(pk=book.pk)
    again.pk = ObjectId()
    again.save()
    assert Book.objects.count() == 2


def test_unsaved_references_are_not_lost_silently():
    with pytest.raises(ValueError, match=r"unsaved related object 'author'"):
        Book.objects.create(title="x", author=Author(name="unsaved"))


def test_embedded_documents_are_equal_by_value_and_saved_with_their_parent():
    assert Address(city="Ulm") == Address(city="Ulm")
    assert Address(city="Ulm") != Address(city="Bonn")
    assert Address(city="Ulm") != Remark(author="Ulm")
    assert str(Remark(author="Ann", stars=3)) == "Ann, 3"
    with pytest.raises(TypeError, match=r"stored inside a document"):
        Address(city="Ulm").save()
    with pytest.raises(TypeError, match=r"stored inside a document"):
        Address(city="Ulm").delete()
    with pytest.raises(TypeError):
        hash(Address(city="Ulm"))
    assert list(Address.objects.all()) == []


def test_embedded_documents_may_be_given_as_dicts():
    publisher = Publisher.objects.create(name="Insel", home={"city": "Ulm"})
    assert stored(publisher)["home"] == {"street": "", "town": "Ulm"}
    assert Publisher.objects.get().home == Address(city="Ulm")


def test_inheriting_from_a_class_with_a_collection_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"Novel inherits from testapp.Book"):

        class Novel(Book):
            class Meta:
                app_label = "testapp"


def test_abstract_bases_and_proxies_work(book):
    class Titled(Document):
        title = models.CharField(max_length=10)

        class Meta:
            abstract = True
            app_label = "testapp"

    assert [field.name for field in Titled._meta.local_fields] == ["title"]
    assert Titled._meta.abstract

    from tests.testapp.models import LongBook

    assert LongBook.objects.get(pk=book.pk).is_long
    assert LongBook.objects.get(pk=book.pk) == book


def test_the_forced_options_hold_whatever_meta_says():
    from tests.testapp.models import Mixed

    assert Mixed._meta.managed is False
    assert Mixed._meta.pk.column == "_id"
    assert Mixed._base_manager.name == "_documents"
    Mixed.objects.create(label="x")
    assert Mixed._base_manager.get().label == "x"
