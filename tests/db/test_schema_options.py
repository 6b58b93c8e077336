"""Options of collections, validators, shards, searches, and what a server lacks."""

from dataclasses import replace

import pytest
from django.db import DatabaseError

from mongo_contrib.db.schema import (
    IndexSpec,
    Kind,
    SearchIndexSpec,
    differences,
    plan,
)
from mongo_contrib.exceptions import DocumentInvalid
from mongo_contrib.test import CaptureCommands
from tests.db.people import BY_NAME, NAME, described, indexes, people

# What a server lacks


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
