"""A stored value of a wrong type is named when it is touched; all else stays usable."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.utils import DataError

from mongo_contrib.exceptions import UnreadableValue
from tests.testapp.models import Address, Book, Publisher, Remark

pytestmark = pytest.mark.django_db


@pytest.fixture
def book():
    """One book of three, whose date is none and whose remarks are no list."""
    Book.objects.create(title="First")
    book = Book.objects.create(title="Momo", remarks=[Remark(author="Ann")])
    Book.objects.create(title="Last")
    wrong = {"published": "yesterday", "remarks": 5}
    Book.objects.collection.update_one({"_id": book.pk}, {"$set": wrong})
    return book


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


def test_the_others_and_the_rest_stay_readable(book):
    found = list(Book.objects.order_by("pk"))
    assert [each.title for each in found] == ["First", "Momo", "Last"]
    assert found[0].published is None and found[2].remarks == []
    for name, value in (("published", "'yesterday'"), ("remarks", "5")):
        message = rf"testapp.Book {book.pk}: .*'{name}' is {value} "
        with pytest.raises(DataError, match=message) as caught:
            getattr(found[1], name)
        assert caught.value.key == book.pk and caught.value.field == name
    assert isinstance(caught.value, UnreadableValue) and caught.value.value == 5


def test_it_is_repaired_by_a_new_value_and_saving(book):
    broken = Book.objects.get(pk=book.pk)
    broken.title = "Momo, renamed"
    broken.save()
    assert stored(book)["title"] == "Momo, renamed" and stored(book)["remarks"] == 5
    broken.remarks = [Remark(author="Bob")]
    broken.published = None
    broken.save()
    assert "published" not in stored(book)
    assert Book.objects.get(pk=book.pk).remarks[0].author == "Bob"


def test_only_and_defer_work_around_it(book):
    assert Book.objects.only("title").get(pk=book.pk).title == "Momo"
    assert Book.objects.defer("published").get(pk=book.pk).get_deferred_fields() == {"published"}


def test_validation_names_the_fields(book):
    broken = Book.objects.get(pk=book.pk)
    with pytest.raises(ValidationError) as caught:
        broken.full_clean(exclude=["author", "publisher"])
    assert {"published", "remarks"} <= caught.value.message_dict.keys()
    assert "yesterday" in caught.value.message_dict["published"][0]


def test_broken_values_inside_of_embedded_documents_name_the_document():
    publisher = Publisher.objects.create(name="P", home=Address(city="Ulm"))
    Publisher.objects.collection.update_one(
        {"_id": publisher.pk}, {"$set": {"home.since": "long ago"}}
    )
    home = Publisher.objects.get(pk=publisher.pk).home
    assert home.city == "Ulm"
    with pytest.raises(UnreadableValue, match=f"Publisher {publisher.pk}: .*'home.since'"):
        _ = home.since
    book = Book.objects.create(title="x", remarks=[Remark(author="a"), Remark(author="b")])
    Book.objects.collection.update_one(
        {"_id": book.pk}, {"$set": {"remarks.1.address": [1], "remarks.0": {"author": "c"}}}
    )
    remarks = Book.objects.get(pk=book.pk).remarks
    assert remarks[0].author == "c"
    with pytest.raises(UnreadableValue, match=r"'remarks.1.address' is \[1\]"):
        _ = remarks[1].address


def test_dumping_says_which(book):
    with pytest.raises(UnreadableValue, match=f"{book.pk}: .*'published' is 'yesterday'"):
        serializers.serialize("json", Book.objects.all())
    with pytest.raises(CommandError, match=f"{book.pk}: .*'published' is 'yesterday'"):
        call_command("dumpdata", "testapp.Book", verbosity=0)


def test_rows_say_which(book):
    titles = list(Book.objects.order_by("pk").values_list("title", flat=True))
    assert titles == ["First", "Momo", "Last"]
    for rows in (Book.objects.values("published"), Book.objects.values_list("title", "published")):
        with pytest.raises(UnreadableValue, match=f"{book.pk}: .*'published' is 'yesterday'"):
            list(rows)


def test_the_slow_road_keeps_it_too(book):
    from django.db.models import signals

    def receive(**kwargs):
        pass

    signals.post_init.connect(receive, sender=Book)
    try:
        broken = Book.objects.get(pk=book.pk)
    finally:
        signals.post_init.disconnect(receive, sender=Book)
    assert broken.title == "Momo" and broken.get_deferred_fields() == set()
    with pytest.raises(UnreadableValue):
        _ = broken.published


def test_a_new_key_takes_the_stored_value_along(book):
    broken = Book.objects.get(pk=book.pk)
    broken.pk = ObjectId()
    broken.save(force_insert=True)
    assert stored(broken)["published"] == "yesterday"
