"""Each kind of field as it is stored, and back; and what is refused."""

from __future__ import annotations

import datetime
import decimal
import uuid

import bson
import pytest
from bson import Decimal128, ObjectId
from django.core.exceptions import ValidationError
from django.db import models
from django.db.utils import DataError
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from mongo_contrib.mapping.encoding import decode_value, encode_value
from tests.testapp.models import Address, Author, Book, Every, Remark

UTC = datetime.UTC
ID = ObjectId("650000000000000000000001")
ONE = uuid.UUID("12345678123456781234567812345678")


def field(name: str):
    return Every._meta.get_field(name)


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("text", "x", "x"),
        ("text", "", ""),
        ("text", lazystr("lazy"), "lazy"),
        ("slug", mark_safe("a-b"), "a-b"),
        ("small", 7, 7),
        ("big", -(2**63), -(2**63)),
        ("flag", True, True),
        ("number", 1, 1.0),
        ("decimal", decimal.Decimal("1.5"), Decimal128("1.500")),
        ("day", datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, tzinfo=UTC)),
        (
            "moment",
            datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
            datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        ),
        ("time", datetime.time(3, 4, 5, 678901), "03:04:05.678901"),
        ("duration", datetime.timedelta(days=-1, microseconds=5), -86399999995),
        ("uuid", ONE, ONE),
        ("data", b"\0\xff", b"\0\xff"),
        ("json", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ("address", "10.0.0.1", "10.0.0.1"),
        ("reference", ID, ID),
        ("point", (13.4, 52.5), {"type": "Point", "coordinates": [13.4, 52.5]}),
        ("numbers", [1, None, 3], [1, None, 3]),
        ("matrix", [[1.0], [], [2.5]], [[1.0], [], [2.5]]),
        ("days", [datetime.date(2026, 1, 2)], [datetime.datetime(2026, 1, 2, tzinfo=UTC)]),
        ("home", Address(city="Ulm"), {"street": "", "town": "Ulm"}),
        ("remarks", [Remark(author="A")], [{"author": "A", "stars": 0}]),
    ],
)
def test_a_value_is_stored_so_and_read_back(name, value, stored):
    encoded = encode_value(field(name), value)
    assert encoded == stored
    assert type(encoded) is type(stored)
    # The driver must take it, and what it gives back is the value.
    read = bson.decode(bson.encode({"x": encoded}, codec_options=OPTIONS), codec_options=OPTIONS)[
        "x"
    ]
    assert decode_value(field(name), read) == value


OPTIONS = bson.CodecOptions(
    tz_aware=True, tzinfo=UTC, uuid_representation=bson.binary.UuidRepresentation.STANDARD
)


def test_microseconds_are_cut_as_bson_does():
    moment = datetime.datetime(2026, 1, 1, 0, 0, 0, 999999, UTC)
    assert encode_value(field("moment"), moment).microsecond == 999000


@pytest.mark.parametrize(
    "name",
    ["text", "small", "flag", "number", "decimal", "day", "moment", "time", "duration", "uuid"],
)
@pytest.mark.parametrize("hostile", [{"$ne": 1}, ["a"], {1, 2}])
def test_no_container_passes_as_a_scalar(name, hostile):
    with pytest.raises(ValidationError, match=f"'{name}' expects a single value"):
        encode_value(field(name), hostile)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reference", {"$ne": 1}),
        ("reference", "zz"),
        ("reference", b"twelve bytes"),
        ("point", (181, 0)),
        ("point", (0, float("nan"))),
        ("point", "Berlin"),
        ("numbers", "123"),
        ("numbers", {"$gt": ""}),
        ("home", {"$where": "1"}),
        ("home", 3),
    ],
)
def test_what_is_no_value_of_the_field_is_refused(name, value):
    with pytest.raises(ValidationError):
        encode_value(field(name), value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_numbers_beyond_64_bits_are_refused_by_name(value):
    with pytest.raises(DataError, match=r"'big' holds .* not a 64-bit integer"):
        encode_value(field("big"), value)


def test_decimals_beyond_their_digits_are_refused_by_name():
    with pytest.raises(DataError, match=r"'decimal' holds"):
        encode_value(field("decimal"), decimal.Decimal("123456789.5"))


def test_json_takes_no_keys_but_strings_and_is_copied():
    with pytest.raises(TypeError, match=r"'json' has the key 1"):
        encode_value(field("json"), {"a": {1: 2}})
    with pytest.raises(TypeError, match=r"'json' holds a set"):
        encode_value(field("json"), {"a": {1}})
    value = {"a": [1]}
    encoded = encode_value(field("json"), value)
    value["a"].append(2)
    assert encoded == {"a": [1]}


def test_aware_datetimes_need_use_tz(settings):
    settings.USE_TZ = False
    with pytest.raises(ValueError, match=r"USE_TZ is False"):
        encode_value(field("moment"), datetime.datetime(2026, 1, 1, tzinfo=UTC))


def test_a_reference_is_stored_as_the_key():
    author = Author(id=ID)
    assert encode_value(Book._meta.get_field("author"), author) == ID
    assert encode_value(Book._meta.get_field("author"), str(ID)) == ID


class Shouting(models.CharField):
    """Somebody's field with conversions of its own."""

    def get_prep_value(self, value):
        return super().get_prep_value(value).lower()

    def from_db_value(self, value, expression, connection):
        return value.upper()


class Pair(models.Field):
    """Somebody's field of no type that Django knows."""

    def get_prep_value(self, value):
        return "/".join(value)

    def from_db_value(self, value, expression, connection):
        return tuple(value.split("/"))


def test_conversions_of_other_peoples_fields_are_heard():
    assert encode_value(Shouting(name="x"), "Loud") == "loud"
    assert decode_value(Shouting(name="x"), "loud") == "LOUD"
    assert encode_value(Pair(name="x"), ("a", "b")) == "a/b"
    assert decode_value(Pair(name="x"), "a/b") == ("a", "b")


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [
        ("number", 3, 3.0),
        ("decimal", 3, decimal.Decimal(3)),
        ("decimal", 2.5, decimal.Decimal("2.5")),
        ("day", "2026-01-02", datetime.date(2026, 1, 2)),
        ("time", datetime.datetime(1970, 1, 1, 3, 4), datetime.time(3, 4)),
    ],
)
def test_what_others_have_stored_is_read_where_it_is_clear(name, stored, value):
    assert decode_value(field(name), stored) == value
