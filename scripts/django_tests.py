"""Django's own tests of what we replace, run on ours: `django_tests.py [SUITE ...]`.

They are in the source distribution of the installed Django, which pip fetches once into var/;
nothing of it is committed. There is a module for each suite in django_suites/. What can't pass is
in its EXCLUDED with the reason: anything else that fails is an error, and so is anything there
that passes.
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
from importlib import import_module
from pathlib import Path
from unittest import mock

import django
from asgiref.sync import async_to_sync, iscoroutinefunction

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "django-tests"

SUITES = ["sessions", "file_storage", "staticfiles"]

#: Test of Django -> why it can't pass here.
_excluded: dict[str, str] = {}


def case(bases, label, override=None, replaced=None, **attributes) -> type[unittest.TestCase]:
    """A test case of Django's, under these settings, with names of its module replaced."""
    tests = next(base for base in bases if base.__module__.partition(".")[0] != "django_suites")
    made = type(tests.__name__, bases, {**attributes, "__module__": label})
    owners = {each.__name__ for each in tests.__mro__}
    for name, reason in _excluded.items():
        owner, _, test = name.partition(".")
        if not test and owner == tests.__name__:
            made = unittest.skip(reason)(made)
        if test and owner in owners:
            setattr(made, test, expected_failure(name, getattr(made, test, None), reason))
    if replaced:
        module, names = replaced

        def set_up_class(cls):
            cls.enterClassContext(mock.patch.multiple(module, **names))
            super(made, cls).setUpClass()

        made.setUpClass = classmethod(set_up_class)
    return override(made) if override else made


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
    if len(suites) > 1:  # each has settings of its own, and a process has one set
        return max([subprocess.call([sys.executable, __file__, each]) for each in suites])
    return run(*suites)


def run(name: str) -> int:
    sys.stdin = open(os.devnull)  # noqa: SIM115 (nobody answers questions)
    suite = import_module(f"django_suites.{name}")
    _excluded.update(suite.EXCLUDED)
    started = time.monotonic()
    sys.path[:0] = [str(ROOT), str(tests_of_django(django.__version__))]
    configure(suite)

    from django.test.runner import DiscoverRunner

    from mongo_contrib.db import get_connection
    from mongo_contrib.test import describe_server

    print(f"server: {describe_server(get_connection())}")
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    cases = list(suite.cases(case))

    class Runner(DiscoverRunner):
        def build_suite(self, *args, **kwargs):
            return unittest.TestSuite(map(load, cases))

    failed = Runner(interactive=False).run_tests([])
    print(
        f"Django {django.__version__}, {name}: "
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


def configure(suite) -> None:
    from django.conf import settings

    os.environ.setdefault("MONGO_TEST_NAME", "mongo_contrib")
    os.environ["MONGO_TEST_NAME"] += "_django"
    from tests.settings import DATABASE_ROUTERS, DATABASES

    own = {"SQL": False, **suite.SETTINGS}
    if own.pop("SQL"):
        sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        DATABASES = {"default": sqlite, "mongo": DATABASES["default"]}
    settings.configure(
        SECRET_KEY="only for tests",
        DATABASES=DATABASES,
        DATABASE_ROUTERS=DATABASE_ROUTERS,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["mongo_contrib", *suite.APPS],
        # Where there is no SQL, none of the tests that run uses the SQL models of their apps.
        SILENCED_SYSTEM_CHECKS=["mongo_contrib.W004", *own.pop("SILENCED", [])],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
        **own,
    )
    if hasattr(suite, "prepare"):
        suite.prepare()
    django.setup()


if __name__ == "__main__":
    sys.exit(main())
