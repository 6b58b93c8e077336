"""The settings' checks, and what `migrate` is told to make."""

import pytest
from django.apps import apps

from mongo_contrib.sessions.checks import check_settings


def ids():
    return [message.id for message in check_settings(None)]


@pytest.fixture(autouse=True)
def engine(settings):
    settings.SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"


def test_the_defaults_are_fine():
    assert ids() == []


def test_an_alias_that_is_not_there(settings):
    settings.MONGO_SESSION_ALIAS = "nowhere"
    (message,) = check_settings(None)
    assert message.id == "mongo_sessions.E001"
    assert message.msg == "MONGO_SESSION_ALIAS is 'nowhere', which is not in DATABASES."


def test_an_alias_that_is_no_name(settings):
    settings.MONGO_SESSION_ALIAS = ["default"]
    (message,) = check_settings(None)
    assert message.id == "mongo_sessions.E001"
    assert message.msg == "MONGO_SESSION_ALIAS is ['default'], which is not in DATABASES."


@pytest.mark.parametrize("name", ["", "system.users", "a$b", "a..b", ".a", "a.", "a\0b", None, 3])
def test_a_name_that_no_collection_can_have(settings, name):
    settings.MONGO_SESSION_COLLECTION = name
    assert ids() == ["mongo_sessions.E002"]


def test_pickle(settings):
    settings.SESSION_SERIALIZER = "django.contrib.sessions.serializers.PickleSerializer"
    assert ids() == ["mongo_sessions.E003"]


def test_installed_and_not_used(settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert ids() == ["mongo_sessions.W001"]


def test_the_ttl_index_is_declared_on_its_alias_only(settings):
    settings.MONGO_SESSION_COLLECTION = "visits"
    config = apps.get_app_config("mongo_sessions")
    spec, _devices = config.mongo_collections("default")
    index = spec.indexes[0]
    assert spec.name == "visits"
    assert index.keys == (("expire_date", 1),)
    assert index.options == {"expireAfterSeconds": 0}
    assert config.mongo_collections("other") == []


@pytest.mark.needs("ttl_index")
def test_the_ttl_index_is_there(sessions):
    indexes = {tuple(index["key"]): index for index in sessions.list_indexes()}
    assert indexes["expire_date",]["expireAfterSeconds"] == 0
