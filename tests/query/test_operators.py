"""Atomic update operators: what they do to stored documents, by one command."""

import datetime
import decimal

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, NotSupportedError
from django.db.models import F, Q, Value
from django.db.models.functions import Upper

from mongo_contrib.operators import (
    AddToSet,
    Bit,
    CurrentDate,
    Inc,
    Max,
    Min,
    Mul,
    Pop,
    Pull,
    Push,
    Rename,
    Set,
    SetOnInsert,
    Unset,
)
from mongo_contrib.query.updates import update_of
from tests.testapp.models import Loose, Order, OrderLine, OrderStats, RefBook, RefPerson

LINES = [
    {"sku": "a", "quantity": 1},
    {"sku": "a", "quantity": 5},
    {"sku": "b", "quantity": 2},
]


@pytest.fixture
def order(db):
    return Order.objects.create(
        slug="one",
        views=7,
        flags=6,
        weight=1.5,
        total="10.50",
        waiting=datetime.timedelta(minutes=5),
        tags=["x", "y", "x"],
        scores=[5, 1, 9],
        lines=[OrderLine(**line) for line in LINES],
        stats=OrderStats(views=3),
        data={"n": 1, "list": [1, 2]},
    )


def update(order, **values):
    assert Order.objects.filter(pk=order.pk).update(**values) == 1
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"views": Inc()}, "views", 8),
        ({"views": Inc(-10)}, "views", -3),
        ({"views": Inc("2")}, "views", 9),
        ({"weight": Inc(0.25)}, "weight", 1.75),
        ({"total": Inc("0.5")}, "total", decimal.Decimal("11.00")),
        (
            {"waiting": Inc(datetime.timedelta(minutes=1))},
            "waiting",
            datetime.timedelta(minutes=6),
        ),
        ({"views": Mul(3)}, "views", 21),
        ({"waiting": Mul(2)}, "waiting", datetime.timedelta(minutes=10)),
        ({"views": Min(3)}, "views", 3),
        ({"views": Min(30)}, "views", 7),
        ({"views": Max(30)}, "views", 30),
        ({"state": Max("zzz")}, "state", "zzz"),
        ({"flags": Bit(or_=1)}, "flags", 7),
        ({"flags": Bit(and_=3)}, "flags", 2),
        ({"flags": Bit(xor=3)}, "flags", 5),
        ({"views": Set(F("flags") + 1)}, "views", 7),
        ({"state": Set("$set")}, "state", "$set"),
        ({"state": SetOnInsert("z")}, "state", "new"),
        ({"weight": Unset()}, "weight", None),
        ({"title": Rename("state"), "views": 1}, "state", ""),
        ({"stats__views": Inc(2)}, "stats.views", 5),
        ({"lines__0__quantity": Inc(2)}, "lines.0.quantity", 3),
        ({"tags": Push("z")}, "tags", ["x", "y", "x", "z"]),
        ({"tags": Push("z", "w", position=1)}, "tags", ["x", "z", "w", "y", "x"]),
        ({"tags": Push("z", slice=-2)}, "tags", ["x", "z"]),
        ({"tags": Push("a", sort=1, slice=2)}, "tags", ["a", "x"]),
        ({"tags": Push("a", sort=-1)}, "tags", ["y", "x", "x", "a"]),
        ({"tags": Push(slice=1)}, "tags", ["x"]),
        ({"tags": AddToSet("y", "w", "w")}, "tags", ["x", "y", "x", "w"]),
        ({"tags": Pull("x")}, "tags", ["y"]),
        ({"tags": Pull("x", "y")}, "tags", []),
        ({"tags": Pull(startswith="y")}, "tags", ["x", "x"]),
        ({"scores": Pull(lt=6)}, "scores", [9]),
        ({"scores": Pull(gt=1, lt=9)}, "scores", [1, 9]),
        ({"scores": Pull(Q(lt=1))}, "scores", [5, 1, 9]),
        ({"scores": Pop()}, "scores", [5, 1]),
        ({"scores": Pop(first=True)}, "scores", [1, 9]),
        ({"scores": Push("4")}, "scores", [5, 1, 9, 4]),
        ({"scores__1": Inc(1)}, "scores", [5, 2, 9]),
        ({"data__n": Inc(1)}, "data.n", 2),
        ({"data__list": Push({"$each": 1})}, "data.list", [1, 2, {"$each": 1}]),
        ({"data__list": Pull(1)}, "data.list", [2]),
        ({"views": Inc(), "tags": Push("z"), "state": "done"}, "state", "done"),
        ({"views": F("views") + 2, "flags": Inc(1)}, "flags", 7),
    ],
)
def test_an_operator_changes_what_is_stored(
    order, django_assert_num_queries, values, field, expected
):
    with django_assert_num_queries(1):
        assert Order.objects.filter(pk=order.pk).update(**values) == 1
    found = Order.objects.get(pk=order.pk)
    for name in field.split("."):
        if isinstance(found, dict):
            found = found[name]
        else:
            found = found[int(name)] if name.isdecimal() else getattr(found, name)
    assert found == expected and isinstance(found, type(expected))


def quantities(order):
    return [(line.sku, line.quantity) for line in order.lines]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (Push(OrderLine(sku="c")), [("a", 1), ("a", 5), ("b", 2), ("c", 1)]),
        (Push({"sku": "c"}, position=0), [("c", 1), ("a", 1), ("a", 5), ("b", 2)]),
        (Push(sort="-quantity"), [("a", 5), ("b", 2), ("a", 1)]),
        (Push(sort=["sku", "-quantity"], slice=2), [("a", 5), ("a", 1)]),
        (Pull(sku="a"), [("b", 2)]),
        (Pull(sku="a", quantity__gt=2), [("a", 1), ("b", 2)]),
        (Pull(Q(sku="b") | Q(quantity=1)), [("a", 5)]),
        (Pull(~Q(sku="a")), [("a", 1), ("a", 5)]),
        (Pull(OrderLine(sku="b", quantity=2)), [("a", 1), ("a", 5)]),
        (AddToSet({"sku": "b", "quantity": 2}), [("a", 1), ("a", 5), ("b", 2)]),
    ],
)
def test_lists_of_embedded_documents(order, operator, expected):
    assert quantities(update(order, lines=operator)) == expected


def test_the_servers_clock(order):
    before = datetime.datetime.now(datetime.UTC)
    seen = update(order, seen=CurrentDate()).seen
    assert abs(seen - before) < datetime.timedelta(minutes=5)


def test_unset_takes_the_key_out(order):
    update(order, weight=Unset(), stats__likes=Unset())
    stored = Order.objects.raw().get(pk=order.pk)
    assert "weight" not in stored and stored["stats"] == {"views": 3}


def test_a_value_that_asks_for_nothing_changes_nothing(order):
    assert Order.objects.update(tags=Push(), scores=Pull(Q(**{"in": []}))) == 0


@pytest.mark.parametrize(
    ("values", "error", "told"),
    [
        ({"title": Inc()}, TypeError, "CharField"),
        ({"title": Push("x")}, TypeError, "'name' is a CharField"),
        ({"views": Inc(1.5)}, ValueError, "whole numbers"),
        ({"views": Inc("x")}, ValueError, "views"),
        ({"views": Inc(None)}, ValueError, "None"),
        ({"views": Inc({"$gt": 1})}, (TypeError, ValidationError), "views"),
        ({"total": Inc("0.001")}, ValueError, "2 decimal places"),
        ({"total": Mul(2)}, NotSupportedError, "F()"),
        ({"views": Min(None)}, ValueError, "None"),
        ({"views": Max("many")}, ValueError, "many"),
        ({"flags": Bit(or_=1.5)}, ValueError, "whole number"),
        ({"title": CurrentDate()}, TypeError, "DateTimeField"),
        ({"title": Rename("views")}, ValueError, "IntegerField"),
        ({"title": Rename("lines__sku")}, ValueError, "lines__sku"),
        ({"scores": Push("x")}, ValueError, "x"),
        ({"scores": Push({"$gt": 1})}, ValidationError, "scores"),
        ({"scores": Push(1, sort="x")}, ValueError, "1 or -1"),
        ({"scores": Push(1, slice="x")}, ValueError, "slice"),
        ({"lines": Push({"bogus": 1})}, ValidationError, "bogus"),
        ({"lines": Push(sort="bogus")}, FieldError, "bogus"),
        ({"lines": Pull(bogus=1)}, FieldError, "bogus"),
        ({"scores": Pull(Q(lt=1) | Q(gt=9))}, NotSupportedError, "an update for each"),
        ({"lines__sku": Set("x")}, FieldError, "update_elements"),
        ({"pk": Set("x")}, FieldError, "never changes"),
        ({"author": Set("x")}, FieldError, "author"),
        ({"title": Upper("title"), "views": Inc()}, NotSupportedError, "two"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(order, values, error, told):
    with pytest.raises(error, match=told):
        Order.objects.update(**values)


def test_arguments_are_checked_when_the_operator_is_made():
    with pytest.raises(TypeError, match="exactly one"):
        Bit(or_=1, and_=2)
    with pytest.raises(TypeError, match="not both"):
        Pull(1, lt=3)
    with pytest.raises(TypeError, match="not both"):
        Pull(Q(lt=3), 4)


def test_what_the_server_cannot_change_is_told(order):
    Order.objects.collection.update_one({"_id": order.pk}, {"$set": {"views": "many"}})
    with pytest.raises(DataError, match="testapp_order"):
        Order.objects.update(views=Inc())


def test_operators_tell_what_they_are():
    assert Push("a", slice=3) == Push("a", slice=3) != Push("a")
    assert repr(Inc(2)) == "Inc(value=2)"
    assert update_of(Order, {"title": Value("x")}) == [{"$set": {"name": {"$literal": "x"}}}]


# Elements of lists


@pytest.mark.parametrize(
    ("where", "values", "expected"),
    [
        (None, {"quantity": Inc(1)}, [("a", 2), ("a", 6), ("b", 3)]),
        (Q(), {"quantity": 0}, [("a", 0), ("a", 0), ("b", 0)]),
        (Q(sku="a"), {"quantity": Inc(10)}, [("a", 11), ("a", 15), ("b", 2)]),
        ({"sku": "a", "quantity__gt": 1}, {"quantity": Mul(2)}, [("a", 1), ("a", 10), ("b", 2)]),
        (Q(sku="b") | Q(quantity=1), {"sku": "z"}, [("z", 1), ("a", 5), ("z", 2)]),
        (~Q(sku="a"), {"sku": "c", "quantity": Inc(1)}, [("a", 1), ("a", 5), ("c", 3)]),
    ],
)
def test_elements_change_where_they_are(order, django_assert_num_queries, where, values, expected):
    Order.objects.create(slug="without")
    with django_assert_num_queries(1):
        assert Order.objects.update_elements("lines", where, **values) == 1
    assert quantities(Order.objects.get(slug="one")) == expected


@pytest.mark.parametrize(
    ("where", "value", "expected"),
    [
        (Q(gt=4), 0, [0, 1, 0]),
        ({"gt": 1, "lt": 9}, Inc(1), [6, 1, 9]),
        (Q(exact=1) | Q(exact=9), Mul(2), [5, 2, 18]),
        (None, Max(5), [5, 5, 9]),
        (~Q(exact=1), 0, [0, 1, 0]),
    ],
)
def test_elements_of_lists_of_values(order, where, value, expected):
    Order.objects.create(slug="without")
    assert Order.objects.update_elements("scores", where, value) == 1
    assert Order.objects.get(slug="one").scores == expected


def test_only_documents_of_the_set_with_such_elements_are_counted(order):
    Order.objects.create(slug="two", lines=[OrderLine(sku="b")])
    assert Order.objects.update_elements("lines", Q(sku="b"), quantity=9) == 2
    assert Order.objects.filter(slug="two").update_elements("lines", Q(sku="a"), quantity=0) == 0
    assert Order.objects.update_elements("lines", Q(sku__in=[]), quantity=0) == 0


@pytest.mark.parametrize(
    ("arguments", "values", "error"),
    [
        (("title",), {"x": 1}, FieldError),
        (("lines", Q(bogus=1)), {"quantity": 1}, FieldError),
        (("lines", Q(sku="a")), {"bogus": 1}, FieldError),
        (("lines", Q(sku={"$gt": ""})), {"quantity": 1}, ValidationError),
        (("lines", "a"), {"quantity": 1}, TypeError),
        (("lines",), {"quantity": F("quantity") + 1}, NotSupportedError),
        (("lines", Q(shipped__month=1)), {"quantity": 1}, NotSupportedError),
        (("scores", None, 1), {"x": 1}, TypeError),
        (("scores", None, "x"), {}, ValueError),
    ],
)
def test_wrong_changes_of_elements_are_refused(order, arguments, values, error):
    with pytest.raises(error):
        Order.objects.update_elements(*arguments, **values)


# Other kinds of lists and documents


def test_lists_of_references(db):
    ann, bob = (RefPerson.objects.create(name=name) for name in ("Ann", "Bob"))
    RefBook.objects.create(title="x", authors=[ann])
    update = RefBook.objects.update
    assert update(authors=Push(bob)) == 1
    assert RefBook.objects.get().authors.keys == [ann.pk, bob.pk]
    assert update(authors=Pull(ann)) == 1 and update(authors=AddToSet(bob, str(bob.pk))) == 1
    assert RefBook.objects.filter(authors__size=1, authors__all=[bob]).count() == 1
    assert RefBook.objects.get().authors.keys == [bob.pk]
    with pytest.raises((ValidationError, ValueError)):
        update(authors=Push({"$gt": ""}))


def test_undeclared_values(db):
    Loose.objects.create(name="a", hits=1, words=["x"])
    assert Loose.objects.update(hits=Inc(2), words=Push("y"), new=Set({"deep": 1})) == 1
    assert Loose.objects.update(new__deep=Inc(1)) == 1
    stored = Loose.objects.raw().get()
    assert (stored["hits"], stored["words"], stored["new"]) == (3, ["x", "y"], {"deep": 2})
