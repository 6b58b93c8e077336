"""Validators of collections: what a class can save passes; what it can not is refused by name."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId, Regex
from django.core.exceptions import ValidationError
from django.db import connections, models
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mongo_contrib.db.schema import plan
from mongo_contrib.db.schema.violations import violations
from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentListField
from mongo_contrib.documents.schema import collection_spec
from mongo_contrib.exceptions import DocumentInvalid
from mongo_contrib.mapping.plan import plan_of
from tests.testapp.models import (
    GuardedAnimal,
    GuardedCat,
    GuardedCircle,
    GuardedDog,
    GuardedPart,
    GuardedShape,
    GuardedStrict,
    GuardedThing,
)

needs_validators = pytest.mark.needs("validators")

CENTURY = datetime.timedelta(days=36_525)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
NAMES = st.text("aé😀x ", min_size=2, max_size=8).filter(lambda text: text.strip() == text)
SLUGS = st.text("ab-_1", min_size=1, max_size=5)
MONEY = st.decimals(0, Decimal("9999999.99"), places=2)
DATETIMES = st.datetimes(
    datetime.datetime(1970, 1, 2), datetime.datetime(2100, 1, 1), timezones=st.just(datetime.UTC)
)
BSON = st.recursive(
    st.none() | st.booleans() | INT64 | st.floats(allow_nan=False) | TEXT | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("abc"), inner, max_size=2),
    max_leaves=4,
)
POINTS = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
RING = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]
PARTS = st.builds(
    GuardedPart,
    code=SLUGS,
    weight=st.none() | st.decimals(-999, 999, places=2),
    parts=st.lists(
        st.builds(GuardedPart, code=SLUGS, parts=st.lists(st.builds(GuardedPart, code=SLUGS))),
        max_size=1,
    ),
)
SHAPES = st.builds(GuardedShape, name=SLUGS) | st.builds(
    GuardedCircle, name=SLUGS, radius=st.floats(allow_nan=False)
)
THINGS = st.builds(
    GuardedThing,
    name=NAMES,
    note=st.none() | TEXT,
    size=st.sampled_from(["", "s", "l"]),
    rank=st.sampled_from([None, 1, 2]),
    mail=st.sampled_from(["", "ada@example.com"]),
    count=st.integers(0, 32767),
    big=st.none() | INT64,
    ratio=st.floats(0, 1),
    price=MONEY,
    sold=st.booleans(),
    day=st.none() | st.dates(),
    at=st.none() | DATETIMES,
    time=st.none() | st.times(),
    span=st.none() | st.timedeltas(-CENTURY, CENTURY),
    uuid=st.none() | st.uuids(),
    blob=st.none() | st.binary(max_size=4),
    address=st.none() | st.ip_addresses().map(str),
    extra=st.none() | st.booleans() | st.dictionaries(TEXT, INT64 | TEXT | st.none(), max_size=2),
    key=st.none() | st.binary(min_size=12, max_size=12).map(ObjectId),
    anything=BSON,
    regex=st.none() | st.just(Regex("^a")),
    things=st.dictionaries(TEXT, BSON, max_size=2),
    scores=st.dictionaries(TEXT, INT32, max_size=2),
    tags=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3),
    grid=st.none() | st.lists(st.lists(INT32, min_size=1, max_size=2), max_size=2),
    point=st.none() | POINTS,
    area=st.none() | st.just([[RING]]),
    outlines=st.none() | st.just([{"type": "Point", "coordinates": (1.0, 2.0)}]),
    part=st.none() | PARTS,
    parts=st.lists(PARTS, max_size=2),
    shape=st.none() | SHAPES,
)

#: To explain a failure among thirty fields takes minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)

#: What is wrong, by the stored path; and the rule that it breaks.
WRONG = [
    ("name", 3, "bsonType"),
    ("name", "too long for it", "maxLength"),
    ("name", "x", "minLength"),
    ("name", None, "bsonType"),
    ("size", "xl", "enum"),
    ("rank", 3, "enum"),
    ("count", -1, "minimum"),
    ("count", 40_000, "maximum"),
    ("count", 1.5, "bsonType"),
    ("big", "many", "bsonType"),
    ("ratio", 1.5, "maximum"),
    ("ratio", "half", "bsonType"),
    ("price", 3.5, "bsonType"),
    ("sold", 1, "bsonType"),
    ("day", "2020-01-01", "bsonType"),
    ("at", 0, "bsonType"),
    ("time", 8, "bsonType"),
    ("span", "1 day", "bsonType"),
    ("uuid", "x", "bsonType"),
    ("key", "0" * 24, "bsonType"),
    ("regex", "^a", "bsonType"),
    ("things", [], "bsonType"),
    ("scores.ada", "many", "bsonType"),
    ("tags.1", 3, "bsonType"),
    ("tags.0", "longer", "maxLength"),
    ("tags", ["a"] * 4, "maxItems"),
    ("grid.0.0", "x", "bsonType"),
    ("point.type", "Polygon", "enum"),
    ("area.coordinates", None, "bsonType"),
    ("outlines.geometries.0", "here", "bsonType"),
    ("part.code", 3, "bsonType"),
    ("part.weight", 3.5, "bsonType"),
    ("parts", {}, "bsonType"),
    ("parts.0.code", "too long", "maxLength"),
    ("shape.radius", "wide", "bsonType"),
    ("parent_id", "0" * 24, "bsonType"),
]
MISSING = ["name", "sold", "part.code", "parts.0.code", "shape.radius", "point.coordinates"]


def schema_of(model):
    return collection_spec(model).options["validator"]["$jsonSchema"]


def whole():
    return GuardedThing(
        name="Ada",
        sold=True,
        scores={"ada": 1},
        tags=["a", "b"],
        grid=[[1]],
        point=(1.0, 2.0),
        area=[[RING]],
        outlines=[{"type": "Point", "coordinates": (1.0, 2.0)}],
        regex=Regex("a"),
        part=GuardedPart(code="a", weight=1, parts=[GuardedPart(code="b")]),
        parts=[GuardedPart(code="c")],
        shape=GuardedCircle(name="o", radius=2.0),
    )


def stored(instance):
    document = plan_of(type(instance)).encode(instance, add=True)
    document.setdefault("_id", ObjectId())
    return document


def put(document, path, value):
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for part in parents:
        document = document[part]
    document[last] = value


def take(document, path):
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for part in parents:
        document = document[part]
    del document[last]


@pytest.fixture
def guarded(db):
    """Applies what a class declares; gives the collection."""

    def guarded(model):
        connection = connections["default"]
        for step in plan(connection, [collection_spec(model)], undeclared=False):
            step.apply()
        return connection.database[model._meta.db_table]

    return guarded


# What passes


@given(THINGS)
@settings(max_examples=200, phases=PHASES)
def test_what_is_valid_breaks_no_rule(thing):
    thing.full_clean()
    assert list(violations(schema_of(GuardedThing), stored(thing))) == []


@pytest.mark.needs("geometry_collections")
@needs_validators
@given(THINGS)
@settings(
    max_examples=60, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_valid_is_saved(db, thing):
    thing.full_clean()
    thing.save()
    assert GuardedThing.objects.filter(pk=thing.pk).exists()


@needs_validators
def test_the_server_takes_what_has_nothing_but_what_is_required(guarded):
    guarded(GuardedThing).insert_one({"name": "Ada", "sold": True})
    assert GuardedThing.objects.get().count == 0


@needs_validators
def test_keys_of_no_field_are_let_through_unless_the_class_is_strict(guarded):
    guarded(GuardedThing).insert_one({"name": "Ada", "sold": True, "other": 1})
    guarded(GuardedStrict).insert_one({"name": "Ada"})
    with pytest.raises(DocumentInvalid) as caught:
        GuardedStrict._repository("default").insert_one(
            {"name": "Ada", "other": 1, "part": {"code": "a", "parts": []}}
        )
    assert caught.value.reasons == {"other": "not declared"}


# What is refused


@pytest.mark.parametrize(("path", "value", "rule"), WRONG)
def test_the_rule_is_told_without_a_server(path, value, rule):
    document = stored(whole())
    assert list(violations(schema_of(GuardedThing), document)) == []
    put(document, path, value)
    assert [where for where, _ in violations(schema_of(GuardedThing), document)] == [path]


@needs_validators
@pytest.mark.parametrize(("path", "value", "rule"), WRONG)
def test_a_refusal_names_document_path_rule_and_value(guarded, path, value, rule):
    guarded(GuardedThing)
    document = stored(whole())
    put(document, path, value)
    with pytest.raises(DocumentInvalid) as caught:
        GuardedThing._repository("default").insert_one(document)
    error = caught.value
    assert error.document_id == document["_id"]
    assert error.rules == {path: rule}
    assert error.values == {path: value}
    assert repr(document["_id"]) in str(error) and f"{path}: " in str(error)


@needs_validators
@pytest.mark.parametrize("path", MISSING)
def test_what_is_missing_is_named(guarded, path):
    guarded(GuardedThing)
    document = stored(whole())
    take(document, path)
    assert [where for where, _ in violations(schema_of(GuardedThing), document)] == [path]
    with pytest.raises(DocumentInvalid) as caught:
        GuardedThing._repository("default").insert_one(document)
    assert caught.value.reasons == {path: "missing"}


@pytest.mark.needs("geometry_collections")
@needs_validators
def test_updates_and_saves_are_refused_too(guarded):
    guarded(GuardedThing)
    thing = whole()
    thing.save()
    thing.name = "too long for it"
    with pytest.raises(DocumentInvalid, match=r"name: .*'too long for it'.*maxLength 8"):
        thing.save()
    with pytest.raises(DocumentInvalid, match=r"part\.code"):
        GuardedThing.objects.filter(pk=thing.pk).update(part__code="too long for it")
    with pytest.raises(DocumentInvalid, match="name"):
        GuardedThing.objects.bulk_create([GuardedThing(name="x", sold=True)])
    assert GuardedThing.objects.get().name == "Ada"


@needs_validators
def test_not_null_is_kept_where_nobody_calls_full_clean(guarded):
    guarded(GuardedThing)
    with pytest.raises(DocumentInvalid) as caught:
        GuardedThing(name="Ada").save()
    assert caught.value.reasons == {"sold": "missing"}


# Several classes in one collection


@needs_validators
def test_each_class_of_a_collection_has_its_own_rules(guarded):
    collection = guarded(GuardedAnimal)
    GuardedAnimal.objects.create(name="Any")
    GuardedDog.objects.create(name="Rex", weight=20)
    GuardedCat.objects.create(name="Tom", weight="light")
    with pytest.raises(DocumentInvalid) as caught:
        GuardedDog.objects.filter(name="Rex").update(tricks=["much too long a trick"])
    assert caught.value.rules == {"tricks.0": "maxLength"}
    dog = collection.find_one({"name": "Rex"})
    with pytest.raises(DocumentInvalid) as caught:
        GuardedDog._repository("default").insert_one(
            {"_cls": dog["_cls"], "name": "Max", "weight": "heavy", "tricks": []}
        )
    assert caught.value.rules == {"weight": "bsonType"}
    with pytest.raises(DocumentInvalid):
        GuardedDog._repository("default").insert_one({"_cls": "Nothing", "name": "Max"})
    with pytest.raises(DocumentInvalid, match="name"):
        GuardedDog.objects.create(name="much too long", weight=3)


# Details of fields


@isolate_apps("tests.testapp")
def test_what_json_schema_cannot_say_is_left_to_full_clean():
    class Odd(Document):
        nick = models.CharField(max_length=9, validators=[lambda value: None], blank=True)
        lazily = models.IntegerField(validators=[])
        own = models.IntegerField()

        class Meta:
            app_label = "testapp"
            validation = "warn"

    assert schema_of(Odd)["properties"]["nick"] == {"bsonType": "string", "maxLength": 9}
    assert schema_of(Odd)["required"] == ["lazily", "own"]
    assert collection_spec(Odd).options["validationAction"] == "warn"


@isolate_apps("tests.testapp")
def test_a_field_of_ones_own_says_its_schema_or_is_not_checked():
    class Roman(models.IntegerField):
        def get_prep_value(self, value):
            return "I" * value

    class Said(Roman):
        def bson_schema(self):
            return {"bsonType": "string", "maxLength": 20}

    class Numbers(Document):
        plain = Roman()
        said = Said(null=True)

        class Meta:
            app_label = "testapp"
            validation = "error"

    properties = schema_of(Numbers)["properties"]
    assert properties["plain"] == {}
    assert properties["said"] == {"bsonType": ["string", "null"], "maxLength": 20}


@isolate_apps("tests.testapp")
def test_a_class_inside_itself_is_checked_to_its_first_repetition():
    class Node(EmbeddedDocument):
        name = models.CharField(max_length=3)
        nodes = EmbeddedDocumentListField("self")

        class Meta:
            app_label = "testapp"

    class Tree(Document):
        nodes = EmbeddedDocumentListField(Node)

        class Meta:
            app_label = "testapp"
            validation = "error"

    inner = schema_of(Tree)["properties"]["nodes"]["items"]
    assert inner["properties"]["nodes"] == {"bsonType": "array", "items": {"bsonType": "object"}}


def test_without_the_option_there_is_no_validator():
    from tests.testapp.models import Author

    assert collection_spec(Author).options == {}


def test_limits_are_stored_as_the_field_stores_values():
    price = schema_of(GuardedThing)["properties"]["price"]
    assert price == {"bsonType": "decimal", "minimum": Decimal128("0.00")}
    rank = schema_of(GuardedThing)["properties"]["rank"]
    assert rank == {"bsonType": ["int", "long", "null"], "enum": [1, 2, None]}


def test_what_full_clean_refuses_is_refused_by_the_rules():
    thing = whole()
    thing.size = "xl"
    thing.tags = ["a"] * 4
    thing.uuid = uuid.uuid4()
    with pytest.raises(ValidationError) as caught:
        thing.full_clean()
    found = {path for path, _ in violations(schema_of(GuardedThing), stored(thing))}
    assert found == set(caught.value.message_dict)
