import datetime

import pytest

from mongo_contrib.inspection.classes import Builder
from mongo_contrib.inspection.families import observe
from mongo_contrib.inspection.indexes import describe_indexes


@pytest.fixture
def described():
    """Declare an index of a class with the fields a, b (embedded, with c) and d; a function."""

    def described(key, **options):
        values = observe([{"a": "x", "b": {"c": 1}, "d": {"1": 2}}]).values
        made = Builder({}, {}, ()).document("Thing", values)
        describe_indexes([made], [{"v": 2, "key": key, "name": "n", **options}])
        return made

    return described


@pytest.mark.parametrize(
    ("key", "options", "source"),
    [
        ({"a": 1}, {}, 'models.Index(fields=["a"], name="n")'),
        ({"a": 1.0, "b.c": -1}, {}, 'models.Index(fields=["a", "-b__c"], name="n")'),
        ({"_id": -1, "a": 1}, {}, 'models.Index(fields=["-pk", "a"], name="n")'),
        ({"d.1": 1}, {}, 'models.Index(fields=["d__1"], name="n")'),
        ({"a": 1}, {"unique": True}, 'DocumentIndex(fields=["a"], name="n", unique=True)'),
        (
            {"a": 1},
            {"sparse": True, "hidden": True},
            'DocumentIndex(fields=["a"], name="n", sparse=True, hidden=True)',
        ),
        (
            {"a": 1},
            {"collation": {"locale": "de", "strength": 2, "caseLevel": False, "version": "57"}},
            'DocumentIndex(fields=["a"], name="n", collation={"locale": "de", "strength": 2})',
        ),
        (
            {"a": 1},
            {"partialFilterExpression": {"a": {"$exists": True}, "b.c": {"$gt": 3}}},
            'models.Index(fields=["a"], name="n", '
            "condition=models.Q(a__isnull=False) & models.Q(b__c__gt=3))",
        ),
        (
            {"a": 1},
            {"expireAfterSeconds": 60},
            'TTLIndex(fields=["a"], expire_after=datetime.timedelta(seconds=60), name="n")',
        ),
        ({"a": "hashed"}, {}, 'HashedIndex(fields=["a"], name="n")'),
        (
            {"a": 1, "b.c": "hashed"},
            {},
            'HashedIndex(fields=["a", "b__c"], hashed="b__c", name="n")',
        ),
        ({"b": "2dsphere", "a": 1}, {}, 'GeoSphereIndex(fields=["b", "a"], name="n")'),
        ({"$**": 1}, {}, 'WildcardIndex(name="n")'),
        ({"d.$**": 1}, {}, 'WildcardIndex(field="d", name="n")'),
        (
            {"$**": 1},
            {"wildcardProjection": {"a": 1, "_id": 0}},
            'WildcardIndex(only=["a"], name="n")',
        ),
        (
            {"_fts": "text", "_ftsx": 1},
            {
                "weights": {"a": 3, "b.c": 1},
                "default_language": "german",
                "language_override": "language",
                "textIndexVersion": 3,
            },
            'TextIndex(fields=["a", "b__c"], weights={"a": 3}, '
            'default_language="german", name="n")',
        ),
    ],
)
def test_every_kind_of_index_is_declared(described, key, options, source):
    made = described(key, **options)
    assert (made.indexes, made.notes) == ([source], [])


@pytest.mark.parametrize(
    ("key", "options", "reason"),
    [
        ({"a": "2d"}, {}, "it is of the kind 2d"),
        ({"a": 1}, {"storageEngine": {}}, "it has the option(s) storageEngine"),
        ({"a": 1}, {"partialFilterExpression": {"a": {"$type": "string"}}}, "uses $type"),
        (
            {"a": 1},
            {"partialFilterExpression": {"a": {"$gt": datetime.datetime(2026, 1, 1)}}},
            "compares with a datetime",
        ),
        ({"a": 1, "$**": 1}, {}, "compound wildcard"),
    ],
)
def test_what_no_declaration_makes_is_a_comment(described, key, options, reason):
    made = described(key, **options)
    assert made.indexes == []
    assert reason in made.notes[0]


def test_an_index_tells_of_a_field_that_no_document_has(described):
    made = described({"e": 1, "b.x": 1})
    assert made.indexes == ['models.Index(fields=["e", "b__x"], name="n")']
    assert made.fields[-1].expression == "BSONField(null=True, blank=True)"


def test_the_key_of_documents_has_no_index_of_its_own(described):
    values = observe([{"a": 1}]).values
    made = Builder({}, {}, ()).document("Thing", values)
    describe_indexes([made], [{"v": 2, "key": {"_id": 1}, "name": "_id_"}])
    assert made.indexes == []
