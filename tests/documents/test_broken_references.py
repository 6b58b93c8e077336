"""What is stored in the place of a key and is none concerns its document, and no other."""

from __future__ import annotations

import pytest
from bson import DBRef, ObjectId
from django.core.exceptions import ObjectDoesNotExist

from mongo_contrib.exceptions import UnreadableValue
from tests.testapp.models import (
    RefBook,
    RefChapter,
    RefCountry,
    RefLine,
    RefOrder,
    RefPerson,
    RefProduct,
    RefRemark,
)

pytestmark = pytest.mark.django_db

NO_KEYS = [
    *(5, "oops", [1], {"a": 1}),
    pytest.param(DBRef("elsewhere", ObjectId("f" * 24)), marks=pytest.mark.needs("dbrefs")),
]


@pytest.fixture
def people():
    finland = RefCountry.objects.create(name="Finland")
    return RefPerson.objects.bulk_create(
        [RefPerson(name=name, country=finland) for name in ("Ann", "Bob", "Eve")]
    )


@pytest.mark.parametrize("wrong", NO_KEYS, ids=repr)
@pytest.mark.parametrize("fetching", ["none", "select_related", "prefetch_related", "values"])
def test_a_reference(people, wrong, fetching):
    bob = people[1]
    RefPerson.objects.collection.update_one({"_id": bob.pk}, {"$set": {"country_id": wrong}})
    found = RefPerson.objects.order_by("name")
    if fetching == "values":
        rows = list(found.values_list("name", "country__name"))
        assert rows[::2] == [("Ann", "Finland"), ("Eve", "Finland")]
        assert rows[1] in [("Bob", None), ("Bob", [None])]
        return
    if fetching != "none":
        found = getattr(found, fetching)("country")
    ann, bob, eve = found
    assert ann.country.name == eve.country.name == "Finland"
    with pytest.raises(UnreadableValue, match=rf"RefPerson {bob.pk}: .*'country_id' is") as caught:
        _ = bob.country
    assert caught.value.key == bob.pk and isinstance(caught.value, ObjectDoesNotExist)
    bob.name = "Bobby"
    bob.save()
    bob.country = ann.country
    bob.save()
    assert RefPerson.objects.get(name="Bobby").country == ann.country


def test_select_related_through_a_broken_field():
    products = RefProduct.objects.bulk_create([RefProduct(name=str(n)) for n in range(2)])
    orders = RefOrder.objects.bulk_create(
        [RefOrder(number=str(n), lines=[RefLine(product=each)]) for n, each in enumerate(products)]
    )
    wrong = {"lines": [{"product_id": products[0].pk}, "junk"]}
    RefOrder.objects.collection.update_one({"_id": orders[0].pk}, {"$set": wrong})
    broken, whole = RefOrder.objects.select_related("lines__product").order_by("number")
    assert whole.lines[0].product.name == "1"
    with pytest.raises(UnreadableValue, match=f"RefOrder {broken.pk}: .*'lines' is"):
        _ = broken.lines


@pytest.mark.parametrize("wrong", ["oops", 5, [{"a": 1}], [5], ["x"]], ids=repr)
def test_prefetch_of_a_list(people, wrong):
    books = RefBook.objects.bulk_create([RefBook(title=str(n), authors=people) for n in range(2)])
    RefBook.objects.collection.update_one({"_id": books[0].pk}, {"$set": {"authors_id": wrong}})
    broken, whole = RefBook.objects.prefetch_related("authors__country").order_by("title")
    assert [each.country.name for each in whole.authors.all()] == ["Finland"] * 3
    with pytest.raises(UnreadableValue, match=f"RefBook {broken.pk}: .*'authors_id' is"):
        list(broken.authors.all())


def test_prefetch_of_a_generic_reference(people):
    notes = [RefRemark.objects.create(subject=each) for each in people]
    RefRemark.objects.collection.update_one({"_id": notes[1].pk}, {"$set": {"subject": "Bob"}})
    first, broken, last = RefRemark.objects.prefetch_related("subject").order_by("pk")
    assert first.subject == people[0] and last.subject == people[2]
    with pytest.raises(UnreadableValue, match=f"RefRemark {broken.pk}: .*'subject_ref' is 'Bob'"):
        _ = broken.subject


def test_showing_an_embedded_document_asks_for_nothing(people, django_assert_num_queries):
    gone = ObjectId()
    order = RefOrder.objects.create(number="1", lines=[RefLine(product_id=gone, quantity=3)])
    order = RefOrder.objects.get(pk=order.pk)
    chapter = RefChapter(title="One", writers=people[:1])
    with django_assert_num_queries(0):
        assert str(order.lines[0]) == f"{gone}, 3" and str(gone) in repr(order.lines)
        assert str(chapter) == f"One, [{people[0].pk!r}]"
    wrong = {"lines": [{"product_id": gone, "place": 5}]}
    RefOrder.objects.collection.update_one({"_id": order.pk}, {"$set": wrong})
    assert str(RefOrder.objects.get(pk=order.pk).lines[0]) == f"{gone}, 1, 5"
