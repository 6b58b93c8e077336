"""What classes declare of their collections, as indexes."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.utils import NotSupportedError
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    CollationIndex,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    GeoSphereIndex,
    HashedIndex,
    PointField,
    TextIndex,
    TTLIndex,
)
from mongo_contrib.documents.schema import collection_spec
from tests.testapp.models import Author, Book, Ticket


def indexes(model):
    return {spec.name: (spec.keys, dict(spec.options)) for spec in collection_spec(model).indexes}


def test_fields_declare_indexes():
    assert indexes(Author) == {
        "name_1": ((("name", 1),), {}),
        "email_1": (
            (("email", 1),),
            {"unique": True, "partialFilterExpression": {"email": {"$exists": True}}},
        ),
    }


def test_meta_declares_indexes_and_constraints():
    assert indexes(Book) == {
        "title_1_pages_-1": ((("title", 1), ("pages", -1)), {}),
        "remarks.author_1": ((("remarks.author", 1),), {}),
        "author_id_1": ((("author_id", 1),), {}),
        "publisher_id_1": ((("publisher_id", 1),), {}),
        "long_titles_once_per_publisher": (
            (("title", 1), ("publisher_id", 1)),
            {
                "unique": True,
                "partialFilterExpression": {
                    "pages": {"$gt": 100},
                    "publisher_id": {"$exists": True},
                },
            },
        ),
    }
    assert indexes(Ticket)["expires_1"] == ((("expires", 1),), {"expireAfterSeconds": 3600})
    assert collection_spec(Ticket).name == "tickets"


@isolate_apps("tests.testapp")
def test_mongodbs_own_kinds():
    class Place(Document):
        name = models.CharField(max_length=10)
        text = models.TextField()
        point = PointField()
        seen = models.DateTimeField()

        class Meta:
            app_label = "testapp"
            indexes = (
                TTLIndex("seen", expire_after=datetime.timedelta(days=1)),
                TextIndex(fields=["name", "text"], weights={"name": 3}, default_language="german"),
                GeoSphereIndex(fields=["point"]),
                HashedIndex(fields=["name"]),
                CollationIndex(fields=["name"], locale="de", strength=2, unique=True),
                models.Index(fields=["text"], condition=Q(name__gt="m"), name="late"),
            )

    specs = {spec.name: spec for spec in collection_spec(Place).indexes}
    assert {name: spec.needs for name, spec in specs.items()} == {
        "seen_1": "ttl_index",
        "name_text_text_text": "text_index",
        "point_2dsphere": "2dsphere",
        "name_hashed": "hashed_index",
        "name_1": "index_collation",
        "late": None,
    }
    assert dict(specs["name_text_text_text"].options) == {
        "weights": {"name": 3},
        "default_language": "german",
    }
    assert dict(specs["late"].options) == {"partialFilterExpression": {"name": {"$gt": "m"}}}
    for index in Place._meta.indexes:
        assert index.clone() == index


@isolate_apps("tests.testapp")
def test_embedded_fields_declare_indexes_of_their_parents():
    class Part(EmbeddedDocument):
        serial = models.CharField(max_length=10, unique=True)
        parts = EmbeddedDocumentListField("self")

        class Meta:
            app_label = "testapp"

    class Machine(Document):
        parts = EmbeddedDocumentListField(Part)

        class Meta:
            app_label = "testapp"

    assert indexes(Machine) == {
        "parts.serial_1": (
            (("parts.serial", 1),),
            {"unique": True, "partialFilterExpression": {"parts.serial": {"$exists": True}}},
        )
    }


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("meta", "error", "message"),
    [
        ({"indexes": [models.Index(fields=["nothing"], name="x")]}, FieldError, "nothing"),
        (
            {"indexes": [models.Index(fields=["name"], name="x", condition=~Q(name="a"))]},
            NotSupportedError,
            "'x' on testapp.Thing needs \\$nor",
        ),
        (
            {"indexes": [models.Index(Lower("name"), name="x")]},
            NotSupportedError,
            "on an expression",
        ),
        (
            {"indexes": [models.Index(fields=["other__name"], name="x")]},
            NotSupportedError,
            "beyond the document",
        ),
    ],
)
def test_what_mongodb_cannot_index_is_refused(meta, error, message):
    class Thing(Document):
        name = models.CharField(max_length=10)
        other = models.ForeignKey("self", models.CASCADE, null=True)
        Meta = type("Meta", (), {"app_label": "testapp", **meta})

    with pytest.raises(error, match=message):
        collection_spec(Thing)
    assert [error.id for error in Thing.check()] == ["mongo_contrib.E030"]


@isolate_apps("tests.testapp")
def test_null_counts_as_a_value_only_if_it_is_said():
    class Seat(Document):
        row = models.IntegerField(null=True)
        number = models.IntegerField()

        class Meta:
            app_label = "testapp"
            unique_together = (("row", "number"),)
            constraints = (
                models.UniqueConstraint(
                    fields=["number", "row"], nulls_distinct=False, name="strict"
                ),
            )

    assert indexes(Seat) == {
        "row_1_number_1": (
            (("row", 1), ("number", 1)),
            {"unique": True, "partialFilterExpression": {"row": {"$exists": True}}},
        ),
        "strict": ((("number", 1), ("row", 1)), {"unique": True}),
    }


@isolate_apps("tests.testapp")
def test_the_class_needs_no_index_of_its_own_beside_a_longer_one():
    class Page(Document):
        slug = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            allow_inheritance = True
            indexes = [models.Index(fields=["_cls", "slug"])]

    class Draft(Document):
        slug = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            allow_inheritance = True
            indexes = [models.Index(fields=["_cls", "slug"], condition=Q(slug="a"), name="some")]

    assert indexes(Page).keys() == {"_cls_1_slug_1"}
    assert indexes(Draft).keys() == {"_cls_1", "some"}
