"""Declared and listed indexes in one normal form; no server needed."""

import datetime
import uuid

import pytest
from bson import Binary, Int64
from bson.son import SON
from pymongo.collation import Collation

from mongo_contrib.db.schema import IndexSpec
from mongo_contrib.db.schema.definitions import (
    contains,
    declared_collation,
    from_server,
    from_spec,
)

LISTED_COLLATION = {
    "locale": "en",
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 2,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
    "version": "57.1",
}
FOUNDED = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ID = uuid.uuid4()


def listed(**document):
    return from_server({"v": 2, "name": "any", **document})


@pytest.mark.parametrize(
    ("keys", "options", "server"),
    [
        ([("a", 1), ("b", -1)], {}, {"key": SON([("a", 1.0), ("b", Int64(-1))])}),
        ([("a", 1)], {"unique": True}, {"key": {"a": 1}, "unique": True, "sparse": False}),
        ([("a", 1)], {"unique": False}, {"key": {"a": 1}}),
        ([("a", 1)], {"expireAfterSeconds": 60}, {"key": {"a": 1}, "expireAfterSeconds": 60.0}),
        ([("a", 1)], {"background": True}, {"key": {"a": 1}, "ns": "db.people"}),
        (
            [("a", 1)],
            {"collation": {"locale": "en", "strength": 2}},
            {"key": {"a": 1}, "collation": LISTED_COLLATION},
        ),
        (
            [("a", 1)],
            {"collation": Collation("en", strength=2)},
            {"key": {"a": 1}, "collation": LISTED_COLLATION},
        ),
        (
            [("a", 1)],
            {"partialFilterExpression": {"x": {"$gt": FOUNDED}, "u": ID}},
            {
                "key": {"a": 1},
                "partialFilterExpression": SON(
                    [("x", SON([("$gt", FOUNDED)])), ("u", Binary(ID.bytes, 4))]
                ),
            },
        ),
        ([("g", "2dsphere")], {}, {"key": {"g": "2dsphere"}, "2dsphereIndexVersion": 3}),
        ([("$**", 1)], {}, {"key": {"$**": 1}}),
        (
            [("kind", 1), ("title", "text"), ("body", "text"), ("year", -1)],
            {"weights": {"title": 5}},
            {
                "key": SON([("kind", 1), ("_fts", "text"), ("_ftsx", 1), ("year", -1)]),
                "weights": {"body": 1, "title": 5},
                "default_language": "english",
                "language_override": "language",
                "textIndexVersion": 3,
            },
        ),
    ],
)
def test_what_a_server_lists_is_what_was_declared(keys, options, server):
    spec = IndexSpec(tuple(keys), "name", options)
    assert from_spec(spec, None) == listed(**server)


@pytest.mark.parametrize(
    ("options", "server"),
    [
        ({}, {"unique": True}),
        ({"unique": True}, {}),
        ({"expireAfterSeconds": 0}, {}),
        ({"partialFilterExpression": {"x": 1}}, {"partialFilterExpression": {"x": "1"}}),
        ({"collation": {"locale": "en"}}, {"collation": LISTED_COLLATION}),
        ({}, {"collation": LISTED_COLLATION}),
        ({"collation": {"locale": "fr_CA", "strength": 2}}, {"collation": LISTED_COLLATION}),
    ],
)
def test_differences_are_seen(options, server):
    spec = IndexSpec((("a", 1),), "name", options)
    assert from_spec(spec, None) != listed(key={"a": 1}, **server)


@pytest.mark.parametrize(
    ("locale", "told"),
    [("fr_CA", {"backwards": True}), ("da", {"caseFirst": "upper"}), ("da", {})],
)
def test_what_comes_with_a_locale_is_no_difference(locale, told):
    spec = IndexSpec((("a", 1),), "name", {"collation": {"locale": locale, "strength": 2}})
    server = {**LISTED_COLLATION, "locale": locale, **told}
    assert from_spec(spec, None) == listed(key={"a": 1}, collation=server)


@pytest.mark.parametrize(
    ("told", "declared"),
    [
        ({}, {"locale": "en", "strength": 2}),
        ({"strength": 3}, {"locale": "en"}),
        ({"locale": "fr_CA", "backwards": True}, {"locale": "fr_CA", "strength": 2}),
        ({"locale": "da", "caseFirst": "upper"}, {"locale": "da", "strength": 2}),
    ],
)
def test_what_has_to_be_declared_of_a_collation(told, declared):
    server = {**LISTED_COLLATION, **told}
    assert declared_collation(server) == declared
    spec = IndexSpec((("a", 1),), "name", {"collation": declared})
    assert from_spec(spec, None) == listed(key={"a": 1}, collation=server)


def test_the_order_of_keys_counts():
    spec = IndexSpec((("a", 1), ("b", 1)), "name")
    assert from_spec(spec, None) != listed(key=SON([("b", 1), ("a", 1)]))


def test_an_index_has_the_collation_of_its_collection():
    spec = IndexSpec((("a", 1),), "name")
    simple = IndexSpec((("a", 1),), "name", {"collation": {"locale": "simple"}})
    real = listed(key={"a": 1}, collation=LISTED_COLLATION)
    assert from_spec(spec, LISTED_COLLATION) == real
    assert from_spec(simple, LISTED_COLLATION) != real
    assert from_spec(simple, LISTED_COLLATION) == listed(key={"a": 1})


def test_a_server_may_add_to_a_document_but_not_change_it():
    real = {"timeField": "t", "granularity": "seconds", "bucketMaxSpanSeconds": 3600}
    assert contains(real, {"timeField": "t"})
    assert not contains(real, {"timeField": "t", "granularity": "hours"})
    assert not contains(None, {"timeField": "t"})
    assert not contains({}, {"timeField": None})
