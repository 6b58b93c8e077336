"""A stored value of a wrong type is named when it is touched; all else stays usable."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.utils import DataError

from mongo_contrib.exceptions import UnreadableValue
from tests.testapp.models import Address, Author, Book, Every, Publisher, Remark

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


@pytest.mark.parametrize(
    ("column", "value"),
    [("text", 5), ("text", [1]), ("big", "5"), ("big", {"a": 1}), ("flag", "yes")],
)
def test_texts_integers_and_booleans_of_another_type_are_told_when_touched(column, value):
    good, bad = Every.objects.bulk_create([Every(text="a", big=1, flag=True) for _ in range(2)])
    Every.objects.collection.update_one({"_id": bad.pk}, {"$set": {column: value}})
    found = {each.pk: each for each in Every.objects.all()}
    assert getattr(found[good.pk], column) == getattr(good, column)
    with pytest.raises(UnreadableValue) as told:
        getattr(found[bad.pk], column)
    for part in (str(bad.pk), repr(column), repr(value)):
        assert part in str(told.value)
    found[bad.pk].slug = "saved"
    found[bad.pk].save()
    assert Every.objects.collection.find_one({"_id": bad.pk})[column] == value
    setattr(found[bad.pk], column, None)
    found[bad.pk].save()
    assert getattr(Every.objects.get(pk=bad.pk), column) is None


def test_flat_documents_are_looked_at_whatever_order_their_keys_have():
    """The shortest way looks at documents of one shape once."""
    authors = [Author.objects.create(name=f"a{n}", email=f"{n}@example.org") for n in range(4)]
    collection = Author.objects.collection
    for author, document in [
        (authors[1], {"email": "x@example.org", "name": "turned"}),
        (authors[2], {"name": 5, "email": "y@example.org"}),
        (authors[3], {"email": "z@example.org", "name": None}),
    ]:
        collection.replace_one({"_id": author.pk}, document)
    first, second, third, fourth = Author.objects.order_by("pk")
    assert (first.name, second.name, fourth.name) == ("a0", "turned", None)
    assert third.email == "y@example.org"
    with pytest.raises(UnreadableValue):
        _ = third.name


def test_numbers_of_another_kind_are_numbers():
    every = Every.objects.create(big=1, flag=True)
    Every.objects.collection.update_one({"_id": every.pk}, {"$set": {"big": 2.0, "flag": 1}})
    again = Every.objects.get()
    assert (again.big, again.flag) == (2, 1)


def test_aggregates_over_it_say_which_field():
    from decimal import Decimal

    from django.db.models import Max, Min

    from tests.testapp.models import GuardedThing

    things = [
        GuardedThing.objects.create(name=f"t{n}", price=Decimal(n), sold=False) for n in range(3)
    ]
    collection = GuardedThing.objects.collection
    collection.database.command(
        "update",
        collection.name,
        updates=[{"q": {"_id": things[1].pk}, "u": {"$set": {"price": "cheap", "count": "many"}}}],
        bypassDocumentValidation=True,
    )
    assert GuardedThing.objects.aggregate(n=Min("price"))["n"] == 0
    with pytest.raises(UnreadableValue, match=r"GuardedThing, Max of 'price': .* 'cheap' .str."):
        GuardedThing.objects.aggregate(n=Max("price"))
    with pytest.raises(UnreadableValue, match=r"Max of 'count': .* 'many' .str.") as caught:
        list(GuardedThing.objects.values("sold").annotate(n=Max("count")))
    assert (caught.value.field, caught.value.value) == ("count", "many")
    with pytest.raises(UnreadableValue, match="a Decimal cannot be made of 'cheap'"):
        _ = GuardedThing.objects.get(pk=things[1].pk).price
