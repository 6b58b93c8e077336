"""References fetched together: through embedded documents, lists, and by `fetch()`."""

from __future__ import annotations

import django
import pytest
from bson import ObjectId
from django.core.exceptions import FieldError
from django.db.models import Prefetch
from django.db.utils import NotSupportedError

from mongo_contrib.documents import afetch, fetch
from mongo_contrib.mapping.plan import plan_of
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import (
    RefBook,
    RefChapter,
    RefCountry,
    RefLine,
    RefMachine,
    RefOrder,
    RefPart,
    RefPerson,
    RefPlace,
    RefProduct,
    RefTag,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders():
    finland, norway = RefCountry.objects.bulk_create(
        [RefCountry(name="Finland"), RefCountry(name="Norway")]
    )
    products = RefProduct.objects.bulk_create([RefProduct(name=str(n)) for n in range(3)])
    return RefOrder.objects.bulk_create(
        [
            RefOrder(
                number=str(n),
                place=RefPlace(country=finland if n % 2 else None) if n else None,
                lines=[
                    RefLine(product=each, place=RefPlace(country=norway)) for each in products[n:]
                ],
            )
            for n in range(4)
        ]
    )


def seen(order):
    country = order.place and order.place.country
    return [
        order.number,
        country and country.name,
        [(line.product.name, line.place.country.name) for line in order.lines],
    ]


EXPECTED = [
    ["0", None, [("0", "Norway"), ("1", "Norway"), ("2", "Norway")]],
    ["1", "Finland", [("1", "Norway"), ("2", "Norway")]],
    ["2", None, [("2", "Norway")]],
    ["3", "Finland", []],
]
NAMES = ("place__country", "lines__product", "lines__place__country")


def test_prefetch_related_through_embedded_documents(orders, assert_num_commands):
    with assert_num_commands(4):
        found = RefOrder.objects.order_by("number").prefetch_related(*NAMES)
        assert [seen(order) for order in found] == EXPECTED


def test_select_related_through_embedded_documents(orders, assert_num_commands):
    with assert_num_commands(4):
        found = RefOrder.objects.order_by("number").select_related(*NAMES)
        assert [seen(order) for order in found] == EXPECTED
    with pytest.raises(FieldError, match="select_related"):
        RefOrder.objects.select_related("place")
    with pytest.raises(FieldError, match="select_related"):
        RefOrder.objects.select_related("number")
    with pytest.raises(FieldError):
        RefOrder.objects.select_related("lines__nothing")


def test_fetch_is_for_documents_that_are_there_already(orders, assert_num_commands):
    found = list(RefOrder.objects.order_by("number"))
    with assert_num_commands(3):
        fetch(found, *NAMES)
        assert [seen(order) for order in found] == EXPECTED
    with assert_num_commands(0):
        fetch(found, *NAMES)
        fetch([], "nothing")
        fetch(found)
    lines = [line for order in RefOrder.objects.all() for line in order.lines]
    with assert_num_commands(1):
        fetch(lines, "place__country")
        assert {line.place.country.name for line in lines} == {"Norway"}


def test_prefetch_objects_inside(orders, assert_num_commands):
    some = Prefetch("lines__product", RefProduct.objects.filter(name="2"), to_attr="second")
    with assert_num_commands(2):
        found = RefOrder.objects.prefetch_related(some).get(number="1")
        assert [line.second and line.second.name for line in found.lines] == [None, "2"]


def test_lists_of_references_inside(assert_num_commands):
    people = RefPerson.objects.bulk_create([RefPerson(name=str(n)) for n in range(3)])
    RefBook.objects.create(
        title="x", chapters=[RefChapter(writers=people[:2]), RefChapter(writers=people[1:])]
    )
    with assert_num_commands(2):
        book = RefBook.objects.prefetch_related("chapters__writers").get()
        found = [[each.name for each in chapter.writers.all()] for chapter in book.chapters]
    assert found == [["0", "1"], ["1", "2"]]


def test_beyond_a_reference_there_may_be_embedded_documents(assert_num_commands):
    product = RefProduct.objects.create(name="p")
    person = RefPerson.objects.create(name="a")
    RefMachine.objects.create(name="m", owner=person, parts=[RefPart(product=product)])
    with assert_num_commands(3):
        found = RefPerson.objects.prefetch_related("machines__parts__product").get()
        assert found.machines.all()[0].parts[0].product.name == "p"


def test_in_bulk_by_key_and_by_what_is_unique(assert_num_commands):
    tags = RefTag.objects.bulk_create([RefTag(slug=slug) for slug in "abc"])
    with assert_num_commands(1):
        assert RefTag.objects.in_bulk(["a", "c", "x"]) == {"a": tags[0], "c": tags[2]}
    assert set(RefTag.objects.in_bulk(field_name="slug")) == {"a", "b", "c"}
    with pytest.raises(ValueError, match="unique"):
        RefPerson.objects.in_bulk(["x"], field_name="name")


def test_the_way_back_into_embedded_documents_is_told(orders):
    product = RefProduct.objects.first()
    with pytest.raises(
        NotSupportedError, match=r"RefOrder\.objects\.filter\(lines__product="
    ) as e:
        product.refline_set.all()
    assert "stored inside other documents" in str(e.value)
    with pytest.raises(NotSupportedError, match=r"RefOrder\.objects\.filter\(lines__product="):
        RefProduct.objects.filter(refline__quantity=1)
    with pytest.raises(NotSupportedError):
        list(RefProduct.objects.prefetch_related("refline_set"))
    assert RefOrder.objects.filter(lines__product=product).count() == 1


def test_embedded_documents_refer_within_the_database_that_they_were_read_from():
    place = {"country_id": ObjectId()}
    stored = {"_id": ObjectId(), "place": place, "lines": [{"place": place}]}
    order = plan_of(RefOrder).hydrate(stored, "elsewhere")
    assert order.place._state.db == "elsewhere"
    assert order.lines[0].place._state.db == "elsewhere"


@pytest.mark.skipif(django.VERSION < (6, 1), reason="Django 6.1 has fetch modes")
def test_peers_are_fetched_together(orders, assert_num_commands):
    from django.core.exceptions import FieldFetchBlocked
    from django.db.models import FETCH_PEERS, FETCH_RAISE

    people = RefPerson.objects.bulk_create(
        [RefPerson(name=str(n), country=RefCountry.objects.first()) for n in range(5)]
    )
    with assert_num_commands(2):
        found = list(RefPerson.objects.fetch_mode(FETCH_PEERS))
        assert {each.country.name for each in found} == {"Finland"}
    with assert_num_commands(2):
        found = list(RefPerson.objects.fetch_mode(FETCH_PEERS).only("pk"))
        assert {each.name for each in found} == {each.name for each in people}
    with CaptureCommands() as captured:
        for each in found:
            each.save()
    assert "update" not in captured.names
    with pytest.raises(FieldFetchBlocked):
        RefPerson.objects.fetch_mode(FETCH_RAISE).first().country  # noqa: B018
    order = RefOrder.objects.fetch_mode(FETCH_RAISE).get(number="1")
    with pytest.raises(FieldFetchBlocked):
        order.lines[0].product  # noqa: B018


@pytest.mark.django_db(transaction=True)
async def test_the_twin_of_fetch(orders):
    found = [order async for order in RefOrder.objects.order_by("number")]
    await afetch(found, *NAMES)
    assert [seen(order) for order in found] == EXPECTED
