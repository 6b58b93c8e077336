"""No value changes its type: into each field that takes any, out again, and through fixtures."""

from __future__ import annotations

import datetime
import math

import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from django.core import serializers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mongo_contrib.documents.fields.extended_json import dumps, loads
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Anything

UTC = datetime.UTC

keys = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=6)
special_keys = st.sampled_from(
    ["", "a.b", ".", "$", "$set", "$oid", "$date", "$numberLong", "$pairs", "$binary", "0", "_id"]
)
names = keys | special_keys
moments = st.datetimes(
    datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, fold=0))
far = st.integers(253402300800000, 2**63 - 1) | st.integers(-(2**63), -62135596800001)
decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20)).filter(
        lambda number: len(number.as_tuple().digits) <= 34
    ),
    st.sampled_from(["1.0", "1.00", "-0", "0E+3", "NaN", "-Infinity", "Infinity", "1E+6111"]),
).map(lambda number: Decimal128(str(number)))
subtypes = st.sampled_from([0, 1, 2, 3, 5, 6, 7, 128, 255])
binaries = st.builds(
    lambda data, subtype: Binary(data, subtype) if subtype else data,
    st.binary(max_size=20),
    subtypes,
)
patterns = st.builds(
    Regex,
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=5),
    st.integers(0, 63).map(lambda flags: flags * 2),
)
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf, 5e-324]),
    st.text(max_size=8),
    st.binary(max_size=12).map(lambda data: ObjectId(data.ljust(12, b"\0"))),
    decimals,
    moments,
    far.map(DatetimeMS),
    binaries,
    st.binary(min_size=16, max_size=16).map(lambda data: Binary(data, 3)),
    st.uuids(),
    patterns,
    st.text(max_size=5).map(Code),
    st.builds(Code, st.text(max_size=5), st.dictionaries(keys, st.booleans(), max_size=2)),
    # For Timestamp(0, 0), not within documents, the server puts its own time.
    st.builds(Timestamp, st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.sampled_from([MinKey(), MaxKey()]),
    st.builds(DBRef, st.text("abc", min_size=1), st.integers(0, 9)),
)


def nested(inner):
    return st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)


values = st.recursive(st.none() | scalars, nested, max_leaves=12)


def exact(value):
    """Return what tells apart all that BSON does: the types too, signs of zero, order of keys."""
    if isinstance(value, dict):
        return ("document", [(key, exact(item)) for key, item in value.items()])
    if isinstance(value, list):
        return ("array", [exact(item) for item in value])
    if isinstance(value, float):
        return ("double", "nan" if math.isnan(value) else value.hex())
    if type(value) is int and not -(2**31) <= value < 2**31:
        return (Int64, str(value))
    if isinstance(value, Code):
        return (Code, str(value), exact(value.scope))
    if isinstance(value, Regex):
        return (Regex, value.pattern, value.flags)
    return (type(value), repr(value))


# Each example cleans up behind itself, so that all can share one test.
in_one_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=150,
)


@pytest.mark.needs("far_dates")
@pytest.mark.django_db
@in_one_database
@given(value=values, key=names)
def test_any_value_is_kept_by_each_field_that_takes_any(value, key):
    document = {key: value, "same": [value]}
    saved = Anything(value=value, data=document, map=document, list=[value, [value]])
    saved.json = document
    saved.save()
    stored = Anything.objects.collection.find_one({"_id": saved.pk})
    for column, given_ in {
        "value": value,
        "d": document,
        "map": document,
        "list": [value, [value]],
        "json": document,
    }.items():
        assert exact(stored.get(column)) == exact(given_), column

    read = Anything.objects.get(pk=saved.pk)
    assert exact(read.value) == exact(value)
    for name in ("data", "map", "json"):
        assert exact(getattr(read, name)) == exact(document), name
    assert exact(read.list) == exact([value, [value]])

    with CaptureCommands() as sent:
        read.save()
        saved.save()
    assert not len(sent), sent

    read.json = None
    read.save()
    text = serializers.serialize("json", [read])
    Anything.objects.all().delete()
    for loaded in serializers.deserialize("json", text):
        loaded.save()
    again = Anything.objects.collection.find_one({"_id": saved.pk})
    del stored["json"]
    assert again.keys() == stored.keys()
    for column in stored:
        assert exact(again[column]) == exact(stored[column]), column
    Anything.objects.all().delete()


@given(values)
def test_text_keeps_any_value(value):
    assert exact(loads(dumps(value))) == exact(value)


@pytest.mark.needs("far_dates")
@pytest.mark.django_db
@in_one_database
@given(before=values, after=values)
def test_a_change_is_sent_if_bson_tells_the_values_apart(before, after):
    saved = Anything.objects.create(data={"a": before, "b": 1})
    read = Anything.objects.get(pk=saved.pk)
    read.data["a"] = after
    with CaptureCommands() as sent:
        read.save()
    # In another order keys are the same document; a small number is the same in 32 or 64 bits.
    if len(sent) == 0:
        assert unordered(exact(after)) == unordered(exact(before))
    stored = Anything.objects.collection.find_one({"_id": saved.pk})["d"]["a"]
    assert unordered(exact(stored)) == unordered(exact(after))
    Anything.objects.all().delete()


def unordered(told):
    """Return what `exact()` tells, but for what a save takes for no change."""
    if isinstance(told, tuple) and told[0] == "document":
        return ("document", sorted((key, repr(unordered(item))) for key, item in told[1]))
    if isinstance(told, tuple) and told[0] == "array":
        return ("array", [unordered(item) for item in told[1]])
    if isinstance(told, tuple) and told[0] in (int, Int64):
        return (int, told[1].removeprefix("Int64(").removesuffix(")"))
    return told


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        (1.0, Decimal128("1")),
        (Decimal128("1.0"), Decimal128("1.00")),
        (b"x", Binary(b"x", 5)),
        ("x", Code("x")),
        (Code("x"), Code("x", {})),
        (Code("x", {"a": 1}), Code("x", {"a": True})),
        (Regex("a"), Regex("a", 2)),
        ([1], [1.0]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1.0}]}),
        (None, {}),
    ],
    ids=repr,
)
def test_values_that_python_takes_for_equal_are_told_apart(before, after):
    saved = Anything.objects.create(data={"a": before})
    for first, then in ((before, after), (after, before)):
        Anything.objects.filter(pk=saved.pk).update(data={"a": first})
        read = Anything.objects.get()
        read.data["a"] = then
        read.save()
        stored = Anything.objects.collection.find_one()["d"]["a"]
        assert exact(stored) == exact(then)
