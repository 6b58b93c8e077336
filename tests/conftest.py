"""One test database per worker on a real server, named in the first line of the run."""

from __future__ import annotations

import os
from typing import Any

import pytest

pytest_plugins = ["mongo_contrib.test.plugin"]

# Fixtures whose tests cannot run without a server.
_SERVER_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}

_missing = pytest.StashKey[str]()


def _look_for_server(config: pytest.Config) -> str:
    """Describe the server in use; without one, end the run in CI and remember it elsewhere."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError
    from pymongo.errors import PyMongoError

    from mongo_contrib.db import get_connection
    from mongo_contrib.test.server import describe_server

    try:
        line = f"mongodb: {describe_server(get_connection())}"
    except (DatabaseError, PyMongoError, ImproperlyConfigured) as exc:
        line = f"no MongoDB server: {exc}"
        if os.environ.get("CI"):
            pytest.exit(line, returncode=1)
        config.stash[_missing] = line
        return f"{line}\nmongodb: NONE, so every test that needs one is SKIPPED"
    config.stash[_missing] = ""
    return line


def pytest_report_header(config: pytest.Config) -> str:
    return _look_for_server(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _missing not in config.stash:  # in a worker of xdist, which prints no header
        _look_for_server(config)
    reason = config.stash[_missing]
    if not reason:
        return
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & _SERVER_FIXTURES or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def connection(db: None) -> Any:
    """Our engine's connection to the test database, which is emptied after each test."""
    from mongo_contrib.db import get_connection

    return get_connection()


@pytest.fixture
def database(connection: Any) -> Any:
    """The test database, as pymongo gives it."""
    return connection.database


@pytest.fixture
def repository(db: None) -> Any:
    """``repository("people")`` is the Repository of that collection."""
    from mongo_contrib.repository import Repository

    return Repository
