"""SQL models and documents in one project, each in processes of their own."""

import contextlib
import sqlite3

import pytest


def tables(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_makemigrations_sees_sql_models_only(mixed):
    output = mixed()("makemigrations", "mixedapp", "--dry-run", "-v", "3")
    assert "Create model Invoice" in output
    assert "Visit" not in output
    assert "Place" not in output


def test_makemigrations_with_documents_alone_finds_nothing(alone):
    assert "No changes detected" in alone()("makemigrations", "--dry-run", "--check")
    assert "No changes detected in app 'testapp'" in alone()(
        "makemigrations", "testapp", "--dry-run"
    )


@pytest.mark.parametrize("default", ["sql", "mongo"])
def test_each_database_gets_what_belongs_there(mixed, connection, tmp_path, default):
    manage = mixed(MIXED_DEFAULT=default)
    sql, mongo = ("default", "mongo") if default == "sql" else ("sql", "default")
    output = manage("migrate", "--database", sql, "--run-syncdb")
    assert "Applying auth.0001_initial... OK" in output
    output = manage("migrate", "--database", mongo)
    assert "Create collection mixedapp_visit (mixedapp.Visit) with indexes guest_1... OK" in output
    found = tables(tmp_path / "mixed.sqlite3")
    assert {"mixedapp_invoice", "auth_user", "django_migrations"} <= found
    assert not found & {"mixedapp_visit", "mixedapp_place"}
    name = f"{connection.settings_dict['NAME']}_x_mixed"
    assert connection.client[name].list_collection_names() == ["mixedapp_visit"]
    # A second run of Django's part, which also looks for changes that have no migration yet.
    assert "have changes" not in manage("migrate", "--database", sql)
    manage("check", "--database", sql, "--database", mongo)


def test_a_missing_router_is_told_with_the_line_to_add(mixed):
    output = mixed(MIXED_NO_ROUTER="1")("check", code=1)
    assert "(mongo_contrib.E002) DATABASES['mongo'] is MongoDB, but Django would look" in output
    assert "(mongo_contrib.E003) Documents would be stored in an SQL database" in output
    assert 'DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]' in output
    # Not even migrate gets past it.
    mixed(MIXED_NO_ROUTER="1")("migrate", "--database", "mongo", code=1)
