"""Further connections to the test server, each under an alias of its own."""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from mongo_contrib.db.schema import plan
from tests.db.people import NAME
from tests.db.proxy import Proxy


@pytest.fixture
def connect(connection: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """``connect(HOST=..., OPTIONS=...)`` is a connection with the default's settings but these."""
    made: list[Any] = []

    def make(**changes: Any) -> Any:
        alias = f"extra_{len(made)}"
        entry = {**copy.deepcopy(connection.settings_dict), **changes}
        # Not in DATABASES: Django's test cases forbid aliases that they do not know.
        connections[alias] = type(connection)(entry, alias)
        made.append(connections[alias])
        return made[-1]

    yield make
    # Where a test has stopped its proxy, there is nobody to say good-bye to.
    monkeypatch.setattr("mongo_contrib.db.clients.CLOSE_SECONDS", 0.1)
    for extra in made:
        extra.close()
        with contextlib.suppress(ImproperlyConfigured):
            extra.server.close()
        # One that an async test has made is kept where only its loop could find it.
        with contextlib.suppress(AttributeError):
            del connections[extra.alias]


@pytest.fixture
def proxy(connection: Any) -> Iterator[Proxy]:
    """A proxy before the test server, whose connections can be cut."""
    connection.ensure_connection()
    with Proxy(connection.client.address) as between:
        yield between


# Plans, of the collection in people.py


@pytest.fixture
def collection(database: Any) -> Any:
    return database[NAME]


@pytest.fixture
def steps(connection: Any) -> Any:
    """The plan for one spec, without notes on the collections of the test project."""
    return lambda spec: plan(connection, [spec], undeclared=False)


@pytest.fixture
def synchronize(steps: Any) -> Any:
    """Apply the plan; return what was done."""

    def synchronize(spec: Any) -> list[str]:
        done = steps(spec)
        for step in done:
            step.apply()
        return [step.describe() for step in done]

    return synchronize


@pytest.fixture
def lacking(connection: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the server lack features for this test."""

    def lacking(*names: str) -> None:
        known = {**connection.server.features, **dict.fromkeys(names, False)}
        monkeypatch.setattr(connection.server, "features", known)

    return lacking
