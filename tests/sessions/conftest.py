"""Both engines and both twins behind one interface, so that one suite is the contract of all."""

import asyncio
from importlib import import_module

import pytest
from django.core.cache import cache

from mongo_contrib.auth.models import User
from tests.sessions.browsing import FIREFOX, MIDDLEWARE, Browser

ENGINES = ("mongo", "cached_mongo")
ASYNC_NAMES = {"__setitem__": "aset", "keys": "akeys", "items": "aitems"}


class Twin:
    """Calls a verb of a session, or its async twin."""

    def __init__(self, engine, runner=None):
        self.engine = engine
        self.runner = runner

    def __call__(self, verb, session, *args, **kwargs):
        if self.runner is None:
            return getattr(session, verb)(*args, **kwargs)
        twin = getattr(session, ASYNC_NAMES.get(verb, f"a{verb}"))

        async def call():
            return await twin(*args, **kwargs)

        return self.runner.run(call())

    def store(self, key=None, /, **data):
        """A session with this data set, and not saved."""
        session = self.engine(key)
        for name, value in data.items():
            self("__setitem__", session, name, value)
        return session

    def saved(self, **data):
        """A session with this data that is stored."""
        session = self.store(**data)
        self("save", session)
        return session

    def data(self, session_or_key):
        """What is stored under a key now."""
        key = getattr(session_or_key, "session_key", session_or_key)
        return dict(self("items", self.store(key)))


@pytest.fixture(params=ENGINES)
def engine(request, settings):
    """The SessionStore of SESSION_ENGINE: of each of our engines in turn."""
    settings.SESSION_ENGINE = f"mongo_contrib.sessions.backends.{request.param}"
    yield import_module(settings.SESSION_ENGINE).SessionStore
    cache.clear()


@pytest.fixture(params=["sync", "async"])
def twin(request, engine, db):
    if request.param == "sync":
        yield Twin(engine)
    else:
        with asyncio.Runner() as runner:
            yield Twin(engine, runner)


@pytest.fixture
def ann(db):
    return User.objects.create_user("ann")


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob")


@pytest.fixture(params=["sync", "async"])
def browser(request, engine, settings, ann):
    """A Firefox under both kinds of servers, for the views of `browsing`."""
    settings.MIDDLEWARE = MIDDLEWARE
    if request.param == "sync":
        yield Browser(user_agent=FIREFOX)
    else:
        with asyncio.Runner() as runner:
            yield Browser(runner, user_agent=FIREFOX)


@pytest.fixture
def sessions(repository):
    """The collection of the sessions."""
    return repository("django_session")


@pytest.fixture
def plan_of(database):
    """`plan_of(filter, sort)` is how the server finds sessions; skips if it uses no partial index.

    The bundled Python server (0.7.0b3) builds those and reads the whole collection all the same.
    """
    scratch = database["mongo_contrib_probe_partial"]
    scratch.create_index("a", partialFilterExpression={"a": {"$exists": True}})
    used = "IXSCAN" in str(scratch.find({"a": 1}).explain())
    scratch.drop()
    if not used:
        pytest.skip("this server does not use partial indexes")

    def plan_of(filter, sort):
        found = database["django_session"].find(filter).sort(sort)
        return str(found.explain()["queryPlanner"]["winningPlan"])

    return plan_of
