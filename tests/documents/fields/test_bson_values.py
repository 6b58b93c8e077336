"""BSONField: any value, and those of some types only."""

from __future__ import annotations

import datetime
import re

import pytest
from bson import Binary, Code, DBRef, Int64, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import DataError
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import BSONField, Document
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Anything, Measured, Pattern

UTC = datetime.UTC
ID = ObjectId("650000000000000000000001")

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "{not json",
        5,
        Int64(5),
        1.0,
        True,
        datetime.datetime(2026, 1, 1, tzinfo=UTC),
        Regex("a.c", re.IGNORECASE),
        Code("x => 1", {"y": 1}),
        Timestamp(1, 2),
        Binary(b"0123456789abcdef", 3),
        DBRef("books", 1),
        [1, "x"],
        {"$oid": "no id"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("format", ["json", "jsonl", "xml"])
def test_values_are_valid_saved_found_and_dumped(value, format):
    document = Anything(value=value, list=[value], map={"a": value})
    document.full_clean()
    assert (document.value, document.list, document.map) == (value, [value], {"a": value})
    document.save()
    Anything.objects.create(value="other")
    read = Anything.objects.get(value=value)
    assert (read.pk, read.value, type(read.value)) == (document.pk, value, type(value))
    assert Anything.objects.get(map__a=value) == document
    text = serializers.serialize(format, [read])
    Anything.objects.all().delete()
    for loaded in serializers.deserialize(format, text):
        loaded.save()
    again = Anything.objects.get()
    assert (again.value, type(again.value)) == (value, type(value))
    assert (again.list, type(again.list[0])) == ([value], type(value))


def test_a_compiled_pattern_is_stored_as_regex():
    document = Anything.objects.create(value=re.compile("a.c", re.IGNORECASE))
    with CaptureCommands() as sent:
        document.save()
        Anything.objects.get().save()
    assert len(sent) == 1
    assert Anything.objects.get().value == Regex.from_native(re.compile("a.c", re.IGNORECASE))


def test_lookups_lead_into_values():
    document = Anything.objects.create(value={"a": [{"b": ID}]})
    Anything.objects.create(value=[1, 2])
    Anything.objects.create(value="hello")
    assert Anything.objects.get(value__a__0__b=ID) == document
    assert Anything.objects.get(value__icontains="ELL").value == "hello"
    assert Anything.objects.get(value__len=2).value == [1, 2]
    assert Anything.objects.get(value={"a": [{"b": ID}]}) == document


@pytest.mark.parametrize("value", ["a", 5, {"$regex": "x"}, [Regex("a")]])
def test_types_are_kept_to(value):
    with pytest.raises(ValidationError, match=r"of the BSON type \w+; allowed are: regex"):
        Pattern(regex=value).full_clean()
    with pytest.raises(ValidationError, match=r"allowed are: regex"):
        Pattern(regex=value).save()
    with pytest.raises(ValidationError, match=r"allowed are: regex"):
        Pattern.objects.filter(regex=value)


def test_allowed_types_are_stored():
    for code in (Code("x"), Code("x", {}), None):
        pattern = Pattern(regex=Regex("a"), code=code)
        pattern.full_clean()
        pattern.save()
        assert Pattern.objects.get(pk=pattern.pk).code == code


@pytest.mark.needs("far_dates")
@pytest.mark.parametrize(
    ("value", "names"),
    [
        (1.5, ["double"]),
        ("x", ["string"]),
        ({}, ["object"]),
        ([], ["array"]),
        (b"x", ["binData"]),
        (Binary(b"x", 5), ["binData"]),
        (ID, ["objectId"]),
        (True, ["bool"]),
        (DatetimeMS(2**60), ["date"]),
        (Regex("x"), ["regex"]),
        (Code("x"), ["javascript"]),
        (Code("x", {}), ["javascriptWithScope"]),
        (5, ["int"]),
        (Int64(5), ["long"]),
        (2**40, ["long"]),
        (Timestamp(1, 1), ["timestamp"]),
    ],
    ids=repr,
)
def test_the_names_of_types_are_the_servers(value, names):
    for name in names:
        document = Anything.objects.create(value=value)
        found = Anything.objects.match({"value": {"$type": name}})
        assert list(found) == [document]
        BSONField(types=name).to_bson(value)
    with pytest.raises(ValidationError):
        BSONField(types="minKey").to_bson(value)


def test_the_form_takes_extended_json_of_any_value():
    Form = modelform_factory(Anything, fields=["value"])
    document = Anything.objects.create(value=Regex("a", 2))
    shown = Form(instance=document)["value"].value()
    assert shown == '{"$regularExpression": {"pattern": "a", "options": "i"}}'
    assert not Form({"value": shown}, instance=document).has_changed()
    assert Form({"value": '"text"'}, instance=document).save().value == "text"
    assert Form({"value": "text"}).errors == {"value": ["“text” is not valid JSON."]}
    assert Form({"value": ""}, instance=document).save().value is None
    assert Form({"value": ""}).is_valid()


@isolate_apps("tests.testapp")
def test_unknown_types_are_told_by_a_check():
    class Wrong(Document):
        value = BSONField(types=["regex", "regexp"])

        class Meta:
            app_label = "testapp"

    (error,) = [each for each in Wrong.check() if each.id == "mongo_contrib.E051"]
    assert error.msg == "BSON has no type 'regexp'."
    assert BSONField(types="regex").clone().types == ["regex"]


@pytest.mark.needs("far_dates")
def test_dates_beyond_pythons_are_kept_where_any_value_is():
    far = DatetimeMS(2**60)
    Anything.objects.collection.insert_many([{"value": far, "json": far}, {"value": 1}])
    read, _ = Anything.objects.order_by("-value")
    assert read.value == read.json == far
    with CaptureCommands() as sent:
        read.value = DatetimeMS(2**61)
        read.save()
    assert sent[0].command["updates"][0]["u"]["$set"]["value"] == DatetimeMS(2**61)


@pytest.mark.needs("far_dates")
def test_a_date_beyond_pythons_is_told_by_a_field_of_dates_and_its_neighbours_are_readable():
    Measured.objects.collection.insert_many(
        [{"_id": ID, "moment": DatetimeMS(2**60)}, {"moment": None, "name": "good"}]
    )
    assert Measured.objects.get(name="good").moment is None
    with pytest.raises(DataError, match=rf"Measured {ID}: .*'moment'.*DatetimeMS"):
        Measured.objects.get(pk=ID).moment  # noqa: B018
