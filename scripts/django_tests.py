"""Django's own tests of what we replace, run on ours: `django_tests.py [SUITE ...]`.

They are in the source distribution of the installed Django, which pip fetches once into var/;
nothing of it is committed. What can't pass is in EXCLUDED with its reason: anything else that
fails is an error, and so is anything there that passes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from unittest import mock

import django
from asgiref.sync import async_to_sync, iscoroutinefunction

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "django-tests"

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

#: Test of Django -> why it can't pass here.
EXCLUDED = {
    "SessionMiddlewareTests.test_empty_session_saved": (
        "It looks into Django's SQL table; tests/sessions/test_requests.py does so with ours."
    ),
}


def sessions() -> Iterator[type[unittest.TestCase]]:
    """Every engine against the contract of engines, and of the middleware that saves them."""
    from django.test import TestCase, override_settings

    tests = import_module("sessions_tests.tests")
    for engine in ENGINES:
        store = import_module(engine).SessionStore
        for use_tz in (True, False):
            yield case(
                override_settings(SESSION_ENGINE=engine, USE_TZ=use_tz),
                f"{engine.split('.')[-1]}, USE_TZ={use_tz}",
                (tests.SessionTestsMixin, TestCase),
                backend=store,
            )
        yield case(
            override_settings(SESSION_ENGINE=engine, **ENCRYPTED),
            f"{engine.split('.')[-1]}, encrypted",
            (tests.SessionTestsMixin, TestCase),
            backend=store,
        )
        for module in MIDDLEWARE:
            middleware = import_module(module).SessionMiddleware
            yield case(
                override_settings(SESSION_ENGINE=engine),
                f"{engine.split('.')[-1]}, {module}",
                (tests.SessionMiddlewareTests,),
                # The names by which Django's tests call the engine and the middleware.
                replaced=(tests, {"DatabaseSession": store, "SessionMiddleware": middleware}),
            )


#: Name -> the app of Django's tests, and what makes our cases of it.
SUITES = {
    "sessions": ("sessions_tests", sessions),
}


def case(override, label, bases, replaced=None, **attributes) -> type[unittest.TestCase]:
    """A test case of Django's under these settings, with names of its module replaced."""
    made = type(bases[0].__name__, bases, {**attributes, "__module__": label})
    for name, reason in EXCLUDED.items():
        owner, _, test = name.partition(".")
        if owner == bases[0].__name__:
            setattr(made, test, expected_failure(name, getattr(made, test, None), reason))
    if replaced:
        module, names = replaced

        def set_up_class(cls):
            super(made, cls).setUpClass()
            cls.enterClassContext(mock.patch.multiple(module, **names))

        made.setUpClass = classmethod(set_up_class)
    return override(made)


def expected_failure(name, test, reason):
    if test is None:
        sys.exit(f"EXCLUDED names {name}, which Django {django.__version__} doesn't have.")

    def excluded(self):
        """See EXCLUDED."""
        return (async_to_sync(test) if iscoroutinefunction(test) else test)(self)

    excluded.__doc__ = reason
    return unittest.expectedFailure(excluded)


def main() -> int:
    suites = _suites()
    started = time.monotonic()
    sys.path[:0] = [str(ROOT), str(tests_of_django(django.__version__))]
    configure([SUITES[name][0] for name in suites])

    from django.test.runner import DiscoverRunner

    from mongo_contrib.db import get_connection
    from mongo_contrib.test import describe_server

    print(f"server: {describe_server(get_connection())}")
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    cases = [each for name in suites for each in SUITES[name][1]()]

    class Runner(DiscoverRunner):
        def build_suite(self, *args, **kwargs):
            return unittest.TestSuite(map(load, cases))

    failed = Runner(interactive=False).run_tests([])
    print(
        f"Django {django.__version__}, {', '.join(suites)}: "
        f"{'FAILED' if failed else 'passed'} ({time.monotonic() - started:.0f} s)"
    )
    return 1 if failed else 0


def _suites() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}")
    suites = parser.parse_args().suites or list(SUITES)
    for unknown in {*suites} - {*SUITES}:
        parser.error(f"there is no suite {unknown!r}; there is {', '.join(SUITES)}")
    return suites


def tests_of_django(version: str) -> Path:
    """The directory of Django's tests, fetched if it isn't there."""
    directory = CACHE / version
    if directory.exists():
        return directory
    print(f"Fetching the tests of Django {version} ...", flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        # pip has no way to fetch a source distribution alone: it also asks it for its metadata.
        source = ["--no-deps", "--no-binary", "django", f"django=={version}"]
        if subprocess.run([*pip, *source, "--dest", temporary]).returncode:
            sys.exit(f"pip found no source distribution of Django {version}, which has the tests.")
        (archive,) = Path(temporary).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            members = [each for each in opened if "/tests/" in each.name]
            opened.extractall(temporary, members, filter="data")
        (unpacked,) = Path(temporary).glob("*/tests")
        try:
            unpacked.rename(directory)
        except OSError:
            # Another run was faster.
            shutil.rmtree(unpacked)
    return directory


def configure(apps: list[str]) -> None:
    from django.conf import settings

    os.environ.setdefault("MONGO_TEST_NAME", "mongo_contrib")
    os.environ["MONGO_TEST_NAME"] += "_django"
    from tests.settings import DATABASE_ROUTERS, DATABASES

    settings.configure(
        SECRET_KEY="only for Django's tests",
        DATABASES=DATABASES,
        DATABASE_ROUTERS=DATABASE_ROUTERS,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "mongo_contrib",
            "mongo_contrib.sessions",
            # Django's tests import its table's model.
            "django.contrib.sessions",
            *apps,
        ],
        SESSION_ENGINE=ENGINES[0],
        # The apps of Django's tests have SQL models; none of the tests that run here uses one.
        SILENCED_SYSTEM_CHECKS=["mongo_contrib.W004"],
        USE_TZ=True,
    )
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
