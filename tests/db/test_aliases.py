import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from mongo_contrib.db import default_alias, get_connection, get_database, is_mongo

SQL = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
MONGO = {"ENGINE": "mongo_contrib.db", "NAME": "x", "HOST": ""}


@pytest.fixture
def databases(monkeypatch):
    """``databases(default=..., ...)`` stands for settings.DATABASES."""
    return lambda **entries: (
        monkeypatch.setattr(connections, "_settings", entries)
        or (monkeypatch.setitem(connections.__dict__, "settings", entries))
    )


def test_default_is_preferred(databases):
    databases(a=MONGO, default=MONGO)
    assert default_alias() == "default"


def test_else_the_first_of_ours(databases):
    databases(default=SQL, b=MONGO, a=MONGO)
    assert default_alias() == "b"
    assert is_mongo("a")
    assert not is_mongo("default")
    assert not is_mongo("missing")


def test_without_one_the_message_tells_what_there_is(databases):
    databases(default=SQL)
    with pytest.raises(ImproperlyConfigured, match="sqlite3"):
        default_alias()


def test_the_connection_is_djangos():
    assert get_connection() is connections["default"]
    assert get_connection("default") is connections["default"]


def test_another_engines_alias_is_refused(databases):
    databases(default=SQL, mongo=MONGO)
    with pytest.raises(ImproperlyConfigured, match=r"'default' is not an alias.*\['mongo'\]"):
        get_connection("default")


def test_the_database_is_that_of_the_alias(connection):
    assert get_database().name == connection.settings_dict["NAME"]
