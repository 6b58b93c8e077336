import threading

import pytest

from mongo_contrib.db import get_connection
from mongo_contrib.test import CaptureCommands, MongoTestMixin, assert_num_commands
from tests.testapp.models import Author


def test_commands_are_captured_in_order(connection, database):
    with CaptureCommands() as commands:
        database["some"].insert_one({"a": 1})
        assert commands.names == ["insert"]
        database["some"].find_one({"a": 1})
    database["some"].find_one({"a": 2})
    assert commands.names == ["insert", "find"]
    assert len(commands) == 2
    assert commands[1].collection == "some"
    assert commands[1].command["filter"] == {"a": 1}
    assert [event.phase for event in commands] == ["succeeded", "succeeded"]
    assert str(commands).startswith("1. some.insert(")
    assert "\n2. some.find({'filter': {'a': 1}" in str(commands)


def test_a_failed_command_is_one_too(connection, database):
    from pymongo.errors import OperationFailure

    with CaptureCommands() as commands, pytest.raises(OperationFailure):
        database["some"].update_one({}, {"$nonsense": {}})
    assert commands.names == ["update"] or commands.names == []
    with CaptureCommands() as commands, pytest.raises(OperationFailure):
        database.command("nonsense")
    assert [event.phase for event in commands] == ["failed"]


def test_what_is_asked_once_does_not_count(connection):
    connection.server.features.pop("transactions", None)
    connection.close()
    with assert_num_commands(1):
        Author.objects.count()


def test_other_threads_count_and_captures_nest(connection, database):
    def find():
        get_connection().database["some"].find_one()

    with CaptureCommands() as outer:
        with CaptureCommands() as inner:
            thread = threading.Thread(target=find)
            thread.start()
            thread.join()
        find()
    assert (inner.names, outer.names) == (["find"], ["find", "find"])


def test_a_capture_can_be_used_again(connection, database):
    commands = CaptureCommands()
    with commands:
        database["some"].find_one()
    with commands:
        assert len(commands) == 0


async def test_async_commands_count(connection):
    with assert_num_commands(1) as commands:
        await connection.async_database["some"].find_one({"a": 1})
    assert commands.names == ["find"]


def test_a_wrong_count_lists_the_commands(connection, database, assert_num_commands):
    with pytest.raises(AssertionError) as caught, assert_num_commands(1):
        database["some"].find_one({"a": 1})
        database["some"].find_one({"a": 2})
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["2 commands executed, 1 expected", "Captured commands were:"]
    assert lines[2].startswith("1. some.find(")
    assert lines[3].startswith("2. some.find(")


def test_an_error_inside_is_not_hidden_by_the_count(connection):
    with pytest.raises(ZeroDivisionError), assert_num_commands(5):
        raise ZeroDivisionError


def test_the_mixin_calls_a_function(connection):
    cases = MongoTestMixin()
    cases.assertNumCommands(1, Author.objects.filter(name="Ada").exists)
    with pytest.raises(AssertionError, match="1 commands executed, 2 expected"):
        cases.assertNumCommands(2, Author.objects.count, using="default")


def test_the_fixture_sees_the_commands_of_the_test(capture_commands, connection):
    assert len(capture_commands) == 0
    Author.objects.count()
    assert len(capture_commands) == 1
