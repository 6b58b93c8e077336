"""Indexes of every kind: what is declared, and that the server's is recognised as the same."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models import Q
from django.test.utils import isolate_apps

from mongo_contrib.db.schema import CollectionSpec, plan
from mongo_contrib.documents import (
    CollationIndex,
    Document,
    DocumentIndex,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeoSphereIndex,
    HashedIndex,
    ListField,
    PointField,
    TextIndex,
    TTLIndex,
    WildcardIndex,
)
from mongo_contrib.documents.schema import collection_spec, index_specs
from mongo_contrib.exceptions import DuplicateKeyError
from tests.testapp.models import GuardedAnimal

CASELESS = {"locale": "en", "strength": 2}

#: An index of each kind; its keys and options; the capability that it needs.
KINDS = [
    (models.Index(fields=["name"]), (("name", 1),), {}, None),
    (models.Index(fields=["name", "-at"]), (("name", 1), ("at", -1)), {}, None),
    (models.Index(fields=["home__city"]), (("home.town", 1),), {}, None),
    (models.Index(fields=["homes__city"]), (("homes.town", 1),), {}, None),
    (models.Index(fields=["tags"]), (("tags", 1),), {}, None),
    (models.Index(fields=["extra__color"]), (("extra.color", 1),), {}, None),
    (DocumentIndex(fields=["name"], unique=True), (("name", 1),), {"unique": True}, None),
    (DocumentIndex(fields=["name"], sparse=True), (("name", 1),), {"sparse": True}, None),
    (
        DocumentIndex(fields=["name"], hidden=True),
        (("name", 1),),
        {"hidden": True},
        "hidden_index",
    ),
    (
        DocumentIndex(fields=["name"], collation=CASELESS),
        (("name", 1),),
        {"collation": CASELESS},
        "index_collation",
    ),
    (
        CollationIndex(fields=["name"], locale="de", strength=2, unique=True),
        (("name", 1),),
        {"collation": {"locale": "de", "strength": 2}, "unique": True},
        "index_collation",
    ),
    (
        models.Index(fields=["name"], name="late", condition=Q(name__gt="m", at__isnull=False)),
        (("name", 1),),
        {"partialFilterExpression": {"name": {"$gt": "m"}, "at": {"$exists": True}}},
        None,
    ),
    (
        TTLIndex("at", expire_after=datetime.timedelta(hours=1)),
        (("at", 1),),
        {"expireAfterSeconds": 3600},
        "ttl_index",
    ),
    (
        TextIndex(fields=["name", "home__city"], weights={"home__city": 3}, prefix=["at"]),
        (("at", 1), ("name", "text"), ("home.town", "text")),
        {"weights": {"home.town": 3}},
        "text_index",
    ),
    (
        TextIndex(fields=["*"], default_language="german", language_field="lang"),
        (("$**", "text"),),
        {"default_language": "german", "language_override": "lang"},
        "text_index",
    ),
    (GeoSphereIndex(fields=["point"]), (("point", "2dsphere"),), {}, "2dsphere"),
    (
        GeoSphereIndex(fields=["name", "point"]),
        (("name", 1), ("point", "2dsphere")),
        {},
        "2dsphere",
    ),
    (HashedIndex(fields=["name"]), (("name", "hashed"),), {}, "hashed_index"),
    (
        HashedIndex(fields=["at", "name"], hashed="name"),
        (("at", 1), ("name", "hashed")),
        {},
        "hashed_index",
    ),
    (WildcardIndex(), (("$**", 1),), {}, "wildcard_index"),
    (WildcardIndex("extra"), (("extra.$**", 1),), {}, "wildcard_index"),
    (
        WildcardIndex(only=["extra", "home__city"]),
        (("$**", 1),),
        {"wildcardProjection": {"extra": 1, "home.town": 1}},
        "wildcard_index",
    ),
    (
        WildcardIndex(exclude=["name"]),
        (("$**", 1),),
        {"wildcardProjection": {"name": 0}},
        "wildcard_index",
    ),
]


def place(*indexes, constraints=()):
    class PlaceHome(EmbeddedDocument):
        city = models.CharField(max_length=9, db_column="town")
        zip = models.CharField(max_length=9)

        class Meta:
            app_label = "testapp"

    class Place(Document):
        name = models.CharField(max_length=9)
        at = models.DateTimeField(null=True)
        tags = ListField(models.CharField(max_length=9), default=list)
        home = EmbeddedDocumentField(PlaceHome, null=True)
        homes = EmbeddedDocumentListField(PlaceHome)
        point = PointField(null=True, geo_index=False)
        extra = models.JSONField(null=True)
        Meta = type(
            "Meta",
            (),
            {
                "app_label": "testapp",
                "collection": "index_places",
                "indexes": [index.clone() for index in indexes],
                "constraints": constraints,
            },
        )

    return Place


@pytest.fixture
def synchronize(db):
    """Brings a class's collection to what it declares; what differs then, differs."""

    def synchronize(spec):
        connection = connections["default"]
        for step in plan(connection, [spec], undeclared=False):
            step.apply()
        return plan(connection, [spec], undeclared=False)

    return synchronize


# What is declared


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(("index", "keys", "options", "needs"), KINDS)
def test_an_index_is_what_it_says(index, keys, options, needs):
    [spec] = index_specs(place(index))
    assert (spec.keys, dict(spec.options)) == (keys, options)
    assert spec.needed == ((needs,) if needs else ())
    assert index.clone() == index


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(("index", "keys", "options", "needs"), KINDS)
def test_the_servers_index_is_recognised(synchronize, connection, index, keys, options, needs):
    """Created, read back, compared equal, and unlike any other kind."""
    from pymongo.errors import OperationFailure

    from mongo_contrib.db.schema.definitions import from_server, from_spec

    [spec] = index_specs(place(index))
    collection = connection.database["index_places"]
    try:
        collection.create_indexes([spec.model()])
    except OperationFailure as exc:
        # Asked for here, as wildcard indexes are built by servers that don't use them.
        assert needs and not connection.features.has(needs), exc
        pytest.skip(f"needs {needs}")
    [real] = [from_server(each) for each in collection.list_indexes() if each["name"] != "_id_"]
    if needs in ("hidden_index",) and not connection.features.has(needs):
        pytest.skip(f"needs {needs}")
    assert real == from_spec(spec, None)
    if needs is None or connection.features.has(needs):
        assert synchronize(CollectionSpec("index_places", (spec,))) == []
    others = [other for other, *_ in KINDS if other is not index]
    same = [o for o in others if from_spec(next(index_specs(place_of(o))), None) == real]
    assert same == []


def place_of(index):
    with isolate_apps("tests.testapp"):
        return place(index)


@isolate_apps("tests.testapp")
def test_what_cannot_be_is_refused_when_it_is_written():
    with pytest.raises(ValueError, match="either only or exclude"):
        WildcardIndex(only=["a"], exclude=["b"])
    with pytest.raises(ValueError, match="only for whole documents"):
        WildcardIndex("extra", only=["a"])
    with pytest.raises(ValueError, match=r"DocumentIndex\.collation .* must name a locale"):
        DocumentIndex(fields=["name"], collation={"strength": 2})


@isolate_apps("tests.testapp")
def test_geographic_fields_have_their_index_unless_they_say_no():
    class Spot(Document):
        here = PointField()
        there = PointField(geo_index=False)

        class Meta:
            app_label = "testapp"

    [spec] = index_specs(Spot)
    assert (spec.keys, spec.needs) == ((("here", "2dsphere"),), "2dsphere")


@isolate_apps("tests.testapp")
def test_embedded_classes_declare_for_every_place_where_they_are():
    class Badge(EmbeddedDocument):
        code = models.CharField(max_length=9)
        issued = models.DateTimeField(null=True)

        class Meta:
            app_label = "testapp"
            indexes = (
                models.Index(fields=["-issued"]),
                models.Index(fields=["code"], name="named", condition=Q(code__gt="m")),
            )
            constraints = (models.UniqueConstraint(fields=["code"], name="once"),)

    class Person(Document):
        main = EmbeddedDocumentField(Badge, null=True)
        old = EmbeddedDocumentListField(Badge)

        class Meta:
            app_label = "testapp"

    found = {spec.name: (spec.keys, dict(spec.options)) for spec in index_specs(Person)}
    assert found["main.issued_-1"] == ((("main.issued", -1),), {})
    assert found["old_named"] == (
        (("old.code", 1),),
        {"partialFilterExpression": {"old.code": {"$gt": "m"}}},
    )
    assert found["main_once"] == (
        (("main.code", 1),),
        {"unique": True, "partialFilterExpression": {"main.code": {"$exists": True}}},
    )
    assert len(found) == 6


def test_a_unique_field_of_one_class_does_not_bind_the_others():
    spec = collection_spec(GuardedAnimal)
    [collar] = [index for index in spec.indexes if index.keys == (("collar", 1),)]
    assert collar.options["partialFilterExpression"] == {"collar": {"$exists": True}}
    assert spec.source == "testapp.GuardedAnimal, testapp.GuardedDog, testapp.GuardedCat"


# MongoEngine's unique_with, as Django users say it


def unique(*fields, **options):
    return models.UniqueConstraint(fields=fields, name="once", **options)


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("constraint", "documents"),
    [
        (unique("name", "at"), [{"name": "a", "at": 1}, {"name": "a", "at": 1}]),
        (
            unique("name", "home__zip"),
            [{"name": "a", "home": {"zip": "1"}}, {"name": "a", "home": {"zip": "1"}}],
        ),
        (unique("tags"), [{"tags": ["a", "b"]}, {"tags": ["b"]}]),
        (
            unique("homes__zip"),
            [{"homes": [{"zip": "1"}, {"zip": "2"}]}, {"homes": [{"zip": "2"}]}],
        ),
        (
            unique("name", condition=Q(tags="live")),
            [{"name": "a", "tags": ["live"]}, {"name": "a", "tags": ["live", "b"]}],
        ),
        (unique("name", nulls_distinct=False), [{"tags": []}, {"tags": []}]),
    ],
)
def test_unique_constraints_reach_into_documents_and_lists(
    synchronize, connection, constraint, documents
):
    model = place(constraints=(constraint,))
    assert synchronize(collection_spec(model)) == []
    repository = model._repository("default")
    repository.insert_one({**documents[0], "_id": 1})
    with pytest.raises(DuplicateKeyError) as caught:
        repository.insert_one({**documents[1], "_id": 2})
    assert caught.value.index == "once"


@isolate_apps("tests.testapp")
def test_null_is_no_value_that_must_be_unique(synchronize):
    model = place(constraints=(unique("name", "at"),))
    synchronize(collection_spec(model))
    for _ in range(2):
        model.objects.create(name="a")
    duplicate = model(name="b", at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    duplicate.save()
    with pytest.raises(ValidationError, match="already exists"):
        model(name="b", at=duplicate.at).validate_constraints()
