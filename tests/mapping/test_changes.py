"""The difference of two stored documents, and that applying it gives the second."""

from __future__ import annotations

import copy
import datetime

import pytest
from bson import Decimal128, Int64
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.mapping.changes import changes

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-2, 2), st.text("ab"))
# Keys with what paths can't say among them.
KEYS = st.sampled_from(["a", "b", "c", "a.b", "$a", ""])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
COLUMNS = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3)


def applied(document: dict, update: dict) -> dict:
    """What a server makes of `$set` and `$unset` by paths."""
    document = copy.deepcopy(document)
    for path, value in update.get("$set", {}).items():
        *parents, last = path.split(".")
        target = document
        for parent in parents:
            target = target[parent]
        target[last] = value
    for path in update.get("$unset", {}):
        *parents, last = path.split(".")
        target = document
        for parent in parents:
            target = target[parent]
        del target[last]
    return document


def shape(value):
    """A value with its types: 1, 1.0 and True are three values."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value), value


@given(COLUMNS, COLUMNS)
def test_the_update_turns_the_one_into_the_other(before, after):
    update = changes(before, after)
    assert shape(applied(before, update)) == shape(after)
    assert ("$set" in update) == bool(update.get("$set"))


@given(COLUMNS)
def test_equal_documents_need_no_update(document):
    assert changes(document, copy.deepcopy(document)) == {}


def test_only_the_changed_key_of_an_embedded_document_is_sent():
    before = {"home": {"city": "Ulm", "zip": "1", "old": 1}, "n": 1}
    after = {"home": {"city": "Bonn", "zip": "1"}, "n": 1}
    assert changes(before, after) == {
        "$set": {"home.city": "Bonn"},
        "$unset": {"home.old": ""},
    }


def test_keys_that_no_path_can_name_are_set_with_their_parent():
    assert changes({"x": {"a.b": 1, "c": 1}}, {"x": {"a.b": 2, "c": 1}}) == {
        "$set": {"x": {"a.b": 2, "c": 1}}
    }


def test_lists_are_set_whole():
    assert changes({"x": [1, 2]}, {"x": [1, 3]}) == {"$set": {"x": [1, 3]}}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (Int64(7), 7, True),
        (Int64(7), 8, False),
        (1, True, False),
        (1, 1.0, False),
        (float("nan"), float("nan"), True),
        (Decimal128("1.0"), Decimal128("1.00"), False),
        (
            datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC),
            datetime.datetime(
                2026, 1, 1, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1))
            ),
            True,
        ),
    ],
)
def test_values_are_the_same_if_bson_stores_the_same(old, new, same):
    assert (changes({"x": old}, {"x": new}) == {}) is same
