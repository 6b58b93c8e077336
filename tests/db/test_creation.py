"""Test databases: on databases of their own, beside the one that these tests run in."""

import datetime
import uuid

import pytest
from bson import Decimal128, ObjectId
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.models.signals import post_migrate, pre_migrate

from mongo_contrib.db.schema import declared, differences, plan


@pytest.fixture
def real(connection):
    """A connection of its own to a "real" database, which is gone afterwards."""
    own = settings.DATABASES["default"]["NAME"]
    name = f"{own}_real"
    real = connection.copy()
    real.settings_dict["NAME"] = name
    real.settings_dict["TEST"] = {"NAME": None, "MIGRATE": True, "MIRROR": None}
    try:
        yield real
    finally:
        # create_test_db() also renames the alias's entry, which all connections share.
        settings.DATABASES["default"]["NAME"] = own
        for left in real.client.list_database_names():
            if name in left:
                real.client.drop_database(left)
        real.close()


@pytest.fixture
def made(real):
    """The same after create_test_db()."""
    real.creation.create_test_db(verbosity=0, autoclobber=True)
    return real


def exists(connection, name):
    return bool(connection.client[name].list_collection_names())


def test_a_test_database_has_all_that_is_declared(real):
    name = real.settings_dict["NAME"]
    real.database["kept"].insert_one({"_id": 1})
    assert not real.creation.is_test_database
    assert real.creation.create_test_db(verbosity=0, autoclobber=True) == f"test_{name}"
    assert real.creation.is_test_database
    assert real.database.name == f"test_{name}"
    assert differences(plan(real, declared("default"))) == []
    assert {"testapp_author", "tickets"} <= set(real.introspection.table_names())
    real.creation.destroy_test_db(name, verbosity=0)
    assert not real.creation.is_test_database
    assert real.database.name == name
    assert not exists(real, f"test_{name}")
    assert real.database["kept"].count_documents({}) == 1


def test_signals_are_sent_around_it(real):
    sent = []

    def receive(sender, signal, using, plan, apps, **kwargs):
        sent.append((signal, using, plan, "testapp_author" in real.introspection.table_names()))

    for signal in (pre_migrate, post_migrate):
        signal.connect(receive)
    try:
        real.creation.create_test_db(verbosity=0, autoclobber=True)
    finally:
        for signal in (pre_migrate, post_migrate):
            signal.disconnect(receive)
    assert sent[0] == (pre_migrate, "default", [], False)
    assert sent[-1] == (post_migrate, "default", [], True)


def test_what_an_earlier_run_left_is_dropped(real):
    left = real.client[f"test_{real.settings_dict['NAME']}"]["left"]
    left.insert_one({})
    real.creation.create_test_db(verbosity=0, autoclobber=True)
    assert "left" not in real.introspection.table_names()


@pytest.mark.parametrize(("answer", "dropped"), [("yes", True), ("no", False)])
def test_a_person_is_asked_before_it_is_dropped(real, monkeypatch, answer, dropped):
    name = f"test_{real.settings_dict['NAME']}"
    real.client[name]["left"].insert_one({})
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)
    if dropped:
        real.creation.create_test_db(verbosity=0)
    else:
        with pytest.raises(SystemExit):
            real.creation.create_test_db(verbosity=0)
    assert f"The test database '{name}' already exists" in asked[0]
    assert ("left" not in real.client[name].list_collection_names()) is dropped


def test_keepdb_keeps_documents_and_adds_what_is_missing(made):
    name = made.settings_dict["NAME"].removeprefix("test_")
    made.database["testapp_author"].insert_one({"_id": 1})
    made.database["tickets"].drop()
    made.creation.destroy_test_db(name, verbosity=0, keepdb=True)
    assert made.database.name == name
    made.creation.create_test_db(verbosity=0, keepdb=True)
    assert made.database["testapp_author"].count_documents({}) == 1
    assert "tickets" in made.introspection.table_names()


def test_tests_never_run_in_the_real_database(real):
    name = real.settings_dict["NAME"]
    real.settings_dict["TEST"]["NAME"] = name
    real.database["kept"].insert_one({})
    with pytest.raises(ImproperlyConfigured, match="which is the real database"):
        real.creation.create_test_db(verbosity=0, autoclobber=True)
    assert exists(real, name)


def test_only_a_test_database_is_dropped(real, made):
    name = real.settings_dict["NAME"].removeprefix("test_")
    made.client[name]["kept"].insert_one({})
    made.settings_dict["NAME"] = name
    assert not made.creation.is_test_database
    with pytest.raises(DatabaseError, match="was not made for tests"):
        made.creation.destroy_test_db(verbosity=0)
    assert exists(made, name)


def test_the_name_may_come_from_the_path_of_the_uri(real):
    name = real.settings_dict["NAME"]
    host, port = real.client.address
    real.settings_dict["HOST"] = f"mongodb://{host}:{port}/{name}"
    real.settings_dict["NAME"] = ""
    assert real.creation.create_test_db(verbosity=0, autoclobber=True) == f"test_{name}"
    real.creation.destroy_test_db("", verbosity=0)
    assert real.database.name == name


def test_workers_get_clones_with_schema_and_documents(made):
    made.database["testapp_author"].insert_many([{"_id": n} for n in range(2500)])
    made.creation.clone_test_db("1", verbosity=0)
    made.creation.clone_test_db("2", verbosity=0)
    name = made.settings_dict["NAME"]
    worker = made.copy()
    worker.creation.setup_worker_connection(2)
    assert worker.database.name == f"{name}_2"
    assert worker.creation.is_test_database
    assert worker.database["testapp_author"].count_documents({}) == 2500
    assert differences(plan(worker, declared("default"))) == []
    worker.close()
    made.creation.destroy_test_db(suffix="2", verbosity=0)
    assert not exists(made, f"{name}_2")
    assert exists(made, f"{name}_1")
    assert made.creation.is_test_database


def test_an_old_clone_is_dropped_or_kept(made):
    clone = made.client[f"{made.settings_dict['NAME']}_1"]
    clone["left"].insert_one({})
    made.creation.clone_test_db("1", verbosity=0, keepdb=True)
    assert "left" in clone.list_collection_names()
    made.creation.clone_test_db("1", verbosity=0)
    assert "left" not in clone.list_collection_names()


def test_documents_can_be_kept_as_a_string_and_come_back(made):
    documents = [
        {
            "_id": ObjectId(),
            "when": datetime.datetime(2020, 2, 3, 4, 5, 6, 7000, tzinfo=datetime.UTC),
            "price": Decimal128("1.10"),
            "key": uuid.uuid4(),
            "list": [1, 2.5, None, True, {"$odd.name": "x"}],
            "bytes": b"\x00\xff",
            "big": 2**60,
        },
        {"_id": "text"},
    ]
    made.database["testapp_author"].insert_many(documents)
    contents = made.creation.serialize_db_to_string()
    made.database["testapp_author"].delete_many({"_id": "text"})
    made.database["testapp_author"].update_many({}, {"$set": {"price": 3}})
    made.creation.deserialize_db_from_string(contents)
    assert list(made.database["testapp_author"].find().sort("_id", -1)) == documents


def test_an_empty_database_is_an_empty_string_of_documents(made):
    assert made.creation.serialize_db_to_string() == "{}"
    made.creation.deserialize_db_from_string("{}")
