"""One test database per worker on a real server, named in the first line of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from tests.footprints import Cleaner, footprints

# How long an example takes says how busy the machine is, and nothing about the code. Each run
# makes others; CI makes more of them.
hypothesis.settings.register_profile(
    "suite",
    max_examples=int(os.environ.get("MONGO_EXAMPLES", 50)),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

pytest_plugins = ["mongo_contrib.test.plugin"]

# What outlives a killed server is asked in tests/embedded, of servers of their own; all others
# need not wait for the disk at every write.
os.environ.setdefault("MONGO_EMBEDDED_SYNC", "no")

# Fixtures whose tests cannot run without a server.
_SERVER_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}

_missing = pytest.StashKey[str]()
_cleaner = pytest.StashKey[Cleaner]()


def _problem(config: pytest.Config) -> str:
    """Why no server can be used, or "" if one can; without one a run in CI ends here."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import DatabaseError

    from mongo_contrib.db import get_connection

    if _missing not in config.stash:
        config.stash[_missing] = ""
        connection = get_connection()
        try:
            # Not ensure_connection(), which pytest-django forbids outside of tests.
            with connection.wrap_database_errors:
                connection.client.admin.command("ping")
        except (DatabaseError, ImproperlyConfigured) as exc:
            config.stash[_missing] = f"no MongoDB server: {exc}"
            if os.environ.get("CI"):
                pytest.exit(config.stash[_missing], returncode=1)
    return config.stash[_missing]


def pytest_report_header(config: pytest.Config) -> str:
    from mongo_contrib.db import get_connection
    from mongo_contrib.test import describe_server

    problem = _problem(config)
    if problem:
        return f"mongodb: NONE, so every test that needs one is SKIPPED: {problem}"
    return f"mongodb: {describe_server(get_connection())}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = _problem(config)
    if not reason:
        return
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        marked = item.get_closest_marker("django_db") or item.get_closest_marker("needs")
        if marked or fixtures & _SERVER_FIXTURES:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest
) -> Iterator[None]:
    """pytest-django's database, and a Cleaner between the tests."""
    from mongo_contrib.db import get_connection

    with django_db_blocker.unblock():
        cleaner = request.config.stash[_cleaner] = Cleaner(get_connection())
    with cleaner.at_work():
        yield
    del request.config.stash[_cleaner]


@pytest.fixture(scope="module", autouse=True)
def _processes_leave_the_schema(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a module's processes have done to the schema, no test could be asked for."""
    from mongo_contrib.db import get_connection

    yield
    started, footprints.processes = footprints.processes, False
    cleaner = request.config.stash.get(_cleaner, None)
    if started and cleaner is not None:
        blocker = request.getfixturevalue("django_db_blocker")
        with blocker.unblock(), footprints.ignored():
            cleaner.compare(get_connection(), None, f"A process of {request.node.nodeid}")


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
