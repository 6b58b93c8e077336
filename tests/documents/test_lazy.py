"""Nested values are made when they are touched, and nobody can tell but by looking."""

from __future__ import annotations

import copy
import pickle

import django
import pytest
from django.core import serializers
from django.db import connections, transaction
from django.forms.models import model_to_dict

from mongo_contrib.mapping.plan import plan_of
from tests.testapp.models import Address, Book, Publisher, Remark

pytestmark = pytest.mark.django_db


@pytest.fixture
def pk():
    """The key of a book with remarks, one of which has an address."""
    ulm = Address(street="Markt", city="Ulm")
    remarks = [Remark(author="Ann", stars=3, address=ulm), Remark(author="Bob")]
    return Book.objects.create(title="Momo", remarks=remarks).pk


@pytest.fixture
def book(pk):
    return Book.objects.get(pk=pk)


def stored(book):
    return Book.objects.collection.find_one({"_id": book.pk})


def test_nested_values_are_made_on_first_touch_and_once(book):
    assert "remarks" not in vars(book)
    remarks = book.remarks
    assert vars(book)["remarks"] is remarks is book.remarks
    assert "address" not in vars(remarks[0])
    assert remarks[0].address.city == "Ulm" and remarks[1].address is None


def test_what_is_pending_is_not_deferred(book, assert_num_commands):
    with assert_num_commands(0):
        assert book.get_deferred_fields() == set()
        assert book.remarks[0].get_deferred_fields() == set()
    some = Book.objects.only("title").get(pk=book.pk)
    assert "remarks" in some.get_deferred_fields()
    with assert_num_commands(1):
        assert some.remarks == book.remarks
    some = Book.objects.defer("title").get(pk=book.pk)
    with assert_num_commands(0):
        assert some.get_deferred_fields() == {"title"} and some.remarks[0].author == "Ann"


def test_saving_leaves_alone_what_nobody_touched(book, assert_num_commands):
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"remarks": []}})
    book.title = "Momo, again"
    book.save()
    assert stored(book)["remarks"] == [] and "remarks" not in vars(book)
    with assert_num_commands(0):
        book.save()


def test_receivers_are_not_told_of_update_fields_that_nobody_gave(book):
    told = []

    def receive(update_fields, **kwargs):
        told.append(update_fields)

    django.db.models.signals.post_save.connect(receive, sender=Book)
    try:
        book.save()
        Book.objects.get(pk=book.pk).save(force_update=True)
        Book.objects.defer("title").get(pk=book.pk).save()
    finally:
        django.db.models.signals.post_save.disconnect(receive, sender=Book)
    assert told[:2] == [None, None]
    assert "remarks" in told[2] and "title" not in told[2]


def test_changes_inside_of_what_was_touched_are_sent(book):
    book.remarks[0].address.city = "Bonn"
    book.save()
    assert stored(book)["remarks"][0]["address"] == {"street": "Markt", "town": "Bonn"}
    again = Book.objects.get(pk=book.pk)
    again.save(update_fields=["remarks"])
    assert stored(book)["remarks"][0]["address"]["town"] == "Bonn"


def test_another_document_of_it_has_all_its_values(book):
    before = stored(book)
    book.pk = None
    book._state.adding = True
    book.save(force_insert=True)
    del before["_id"]
    after = stored(book)
    del after["_id"]
    assert after == before


def test_copies_and_pickles_are_equal(book):
    copies = [copy.copy(book), copy.deepcopy(book), pickle.loads(pickle.dumps(book))]
    for each in copies:
        assert "remarks" not in vars(each)
    copies[1].remarks[0].author = "Eve"
    assert [each.remarks[0].author for each in (*copies, book)] == ["Ann", "Eve", "Ann", "Ann"]
    copies[1].save()
    assert stored(book)["remarks"][0]["author"] == "Eve"


def test_embedded_documents_are_equal_by_value_touched_or_not(pk):
    one, two = Book.objects.get(pk=pk), Book.objects.get(pk=pk)
    assert one.remarks[0].address.city == "Ulm"
    assert one.remarks == two.remarks
    two.remarks[0].address.city = "Bonn"
    assert one.remarks != two.remarks


def test_forms_serializers_and_validation_touch_what_they_need(book):
    assert model_to_dict(book)["remarks"] == book.remarks
    text = serializers.serialize("json", [Book.objects.get(pk=book.pk)])
    (again,) = serializers.deserialize("json", text)
    assert again.object.remarks == book.remarks
    Book.objects.get(pk=book.pk).full_clean(exclude=["author", "publisher"])


def test_refreshing_reads_what_is_there_now(book):
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"remarks.0.stars": 5}})
    assert book.remarks[0].stars == 3
    book.refresh_from_db()
    assert book.remarks[0].stars == 5
    untouched = Book.objects.get(pk=book.pk)
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"remarks.0.stars": 1}})
    untouched.refresh_from_db(fields=["remarks"])
    assert untouched.remarks[0].stars == 1


def test_an_attribute_that_was_deleted_is_fetched_again(book, assert_num_commands):
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": {"remarks.0.stars": 5}})
    assert book.remarks[0].stars == 3
    del book.remarks
    assert book.get_deferred_fields() == {"remarks"}
    with assert_num_commands(1):
        assert book.remarks[0].stars == 5


@pytest.mark.needs("transactions")
def test_what_was_read_in_a_transaction_can_be_touched_after_its_end(pk):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Book.objects.filter(pk=pk).update(title="Other")
        book = Book.objects.get(pk=pk)
        raise ZeroDivisionError
    # As if it had been made when it was read; and all is written, as nothing is known any more.
    assert book.remarks[0].author == "Ann" and book.title == "Other"
    book.save()
    assert stored(book)["title"] == "Other" and stored(book)["remarks"][0]["stars"] == 3


def test_a_value_that_only_the_server_knows_is_not_the_one_that_was_read(pk):
    from django.db.models import F

    book = Book.objects.get(pk=pk)
    book.remarks = F("remarks")
    book.save()
    assert "remarks" in book.get_deferred_fields()
    assert book.remarks[0].author == "Ann"


def test_what_was_assigned_and_saved_is_what_is_there(pk):
    publisher = Publisher.objects.create(name="P", home=Address(city="Ulm"))
    publisher = Publisher.objects.get(pk=publisher.pk)
    publisher.home = Address(city="Bonn")
    publisher.save()
    del publisher.home
    assert publisher.home.city == "Bonn"


def test_hydration_keeps_no_unknown_keys_and_fills_in_what_lacks(pk):
    plan = plan_of(Book)
    book = plan.hydrate({"_id": 1, "title": "x", "save": "no method", "pk": 2}, "default")
    assert book.pk == 1 and book.remarks == [] and callable(book.save)
    assert vars(book).keys() <= {field.attname for field in Book._meta.fields} | {"_state"}


def test_caches_are_made_anew_for_another_alias(pk):
    plan = plan_of(Book)
    assert plan.hydrate({"_id": 1}, "default")._state.db == "default"
    assert plan.hydrate({"_id": 1}, "other")._state.db == "other"
    assert connections["default"]
