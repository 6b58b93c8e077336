"""Transactions and the life of a connection, on a real server."""

import asyncio
import threading
from unittest import mock

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import (
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError

from mongo_contrib.exceptions import CommitUncertain, ServerUnavailable, WriteConflict
from mongo_contrib.repository import Repository
from mongo_contrib.test import CaptureCommands

needs_transactions = pytest.mark.needs("transactions")


@pytest.fixture
def people(repository):
    return repository("people")


class Oops(Exception):
    """What a block of these tests ends with."""


# Transactions


@needs_transactions
def test_a_block_that_ends_well_is_committed(people):
    with transaction.atomic():
        people.insert_one({"_id": 1})
        # Not even this thread sees it outside the transaction.
        assert people.collection.count_documents({}) == 0
        assert people.count() == 1
    assert people.collection.count_documents({}) == 1


@needs_transactions
def test_a_block_that_fails_leaves_nothing(people):
    people.insert_one({"_id": 1, "name": "before"})
    with pytest.raises(Oops), transaction.atomic():
        people.insert_one({"_id": 2})
        people.update_one({"_id": 1}, {"$set": {"name": "after"}})
        people.delete_many({"_id": 1})
        raise Oops
    assert list(people.find()) == [{"_id": 1, "name": "before"}]


@needs_transactions
def test_an_inner_block_joins_the_outer_one(people):
    with pytest.raises(Oops), transaction.atomic():
        with transaction.atomic():
            people.insert_one({"_id": 1})
        assert people.count() == 1
        raise Oops
    assert people.count() == 0


@needs_transactions
def test_an_inner_block_that_fails_ends_the_outer_one(people):
    with transaction.atomic():
        people.insert_one({"_id": 1})
        with pytest.raises(Oops), transaction.atomic():
            raise Oops
        with pytest.raises(TransactionManagementError):
            people.insert_one({"_id": 2})
    assert people.count() == 0


@needs_transactions
def test_the_first_error_of_the_server_ends_the_block(people):
    people.insert_one({"_id": 1})
    with transaction.atomic():
        people.insert_one({"_id": 2})
        with pytest.raises(IntegrityError) as refused:
            people.insert_one({"_id": 1})
        with pytest.raises(TransactionManagementError) as raised:
            people.count()
        assert raised.value.__cause__ is refused.value
    assert people.count() == 1


@needs_transactions
def test_an_error_on_this_side_does_not_end_the_block(people):
    with transaction.atomic():
        people.insert_one({"_id": 1})
        with pytest.raises(DatabaseError):
            people.insert_one({"_id": object()})
        people.insert_one({"_id": 2})
    assert people.count() == 2


def test_an_empty_block_sends_nothing(connection):
    connection.ensure_connection()
    with CaptureCommands() as commands, transaction.atomic():
        pass
    assert commands.names == []


@needs_transactions
def test_a_block_costs_one_command_more_than_its_operations(people):
    people.insert_one({"_id": 0})
    with CaptureCommands() as commands, transaction.atomic():
        people.insert_one({"_id": 1})
        people.find_one({"_id": 1})
    assert commands.names == ["insert", "find", "commitTransaction"]


def test_outside_a_block_there_is_no_session(connection, people):
    people.insert_one({"_id": 1})
    assert connection.session is None


@needs_transactions
def test_every_sync_verb_joins(people):
    with pytest.raises(Oops), transaction.atomic():
        people.insert_many([{"_id": n, "n": n} for n in range(4)])
        people.update_many({}, {"$inc": {"n": 1}})
        people.replace_one({"_id": 0}, {"n": 9})
        assert people.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}})["n"] == 3
        assert people.find_one_and_replace({"_id": 2}, {"n": 7})["n"] == 7
        assert people.find_one_and_delete({"_id": 3})["n"] == 4
        assert people.delete_one({"_id": 0}) == 1
        assert people.distinct("n") == [3, 7]
        assert people.exists({"n": 7})
        assert len(list(people.aggregate([{"$match": {}}]))) == 2
        assert people.update_one({"_id": 1}, {"$set": {"n": 0}}).modified_count == 1
        raise Oops
    assert people.collection.count_documents({}) == 0


@needs_transactions
def test_another_thread_is_not_in_the_block(people):
    seen = []

    def look():
        seen.append(people.count())
        connections.close_all()

    with transaction.atomic():
        people.insert_one({"_id": 1})
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [0]


@needs_transactions
def test_a_conflict_says_so(people):
    people.insert_one({"_id": 1, "n": 0})
    database = people.collection.database
    with database.client.start_session() as other, other.start_transaction():
        database.people.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=other)
        with pytest.raises(WriteConflict, match="repeat the whole atomic"):  # noqa: SIM117
            with transaction.atomic():
                people.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert people.find_one({"_id": 1}) == {"_id": 1, "n": 1}


@needs_transactions
def test_hooks_run_after_the_commit_and_see_it(people):
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(people.collection.count_documents({})))
        with transaction.atomic():
            people.insert_one({"_id": 1})
            transaction.on_commit(lambda: seen.append("inner"))
        assert seen == []
    assert seen == [1, "inner"]


def test_hooks_of_a_failed_block_do_not_run(connection):
    seen = []
    with pytest.raises(Oops), transaction.atomic():
        transaction.on_commit(lambda: seen.append(1))
        raise Oops
    with transaction.atomic():
        pass
    assert seen == []


def test_outside_a_block_a_hook_runs_at_once(connection):
    seen = []
    transaction.on_commit(lambda: seen.append(1))
    assert seen == [1]


def test_a_robust_hook_may_fail(connection, caplog):
    seen = []

    def fail():
        raise Oops

    with transaction.atomic():
        transaction.on_commit(fail, robust=True)
        transaction.on_commit(lambda: seen.append(1))
    assert seen == [1]
    assert "Oops" in caplog.text


@needs_transactions
def test_set_rollback_rolls_back(people):
    with transaction.atomic():
        people.insert_one({"_id": 1})
        transaction.set_rollback(True)
    assert people.count() == 0


@needs_transactions
def test_manual_mode_commits_when_told(connection, people):
    transaction.set_autocommit(False)
    try:
        people.insert_one({"_id": 1})
        transaction.rollback()
        people.insert_one({"_id": 2})
        transaction.commit()
        people.insert_one({"_id": 3})
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    assert [one["_id"] for one in people.find()] == [2]


@needs_transactions
def test_closing_inside_a_block_rolls_back(connection, people):
    with pytest.raises(ProgrammingError), transaction.atomic():
        people.insert_one({"_id": 1})
        connection.close()
        people.insert_one({"_id": 2})
    assert people.count() == 0


def test_durable_blocks_refuse_to_be_nested(connection):
    with (
        transaction.atomic(),
        pytest.raises(RuntimeError, match="durable"),
        transaction.atomic(durable=True),
    ):
        pass


def test_without_transactions_a_block_is_no_more_than_its_operations(connection, people):
    with mock.patch.dict(connection.server.features, transactions=False):
        seen = []
        with transaction.atomic():
            people.insert_one({"_id": 1})
            transaction.on_commit(lambda: seen.append(1))
            assert people.collection.count_documents({}) == 1
        assert seen == [1]
        with pytest.raises(Oops), transaction.atomic():
            people.insert_one({"_id": 2})
            raise Oops
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                people.insert_one({"_id": 1})
            people.insert_one({"_id": 3})
    assert people.count() == 3


@needs_transactions
def test_a_commit_whose_reply_is_lost_is_repeated(connect, proxy, people):
    extra = connect(HOST=proxy.uri)
    there = Repository("people", using=extra.alias)
    with transaction.atomic(using=extra.alias):
        there.insert_one({"_id": 1})
        proxy.lose_reply(b"commitTransaction", times=1)
    assert proxy.lost == 1
    assert people.count() == 1


@needs_transactions
def test_a_commit_that_nobody_confirms_is_uncertain(connect, proxy, people, monkeypatch):
    monkeypatch.setattr("mongo_contrib.db.base.COMMIT_SECONDS", 0)
    extra = connect(HOST=proxy.uri)
    there = Repository("people", using=extra.alias)
    with pytest.raises(CommitUncertain, match="may have happened or not"):  # noqa: SIM117
        with transaction.atomic(using=extra.alias):
            there.insert_one({"_id": 1})
            # Only the replies: a transaction left open would block others for a minute.
            proxy.lose_reply(b"commitTransaction", times=9)
    assert not extra.in_atomic_block
    assert extra.connection.session is None
    assert people.count() == 1


@needs_transactions
def test_a_connection_lost_inside_a_block_ends_it(connect, proxy, people):
    extra = connect(HOST=proxy.uri)
    there = Repository("people", using=extra.alias)
    with pytest.raises(ServerUnavailable), transaction.atomic(using=extra.alias):
        there.insert_one({"_id": 1})
        proxy.lose(b"insert")
        there.insert_one({"_id": 2})
    assert people.count() == 0
    # The next block is not troubled.
    with transaction.atomic(using=extra.alias):
        there.insert_one({"_id": 3})
    assert people.count() == 1


@needs_transactions
def test_a_transaction_reads_from_the_primary_whatever_the_client_prefers(connect, people):
    extra = connect(OPTIONS={"readPreference": "secondaryPreferred"})
    assert extra.features.has("transactions")
    there = Repository("people", using=extra.alias)
    with transaction.atomic(using=extra.alias):
        there.insert_one({"_id": 1})
        assert there.find_one() == {"_id": 1}


# The connection


def test_closing_leaves_the_client_to_the_others(connection, people):
    client = connection.client
    connection.close()
    connection.close()
    connections.close_all()
    people.insert_one({"_id": 1})
    assert connection.client is client


def test_reconnecting_sends_nothing(connection):
    connection.ensure_connection()
    with CaptureCommands() as commands:
        # What Django does between two requests.
        connection.close_if_unusable_or_obsolete()
        connection.ensure_connection()
    assert commands.names == []


def test_health_checks_ask_once_per_request(connect, people):
    extra = connect(CONN_HEALTH_CHECKS=True, CONN_MAX_AGE=None)
    there = Repository("people", using=extra.alias)
    there.count()
    pings = []
    with mock.patch.object(
        type(extra), "is_usable", autospec=True, side_effect=lambda self: pings.append(1) or True
    ):
        extra.close_if_unusable_or_obsolete()
        there.count()
        there.count()
    assert pings == [1]


def test_a_dead_server_is_not_usable(connect, proxy, monkeypatch):
    monkeypatch.setattr("mongo_contrib.db.base.PING_SECONDS", 0.3)
    extra = connect(HOST=proxy.uri, OPTIONS={"serverSelectionTimeoutMS": 300})
    extra.ensure_connection()
    assert extra.is_usable()
    proxy.stop()
    assert not extra.is_usable()


def test_a_connection_recovers_when_the_server_is_back(connect, proxy, people):
    extra = connect(HOST=proxy.uri)
    there = Repository("people", using=extra.alias)
    there.insert_one({"_id": 1})
    proxy.lose(b"insert", times=2)
    with pytest.raises(ServerUnavailable, match="connection to the MongoDB server failed"):
        there.insert_one({"_id": 2})
    assert extra.errors_occurred
    extra.close_if_unusable_or_obsolete()
    assert not extra.errors_occurred
    there.insert_one({"_id": 3})


def test_a_write_whose_reply_is_lost_happens_once(connect, proxy, people):
    extra = connect(HOST=proxy.uri)
    there = Repository("people", using=extra.alias)
    there.insert_one({"_id": 1, "n": 0})
    proxy.lose_reply(b"$inc", times=1)
    there.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert proxy.lost == 1
    assert people.find_one({"_id": 1})["n"] == 1


def test_there_is_no_sql(connection):
    with connection.cursor() as cursor, pytest.raises(NotSupportedError, match="knows no SQL"):
        cursor.execute("SELECT 1")


def test_the_version_is_a_tuple(connection):
    assert connection.get_database_version() >= (7, 0)


def test_the_driver_reads_aware_times_and_uuids(connection, settings):
    assert connection.database.codec_options.tz_aware
    settings.USE_TZ = False
    assert not connection.database.codec_options.tz_aware


def test_code_that_uses_the_database_directly_gets_djangos_errors(connection, database):
    database.people.insert_one({"_id": 1})
    with pytest.raises(IntegrityError), connection.wrap_database_errors:
        database.people.insert_one({"_id": 1})


def test_a_thread_has_its_own_connection_on_the_same_client(connection):
    found = []

    def look():
        other = connections["default"]
        found.append((other is connection, other.client is connection.client))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [(False, True)]


# Asynchronous contexts


async def test_sync_verbs_refuse_an_event_loop(people):
    with pytest.raises(SynchronousOnlyOperation):
        people.find_one()


async def test_reading_attributes_of_a_connection_is_allowed_there(connection):
    assert connections["default"].async_database.name == connection.settings_dict["NAME"]
    assert connections["default"].async_client is connection.async_client


async def test_an_async_verb_does_not_join(people):
    await people.ainsert_one({"_id": 1})
    assert await people.acount() == 1


def test_each_loop_has_its_own_client(people):
    async def client():
        await people.afind_one()
        return connections["default"].async_client

    assert asyncio.run(client()) is not asyncio.run(client())
