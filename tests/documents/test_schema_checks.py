"""Options and indexes that can't be are found at start-up, by name and with the cure."""

from __future__ import annotations

import datetime

import pytest
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    DocumentIndex,
    EmbeddedDocument,
    GeoSphereIndex,
    HashedIndex,
    PointField,
    TextIndex,
    TTLIndex,
    WildcardIndex,
)

HOUR = datetime.timedelta(hours=1)


def thing(meta, **fields):
    return type(Document)(
        "Thing",
        (Document,),
        {
            "__module__": "tests.testapp.models",
            "name": models.CharField(max_length=9),
            "code": models.CharField(max_length=9, null=True),
            "at": models.DateTimeField(),
            "point": PointField(geo_index=False),
            **fields,
            "Meta": type("Meta", (), {"app_label": "testapp", **meta}),
        },
    )


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("meta", "expected", "message"),
    [
        ({"shard_key": {"nothing": 1}}, "E070", "'shard_key' names 'nothing'"),
        ({"time_series": {"time_field": "nothing"}}, "E070", "'time_series' names 'nothing'"),
        ({"time_series": {"time_field": "name"}}, "E071", "must be a DateTimeField"),
        (
            {"time_series": {"time_field": "at"}, "capped": {"size": 4096}},
            "E071",
            "can't be capped too",
        ),
        (
            {"time_series": {"time_field": "at"}, "validation": "warn"},
            "E071",
            "can't have a validator",
        ),
        (
            {"time_series": {"time_field": "at"}, "unique_together": [("name", "at")]},
            "E071",
            "can't have unique constraints",
        ),
        (
            {"capped": {"size": 4096}, "indexes": [TTLIndex("at", expire_after=HOUR)]},
            "E072",
            "nothing can expire",
        ),
        ({"capped": {"size": 4096}, "shard_key": {"name": 1}}, "E072", "a sharded collection"),
        ({"indexes": [HashedIndex(fields=["name"], unique=True)]}, "E073", "a HashedIndex"),
        ({"indexes": [TextIndex(fields=["name"], unique=True)]}, "E073", "a TextIndex"),
        ({"indexes": [WildcardIndex(unique=True)]}, "E073", "a WildcardIndex"),
        ({"indexes": [TTLIndex("name", expire_after=HOUR)]}, "E074", "nothing would ever expire"),
        (
            {"indexes": [TTLIndex(fields=["at", "name"], expire_after=HOUR)]},
            "E074",
            "is on at, name",
        ),
        (
            {"indexes": [TTLIndex("at", expire_after=HOUR, unique=True)]},
            "W074",
            "no two documents could expire",
        ),
        (
            {"indexes": [TextIndex(fields=["name"]), TextIndex(fields=["code"])]},
            "E075",
            "has 2 text indexes: name_text, code_text",
        ),
        (
            {"indexes": [TextIndex(fields=["name"], weights={"code": 3})]},
            "E075",
            "gives weights to what it does not hold: code",
        ),
        ({"indexes": [GeoSphereIndex(fields=["name"])]}, "E076", "none of its fields is GeoJSON"),
        (
            {"indexes": [models.Index(fields=["name"], include=["code"], name="i")]},
            "W077",
            "Index 'i' says include",
        ),
        (
            {
                "indexes": [
                    DocumentIndex(fields=["name"], name="i", sparse=True, condition=Q(code="x"))
                ]
            },
            "E077",
            "is sparse and has a condition",
        ),
        (
            {"shard_key": {"name": 1}, "unique_together": [("code", "name")]},
            "E078",
            "does not begin with the shard key (name)",
        ),
    ],
)
def test_what_cannot_be_is_told(meta, expected, message):
    found = [error for error in thing(meta).check() if error.id == f"mongo_contrib.{expected}"]
    assert [message in error.msg for error in found] == [True]
    assert expected == "E070" or found[0].hint


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    "meta",
    [
        {"shard_key": {"name": 1}, "unique_together": [("name", "code")]},
        {"time_series": {"time_field": "at", "meta_field": "name"}},
        {"capped": {"size": 4096}},
        {"indexes": [TTLIndex("at", expire_after=HOUR), HashedIndex(fields=["name"])]},
        {"indexes": [TextIndex(fields=["*"], weights={"name": 3})]},
        {"indexes": [GeoSphereIndex(fields=["name", "point"])]},
    ],
)
def test_what_can_be_is_not(meta):
    assert thing(meta).check() == []


@isolate_apps("tests.testapp")
def test_a_constraint_of_an_embedded_class_must_be_a_unique_one():
    class Inner(EmbeddedDocument):
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "testapp"
            constraints = (models.CheckConstraint(condition=Q(name="x"), name="c"),)

    assert [error.id for error in Inner.check()] == ["mongo_contrib.E079"]
