"""One client per alias and process, and per event loop."""

import asyncio
import gc
import os
import threading
import uuid
import warnings
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.db.utils import ProgrammingError

from mongo_contrib.db.clients import Servers
from mongo_contrib.exceptions import ServerUnavailable
from mongo_contrib.repository import Repository


@pytest.fixture
def people(repository):
    return repository("people")


def test_threads_that_race_get_one_client(connect):
    extra = connect()
    server = extra.server
    barrier = threading.Barrier(8)
    clients = []

    def get():
        barrier.wait()
        clients.append(server.client)

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clients) == 8
    assert len(set(map(id, clients))) == 1


def test_two_aliases_share_nothing(connect):
    assert connect().client is not connect().client


def test_other_settings_are_another_client(connection):
    servers = Servers()
    entry = dict(connection.settings_dict)
    first = servers.get("default", entry)
    assert servers.get("default", {**entry, "NAME": "other"}) is first
    assert servers.get("default", {**entry, "OPTIONS": {"maxPoolSize": 3}}) is not first
    assert servers.get("default", dict(entry)) is first


def test_making_a_server_sends_nothing(connect):
    connect(HOST="mongodb://127.0.0.1:1/").server.client.get_database("x")


def test_options_reach_the_client(connect):
    extra = connect(OPTIONS={"maxPoolSize": 3, "appname": "shop"})
    assert extra.client.options.pool_options.max_pool_size == 3
    assert extra.client.options.pool_options.appname == "shop"


def test_the_server_learns_who_calls(connect):
    metadata = connect().client.options.pool_options.metadata
    assert "mongo_contrib" in metadata["driver"]["name"]


def test_collections_are_made_once(people):
    assert people.collection is people.collection
    other = Repository("people", using=people.using)
    assert other.collection is people.collection


def test_collections_follow_use_tz(people, settings):
    now = datetime(2024, 2, 29, 12, tzinfo=UTC)
    identifier = uuid.uuid4()
    people.insert_one({"_id": identifier, "at": now})
    assert people.find_one() == {"_id": identifier, "at": now}
    assert people.find_one()["at"].tzinfo is UTC
    settings.USE_TZ = False
    assert people.find_one()["at"] == now.replace(tzinfo=None)


def test_the_cache_of_collections_is_bounded(connection, monkeypatch):
    monkeypatch.setattr("mongo_contrib.db.clients.MOST_COLLECTIONS", 3)
    for number in range(10):
        assert Repository(f"many_{number}").collection.name == f"many_{number}"
    assert len(connection.server._collections) <= 3


def test_a_closed_server_makes_a_new_client(connect):
    extra = connect()
    repository = Repository("people", using=extra.alias)
    repository.insert_one({"_id": 1})
    extra.server.close()
    assert repository.count() == 1


def test_an_embedded_server_that_came_back_elsewhere_is_followed(
    connection, connect, proxy, people, monkeypatch
):
    host, port = connection.client.address
    uris = [proxy.uri, f"mongodb://{host}:{port}/?directConnection=true"]
    monkeypatch.setattr("mongo_contrib.embedded.acquire", lambda directory: uris[0])
    monkeypatch.setattr("mongo_contrib.db.base.PING_SECONDS", 0.3)
    extra = connect(HOST="embedded:somewhere", OPTIONS={"serverSelectionTimeoutMS": 300})
    there = Repository("people", using=extra.alias)
    there.insert_one({"_id": 1})
    proxy.stop()
    del uris[0]
    with pytest.raises(ServerUnavailable):
        there.count()
    # The end of the request, and the next one.
    extra.close_if_unusable_or_obsolete()
    assert there.count() == 1


# Forks


def in_child(work):
    """Run work() in a forked child and return what it returned, as text."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12+ warns of forks with threads; this is what these tests are about.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            text = repr(work())
        except BaseException as exc:
            text = f"{type(exc).__name__}: {exc}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork() on this system")


@needs_fork
def test_a_child_has_a_client_of_its_own_and_the_parent_keeps_his(connection, people):
    people.insert_one({"_id": 1})
    client = connection.client

    def work():
        own = connections["default"].client
        return own is client, people.count()

    assert in_child(work) == "(False, 1)"
    assert connection.client is client
    assert people.count() == 1


@needs_fork
@pytest.mark.needs("transactions")
def test_a_child_is_not_in_the_parents_transaction(connection, people):
    with transaction.atomic():
        people.insert_one({"_id": 1})
        answer = in_child(lambda: people.count())
        assert "in an atomic block" in answer
        people.insert_one({"_id": 2})
    assert people.count() == 2


@needs_fork
def test_a_child_may_write_while_the_parent_does(people):
    def work():
        for number in range(20):
            people.insert_one({"_id": f"child {number}"})
        return people.count({"_id": {"$regex": "^child"}})

    people.insert_one({"_id": 0})
    assert in_child(work) == "20"
    assert people.count() == 21


# Event loops


def test_an_ended_loop_leaves_no_client(connection, people):
    clients = []

    async def work():
        await people.ainsert_one({"_id": len(clients)})
        clients.append(connections["default"].async_client)

    asyncio.run(work())
    async_to_sync(work)()
    assert connection.server._loops == {}
    assert all(client._closed for client in clients)


def test_a_loop_that_was_dropped_is_forgotten_with_the_next(connection, people):
    async def work():
        await people.acount()
        client = connections["default"].async_client
        # Else the driver warns, rightly, when it is collected.
        await client.close()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(work())
    loop.close()
    assert list(connection.server._loops) == [loop]
    asyncio.run(work())
    assert connection.server._loops == {}
    gc.collect()


async def test_tasks_share_the_client_of_their_loop(people):
    async def work(number):
        await people.ainsert_one({"_id": number})
        return connections["default"].async_client

    clients = await asyncio.gather(*map(work, range(10)))
    assert len(set(map(id, clients))) == 1
    assert await people.acount() == 10


def test_a_connection_closed_inside_a_block_opens_none_there(connection, people):
    with pytest.raises(ProgrammingError), transaction.atomic():
        connection.close()
        people.count()
