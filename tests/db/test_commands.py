import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from mongo_contrib.db import commands

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def people(repository):
    return repository("people")


@pytest.fixture
def events(people):
    """The events from here on, once the connection is made."""
    people.count()
    noted = []
    commands.register(noted.append)
    yield noted
    commands.unregister(noted.append)


def test_callbacks_hear_of_start_and_end(people, events):
    people.insert_one({"_id": 1, "name": "Ann"})
    start, end = events
    assert (start.phase, start.name, start.collection) == ("started", "insert", "people")
    assert start.alias == "default"
    assert start.duration is None
    assert start.command["documents"] == [{"_id": 1, "name": "Ann"}]
    assert (end.phase, end.request_id) == ("succeeded", start.request_id)
    assert end.command is start.command
    assert 0 < end.duration < 10


def test_callbacks_hear_of_failures(people, events):
    with pytest.raises(Exception, match="bogus"):
        people.find_one({"$bogus": 1})
    assert [event.phase for event in events] == ["started", "failed"]
    assert events[1].failure["code"] == 2


def test_getmore_names_its_collection(people, events):
    people.insert_many([{"_id": n} for n in range(5)])
    del events[:]
    list(people.find(batch_size=2))
    assert {(event.name, event.collection) for event in events} == {
        ("find", "people"),
        ("getMore", "people"),
    }


async def test_async_commands_are_told_too(people):
    noted = []
    await people.acount()
    commands.register(noted.append)
    try:
        await people.ainsert_one({"_id": 1})
    finally:
        commands.unregister(noted.append)
    assert [event.phase for event in noted] == ["started", "succeeded"]


def test_without_a_listener_nothing_is_kept(connection, people):
    people.insert_one({"_id": 1})
    [listener] = [
        listener
        for listener in connection.client.options.event_listeners
        if isinstance(listener, commands.CommandLog)
    ]
    assert listener._running == {}


QUIET = """
import django
django.setup()
from django.db import connection, transaction
from mongo_contrib.db import commands
from mongo_contrib.repository import Repository

people = Repository("quiet_people")
people.delete_many({})
first = connection.client
assert not first.options.event_listeners, "nobody listens"
noted = []
with transaction.atomic():
    people.insert_one({"_id": 1})
    commands.register(lambda event: event.phase == "started" and noted.append(event.name))
    assert connection.client is not first
    # Of the client that began the transaction, and which tells nothing.
    people.insert_one({"_id": 2})
    assert people.count() == 2
assert noted == [], noted
assert people.count() == 2
people.delete_many({})
assert noted == ["aggregate", "delete"], noted
connection.server.close()
"""


def test_nobody_pays_for_listening_before_somebody_listens(connection, manage_environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", QUIET],
        env=manage_environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def manage_environment(connection):
    """The environment of a process on the test database that is no test itself."""
    host, port = connection.client.address
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "MONGODB_URI": os.environ.get("MONGODB_URI") or f"mongodb://{host}:{port}/",
        "MONGO_TEST_NAME": connection.settings_dict["NAME"],
    }


def test_unregistering_twice_or_something_unknown_is_no_error():
    commands.unregister(print)


def test_the_logger_tells_command_and_duration(people, caplog):
    people.count()
    with caplog.at_level(logging.DEBUG, logger="mongo_contrib.commands"):
        people.update_one({"_id": 1}, {"$set": {"name": "Ann"}})
    [record] = caplog.records
    assert record.name == "mongo_contrib.commands"
    assert record.levelno == logging.DEBUG
    assert "people.update({" in record.getMessage()
    assert "alias=default" in record.getMessage()
    assert "lsid" not in record.getMessage()
    assert record.command == "update"
    assert record.collection == "people"
    assert record.alias == "default"
    assert record.duration > 0
    assert record.request_id


def test_the_logger_tells_failures(people, caplog):
    people.insert_one({"_id": 1})
    with (
        caplog.at_level(logging.DEBUG, logger="mongo_contrib.commands"),
        pytest.raises(Exception, match="bogus"),
    ):
        people.find_one({"$bogus": 1})
    assert "failed: " in caplog.records[-1].getMessage()


def test_long_commands_are_cut(people, caplog, settings):
    settings.MONGO_COMMAND_LOG_LENGTH = 100
    people.count()
    with caplog.at_level(logging.DEBUG, logger="mongo_contrib.commands"):
        people.insert_one({"_id": 1, "text": "x" * 5000})
    assert len(caplog.records[0].getMessage()) < 200
    assert "characters)" in caplog.records[0].getMessage()


def test_passwords_are_not_told(connect, caplog):
    extra = connect(USER="nobody", PASSWORD="so-secret")
    with (
        caplog.at_level(logging.DEBUG, logger="mongo_contrib.commands"),
        pytest.raises(Exception, match="refused"),
    ):
        extra.ensure_connection()
    assert "so-secret" not in caplog.text


def test_djangos_assert_num_queries_counts_commands(people, django_assert_num_queries):
    people.insert_one({"_id": 1})
    with django_assert_num_queries(2) as captured:
        people.find_one({"_id": 1})
        people.count()
    assert captured.captured_queries[0]["sql"].startswith("people.find({'filter': {'_id': 1}")
    assert float(captured.captured_queries[0]["time"]) >= 0


def test_capturing_ends(connection, people):
    with CaptureQueriesContext(connection):
        people.count()
    people.count()
    assert not commands._forced
    assert len(connection.queries) == 1


def test_debug_keeps_queries(connection, people, settings):
    connection.queries_log.clear()
    settings.DEBUG = True
    people.count()
    assert len(connections["default"].queries) == 1
