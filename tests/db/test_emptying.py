"""What remains in a database between tests, and what `flush` deletes."""

from io import StringIO

import pytest
from django.core.management import call_command

from mongo_contrib.db.emptying import empty, non_empty
from mongo_contrib.db.schema import declared
from mongo_contrib.test import assert_num_commands


@pytest.fixture
def declared_names(connection):
    return [spec.name for spec in declared(connection.alias)]


def test_only_collections_with_documents_are_found(connection, database):
    names = [f"some_{n}" for n in range(450)]
    database["some_3"].insert_one({})
    database["some_449"].insert_one({"big": "x" * 1000})
    assert non_empty(connection, names) == ["some_3", "some_449"]
    assert non_empty(connection, []) == []


def test_emptying_keeps_declared_collections_with_their_indexes(
    connection, database, declared_names
):
    indexes = {name: database[name].index_information() for name in declared_names}
    for name in declared_names:
        # Some have validators, which this is not about.
        database.command("insert", name, documents=[{}], bypassDocumentValidation=True)
    empty(connection, declared_names)
    assert non_empty(connection, declared_names) == []
    assert {name: database[name].index_information() for name in declared_names} == indexes


def test_emptying_drops_what_a_test_made(connection, database, declared_names):
    database["made_by_a_test"].create_index("name", unique=True)
    database.create_collection("a_view", viewOn="made_by_a_test", pipeline=[])
    call_command("flush", interactive=False, verbosity=0)
    assert set(connection.introspection.table_names(include_views=True)) == set(declared_names)


def test_emptying_an_empty_test_database_costs_two_commands(connection):
    call_command("flush", interactive=False, verbosity=0)
    with assert_num_commands(2) as commands:
        call_command("flush", interactive=False, verbosity=0)
    assert commands.names == ["listCollections", "aggregate"]


def test_flush_of_a_real_database_leaves_what_nobody_declares(
    connection, database, declared_names, monkeypatch
):
    database["of_somebody_else"].insert_one({})
    database[declared_names[0]].insert_one({})
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "TEST", {"NAME": None})
        call_command("flush", interactive=False, verbosity=0)
    assert database["of_somebody_else"].count_documents({}) == 1
    assert database[declared_names[0]].count_documents({}) == 0


def test_sqlflush_shows_what_flush_would_do(connection, declared_names):
    out = StringIO()
    call_command("sqlflush", stdout=out)
    assert f"db.getCollection('{declared_names[0]}').deleteMany({{}});" in out.getvalue()


def test_nothing_of_another_test_is_here_first(connection, database):
    assert non_empty(connection, connection.introspection.table_names()) == []
    database["testapp_author"].insert_one({"_id": 1})


def test_nothing_of_another_test_is_here_second(connection, database):
    assert non_empty(connection, connection.introspection.table_names()) == []
    database["testapp_author"].insert_one({"_id": 1})


@pytest.mark.django_db
@pytest.mark.parametrize("time", [1, 2])
def test_a_value_that_a_test_renamed_is_free_for_the_next(time):
    from tests.testapp.models import Publisher

    publisher = Publisher.objects.create(name="first")
    publisher.name = "second"
    publisher.save()
    indexes = {index["name"]: index for index in Publisher.objects.collection.list_indexes()}
    assert indexes["name_1"]["unique"]
