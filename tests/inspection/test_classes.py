import datetime
from uuid import uuid4

import pytest
from bson import Decimal128, ObjectId, Regex

from mongo_contrib.inspection.classes import Builder, ClassSource
from mongo_contrib.inspection.families import observe
from mongo_contrib.inspection.fields import FieldSource
from mongo_contrib.inspection.references import Reference
from mongo_contrib.inspection.source import module_source

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def fields(*documents):
    """The fields of the class that describes these documents."""
    made = Builder({}, {}, ()).document("Thing", observe(documents).values)
    return {field.name: field.expression for field in made.fields}


@pytest.mark.parametrize(
    ("values", "expression"),
    [
        (["ab"], "models.CharField(max_length=10)"),
        (["x" * 50, ""], "models.CharField(max_length=100, blank=True)"),
        (["x" * 1500], "models.TextField()"),
        (["a\nb"], "models.TextField()"),
        ([1], "models.IntegerField()"),
        ([2**40], "models.BigIntegerField()"),
        ([1, 1.5], "models.FloatField()"),
        ([Decimal128("1.25")], "models.DecimalField(max_digits=34, decimal_places=2)"),
        ([True], "models.BooleanField()"),
        ([NOW], "models.DateTimeField()"),
        ([NOW.replace(hour=0)], "models.DateTimeField()"),
        ([NOW.replace(hour=0)] * 10, "models.DateField()"),
        ([b"x"], "models.BinaryField()"),
        ([uuid4()], "models.UUIDField()"),
        ([ObjectId()], "ObjectIdField()"),
        ([Regex("a")], "BSONField()"),
        ([1, "a"], "BSONField()"),
        ([None], "BSONField(null=True, blank=True)"),
        ([1, None], "models.IntegerField(null=True, blank=True)"),
        ([["a"], []], "ListField(models.CharField(max_length=10), default=list, blank=True)"),
        ([[]], "ListField(BSONField(), default=list, blank=True)"),
        ([[[1]]], "ListField(ListField(models.IntegerField()), default=list, blank=True)"),
        ([{}], "DictField(blank=True)"),
        ([{"1": 2, "2": 3}], "MapField(models.IntegerField(), blank=True)"),
        ([{"1": "a", "2": 3}], "DictField(blank=True)"),
        ([{"a.b": [1]}], "MapField(ListField(models.IntegerField()), blank=True)"),
        ([{"type": "Point", "coordinates": [1.0, 2.0]}], "PointField(db_index=False)"),
        ([{"type": "Polygon", "coordinates": []}], "PolygonField(db_index=False)"),
        ([{"a": 1}], "EmbeddedDocumentField(Key)"),
        ([[{"a": 1}]], "EmbeddedDocumentListField(Key, blank=True)"),
    ],
)
def test_the_field_of_every_kind_of_value(values, expression):
    assert fields(*({"key": value} for value in values))["key"] == expression


def test_dictionaries_are_told_from_documents_by_their_keys():
    seldom = [{"key": {f"k{number}": 1}} for number in range(40)]
    assert fields(*seldom)["key"] == "MapField(models.IntegerField(), blank=True)"
    wide = [{"key": {f"k{number}": 1 for number in range(40)}}] * 3
    assert fields(*wide)["key"] == "EmbeddedDocumentField(Key)"


def test_a_key_that_is_no_objectid_is_declared():
    assert fields({"_id": "a"})["id"] == "models.CharField(primary_key=True, max_length=10)"
    assert "id" not in fields({"_id": ObjectId()})


def test_missing_values_are_told_with_their_share():
    made = Builder({}, {}, ()).document("Thing", observe([{"a": 1}, {"a": None}, {}, {}]).values)
    assert made.fields[0].comment == "missing 50 %, int 25 %, null 25 %"


def test_stored_names_that_python_lacks():
    assert fields({"class": 1, "a-b": 1, "a_b": 2}) == {
        "class_field": 'models.IntegerField(db_column="class")',
        "a_b": 'models.IntegerField(db_column="a-b")',
        "a_b2": 'models.IntegerField(db_column="a_b")',
    }


def test_what_no_field_can_hold_is_said():
    made = Builder({}, {}, ()).document("Thing", observe([{"a.b": 1, "$c": 2}]).values)
    assert made.fields == []
    assert len(made.notes) == 2


def test_references_become_fields_and_names_lose_their_id():
    values = observe([{"country_id": "DE", "author": 1, "tags": [1]}]).values
    references = {
        id(values.keys["country_id"]): Reference("countries", 1, 1),
        id(values.keys["author"]): Reference("people", 9, 10),
        id(values.keys["tags"].items): Reference("tags", 1, 1),
    }
    labels = {"countries": "Country", "people": "mongo_auth.User", "tags": "Tag"}
    made = Builder(references, labels, ()).document("Thing", values)
    country, author, tags = made.fields
    assert (country.name, "db_column" in country.options) == ("country", False)
    assert country.arguments == ['"Country"']
    assert author.options["db_column"] == '"author"'
    assert author.options["related_name"] == '"+"'
    assert author.comment == "1 of 10 sampled ids exist nowhere"
    assert (
        tags.expression
        == 'ReferenceListField("Tag", db_index=False, blank=True, db_column="tags")'
    )


def test_embedded_classes_are_named_by_their_key_and_by_their_owner_if_that_is_taken():
    values = observe([{"address": {"a": 1}, "home": {"address": {"b": 1}}}]).values
    builder = Builder({}, {}, {"Thing"})
    builder.document("Thing", values)
    assert [each.name for each in builder.embedded] == ["Address", "HomeAddress", "Home"]


def test_the_module_imports_what_it_uses_and_is_python():
    values = observe([{"a": [1], "b": {"c": NOW}, "d": {}}]).values
    builder = Builder({}, {}, ())
    made = builder.document("Thing", values)
    made.indexes.append(f"models.Index(fields={['a'] * 30}, name='long')")
    source = module_source([*builder.embedded, made], '"""Made."""\n')
    compile(source, "models.py", "exec")
    assert "from django.db import models" in source
    imported = source.partition("from mongo_contrib.documents import (")[2].partition(")")[0]
    assert imported.split() == [
        "DictField,",
        "Document,",
        "EmbeddedDocument,",
        "EmbeddedDocumentField,",
        "ListField,",
    ]
    assert max(map(len, source.splitlines())) < 200


def test_long_calls_are_parted_between_arguments_only():
    name = 'it\'s ("a name", with commas, and brackets'
    options = {"db_column": repr(name), "verbose_name": repr("x" * 60)}
    made = ClassSource("Thing", "Document", [FieldSource("a", "BSONField", [], options)])
    source = module_source([made], "")
    assert f"        db_column={name!r},\n" in source
    compile(source, "thing.py", "exec")
