"""The verbs, each with its async twin: one suite for both."""

import inspect
from contextlib import aclosing

import pytest
from bson import ObjectId
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from pymongo import IndexModel, InsertOne, ReadPreference, UpdateOne, WriteConcern
from pymongo.read_concern import ReadConcern

from mongo_contrib.repository import Repository
from mongo_contrib.test import CaptureCommands

STREAMS = {"find", "aggregate"}
VERBS = [
    "aggregate",
    "bulk_write",
    "count",
    "create_indexes",
    "delete_many",
    "delete_one",
    "distinct",
    "drop_index",
    "estimated_count",
    "exists",
    "explain",
    "explain_pipeline",
    "find",
    "find_one",
    "find_one_and_delete",
    "find_one_and_replace",
    "find_one_and_update",
    "insert_many",
    "insert_one",
    "list_indexes",
    "replace_one",
    "update_many",
    "update_one",
    "watch",
]


class Sync:
    """Calls the sync verbs in the way in which the async ones have to be called."""

    def __init__(self, repository):
        self.repository = repository

    def __getattr__(self, verb):
        method = getattr(self.repository, verb)

        async def call(*args, **options):
            result = method(*args, **options)
            return list(result) if verb in STREAMS else result

        return call


class Async(Sync):
    def __getattr__(self, verb):
        method = getattr(self.repository, f"a{verb}")

        async def call(*args, **options):
            if verb in STREAMS:
                return [document async for document in method(*args, **options)]
            return await method(*args, **options)

        return call


@pytest.fixture(params=[Sync, Async])
def people(request, repository, monkeypatch):
    # The sync verbs run in a test that is a coroutine, too.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    return request.param(repository("people"))


@pytest.fixture
async def four(people):
    """The collection, with four people in it."""
    await people.insert_many(
        [
            {"_id": 1, "name": "Ann", "age": 30, "tags": ["a", "b"]},
            {"_id": 2, "name": "Bob", "age": 20, "tags": ["b"]},
            {"_id": 3, "name": "Cid", "age": 40},
            {"_id": 4, "name": "Dan", "age": 10},
        ]
    )
    return people


def ids(documents):
    return [document["_id"] for document in documents]


def test_each_verb_has_a_twin_with_the_same_signature():
    public = {
        name
        for name, value in inspect.getmembers(Repository, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == {*VERBS, *(f"a{verb}" for verb in VERBS)}
    for verb in VERBS:
        ours = inspect.signature(getattr(Repository, verb))
        twin = inspect.signature(getattr(Repository, f"a{verb}"))
        assert ours.parameters == twin.parameters, verb


# Reading


async def test_find_yields_what_matches(four):
    assert ids(await four.find({"age": {"$gte": 30}}, sort=[("_id", 1)])) == [1, 3]
    assert len(await four.find()) == 4


async def test_find_takes_options(four):
    found = await four.find(
        {},
        {"name": 1, "_id": 0},
        sort=[("age", -1)],
        skip=1,
        limit=2,
        batch_size=1,
        max_time_ms=5000,
        comment="why",
        hint="_id_",
    )
    assert found == [{"name": "Ann"}, {"name": "Bob"}]


async def test_find_refuses_options_that_do_not_exist(four):
    with pytest.raises(TypeError, match="bogus"):
        await four.find(bogus=1)


async def test_find_one(four):
    assert (await four.find_one({"name": "Bob"}))["_id"] == 2
    assert await four.find_one({"name": "Eve"}) is None
    assert await four.find_one({}, {"_id": 1}, sort=[("age", 1)], max_time_ms=5000) == {"_id": 4}


async def test_count(four):
    assert await four.count() == 4
    assert await four.count({"age": {"$gt": 15}}) == 3
    assert await four.count({}, limit=2, max_time_ms=5000) == 2
    assert await four.count({}, limit=None, hint=None) == 4
    assert await four.estimated_count() == 4


async def test_exists(four):
    assert await four.exists({"name": "Ann"})
    assert not await four.exists({"name": "Eve"})


async def test_distinct(four):
    assert sorted(await four.distinct("tags")) == ["a", "b"]
    assert await four.distinct("name", {"age": 10}, max_time_ms=5000) == ["Dan"]


async def test_aggregate(four):
    pipeline = [{"$match": {"age": {"$gt": 15}}}, {"$group": {"_id": None, "n": {"$sum": 1}}}]
    assert await four.aggregate(pipeline, max_time_ms=5000) == [{"_id": None, "n": 3}]


# Writing


async def test_insert_one_returns_the_id(people):
    document = {"name": "Ann"}
    inserted = await people.insert_one(document)
    assert isinstance(inserted, ObjectId)
    assert document == {"_id": inserted, "name": "Ann"}
    assert await people.insert_one({"_id": "mine"}) == "mine"


async def test_insert_many_returns_the_ids(people):
    assert await people.insert_many({"_id": n} for n in range(3)) == [0, 1, 2]


async def test_update_one(four):
    result = await four.update_one({"age": {"$gt": 15}}, {"$set": {"seen": True}})
    assert (result.matched_count, result.modified_count) == (1, 1)
    result = await four.update_one({"_id": 9}, {"$set": {"name": "Eve"}}, upsert=True)
    assert result.upserted_id == 9


async def test_update_many_with_a_pipeline_and_array_filters(four):
    result = await four.update_many({}, [{"$set": {"double": {"$add": ["$age", "$age"]}}}])
    assert result.modified_count == 4
    await four.update_many(
        {"tags": "b"}, {"$set": {"tags.$[tag]": "c"}}, array_filters=[{"tag": "b"}]
    )
    assert await four.find_one({"_id": 1}, {"tags": 1, "double": 1}) == {
        "_id": 1,
        "tags": ["a", "c"],
        "double": 60,
    }


async def test_replace_one(four):
    assert (await four.replace_one({"_id": 1}, {"name": "Amy"})).modified_count == 1
    assert await four.find_one({"_id": 1}) == {"_id": 1, "name": "Amy"}
    assert (await four.replace_one({"_id": 9}, {"n": 1}, upsert=True)).upserted_id == 9
    assert (await four.replace_one({"_id": 8}, {"n": 1})).matched_count == 0


async def test_deleting_returns_how_many(four):
    assert await four.delete_one({"age": {"$gt": 15}}) == 1
    assert await four.delete_one({"_id": 9}) == 0
    assert await four.delete_many({"age": {"$lt": 100}}) == 3


async def test_find_one_and_update(four):
    assert (await four.find_one_and_update({"_id": 1}, {"$inc": {"age": 1}}))["age"] == 31
    before = await four.find_one_and_update({"_id": 1}, {"$inc": {"age": 1}}, return_new=False)
    assert before["age"] == 31
    assert await four.find_one_and_update({"_id": 9}, {"$set": {"age": 1}}) is None
    assert await four.find_one_and_update(
        {"_id": 9},
        {"$set": {"age": 1}},
        upsert=True,
        projection={"age": 1},
        sort=[("age", 1)],
        max_time_ms=5000,
    ) == {"_id": 9, "age": 1}


async def test_find_one_and_replace(four):
    assert await four.find_one_and_replace({"_id": 1}, {"n": 1}) == {"_id": 1, "n": 1}
    assert await four.find_one_and_replace({"_id": 1}, {"n": 2}, return_new=False) == {
        "_id": 1,
        "n": 1,
    }
    assert await four.find_one_and_replace({"_id": 9}, {"n": 2}) is None


async def test_find_one_and_delete(four):
    assert (await four.find_one_and_delete({}, sort=[("age", 1)]))["_id"] == 4
    assert await four.find_one_and_delete({"_id": 4}) is None


async def test_bulk_write(people):
    result = await people.bulk_write(
        [InsertOne({"_id": 1}), UpdateOne({"_id": 1}, {"$set": {"n": 1}})], ordered=True
    )
    assert (result.inserted_count, result.modified_count) == (1, 1)


# Indexes and plans


async def test_indexes(four):
    assert await four.create_indexes([IndexModel([("name", 1)], name="by_name")]) == ["by_name"]
    assert await four.create_indexes([IndexModel([("name", 1)], name="by_name")]) == ["by_name"]
    assert [index["name"] for index in await four.list_indexes()] == ["_id_", "by_name"]
    await four.drop_index("by_name")
    assert len(await four.list_indexes()) == 1
    with pytest.raises(ProgrammingError, match="people"):
        await four.drop_index("by_name")


async def test_a_missing_collection_has_no_indexes(people):
    assert await people.list_indexes() == []


async def test_explain(four):
    plan = await four.explain({"_id": 1}, sort=[("_id", 1)], limit=1, max_time_ms=5000)
    assert "queryPlanner" in plan
    stats = await four.explain({"age": 10}, verbosity="executionStats")
    assert stats["executionStats"]["nReturned"] == 1
    assert "queryPlanner" in str(await four.explain_pipeline([{"$match": {"age": 10}}]))


@pytest.mark.needs("change_streams")
def test_watch_is_open_with_its_first_item(repository):
    people = repository("people")
    events = people.watch()
    assert next(events) is None
    people.insert_one({"_id": 1})
    assert next(event for event in events if event)["documentKey"] == {"_id": 1}
    events.close()


@pytest.mark.needs("change_streams")
async def test_awatch_too(repository):
    people = repository("people")
    async with aclosing(people.awatch()) as events:
        assert await anext(events) is None
        await people.ainsert_one({"_id": 1})
        async for event in events:
            if event:
                break
        assert event["documentKey"] == {"_id": 1}


# The life of a cursor


def test_nothing_is_sent_before_the_first_document_is_asked_for(repository):
    people = repository("people")
    people.insert_one({"_id": 1})
    with CaptureCommands() as commands:
        found = people.find()
        assert commands.names == []
        assert next(found) == {"_id": 1}
        assert commands.names == ["find"]


def test_a_cursor_that_is_left_early_is_closed_on_the_server(repository):
    people = repository("people")
    people.insert_many([{"_id": n} for n in range(10)])
    with CaptureCommands() as commands:
        found = people.find(batch_size=2)
        next(found)
        found.close()
    assert commands.names == ["find", "killCursors"]


async def test_the_same_for_async_verbs(repository):
    people = repository("people")
    await people.ainsert_many([{"_id": n} for n in range(10)])
    with CaptureCommands() as commands:
        found = people.afind(batch_size=2)
        await anext(found)
        await found.aclose()
    assert commands.names == ["find", "killCursors"]


def test_a_cursor_that_the_server_has_closed_is_an_operational_error(repository, database):
    people = repository("people")
    people.insert_many([{"_id": n} for n in range(10)])
    found = people.find(batch_size=2)
    next(found)
    cursor = found.gi_frame.f_locals["cursor"]
    database.command("killCursors", "people", cursors=[cursor.cursor_id])
    with pytest.raises(OperationalError, match="'people'"):
        list(found)


# The collection


def test_making_one_sends_nothing_and_needs_no_server():
    assert repr(Repository("people", using="missing")) == "Repository('people', using='missing')"


def test_the_default_alias(repository):
    assert Repository("people").using == "default"


def test_read_and_write_options_reach_the_collection(repository):
    people = repository(
        "people",
        read_preference=ReadPreference.NEAREST,
        read_concern=ReadConcern("majority"),
        write_concern=WriteConcern(w=1, j=True),
    )
    collection = people.collection
    assert collection.read_preference == ReadPreference.NEAREST
    assert collection.read_concern == ReadConcern("majority")
    assert collection.write_concern == WriteConcern(w=1, j=True)
    assert collection is not repository("people").collection


@pytest.mark.needs("transactions")
def test_a_transaction_reads_from_the_primary_whatever_the_collection_prefers(repository):
    people = repository("people", read_preference=ReadPreference.SECONDARY_PREFERRED)
    with transaction.atomic():
        people.insert_one({"_id": 1})
        assert people.find_one() == {"_id": 1}


@pytest.mark.needs("transactions")
def test_what_a_transaction_cannot_do_is_said(repository, database):
    with pytest.raises((NotSupportedError, OperationalError)), transaction.atomic():
        repository("people").insert_one({"_id": 1})
        list(repository("people").aggregate([{"$out": "elsewhere"}]))


@pytest.mark.needs("transactions")
def test_a_cursor_does_not_outlive_its_transaction(repository):
    people = repository("people")
    people.insert_many([{"_id": n} for n in range(10)])
    with transaction.atomic():
        found = people.find(batch_size=2)
        next(found)
    with pytest.raises(ProgrammingError, match="inside atomic"):
        list(found)


async def test_an_alias_of_another_engine_is_refused(connection):
    connections["sql"] = SQLite({**connection.settings_dict, "NAME": ":memory:"}, "sql")
    try:
        with pytest.raises(ImproperlyConfigured, match="'sql' is not an alias"):
            await Repository("people", using="sql").afind_one()
        with pytest.raises(ImproperlyConfigured, match="'sql' is not an alias"):
            Repository("people", using="sql").find_one()
    finally:
        del connections["sql"]
