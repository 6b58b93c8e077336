"""Change streams of documents."""

import asyncio

import pytest
from django.db import NotSupportedError
from django.db.models import Q

from mongo_contrib.operators import Inc, Push
from tests.testapp.models import Order, OrderLine

pytestmark = [pytest.mark.needs("change_streams"), pytest.mark.django_db(transaction=True)]


def take(changes, number):
    return [next(changes) for _ in range(number)]


def test_changes_are_told_as_documents():
    with Order.objects.watch(timeout=30) as changes:
        order = Order.objects.create(slug="a", lines=[OrderLine(sku="x")])
        Order.objects.filter(slug="a").update(views=Inc(3), lines__0__quantity=9, title="T")
        copy = Order.objects.get()
        copy.delete()
        made, updated, deleted = take(changes, 3)
    assert (made.operation, made.pk, made.document) == ("insert", order.pk, order)
    assert made.document.lines[0].sku == "x" and not made.document._state.adding
    assert updated.operation == "update"
    assert updated.fields == {"views", "lines", "title"}
    assert (deleted.operation, deleted.pk, deleted.document) == ("delete", order.pk, None)
    assert made.token != updated.token and changes.token == deleted.token
    assert updated.event["updateDescription"]["updatedFields"]["views"] == 3


def test_the_sets_conditions_are_asked_of_the_document():
    with Order.objects.filter(Q(views__gt=2) | Q(slug="yes")).watch(timeout=30) as changes:
        Order.objects.create(slug="no", views=1)
        Order.objects.create(slug="yes", views=1)
        Order.objects.filter(slug="no").update(views=5)
        found = take(changes, 2)
        Order.objects.all().delete()
        Order.objects.create(slug="end", views=9)
        found += take(changes, 1)
    assert [(change.operation, change.document.slug) for change in found] == [
        ("insert", "yes"),
        ("update", "no"),
        ("insert", "end"),
    ]


def test_one_document_is_watched_to_its_end():
    order = Order.objects.create(slug="a")
    with Order.objects.filter(pk=order.pk).watch(timeout=30) as changes:
        Order.objects.create(slug="b")
        Order.objects.filter(pk=order.pk).update(tags=Push("x"))
        Order.objects.filter(pk=order.pk).delete()
        assert [change.operation for change in take(changes, 2)] == ["update", "delete"]


def test_only_some_operations():
    with Order.objects.watch(operations=["delete"], timeout=30) as changes:
        Order.objects.create(slug="a").delete()
        assert next(changes).operation == "delete"
    with pytest.raises(ValueError, match="'drop'"):
        Order.objects.watch(operations=["drop"])


def test_it_resumes_after_a_token():
    with Order.objects.watch(timeout=30) as changes:
        Order.objects.create(slug="a")
        Order.objects.create(slug="b")
        token = next(changes).token
    Order.objects.create(slug="c")
    with Order.objects.watch(resume_after=token, timeout=30) as changes:
        assert [change.document.slug for change in take(changes, 2)] == ["b", "c"]


def test_it_ends_when_nothing_happens():
    with Order.objects.watch(timeout=0.01) as changes:
        assert changes.try_next() is None
        assert list(changes) == []
    assert list(Order.objects.none().watch()) == []
    assert list(changes) == []


def test_a_broken_document_is_told_and_the_next_comes():
    from django.db import DataError

    with Order.objects.watch(timeout=30) as changes:
        Order.objects.collection.insert_one({"_id": 1, "waiting": "long"})
        Order.objects.create(slug="good")
        with pytest.raises(DataError, match="waiting"):
            assert next(changes).document.waiting
        assert next(changes).document.slug == "good"


def test_what_a_stream_cannot_be_is_refused():
    with pytest.raises(TypeError, match="slice"):
        Order.objects.all()[:3].watch()
    with pytest.raises(TypeError, match="pipeline"):
        Order.objects.pipeline([{"$limit": 1}]).watch()
    with pytest.raises(NotSupportedError, match="expr"):
        Order.objects.filter(created__month=3).watch()


@pytest.mark.asyncio
async def test_the_twin_on_an_event_loop():
    async with await Order.objects.filter(views__gt=0).awatch(timeout=30) as changes:

        async def write():
            for number in range(3):
                await Order.objects.acreate(slug=str(number), views=number)

        writing = asyncio.create_task(write())
        found = []
        async for change in changes:
            found.append(change.document.slug)
            if len(found) == 2:
                break
        await writing
    assert found == ["1", "2"]
