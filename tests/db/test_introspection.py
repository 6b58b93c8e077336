import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError
from django.db.migrations.recorder import MigrationRecorder

from mongo_contrib.db.schema import declared


def test_collections_are_tables_and_views_are_views(connection, database):
    database["some"].insert_one({})
    database.create_collection("some_view", viewOn="some", pipeline=[])
    listed = dict(connection.introspection.get_table_list(None))
    assert (listed["some"], listed["some_view"]) == ("t", "v")
    assert "some_view" not in connection.introspection.table_names()
    assert "some_view" in connection.introspection.table_names(include_views=True)
    assert not [name for name in listed if name.startswith("system.")]


def test_django_tables_are_the_declared_collections(connection, monkeypatch, database):
    names = {spec.name for spec in declared("default")}
    database["another"].insert_one({})
    assert set(connection.introspection.django_table_names()) == names
    # Of a test database, all are Django's.
    assert "another" in connection.introspection.django_table_names(only_existing=True)
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "TEST", {"NAME": None})
        found = connection.introspection.django_table_names(only_existing=True)
    assert set(found) == names


def test_indexes_are_constraints(connection, database):
    database["some"].create_index([("a", 1), ("b", -1)], name="ab", unique=True)
    database["some"].create_index([("home", "2dsphere")], name="home")
    found = connection.introspection.get_constraints(None, "some")
    assert found["ab"] == {
        "columns": ["a", "b"],
        "primary_key": False,
        "unique": True,
        "foreign_key": None,
        "check": False,
        "index": True,
        "orders": ["ASC", "DESC"],
        "type": "btree",
    }
    assert found["home"]["type"] == "2dsphere"
    assert connection.introspection.get_primary_key_column(None, "some") == "_id"


def test_there_are_no_sequences_columns_or_relations(connection):
    introspection = connection.introspection
    assert introspection.sequence_list() == []
    assert introspection.get_relations(None, "some") == {}
    with pytest.raises(NotSupportedError, match="'some' of DATABASES\\['default'\\]"):
        introspection.get_table_description(None, "some")


def test_there_is_no_record_of_migrations(connection):
    """Private API: Django's notice of unapplied migrations takes this for "no database"."""
    with pytest.raises(ImproperlyConfigured, match="no record of migrations"):
        MigrationRecorder(connection).applied_migrations()
