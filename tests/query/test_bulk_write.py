"""Many different writes in few commands."""

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from mongo_contrib.documents import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)
from mongo_contrib.operators import Inc, Push
from mongo_contrib.query.bulk import BulkResult
from tests.testapp.models import Author, Job, Order, OrderLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders():
    return Order.objects.bulk_create(Order(slug=slug, views=n) for n, slug in enumerate("abcde"))


def test_all_kinds_in_a_command_for_each_run_of_a_kind(orders, django_assert_num_queries):
    a, b, *_ = orders
    new = Order(slug="new", lines=[OrderLine(sku="x")])
    b.title = "replaced"
    # Ordered: what follows what is kept.
    with django_assert_num_queries(4):
        result = Order.objects.bulk_write(
            [
                InsertOne(new),
                UpdateOne(a, {"views": Inc(5), "tags": Push("t")}),
                UpdateMany(Q(slug__in=["c", "d"]), {"weight": F("views") * 2}),
                ReplaceOne(b),
                DeleteOne({"slug": "e"}),
                UpdateOne({"slug": "up"}, {"state": "made"}, upsert=True),
                DeleteMany(Q(pk__in=[])),
            ]
        )
    up = Order.objects.get(slug="up")
    assert result == BulkResult(inserted=1, matched=4, modified=4, deleted=1, upserted={5: up.pk})
    found = {order.slug: order for order in Order.objects.all()}
    assert sorted(found) == ["a", "b", "c", "d", "new", "up"]
    assert (found["a"].views, found["a"].tags) == (5, ["t"])
    assert (found["b"].title, found["b"].views) == ("replaced", 1)
    assert (found["c"].weight, found["d"].weight) == (4.0, 6.0)
    assert (up.state, up.views, up.tags) == ("made", 0, []) and up.created is not None
    assert found["new"].pk == new.pk and not new._state.adding


def test_a_saved_instance_goes_on_to_be_saved(orders):
    new = Order(slug="new")
    Order.objects.bulk_write([InsertOne(new), ReplaceOne(orders[0])])
    for order in (new, orders[0]):
        order.views = 77
        order.save()
    assert Order.objects.filter(views=77).count() == 2


def test_operations_keep_to_the_set(orders):
    result = Order.objects.filter(views__gt=2).bulk_write(
        [UpdateMany(Q(), {"state": "x"}), UpdateOne(orders[0], {"state": "x"}), DeleteMany(Q())]
    )
    assert (result.matched, result.deleted) == (2, 2)
    assert set(Order.objects.values_list("state", flat=True)) == {"new"}


def test_the_error_names_the_operation(orders):
    operations = [
        UpdateOne(Q(slug="a"), {"views": 9}),
        DeleteMany(Q(pk__in=[])),
        InsertOne(Order(slug="b")),
        UpdateOne(Q(slug="c"), {"views": 9}),
    ]
    with pytest.raises(
        IntegrityError, match=r"Operation 2 of bulk_write\(\), InsertOne.*slug"
    ) as e:
        Order.objects.bulk_write(operations)
    assert e.value.write_errors[0]["index"] == 2
    assert Order.objects.filter(views=9).count() == 1
    with pytest.raises(IntegrityError, match="Operation 2"):
        Order.objects.bulk_write(operations, ordered=False)
    assert Order.objects.filter(views=9).count() == 2


@pytest.mark.needs("transactions")
@pytest.mark.django_db(transaction=True)
def test_it_joins_the_transaction():
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.bulk_write([InsertOne(Order(slug="a")), InsertOne(Order(slug="a"))])
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("operation", "error", "told"),
    [
        (UpdateOne(Q(bogus=1), {"views": 1}), FieldError, "bogus"),
        (UpdateOne(Q(slug={"$gt": ""}), {"views": 1}), ValidationError, "slug"),
        (UpdateOne(Q(slug="a"), {"bogus": 1}), FieldError, "bogus"),
        (UpdateOne("a", {"views": 1}), TypeError, "Q, a dict"),
        (UpdateOne(Job(name="x"), {"views": 1}), TypeError, "Order"),
        (InsertOne(Job(name="x")), TypeError, "Order"),
        (InsertOne(Order(slug=F("title"))), Exception, "expression"),
        ({"insert": 1}, TypeError, "InsertOne, ReplaceOne"),
        (DeleteMany(None), TypeError, "None"),
    ],
)
def test_wrong_operations_are_refused_before_anything_is_sent(
    orders, django_assert_num_queries, operation, error, told
):
    with django_assert_num_queries(0), pytest.raises(error, match=told):
        Order.objects.bulk_write([DeleteMany(Q()), operation])


def test_nothing_to_do_is_no_command(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Order.objects.bulk_write([]) == BulkResult()
        assert Order.objects.bulk_write([DeleteMany(Q(pk__in=[]))]) == BulkResult()


def test_a_reference_has_to_be_saved():
    from tests.testapp.models import Book

    with pytest.raises(ValueError, match="unsaved"):
        Book.objects.bulk_write([InsertOne(Book(title="x", author=Author(name="A")))])


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_the_twin():
    result = await Order.objects.abulk_write([InsertOne(Order(slug="a"))])
    assert result.inserted == 1 and await Order.objects.acount() == 1
