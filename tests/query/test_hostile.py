"""What comes from outside never becomes an operator, whatever it is and wherever it is given."""

import datetime
import re

import pytest
from bson import Regex
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, NotSupportedError
from django.db.models import F, Q, Value
from django.db.models.functions import Lower
from hypothesis import given, settings
from hypothesis import strategies as st

from mongo_contrib import operators
from mongo_contrib.operators import AddToSet, Pull, Push
from mongo_contrib.query.conditions import NOTHING
from mongo_contrib.query.filters import build
from mongo_contrib.query.lookups import LOOKUPS
from mongo_contrib.query.nodes import Deferred
from mongo_contrib.query.paths import DATE_TRANSFORMS
from mongo_contrib.query.updates import update_of
from tests.testapp.models import Book, Every, Order, Place, Region

#: How bad input is refused.
REFUSED = (ValidationError, FieldError, ValueError, TypeError, DatabaseError)

EVIL = ("$evil", "$where", "$gt", "$ne", "$elemMatch", "$expr", "$function", "$regex", "$each")

leaves = st.one_of(
    st.sampled_from([*EVIL, "", "$evil.x", "a.b", "\0", "x" * 3, "2024-01-31", "1", "\ud800"]),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=3),
    st.just(datetime.date(2024, 1, 31)),
    st.sampled_from([re.compile("$evil"), Regex(".*")]),
)
keys = st.sampled_from([*EVIL, "sku", "quantity", "exact", "gte", "type", "coordinates", "a", ""])
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=6,
)

MODELS = [Every, Order, Place, Region, Book]
NAMES = {
    model: [
        *(field.name for field in model._meta.concrete_fields),
        *{
            Every: ["json__a", "json__a__b", "home__city", "remarks__author", "numbers__0"],
            Order: ["lines__sku", "lines__0__quantity", "stats__views", "data__n", "tags__1"],
            Book: ["author__name", "publisher__home__city", "remarks__written"],
        }.get(model, []),
    ]
    for model in MODELS
}
lookups = st.one_of(
    st.sampled_from(["", *sorted(LOOKUPS)]),
    st.builds(
        "{}__{}".format, st.sampled_from(sorted(DATE_TRANSFORMS)), st.sampled_from(["gt", "in"])
    ),
    st.sampled_from(["len__gt", "size__in", *sorted(DATE_TRANSFORMS)]),
)

#: Operators whose operand is data, and nothing but data.
DATA = {
    *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$nin"),
    *("$exists", "$size", "$type", "$mod", "$regex", "$options"),
    *("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"),
}
GEOMETRIES = {"$geometry", "$box", "$centerSphere"}
#: What computes where a look-up can't say it otherwise.
COMPUTING = {
    *("$regexMatch", "$toString", "$dateToString", "$and", "$or", "$not", "$literal", "$ifNull"),
    *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$toInt", "$substrBytes", "$ceil"),
    *("$divide", "$month", "$year", "$dayOfMonth", "$isoWeek", "$dayOfWeek", "$isoDayOfWeek"),
    *("$hour", "$minute", "$second", "$isoWeekYear", "$cond", "$size", "$isArray", "$type"),
}


def check(condition):
    """Fail if an operator stands in a condition that our compiler didn't put there."""
    if condition is NOTHING or isinstance(condition, Deferred):
        return
    for key, asked in condition.items():
        if key in ("$and", "$or", "$nor"):
            assert all(isinstance(each, dict) for each in asked)
            for each in asked:
                check(each)
        elif key == "$expr":
            check_computed(asked)
        else:
            assert not key.startswith("$"), condition
            check_asked(asked)


def check_asked(asked):
    """The same for what is asked of one path."""
    assert not isinstance(asked, re.Pattern | Regex), asked
    if not isinstance(asked, dict) or not any(key.startswith("$") for key in asked):
        return
    for operator, operand in asked.items():
        if operator == "$not":
            check_asked(operand)
        elif operator == "$elemMatch":
            if any(key in DATA | {"$in", "$all", "$not", "$elemMatch"} for key in operand):
                check_asked(operand)
            else:
                check(operand)
        elif operator in ("$in", "$all"):
            assert not any(isinstance(each, re.Pattern | Regex) for each in operand)
            assert operator == "$in" or not any(isinstance(each, dict) for each in operand)
        elif operator in ("$geoWithin", "$geoIntersects"):
            (shape,) = operand
            assert shape in GEOMETRIES
        else:
            assert operator in DATA, asked


def check_computed(expression):
    if isinstance(expression, dict):
        for key, value in expression.items():
            if key == "$literal":
                continue
            assert not key.startswith("$") or key in COMPUTING, expression
            if key != "regex":
                check_computed(value)
    elif isinstance(expression, list):
        for each in expression:
            check_computed(each)
    elif isinstance(expression, str):
        assert not expression.startswith(EVIL), expression


HOSTILE = [
    "$evil",
    {"$evil": 1},
    {"a": {"$evil": 1}},
    {"sku": {"$evil": 1}},
    {"exact": {"$evil": 1}},
    {"$geometry": {"$evil": 1}},
    {"type": "Point", "coordinates": {"$evil": 1}},
    ["$evil"],
    [{"$evil": 1}],
    [{"$elemMatch": {"a": 1}}],
    [[{"$elemMatch": {"a": 1}}]],
    ({"$evil": 1}, {"$evil": 1}),
    re.compile("$evil"),
    Regex("$evil"),
    [Regex("$evil"), 1],
    [re.compile("$evil")],
]


@pytest.mark.parametrize("model", MODELS)
def test_no_hostile_value_becomes_an_operator_by_any_look_up(model):
    compiled = 0
    for name in NAMES[model]:
        for lookup in ["", *LOOKUPS, *DATE_TRANSFORMS, "len__gt", "size__in", "year__in"]:
            for value in HOSTILE:
                try:
                    node = build(model, Q(**{f"{name}__{lookup}" if lookup else name: value}))
                except REFUSED:
                    continue
                check(node)
                compiled += 1
    assert compiled


@settings(max_examples=500)
@given(st.data())
def test_no_value_becomes_an_operator(data):
    model = data.draw(st.sampled_from(MODELS))
    name = data.draw(st.sampled_from(NAMES[model]))
    lookup = data.draw(lookups)
    value = data.draw(values)
    q = Q(**{f"{name}__{lookup}" if lookup else name: value})
    if data.draw(st.booleans()):
        q = ~q
    try:
        node = build(model, q)
    except REFUSED:
        return
    check(node)


@settings(max_examples=500)
@given(st.data())
def test_no_value_becomes_an_operator_of_an_update(data):
    model = data.draw(st.sampled_from([Every, Order]))
    name = data.draw(st.sampled_from([n for n in NAMES[model] if n != "id"]))
    make = data.draw(
        st.sampled_from(
            [
                lambda value: value,
                *(
                    getattr(operators, each)
                    for each in ("Set", "SetOnInsert", "Min", "Max", "Inc", "Mul", "Rename")
                ),
                *(Push, AddToSet, Pull),
                lambda value: Push(value, sort=value),
                lambda value: Push(slice=value),
                lambda value: Pull(exact=value),
                lambda value: Pull(sku=value),
            ]
        )
    )
    value = data.draw(values)
    try:
        update = update_of(model, {name: make(value)})
    except REFUSED:
        return
    for operator, changed in update.items():
        assert operator in {
            *("$set", "$unset", "$setOnInsert", "$min", "$max", "$inc", "$mul", "$rename"),
            *("$push", "$addToSet", "$pull", "$pullAll"),
        }
        for path, operand in changed.items():
            assert not path.startswith("$")
            if operator in ("$push", "$addToSet"):
                assert "$each" in operand
                assert operand.keys() <= {"$each", "$position", "$slice", "$sort"}
            elif operator == "$pull":
                if any(key.startswith("$") for key in operand):
                    check_asked(operand)
                else:
                    check(operand)
            elif operator in ("$inc", "$mul"):
                assert not isinstance(operand, dict)
            elif operator == "$pullAll":
                assert isinstance(operand, list)


@pytest.mark.parametrize("value", [{"$gt": ""}, {"$ne": None}, {"$exists": True}, [{"$ne": 1}]])
def test_an_operator_in_a_value_finds_nothing(db, value):
    Every.objects.create(
        text="x", slug="x", small=1, json={"a": {"b": 1}}, numbers=[1], home={"city": "x"}
    )
    for name in NAMES[Every]:
        for lookup in ("", "__in", "__contains", "__gt", "__range", "__icontains", "__all"):
            asked = [value, value] if lookup in ("__in", "__range", "__all") else value
            if name.startswith("json") and lookup in ("__gt", "__range"):
                continue  # Documents have an order.
            try:
                found = Every.objects.filter(**{f"{name}{lookup}": asked}).count()
            except REFUSED:
                continue
            assert found == 0, (name, lookup)


def test_operators_stay_data_in_free_documents(db):
    data = {"$gt": "", "a.b": {"$where": "1"}, "list": [{"$elemMatch": {"x": 1}}]}
    Every.objects.create(json=data)
    Every.objects.create(json={"list": [{"x": 1}]})
    assert Every.objects.get(json=data).json == data
    found = Every.objects.get(json__list__contains=[{"$elemMatch": {"x": 1}}])
    assert found.json == data
    assert Every.objects.filter(json__list__contains=[{"x": 1}]).get().json != data


def test_patterns_in_free_documents_are_compared_and_not_matched(db):
    Every.objects.create(json={"a": "xyz"})
    for asked in ({"json__a": Regex("y")}, {"json__a__in": [Regex("y")]}):
        assert not Every.objects.filter(**asked).exists()


# Bounds


def test_a_pattern_that_no_server_takes_is_refused():
    for lookup in ("icontains", "regex", "istartswith"):
        with pytest.raises(ValidationError, match="32,764 bytes"):
            Order.objects.filter(**{f"title__{lookup}": "ä" * 20_000})


def test_a_long_pattern_finds(db):
    Order.objects.create(slug="a", title="x" * 300)
    assert Order.objects.filter(title__icontains="X" * 300).count() == 1


def test_a_filter_longer_than_a_command_is_told(db):
    keys = [f"{number:020}" for number in range(700_000)]
    with pytest.raises(DatabaseError, match="testapp_order"):
        Order.objects.filter(slug__in=keys).count()


def test_numbers_that_no_document_holds_are_not_found(db):
    Every.objects.create(json={"a": 1})
    for asked in ({"json__a": 2**70}, {"json__a__in": [1, -(2**70)]}, {"json": 2**64}):
        assert Every.objects.filter(**asked).count() == int("json__a__in" in asked)


@pytest.mark.parametrize("text", ["a\0b", "\0", "\0*"])
@pytest.mark.parametrize("lookup", ["exact", "contains", "iexact", "startswith", "in"])
def test_null_characters_are_found(db, text, lookup):
    Order.objects.create(slug="a", title=text)
    Order.objects.create(slug="b", title="a")
    value = [text] if lookup == "in" else text
    assert Order.objects.get(**{f"title__{lookup}": value}).slug == "a"


@pytest.mark.parametrize("name", ["data__a\0b", "data__$where", "data__a.b", "da\0ta", "$where"])
def test_names_are_no_way_in_either(name):
    with pytest.raises(FieldError):
        Order.objects.filter(**{name: 1})


@pytest.mark.parametrize("value", [object(), lambda: 1, 1 + 2j, {1, 2}, range(3)])
def test_what_bson_cannot_hold_is_refused_by_name(db, value):
    with pytest.raises(REFUSED) as caught:
        Order.objects.filter(data__n=value).count()
    assert "data" in str(caught.value)


@pytest.mark.parametrize(
    "condition",
    [
        {"title__in": [F("title"), "x"]},
        {"title__in": {Value("x")}},
        {"title__in": (Lower("title"),)},
        {"tags__contains": [F("title")]},
        {"tags__all": [F("title")]},
        {"pages__range": (1, F("pages"))},
        {"remarks__author__in": [F("title")]},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["filter", "exclude"])
def test_expressions_in_a_list_are_no_values(condition, method):
    with pytest.raises(NotSupportedError, match="takes no expression in a list"):
        getattr(Book.objects, method)(**condition)
