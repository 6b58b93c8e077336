"""Tests of projects whose sessions alone are in MongoDB, as docs/testing.md tells."""

import pytest

from tests.projects import run

PROJECT = """
import io, json, os, unittest

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    USE_TZ=True,
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "mongo": json.loads(os.environ["MONGO_ENTRY"]),
    },
    DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
    SESSION_ENGINE="mongo_contrib.sessions.backends.mongo",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "mongo_contrib",
        "mongo_contrib.sessions",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.auth.models import User
from django.db import connection
from django.test import TestCase, override_settings
from django.test.runner import DiscoverRunner

made = []
rolled_back = []


class Case:
    @classmethod
    def setUpTestData(cls):
        made.append(cls.__name__)
        cls.ann = User.objects.create_user("ann")

    def test_one(self):
        self.client.force_login(self.ann)
        assert User.objects.get() == self.ann and "_auth_user_id" in self.client.session
        rolled_back.append(connection.in_atomic_block)

    test_another = test_one


class Named(Case, TestCase):
    databases = {"default", "mongo"}


class All(Case, TestCase):
    databases = "__all__"


class Unnamed(Case, TestCase):
    pass


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
class Cookies(Case, TestCase):
    pass


class Runner(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        return unittest.defaultTestLoader.loadTestsFromTestCase(CASE)

    def run_suite(self, suite, **kwargs):
        return unittest.TextTestRunner(stream=io.StringIO()).run(suite)

    def suite_result(self, suite, result, **kwargs):
        return [text for _, text in result.failures + result.errors]


CASE = globals()[os.environ["CASE"]]
failed = Runner(verbosity=0, interactive=False).run_tests([])
print(json.dumps({"failed": failed, "made": len(made), "rolled back": rolled_back}))
"""


@pytest.mark.parametrize("name", ["Named", "All"])
def test_who_names_the_alias_logs_in_and_is_not_rolled_back(connection, monkeypatch, name):
    monkeypatch.setenv("CASE", name)
    found = run(PROJECT, connection)
    assert found == {"failed": [], "made": 2, "rolled back": [False, False]}


def test_who_does_not_is_told_by_django(connection, monkeypatch):
    monkeypatch.setenv("CASE", "Unnamed")
    found = run(PROJECT, connection)
    assert len(found["failed"]) == 2
    for text in found["failed"]:
        assert "Database queries to 'mongo' are not allowed in this test" in text


def test_with_sessions_in_cookies_all_is_rolled_back(connection, monkeypatch):
    monkeypatch.setenv("CASE", "Cookies")
    found = run(PROJECT, connection)
    assert found == {"failed": [], "made": 1, "rolled back": [True, True]}
