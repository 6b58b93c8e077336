"""How indexes change, what an interrupted run leaves, pruning, and differences line by line."""

import pytest
from pymongo.errors import DuplicateKeyError as DriverDuplicateKeyError

from mongo_contrib.db.schema import (
    IndexSpec,
    Kind,
    plan,
)
from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.test import CaptureCommands
from tests.db.people import BY_EMAIL, BY_NAME, NAME, indexes, people

# No moment without an index


@pytest.mark.parametrize(
    ("old", "new", "commands"),
    [
        (
            IndexSpec((("a", 1),), "i"),
            IndexSpec((("a", 1), ("b", 1)), "i"),
            ["createIndexes", "dropIndexes"],
        ),
        (
            IndexSpec((("a", 1),), "i"),
            IndexSpec((("a", 1),), "i", {"unique": True}),
            ["collMod", "collMod"],
        ),
        (
            IndexSpec((("a", 1),), "i", {"unique": True}),
            IndexSpec((("a", 1),), "i"),
            ["createIndexes", "dropIndexes"],
        ),
        (
            IndexSpec((("a", 1),), "i"),
            IndexSpec((("a", 1),), "i", {"sparse": True}),
            ["createIndexes", "dropIndexes"],
        ),
        (
            IndexSpec((("a", 1),), "i", {"unique": True}),
            IndexSpec(
                (("a", 1),), "i", {"unique": True, "partialFilterExpression": {"b": {"$gt": 1}}}
            ),
            ["createIndexes", "dropIndexes"],
        ),
        (
            IndexSpec((("a", 1),), "i"),
            IndexSpec((("a", 1),), "i", {"expireAfterSeconds": 60}),
            ["collMod"],
        ),
    ],
)
def test_the_old_index_stays_until_the_new_one_is_there(
    synchronize, steps, collection, connection, old, new, commands
):
    collection.insert_many([{"a": 1, "b": 1}, {"a": 2, "b": 2}])
    synchronize(people(old))
    with CaptureCommands() as captured:
        synchronize(people(new))
    sent = [n for n in captured.names if n in ("createIndexes", "dropIndexes", "collMod")]
    assert sent == commands
    assert len(indexes(collection)) == 1
    assert steps(people(new)) == []


def test_a_plain_index_that_becomes_unique_refuses_duplicates_at_once(synchronize, collection):
    collection.insert_many([{"email": "ada@example.com"}])
    synchronize(people(IndexSpec((("email", 1),), "by_email")))
    synchronize(people(BY_EMAIL))
    with pytest.raises(DriverDuplicateKeyError):
        collection.insert_one({"email": "ada@example.com"})


def test_duplicates_leave_a_plain_index_as_it_was(synchronize, collection):
    synchronize(people(IndexSpec((("email", 1),), "by_email")))
    collection.insert_many([{"email": "ada@example.com"}, {"email": "ada@example.com"}])
    with pytest.raises(DuplicateKeyError, match=r"email='ada@example\.com' in 2 documents"):
        synchronize(people(BY_EMAIL))
    left = indexes(collection)["by_email"]
    assert not (left.get("unique") or left.get("prepareUnique"))
    collection.insert_one({"email": "ada@example.com"})


# Interrupted at any point, another run goes on


def test_what_a_replacement_left_is_dropped(synchronize, steps, collection):
    collection.create_index("surname", name="by_name")
    collection.create_index("name", name="by_name_by_migrate")
    assert synchronize(people(BY_NAME)) == [
        f"Drop index by_name of {NAME} (tests.Person), which by_name_by_migrate replaces"
    ]
    assert set(indexes(collection)) == {"by_name_by_migrate"}
    assert steps(people(BY_NAME)) == []


def test_a_conversion_that_was_begun_is_ended_or_taken_back(
    synchronize, steps, collection, database
):
    collection.create_index("email", name="by_email")
    prepared = {"name": "by_email", "prepareUnique": True}
    database.command("collMod", NAME, index=prepared)
    plain = people(IndexSpec((("email", 1),), "by_email"))
    synchronize(plain)
    assert not indexes(collection)["by_email"].get("prepareUnique")
    assert steps(plain) == []
    database.command("collMod", NAME, index=prepared)
    synchronize(people(BY_EMAIL))
    assert indexes(collection)["by_email"]["unique"] is True
    assert not indexes(collection)["by_email"].get("prepareUnique")


# Pruning


def test_pruning_drops_what_nothing_declares_and_nothing_else(
    connection, synchronize, collection, database
):
    synchronize(people(BY_NAME))
    collection.create_index("age", name="experiment")
    database.create_collection("left_empty")
    database["left_full"].insert_one({})
    steps = plan(connection, [people(BY_NAME)], prune=True)
    dropped = [step.describe() for step in steps if step.drops]
    assert f"Drop index experiment of {NAME} (tests.Person), which nothing declares" in dropped
    assert "Drop collection left_empty, which nothing declares and which is empty" in dropped
    assert not any("left_full" in text for text in dropped)
    for step in steps:
        if step.drops and ("experiment" in step.describe() or "left_" in step.describe()):
            step.apply()
    assert set(indexes(collection)) == {"by_name"}
    assert "left_empty" not in database.list_collection_names()
    assert database["left_full"].count_documents({}) == 1


def test_a_collection_that_was_used_meanwhile_is_not_dropped(connection, database):
    database.create_collection("left_empty")
    steps = plan(connection, [], prune=True)
    [step] = [each for each in steps if "left_empty" in each.describe() and each.drops]
    database["left_empty"].insert_one({})
    step.apply()
    assert database["left_empty"].count_documents({}) == 1


@pytest.mark.needs("validators")
def test_pruning_drops_an_undeclared_validator(connection, synchronize, steps, database):
    synchronize(people(validator={"name": {"$exists": True}}))
    [note] = steps(people())
    assert (note.kind, "validator that nothing declares" in note.describe()) == (Kind.NOTE, True)
    [step] = plan(connection, [people()], undeclared=False, prune=True)
    assert step.details() == ['- validator: {"name": {"$exists": true}}']
    step.apply()
    database[NAME].insert_one({})
    assert steps(people()) == []


# Differences, line by line


def test_each_difference_is_shown_as_what_goes_and_what_comes(synchronize, steps, collection):
    collection.create_index("email", name="by_email")
    [new, changed] = sorted(steps(people(BY_NAME, BY_EMAIL)), key=lambda step: step.describe())
    assert new.details() == ['+ index by_name {"name": 1}']
    assert changed.details() == [
        '- index by_email {"email": 1}',
        '+ index by_email {"email": 1}, unique',
    ]


@pytest.mark.needs("validators")
def test_validators_differ_by_path(synchronize, steps):
    def schema(**properties):
        return {"$jsonSchema": {"bsonType": "object", "properties": properties}}

    number, text = {"bsonType": "int"}, {"bsonType": "string"}
    synchronize(people(validator=schema(age=number, tags={"bsonType": "array", "items": text})))
    wanted = schema(age=text, name=text, tags={"bsonType": "array", "items": number})
    [step] = steps(people(validator=wanted))
    assert step.details() == [
        '- validator age: {"bsonType": "int"}',
        '+ validator age: {"bsonType": "string"}',
        '- validator tags[]: {"bsonType": "string"}',
        '+ validator tags[]: {"bsonType": "int"}',
        '+ validator name: {"bsonType": "string"}',
    ]
