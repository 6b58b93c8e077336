"""Connections on an event loop, and in threads that are lent to one."""

import asyncio
import threading

import pytest
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import signals

from mongo_contrib.bridge import in_thread, native
from mongo_contrib.db.base import DatabaseWrapper
from mongo_contrib.db.standins import StandIn
from mongo_contrib.repository import Repository
from mongo_contrib.transaction import aatomic
from tests.hops import no_thread_hop


@pytest.fixture
def people(repository):
    people = repository("people")
    people.insert_one({"_id": 1})
    return people


def test_every_method_that_django_forbids_on_a_loop_is_allowed_in_native():
    """Fails with a Django that forbids one more: see mongo_contrib/db/tasks.py."""
    forbidden = {
        name
        for name, method in vars(BaseDatabaseWrapper).items()
        if "get_running_loop" in getattr(getattr(method, "__code__", None), "co_names", ())
    }
    assert "connect" in forbidden
    for name in forbidden:
        assert getattr(DatabaseWrapper, name).__module__.startswith("mongo_contrib."), name


def test_djangos_signals_tell_their_live_receivers_by_kind():
    """What mongo_contrib/documents/signals.py leans on."""

    def function(**named):
        pass

    async def coroutine(**named):
        pass

    signal = signals.ModelSignal()
    signal.connect(function)
    signal.connect(coroutine)
    assert [list(kind) for kind in signal._live_receivers(None)] == [[function], [coroutine]]


async def test_each_task_has_a_connection_of_its_own(people):
    async def connection():
        await people.acount()
        return connections["default"]

    mine = await connection()
    assert await connection() is mine
    theirs = await asyncio.gather(connection(), connection())
    assert len({id(each) for each in (mine, *theirs)}) == 3


async def test_capabilities_can_be_asked_for_first_on_a_loop(people, connection):
    def ask():
        return connections["default"].features.has("ttl_index")

    async with no_thread_hop():
        connection.server.features.clear()
        assert await native(ask)
    # Also by many at once, which hold the server's lock in turns.
    connection.server.features.clear()
    assert await asyncio.gather(*(native(ask) for _ in range(5))) == [True] * 5


async def test_what_pymongo_has_is_there_inside_native(people):
    def work():
        connection = connections["default"]
        assert isinstance(connection.client, StandIn)
        assert connection.client.admin.command("ping")["ok"] == 1
        database = connection.database
        assert database["people"] == people.collection
        with database["people"].find({}) as cursor:
            assert list(cursor.sort("_id")) == [{"_id": 1}]
        assert database["people"].find({}).to_list() == [{"_id": 1}]
        assert next(database["people"].aggregate([]), None) == {"_id": 1}
        return database.list_collection_names()

    async with no_thread_hop():
        assert "people" in await native(work)


async def test_commands_are_noted_in_queries(people, settings):
    settings.DEBUG = True
    await people.acount()
    assert "people.aggregate" in connections["default"].queries[-1]["sql"]


async def test_a_connection_that_is_used_in_both_ways_knows_which(people, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    assert people.count() == 1
    async with no_thread_hop():
        assert await people.acount() == 1
    assert people.count() == 1


# Threads that are lent


def test_a_thread_that_is_lent_asks_the_loop(connection, people):
    """Also where it is the first to do so."""

    def work():
        return list(people.find()), threading.get_ident(), connections["default"].client

    async def ask():
        found, thread, client = await native(in_thread, work)
        assert thread != threading.get_ident()
        assert client == StandIn(connections["default"].async_client)
        return found

    assert asyncio.run(ask()) == [{"_id": 1}]
    assert connection.server._loops == {}


@pytest.mark.needs("transactions")
async def test_a_thread_that_is_lent_is_in_the_transaction(people):
    def work():
        with transaction.atomic():
            people.insert_one({"_id": 3})
        return people.count()

    with pytest.raises(LookupError):
        async with aatomic():
            await people.ainsert_one({"_id": 2})
            assert await native(in_thread, work) == 3
            raise LookupError
    assert await people.acount() == 1


async def test_a_thread_is_given_back(people):
    def failing():
        people.count()
        raise LookupError

    def client():
        return Repository("people").collection

    with pytest.raises(LookupError):
        await native(in_thread, failing)
    # Where the thread works for itself again.
    assert isinstance(await native(in_thread, client), StandIn)
    assert not isinstance(await asyncio.to_thread(client), StandIn)
