"""BSON as text, for serializers and forms."""

from __future__ import annotations

import pytest
from bson import Binary, Int64, ObjectId
from django.core.exceptions import ValidationError

from mongo_contrib.documents import DictField
from mongo_contrib.documents.fields.extended_json import (
    ExtendedJSONFormField,
    dumps,
    from_jsonable,
    jsonable,
    loads,
)

ID = ObjectId("650000000000000000000001")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.0, "x", None, True]}, '{"a": [1, 2.0, "x", null, true]}'),
        ({"id": ID}, '{"id": {"$oid": "650000000000000000000001"}}'),
        (Int64(5), '{"$numberLong": "5"}'),
        (Int64(2**40), "1099511627776"),
        (Binary(b"0123456789abcdef", 3), None),
        ({"$gt": 5}, '{"$pairs": [["$gt", 5]]}'),
        ({"$oid": "no id"}, '{"$pairs": [["$oid", "no id"]]}'),
        ({"$date": "2026-01-01T00:00:00Z"}, '{"$pairs": [["$date", "2026-01-01T00:00:00Z"]]}'),
        ({"$pairs": 1}, '{"$pairs": [["$pairs", 1]]}'),
    ],
)
def test_values_are_text_and_come_back(value, text):
    if text is not None:
        assert dumps(value) == text
    assert loads(dumps(value)) == value
    assert type(loads(dumps(value))) is (int if value == 2**40 else type(value))
    assert from_jsonable(jsonable(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{'a': 1}",
        '{"$oid": "zz"}',
        '{"$date": {"$numberLong": "x"}}',
        '{"$binary": {"base64": "=", "subType": "zz"}}',
        '{"$numberDecimal": "many"}',
        '{"$pairs": 1}',
        '{"$pairs": [1]}',
        '{"$uuid": 7}',
        "[" * 100_000,
    ],
)
def test_what_is_no_extended_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        loads(text)


class TestFormField:
    field = ExtendedJSONFormField(model_field=DictField(), required=False)

    def test_it_shows_and_takes_text(self):
        assert self.field.prepare_value({"id": ID, "ä": 1}) == (
            '{"id": {"$oid": "650000000000000000000001"}, "ä": 1}'
        )
        assert self.field.clean('{"id": {"$oid": "650000000000000000000001"}}') == {"id": ID}
        assert self.field.clean("") == {}
        # As after an error: what was typed, not a text of the text.
        assert self.field.prepare_value('{"a"') == '{"a"'

    @pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), ("[1]", "document")])
    def test_other_text_is_an_error(self, text, message):
        with pytest.raises(ValidationError, match=message):
            self.field.clean(text)

    def test_the_same_value_in_other_words_is_no_change(self):
        assert not self.field.has_changed({"b": ID}, f'{{"b":{{"$oid": "{ID}"}}}}')
        assert self.field.has_changed({"a": 1}, '{"a": 1.0}')
        assert self.field.has_changed({"a": 1}, "{")
        assert not self.field.has_changed({}, "")
        # What can't be stored is not said to be the same.
        assert self.field.has_changed({}, '{"\\u0000": 1}')
