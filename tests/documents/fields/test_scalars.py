"""Django's fields that BSON stores in its own way: alone, in lists, in embedded documents."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal

import pytest
from bson import Binary, Decimal128
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import DataError
from django.forms import modelform_factory
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.mapping.encoding import decode_value, encode_value
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Measured, Measures

UTC = datetime.UTC
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
ONE = uuid.UUID("12345678123456781234567812345678")
VALUES = {
    "data": b"\0\xff",
    "amount": Decimal("1.50"),
    "moment": MOMENT,
    "duration": datetime.timedelta(days=-1, microseconds=5),
    "uuid": ONE,
}
STORED = {
    "data": b"\0\xff",
    "amount": Decimal128("1.50"),
    "moment": MOMENT,
    "duration": -86399999995,
    "uuid": ONE,
}
#: The lists of `Measured`, by the field whose values they hold.
LISTS = {
    "data": "blobs",
    "amount": "amounts",
    "moment": "moments",
    "duration": "durations",
    "uuid": "uuids",
}

pytestmark = pytest.mark.django_db


def make(**values):
    return Measured(
        **values,
        **{LISTS[name]: [value, value] for name, value in values.items() if name in LISTS},
        inside=Measures(**values),
        several=[Measures(**values), Measures()],
    )


@pytest.mark.parametrize("name", VALUES)
def test_values_are_stored_and_read_alone_in_lists_and_inside(name):
    saved = make(**{name: VALUES[name]})
    saved.full_clean()
    saved.save()
    stored = Measured.objects.collection.find_one()
    column = "took" if name == "duration" else name
    assert stored[column] == STORED[name]
    assert isinstance(stored[column], type(STORED[name]))
    assert stored[LISTS[name]] == [STORED[name]] * 2
    assert stored["inside"] == {name: STORED[name]}
    assert stored["several"] == [{name: STORED[name]}, {}]
    read = Measured.objects.get()
    assert getattr(read, name) == VALUES[name]
    assert type(getattr(read, name)) is type(VALUES[name])
    assert getattr(read, LISTS[name]) == [VALUES[name]] * 2
    assert getattr(read.inside, name) == VALUES[name]
    assert getattr(read.several[0], name) == VALUES[name]
    assert getattr(read.several[1], name) is None
    with CaptureCommands() as sent:
        read.save()
        saved.save()
    assert not len(sent)


def test_none_is_left_out_everywhere():
    Measured.objects.create(inside=Measures())
    stored = Measured.objects.collection.find_one()
    assert not stored.keys() & {"data", "amount", "moment", "took", "uuid"}
    assert stored["inside"] == {}
    for name in VALUES:
        assert getattr(Measured.objects.get(**{f"{name}__isnull": True}), name) is None


@pytest.mark.parametrize("name", VALUES)
def test_values_are_found(name):
    document = make(**{name: VALUES[name]})
    document.save()
    Measured.objects.create()
    for query in (
        {name: VALUES[name]},
        {f"{name}__in": [VALUES[name]]},
        {f"inside__{name}": VALUES[name]},
        {f"several__{name}": VALUES[name]},
        {f"{LISTS[name]}__contains": [VALUES[name]]},
        {f"{LISTS[name]}__0": VALUES[name]},
        {f"{name}__isnull": False},
    ):
        assert Measured.objects.get(**query) == document, query
    if name not in ("data", "uuid"):
        for query in ({f"{name}__gte": VALUES[name]}, {f"inside__{name}__lte": VALUES[name]}):
            assert Measured.objects.get(**query) == document, query


@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("amount", "many", "must be a decimal number"),
        ("amount", Decimal("1.555"), "no more than 2 decimal places"),
        ("amount", Decimal("1234567.5"), "no more than 6 digits before"),
        ("moment", "soon", "invalid format"),
        ("duration", "long", "invalid format"),
        ("uuid", "1", "not a valid UUID"),
    ],
)
def test_bad_values_are_told_by_field_and_value(name, bad, message):
    with pytest.raises(ValidationError) as caught:
        make(**{name: bad}).full_clean()
    told = caught.value.message_dict
    assert set(told) == {name, LISTS[name], "inside", "several"}
    assert message in told[name][0]
    assert told[LISTS[name]][0].startswith("Item 1: ")
    assert told["inside"][0].startswith(f"{name}: ")
    assert told["several"][0].startswith(f"Item 1: {name}: ")


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("bad", [{"$gt": 1}, ["x"]])
def test_no_container_is_stored_for_a_scalar(name, bad):
    with pytest.raises((ValidationError, TypeError)):
        Measured(**{name: bad}).save()
    assert not Measured.objects.exists()


@pytest.mark.parametrize("format", ["json", "jsonl", "xml"])
def test_fixtures_keep_all(format):
    make(**VALUES).save()
    before = Measured.objects.collection.find_one()
    text = serializers.serialize(format, Measured.objects.all())
    Measured.objects.all().delete()
    for loaded in serializers.deserialize(format, text):
        loaded.save()
    assert Measured.objects.collection.find_one() == before


def test_forms_keep_all():
    names = ["amount", "moment", "duration", "uuid", *LISTS.values(), "inside"]
    names.remove("blobs")
    Form = modelform_factory(Measured, fields=names)
    # Widgets show no fractions of seconds.
    values = {**VALUES, "moment": MOMENT.replace(microsecond=0)}
    document = make(**values)
    document.save()
    form = Form(instance=document)
    data = {}
    for bound in form:
        if hasattr(bound, "embedded_form"):
            data |= {each.html_name: each.value() for each in bound.embedded_form if each.value()}
        else:
            data[bound.html_name] = bound.value()
    data = {
        name: value.isoformat() if isinstance(value, datetime.datetime) else value
        for name, value in data.items()
    }
    bound_form = Form(data, instance=Measured.objects.get())
    assert bound_form.is_valid(), bound_form.errors
    saved = bound_form.save()
    assert {name: getattr(saved, name) for name in names[:4]} == {
        name: values[name] for name in names[:4]
    }
    assert saved.amounts == [Decimal("1.50")] * 2 and saved.uuids == [ONE] * 2
    assert (saved.inside.amount, saved.inside.uuid) == (Decimal("1.50"), ONE)


def test_decimals_have_the_places_of_their_field():
    Measured.objects.create(amount="1.5", amounts=["2"])
    read = Measured.objects.get()
    assert (str(read.amount), str(read.amounts[0])) == ("1.50", "2.00")


def test_microseconds_are_cut():
    late = MOMENT.replace(microsecond=678999)
    Measured.objects.create(moment=late, moments=[late])
    assert Measured.objects.get(moment=late).moment == MOMENT
    assert Measured.objects.get().moments == [MOMENT]


def test_a_binary_keeps_its_subtype():
    Measured.objects.create(data=Binary(b"x", 128))
    read = Measured.objects.get()
    assert read.data == Binary(b"x", 128)
    with CaptureCommands() as sent:
        read.save()
    assert not len(sent)


@pytest.mark.parametrize(
    ("column", "value"),
    [("data", "text"), ("amount", "many"), ("moment", "soon"), ("took", "long"), ("uuid", 5)],
)
def test_a_broken_value_is_told_when_it_is_read_and_can_be_repaired(column, value):
    Measured.objects.create(name="good")
    Measured.objects.collection.insert_one({"name": "bad", column: value})
    assert Measured.objects.get(name="good").name == "good"
    attribute = "duration" if column == "took" else column
    with pytest.raises(DataError, match=rf"testapp.Measured .*'{attribute}'"):
        getattr(Measured.objects.get(name="bad"), attribute)
    Measured.objects.filter(name="bad").update(**{attribute: VALUES[attribute]})
    assert getattr(Measured.objects.get(name="bad"), attribute) == VALUES[attribute]


MOMENTS = st.datetimes(
    datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(UTC)
)


@given(
    amount=st.decimals("-999999.99", "999999.99", places=2),
    moment=MOMENTS,
    duration=st.timedeltas(),
    identity=st.uuids(),
    data=st.binary(max_size=20),
)
def test_what_is_read_is_what_the_field_makes_of_what_was_given(
    amount, moment, duration, identity, data
):
    given_values = {
        "amount": amount,
        "moment": moment.replace(microsecond=moment.microsecond // 1000 * 1000),
        "uuid": identity,
        "data": data,
    }
    if abs(duration) < datetime.timedelta(days=10**6):
        given_values["duration"] = duration
    for name, value in given_values.items():
        field = Measured._meta.get_field(name)
        cleaned = field.to_python(value)
        read = decode_value(field, encode_value(field, cleaned))
        assert read == cleaned
        assert encode_value(field, read) == encode_value(field, cleaned)
