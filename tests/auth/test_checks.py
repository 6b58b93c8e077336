"""What is said about a project whose settings don't fit together."""

import pytest
from django.apps import apps
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.checks import check_models_permissions
from django.contrib.auth.checks import check_user_model as stock_check
from django.contrib.auth.models import User as SQLUser
from django.core.checks import run_checks

from mongo_contrib.auth import checks
from mongo_contrib.auth.backends import MongoBackend, PermissionsBackend
from mongo_contrib.auth.models import AbstractUser, User, UserManager
from mongo_contrib.documents import Document, DocumentManager

BACKENDS = "tests.auth.test_checks"
OURS = "mongo_contrib.auth.backends.MongoBackend"


class Derived(MongoBackend):
    pass


class Mixed(PermissionsBackend, ModelBackend):
    pass


class Stray(ModelBackend):
    pass


class NoClass:
    pass


def ids(messages):
    return [message.id for message in messages]


@pytest.fixture
def user_class(monkeypatch):
    """`user_class(cls)` makes a class the project's."""
    return lambda cls: monkeypatch.setattr(checks, "_user_class", lambda: cls)


def test_all_is_well():
    messages = run_checks()
    assert [each for each in messages if each.id.startswith(("auth.", "mongo_auth."))] == []


def test_djangos_own_checks_find_nothing():
    assert stock_check(None) == []
    assert check_models_permissions(None) == []


@pytest.mark.parametrize("value", ["yes", None, 1])
def test_the_setting_is_true_or_false(settings, value):
    settings.MONGO_AUTH_CASE_SENSITIVE_USERNAMES = value
    [error] = checks.check_settings(None)
    assert error.id == "mongo_auth.E001" and repr(value) in error.msg


@pytest.mark.parametrize("ours", [OURS, f"{BACKENDS}.Derived", f"{BACKENDS}.Mixed"])
def test_backends_that_are_ours(settings, ours):
    settings.AUTHENTICATION_BACKENDS = [ours]
    assert checks.check_backends(None) == []


@pytest.mark.parametrize(
    "stray", ["django.contrib.auth.backends.ModelBackend", f"{BACKENDS}.Stray"]
)
def test_backends_that_ask_sql(settings, stray):
    settings.AUTHENTICATION_BACKENDS = [OURS, stray]
    [error] = checks.check_backends(None)
    assert error.id == "mongo_auth.E002"
    assert repr(stray) in error.msg and OURS in error.hint


def test_other_backends_are_nobodys_business(settings):
    settings.AUTHENTICATION_BACKENDS = [OURS, f"{BACKENDS}.NoClass"]
    assert checks.check_backends(None) == []


def test_users_in_sql(user_class, settings):
    user_class(SQLUser)
    settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.Stray"]
    assert ids(checks.check_user_model(None)) == ["mongo_auth.W001"]
    assert checks.check_backends(None) == []


def test_a_document_that_is_no_user_of_ours(user_class):
    class Visitor(Document):
        class Meta:
            abstract = True
            app_label = "people"

    user_class(Visitor)
    assert ids(checks.check_user_model(None)) == ["mongo_auth.E003"]


def test_a_manager_that_compares_otherwise(user_class):
    class Visitor(AbstractUser):
        people = DocumentManager()
        objects = UserManager()

        class Meta:
            abstract = True
            app_label = "people"
            default_manager_name = "people"

    user_class(Visitor)
    [error] = checks.check_user_model(None)
    assert error.id == "mongo_auth.E004" and "'people'" in error.msg


def test_apps_are_checked_one_by_one(user_class):
    user_class(type("Visitor", (), {"_meta": User._meta}))
    assert checks.check_user_model([apps.get_app_config("messages")]) == []
    assert ids(checks.check_user_model([apps.get_app_config("mongo_auth")])) == ["mongo_auth.W001"]
