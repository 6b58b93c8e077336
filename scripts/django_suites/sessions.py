"""Django's sessions_tests, on our engines."""

from collections.abc import Iterator
from importlib import import_module
from unittest import TestCase

ENGINES = [
    "mongo_contrib.sessions.backends.mongo",
    "mongo_contrib.sessions.backends.cached_mongo",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware",
    "mongo_contrib.sessions.middleware",
]
ENCRYPTED = {
    "MONGO_SESSION_ENCRYPTION_KEYS": ["A" * 43],
    "SESSION_SERIALIZER": "mongo_contrib.sessions.serializers.ExtendedJSONSerializer",
}

# Django's tests import its table's model.
APPS = ["mongo_contrib.sessions", "django.contrib.sessions", "sessions_tests"]
SETTINGS = {"SESSION_ENGINE": ENGINES[0]}
EXCLUDED = {
    "SessionMiddlewareTests.test_empty_session_saved": (
        "It looks into Django's SQL table; tests/sessions/test_requests.py does so with ours."
    ),
}


def cases(case) -> Iterator[type[TestCase]]:
    """Every engine against the contract of engines, and of the middleware that saves them."""
    from django.test import TestCase as DatabaseTestCase
    from django.test import override_settings

    tests = import_module("sessions_tests.tests")
    for engine in ENGINES:
        store = import_module(engine).SessionStore
        for use_tz in (True, False):
            yield case(
                (tests.SessionTestsMixin, DatabaseTestCase),
                f"{engine.split('.')[-1]}, USE_TZ={use_tz}",
                override_settings(SESSION_ENGINE=engine, USE_TZ=use_tz),
                backend=store,
            )
        yield case(
            (tests.SessionTestsMixin, DatabaseTestCase),
            f"{engine.split('.')[-1]}, encrypted",
            override_settings(SESSION_ENGINE=engine, **ENCRYPTED),
            backend=store,
        )
        for module in MIDDLEWARE:
            middleware = import_module(module).SessionMiddleware
            yield case(
                (tests.SessionMiddlewareTests,),
                f"{engine.split('.')[-1]}, {module}",
                override_settings(SESSION_ENGINE=engine),
                # The names by which Django's tests call the engine and the middleware.
                replaced=(tests, {"DatabaseSession": store, "SessionMiddleware": middleware}),
            )
