"""What is emptied between our tests, and who is named for an index that is gone."""

import subprocess
import sys

import pytest
from pymongo import MongoClient

from tests.footprints import Cleaner, Footprints
from tests.testapp.models import Publisher


@pytest.fixture
def seen():
    return Footprints()


@pytest.fixture
def client(connection, seen):
    host, port = connection.client.address
    with MongoClient(host, port, directConnection=True, event_listeners=[seen]) as client:
        yield client


def test_reading_leaves_nothing(client, database, seen):
    other = client[database.name]
    assert other["places"].find_one() is None
    assert list(other["places"].aggregate([{"$match": {"a": 1}}])) == []
    assert seen.take(database.name) == (set(), set())


def test_what_is_written_is_told_once(client, database, seen):
    other = client[database.name]
    other["places"].insert_one({})
    other["people"].update_one({}, {"$set": {"a": 1}}, upsert=True)
    other["people"].create_index("a")
    client["elsewhere"]["things"].delete_many({})
    assert seen.take(database.name) == ({"places", "people"}, {"people"})
    assert seen.take(database.name) == (set(), set())


@pytest.mark.parametrize("stage", [{"$out": "copies"}, {"$merge": "copies"}])
def test_who_writes_elsewhere_may_have_written_anywhere(client, database, seen, stage):
    list(client[database.name]["places"].aggregate([stage]))
    assert seen.take(database.name) == (None, None)


def test_a_command_that_is_not_known_may_have_written_anywhere(client, database, seen):
    client[database.name]["places"].insert_one({})
    client[database.name]["places"].rename("other_places")
    assert seen.take(database.name) == (None, None)


def test_processes_tell_nothing(database, seen):
    sys.addaudithook(seen.audit)
    subprocess.run([sys.executable, "-c", ""], check=True)
    assert seen.take(database.name) == (None, set())


def test_an_index_that_is_gone_is_named_and_put_back(connection):
    collection = Publisher.objects.collection
    cleaner, before = Cleaner(connection), collection.index_information()
    collection.drop_index("name_1")
    cleaner.compare(connection, {"people"}, "Somebody")
    with pytest.raises(pytest.fail.Exception, match=r"Somebody left .*\n.* index name_1 "):
        cleaner.compare(connection, {collection.name, "people"}, "Somebody")
    assert collection.index_information() == before


def test_so_is_one_too_many(connection):
    collection = Publisher.objects.collection
    before = collection.index_information()
    collection.create_index("undeclared")
    with pytest.raises(pytest.fail.Exception, match="undeclared_1"):
        Cleaner(connection).compare(connection, None, "Somebody")
    assert collection.index_information() == before
