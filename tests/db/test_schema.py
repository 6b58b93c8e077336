"""Plans and their steps on a real server."""

import threading
from dataclasses import replace

import pytest
from django.db import DatabaseError
from pymongo.errors import DuplicateKeyError as DriverDuplicateKeyError

from mongo_contrib.db.schema import (
    CollectionSpec,
    IndexSpec,
    Kind,
    SearchIndexSpec,
    declared,
    differences,
    plan,
)
from mongo_contrib.exceptions import DocumentInvalid, DuplicateKeyError
from mongo_contrib.test import CaptureCommands

NAME = "schema_people"
BY_NAME = IndexSpec((("name", 1),), "by_name")
BY_EMAIL = IndexSpec((("email", 1),), "by_email", {"unique": True})


def people(*indexes, **options):
    return CollectionSpec(NAME, indexes, options, "tests.Person")


@pytest.fixture
def collection(database):
    return database[NAME]


@pytest.fixture
def steps(connection):
    """The plan for one spec, without notes on the collections of the test project."""
    return lambda spec: plan(connection, [spec], undeclared=False)


@pytest.fixture
def synchronize(steps):
    """Apply the plan; return what was done."""

    def synchronize(spec):
        done = steps(spec)
        for step in done:
            step.apply()
        return [step.describe() for step in done]

    return synchronize


def indexes(collection):
    return {
        name: index for name, index in collection.index_information().items() if name != "_id_"
    }


def described(steps):
    return [(step.kind, step.describe()) for step in steps]


def test_a_new_collection_gets_its_indexes_and_then_nothing_is_to_do(
    synchronize, steps, collection
):
    spec = people(BY_NAME, BY_EMAIL)
    assert synchronize(spec) == [
        f"Create collection {NAME} (tests.Person) with indexes by_name, by_email"
    ]
    assert set(indexes(collection)) == {"by_name", "by_email"}
    assert indexes(collection)["by_email"]["unique"] is True
    assert steps(spec) == []


def test_planning_writes_nothing(steps, database):
    before = database.list_collection_names()
    assert len(steps(people(BY_NAME))) == 1
    assert database.list_collection_names() == before


def test_applying_twice_is_harmless(steps, collection):
    first, second = steps(people(BY_NAME)), steps(people(BY_NAME))
    for step in [*first, *second, *first]:
        step.apply()
    assert set(indexes(collection)) == {"by_name"}


def test_a_missing_index_is_created_beside_the_documents(synchronize, collection):
    collection.insert_one({"name": "Ada"})
    assert synchronize(people(BY_NAME)) == [
        f"Create index by_name (name) on {NAME} (tests.Person)"
    ]
    assert collection.count_documents({}) == 1


def test_the_same_index_by_another_name_is_adopted(synchronize, collection):
    collection.create_index("name", name="made_by_hand")
    assert synchronize(people(BY_NAME)) == []
    assert set(indexes(collection)) == {"made_by_hand"}


def test_two_declared_indexes_do_not_adopt_one_real_one(synchronize, collection):
    collection.create_index("name", name="by_name")
    partial = IndexSpec((("name", 1),), "partial", {"partialFilterExpression": {"old": True}})
    synchronize(people(BY_NAME, partial))
    assert set(indexes(collection)) == {"by_name", "partial"}


def test_an_undeclared_index_is_noted_and_left(synchronize, steps, collection):
    collection.create_index("age", name="experiment")
    synchronize(people(BY_NAME))
    assert set(indexes(collection)) == {"by_name", "experiment"}
    left = steps(people(BY_NAME))
    assert described(left) == [
        (
            Kind.NOTE,
            f"Collection {NAME} (tests.Person) has 1 index(es) that nothing declares: experiment",
        )
    ]
    assert differences(left) == []


def test_an_undeclared_collection_is_noted_and_left(connection, database):
    database["of_somebody_else"].insert_one({})
    notes = [step for step in plan(connection, []) if step.kind is Kind.NOTE]
    assert len(notes) == 1
    assert "of_somebody_else" in notes[0].describe() or "..." in notes[0].describe()
    notes[0].apply()
    assert database["of_somebody_else"].count_documents({}) == 1


def test_a_changed_index_of_the_same_name_is_replaced(synchronize, steps, collection):
    collection.create_index("email", name="by_email")
    collection.insert_one({"email": "ada@example.com"})
    assert synchronize(people(BY_EMAIL)) == [
        f"Replace index by_email on {NAME} (tests.Person) (unique: none -> yes)"
    ]
    assert indexes(collection)["by_email"]["unique"] is True
    assert steps(people(BY_EMAIL)) == []


def test_changed_keys_of_the_same_name_are_replaced_and_back(synchronize, steps, collection):
    """The new index needs a name of its own while both are there, and keeps it."""
    collection.create_index("surname", name="by_name")
    synchronize(people(BY_NAME))
    assert indexes(collection)["by_name_by_migrate"]["key"] == [("name", 1)]
    assert len(indexes(collection)) == 1
    assert steps(people(BY_NAME)) == []
    again = IndexSpec((("first", 1),), "by_name")
    synchronize(people(again))
    assert {name: index["key"] for name, index in indexes(collection).items()} == {
        "by_name": [("first", 1)]
    }
    assert steps(people(again)) == []


def test_a_weaker_index_by_another_name_gives_way(synchronize, steps, collection):
    collection.create_index("email", name="email_1")
    assert synchronize(people(BY_EMAIL)) == [
        f"Replace index email_1 by by_email on {NAME} (tests.Person) (unique: none -> yes)"
    ]
    assert set(indexes(collection)) == {"by_email"}
    assert steps(people(BY_EMAIL)) == []


def test_a_stricter_index_by_another_name_stays(synchronize, steps, collection):
    collection.create_index("name", name="guard", unique=True)
    synchronize(people(BY_NAME))
    assert set(indexes(collection)) == {"guard"}
    [step] = steps(people(BY_NAME))
    assert step.kind is Kind.WARNING
    assert "index guard, which serves as by_name and enforces more" in step.describe()


def test_an_index_that_enforces_something_else_is_not_dropped(synchronize, steps, collection):
    collection.create_index("seen", name="guard", unique=True)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 60}))
    synchronize(spec)
    assert set(indexes(collection)) == {"guard"}
    [step] = differences(steps(spec))
    assert step.kind is Kind.ERROR
    assert "drop one or declare both" in step.describe()


def test_the_time_of_a_ttl_index_changes_in_place(synchronize, steps, collection):
    collection.create_index("seen", name="ttl", expireAfterSeconds=60)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 3600}))
    assert synchronize(spec) == [
        f"Change index ttl on {NAME} (tests.Person) (expireAfterSeconds: 60 -> 3600)"
    ]
    assert indexes(collection)["ttl"]["expireAfterSeconds"] == 3600
    assert steps(spec) == []


def test_the_time_of_a_ttl_index_by_another_name_changes_in_place(synchronize, steps, collection):
    collection.create_index("seen", name="old_name", expireAfterSeconds=60)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 3600}))
    synchronize(spec)
    assert set(indexes(collection)) == {"old_name"}
    assert steps(spec) == []


def test_an_index_becomes_a_ttl_index(synchronize, steps, collection):
    collection.create_index("seen", name="ttl")
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 60}))
    synchronize(spec)
    assert indexes(collection)["ttl"]["expireAfterSeconds"] == 60
    assert steps(spec) == []


@pytest.mark.needs("hidden_index")
def test_a_hidden_index_is_somebodys_experiment(steps, collection):
    collection.create_index("name", name="by_name", hidden=True)
    [step] = steps(people(BY_NAME))
    assert step.kind is Kind.NOTE
    assert "the index by_name hidden, which nothing declares" in step.describe()


@pytest.mark.needs("index_collation")
def test_an_index_with_a_collation_is_recognised(synchronize, steps):
    spec = people(
        IndexSpec((("name", 1),), "loose", {"collation": {"locale": "en", "strength": 2}})
    )
    synchronize(spec)
    assert steps(spec) == []


@pytest.mark.needs("text_index")
def test_a_text_index_is_recognised_and_replaced(synchronize, steps, collection):
    title = IndexSpec((("title", "text"),), "search", {"weights": {"title": 3}})
    both = IndexSpec((("title", "text"), ("body", "text")), "search_all")
    synchronize(people(title))
    assert steps(people(title)) == []
    synchronize(people(both))
    assert set(indexes(collection)) == {"search_all"}
    assert steps(people(both)) == []


def test_point_indexes_are_recognised(synchronize, steps):
    spec = people(IndexSpec((("home", "2dsphere"),), "by_home", needs="2dsphere"))
    synchronize(spec)
    assert steps(spec) == []


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


# Unique indexes and duplicates


def test_duplicates_are_named_and_nothing_is_lost(synchronize, collection):
    collection.insert_many(
        [{"_id": n, "email": f"{n % 7}@example.com"} for n in range(20)] + [{"_id": 20}]
    )
    with pytest.raises(DuplicateKeyError) as caught:
        synchronize(people(BY_EMAIL))
    message = str(caught.value)
    assert message.startswith(
        f"Unique index 'by_email' of collection '{NAME}' cannot be built, because there are "
        "duplicates: email='0@example.com' in 3 documents (_id 0, 14, ...); "
    )
    assert "email='6@example.com'" not in message  # 7 values have duplicates, 5 are shown
    assert message.endswith("; .... Change or delete them and run migrate again.")
    assert caught.value.index == "by_email"
    assert caught.value.fields == ("email",)
    assert caught.value.values == {"email": "0@example.com"}
    assert collection.count_documents({}) == 21
    assert indexes(collection) == {}


def test_a_replaced_index_stays_where_duplicates_forbid_the_new_one(synchronize, collection):
    collection.create_index("email", name="by_email")
    collection.insert_many([{"email": "ada@example.com"}, {"email": "ada@example.com"}])
    duplicates = r"email='ada@example\.com' in 2 documents"
    with CaptureCommands() as commands, pytest.raises(DuplicateKeyError, match=duplicates):
        synchronize(people(BY_EMAIL))
    # Building the old one again would do too, but a big collection would be long without it.
    assert "dropIndexes" not in commands.names
    assert set(indexes(collection)) == {"by_email"}
    assert "unique" not in indexes(collection)["by_email"]


def test_a_renamed_index_stays_where_duplicates_forbid_the_new_one(synchronize, collection):
    collection.create_index("email", name="email_1")
    collection.insert_many([{"email": "ada@example.com"}, {"email": "ada@example.com"}])
    with pytest.raises(DuplicateKeyError):
        synchronize(people(BY_EMAIL))
    assert set(indexes(collection)) == {"email_1"}


def test_an_index_that_the_server_refuses_leaves_the_old_one(synchronize, collection):
    collection.create_index("a", name="ab")
    with pytest.raises(DatabaseError, match=NAME):
        synchronize(people(IndexSpec((("a", "of no kind"),), "ab")))
    assert indexes(collection)["ab"]["key"] == [("a", 1)]


@pytest.mark.parametrize(
    ("index", "documents", "found"),
    [
        (
            IndexSpec((("a", 1), ("b", 1)), "u", {"unique": True}),
            [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2}],
            "a=1, b=2 in 2 documents",
        ),
        # Missing is null.
        (
            IndexSpec((("a", 1),), "u", {"unique": True}),
            [{"a": None}, {}],
            "a=None in 2 documents",
        ),
        # Each element of a list has an entry; one document may repeat its own.
        (
            IndexSpec((("tags", 1),), "u", {"unique": True}),
            [{"tags": ["x", "x", "y"]}, {"tags": ["y", "z"]}],
            "tags='y' in 2 documents",
        ),
        (
            IndexSpec((("remarks.author", 1),), "u", {"unique": True}),
            [{"remarks": [{"author": "Ada"}]}, {"remarks": [{"author": "Ada"}]}],
            "remarks.author='Ada' in 2 documents",
        ),
        (
            IndexSpec(
                (("a", 1),), "u", {"unique": True, "partialFilterExpression": {"live": True}}
            ),
            [{"a": 1}, {"a": 1}, {"a": 2, "live": True}, {"a": 2, "live": True}],
            "a=2 in 2 documents",
        ),
        (
            IndexSpec((("a", 1),), "u", {"unique": True, "sparse": True}),
            [{}, {}, {"a": 1}, {"a": 1}],
            "a=1 in 2 documents",
        ),
    ],
)
def test_duplicates_are_what_the_index_would_refuse(
    synchronize, collection, index, documents, found
):
    collection.insert_many(documents)
    with pytest.raises(DuplicateKeyError) as caught:
        synchronize(people(index))
    assert f"duplicates: {found} (_id " in str(caught.value)
    assert str(caught.value).count(" in 2 documents") == 1


@pytest.mark.needs("index_collation")
def test_duplicates_by_collation(synchronize, collection):
    collection.insert_many([{"name": "Ada"}, {"name": "ADA"}])
    options = {"unique": True, "collation": {"locale": "en", "strength": 2}}
    with pytest.raises(DuplicateKeyError, match="in 2 documents"):
        synchronize(people(IndexSpec((("name", 1),), "u", options)))


# What a server lacks


@pytest.fixture
def lacking(connection, monkeypatch):
    """Let the server lack features for this test."""

    def lacking(*names):
        known = {**connection.server.features, **dict.fromkeys(names, False)}
        monkeypatch.setattr(connection.server, "features", known)

    return lacking


@pytest.mark.parametrize("exists", [False, True])
def test_an_index_that_the_server_lacks_is_left_out_with_a_warning(
    lacking, synchronize, steps, collection, exists
):
    lacking("text_index")
    if exists:
        collection.insert_one({})
    spec = people(BY_NAME, IndexSpec((("title", "text"),), "search", needs="text_index"))
    synchronize(spec)
    assert set(indexes(collection)) == {"by_name"}
    assert described(steps(spec)) == [
        (
            Kind.WARNING,
            f"Leave out index search (title: text) on {NAME} (tests.Person): this server lacks "
            "text_index; use a server that has it, or remove the index",
        )
    ]
    assert differences(steps(spec)) == []


def test_a_unique_index_that_the_server_lacks_is_an_error(lacking, synchronize, steps):
    lacking("index_collation")
    spec = people(IndexSpec((("name", 1),), "u", {"unique": True}, needs="index_collation"))
    synchronize(spec)
    assert [step.kind for step in differences(steps(spec))] == [Kind.ERROR]


def test_a_validator_that_the_server_lacks_is_left_out(lacking, synchronize, steps, database):
    lacking("validators")
    spec = people(BY_NAME, validator={"name": {"$exists": True}}, validationLevel="moderate")
    synchronize(spec)
    database[NAME].insert_one({})
    [step] = steps(spec)
    assert step.kind is Kind.WARNING
    assert "is left without validationLevel, validator: this server lacks" in step.describe()


# Options of collections


@pytest.mark.needs("validators")
def test_a_validator_is_kept_and_changed_in_place(synchronize, steps, database):
    named = people(validator={"name": {"$exists": True}})
    synchronize(named)
    assert steps(named) == []
    wanted = people(validator={"age": {"$exists": True}}, validationAction="warn")
    assert synchronize(wanted) == [
        f"Change validationAction, validator of collection {NAME} (tests.Person)"
    ]
    assert steps(wanted) == []


SCHEMA = {"$jsonSchema": {"properties": {"age": {"bsonType": "int"}}, "required": ["name"]}}


@pytest.mark.needs("validators")
def test_a_validator_is_not_applied_over_documents_that_it_would_refuse(
    synchronize, steps, collection
):
    collection.insert_many([{"_id": n, "age": "old"} for n in range(7)] + [{"name": "Ada"}])
    spec = people(validator=SCHEMA, validationAction="error")
    [step] = steps(spec)
    said = []
    step.report = said.append
    with pytest.raises(DocumentInvalid) as caught:
        step.apply()
    assert said == ["comparing 8 document(s) with the validator"]
    message = str(caught.value)
    assert "it would refuse 7 document(s)" in message
    assert "_id 0 (name: is missing; age: is string ('old'), should be int)" in message
    assert "_id 4 (" in message and "_id 5 (" not in message
    assert "validator" not in collection.options()
    synchronize(people(validator=SCHEMA, validationAction="warn"))
    assert collection.options()["validationAction"] == "warn"
    with pytest.raises(DocumentInvalid):
        synchronize(spec)
    collection.update_many({}, {"$set": {"name": "Ada"}, "$unset": {"age": ""}})
    synchronize(spec)
    assert steps(spec) == []


@pytest.mark.needs("capped_collections")
def test_a_capped_collection_is_made_and_its_limits_change(synchronize, steps, collection):
    spec = people(capped=True, size=5000, max=3)
    synchronize(spec)
    assert collection.options()["capped"] is True
    assert steps(spec) == []
    wider = people(capped=True, size=9000, max=5)
    assert synchronize(wider) == [
        f"Change cappedMax, cappedSize of collection {NAME} (tests.Person)"
    ]
    assert steps(wider) == []


@pytest.mark.needs("capped_collections")
def test_a_collection_does_not_become_capped(steps, collection):
    collection.insert_one({})
    [step] = steps(people(capped=True, size=5000))
    assert step.kind is Kind.ERROR
    assert step.details() == ["- capped: false", "+ capped: true"]


@pytest.mark.needs("time_series")
def test_a_time_series_is_made_and_its_expiry_changes(synchronize, steps, collection):
    series = {"timeField": "at", "metaField": "station", "granularity": "minutes"}
    spec = people(timeseries=series, expireAfterSeconds=3600)
    synchronize(spec)
    assert steps(spec) == []
    longer = people(timeseries=series, expireAfterSeconds=7200)
    assert synchronize(longer) == [
        f"Change expireAfterSeconds of collection {NAME} (tests.Person)"
    ]
    if collection.options().get("expireAfterSeconds") == 3600:
        pytest.skip("this server says yes to collMod, and changes nothing")
    assert steps(longer) == []


def test_a_shard_key_is_noted_where_there_are_no_shards(steps, synchronize):
    spec = replace(people(), shard_key=(("country", 1),))
    [*_, note] = steps(spec)
    assert (note.kind, "is not sharded" in note.describe()) == (Kind.NOTE, True)
    synchronize(spec)


def test_a_cluster_is_told_the_shard_key(monkeypatch, connection, synchronize):
    """No sharded cluster was ever there: this shows what would be sent to one."""
    synchronize(people())
    features = {**connection.server.features, "sharded": True}
    monkeypatch.setattr(connection.server, "features", features)
    spec = replace(people(), shard_key=(("country", 1), ("_id", "hashed")))
    [step] = plan(connection, [spec], undeclared=False)
    assert step.describe() == f"Shard collection {NAME} (tests.Person) by country, _id"
    assert step.details() == ['+ shard key: {"country": 1, "_id": "hashed"}']
    with CaptureCommands() as commands, pytest.raises(DatabaseError):
        step.apply()
    assert commands.names == ["shardCollection"]


def test_search_indexes_are_left_out_where_there_are_none(lacking, steps):
    lacking("search_index")
    index = SearchIndexSpec("words", "search", {"mappings": {"dynamic": True}})
    [_, warning] = steps(replace(people(), search_indexes=(index,)))
    assert (warning.kind, "left without search indexes (words)" in warning.describe()) == (
        Kind.WARNING,
        True,
    )


def test_search_indexes_are_created_changed_and_pruned(monkeypatch, connection, synchronize):
    """No server with search indexes was there: this shows what would be sent to one."""
    synchronize(people())
    features = {**connection.server.features, "search_index": True}
    monkeypatch.setattr(connection.server, "features", features)
    real = [
        {"name": "old", "type": "search", "latestDefinition": {"mappings": {"dynamic": False}}},
        {"name": "same", "type": "search", "latestDefinition": {"a": 1, "added": 2}},
        {"name": "kind", "type": "search", "latestDefinition": {}},
        {"name": "nobodys", "type": "search", "latestDefinition": {}},
    ]
    monkeypatch.setattr(
        "pymongo.synchronous.collection.Collection.list_search_indexes", lambda self: real
    )
    spec = replace(
        people(),
        search_indexes=(
            SearchIndexSpec("new", "vectorSearch", {"fields": []}),
            SearchIndexSpec("old", "search", {"mappings": {"dynamic": True}}),
            SearchIndexSpec("same", "search", {"a": 1}),
            SearchIndexSpec("kind", "vectorSearch", {"fields": []}),
        ),
    )
    planned = plan(connection, [spec], undeclared=False, prune=True)
    label = f"{NAME} (tests.Person)"
    assert [step.describe() for step in planned] == [
        f"Create search index new on {label}",
        f"Change search index old on {label}",
        f"Collection {label} has the search index kind as a search one; drop it first",
        f"Drop search index nobodys of {label}, which nothing declares",
    ]
    assert planned[1].details() == [
        '- search index old {"mappings": {"dynamic": false}}',
        '+ search index old {"mappings": {"dynamic": true}}',
    ]
    with CaptureCommands() as commands:
        for step in planned:
            if step.kind is Kind.CHANGE:
                with pytest.raises(DatabaseError):
                    step.apply()
    assert commands.names == ["createSearchIndexes", "updateSearchIndex", "dropSearchIndex"]


@pytest.mark.needs("default_collation")
def test_a_collation_cannot_be_changed(synchronize, steps, collection):
    collection.insert_one({"name": "Ada"})
    spec = people(BY_NAME, collation={"locale": "en", "strength": 2})
    [step] = differences(
        [step for step in steps(spec) if not step.describe().startswith("Create index")]
    )
    assert step.kind is Kind.ERROR
    assert "other options than declared (collation), which no server can change" in step.describe()


@pytest.mark.needs("default_collation")
def test_a_collection_with_a_collation_and_its_indexes_are_recognised(synchronize, steps):
    spec = people(BY_NAME, collation={"locale": "en", "strength": 2})
    synchronize(spec)
    assert steps(spec) == []


@pytest.mark.needs("views")
def test_a_view_in_the_place_of_a_collection_is_an_error(steps, database):
    database.create_collection(NAME, viewOn="elsewhere", pipeline=[])
    [step] = steps(people(BY_NAME))
    assert step.kind is Kind.ERROR
    assert "a view has this name" in step.describe()


# Several at once


def test_processes_may_synchronize_at_once(steps, collection):
    spec = people(BY_NAME, BY_EMAIL)
    plans = [steps(spec) for _ in range(4)]
    errors = []

    def apply(plan):
        try:
            for step in plan:
                step.apply()
        except DatabaseError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=apply, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(indexes(collection)) == {"by_name", "by_email"}


# What apps declare


def test_every_app_is_asked_and_one_collection_is_one_spec(monkeypatch):
    from django.apps import apps

    one, other = (apps.get_app_config(label) for label in ("contenttypes", "messages"))
    mine = CollectionSpec(NAME, (BY_NAME,), source="one.Person")
    theirs = CollectionSpec(NAME, (BY_NAME, BY_EMAIL), source="other")
    monkeypatch.setattr(one, "mongo_collections", lambda alias: [mine], raising=False)
    monkeypatch.setattr(other, "mongo_collections", lambda alias: [theirs], raising=False)
    [spec] = [spec for spec in declared("default") if spec.name == NAME]
    assert spec.indexes == (BY_NAME, BY_EMAIL)
    assert spec.source == "one.Person, other"
    assert spec.app_labels == {"one", "other"}
