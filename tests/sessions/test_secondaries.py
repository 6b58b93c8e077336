"""Sessions are read from secondaries only where every write has reached them."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pymongo import ReadPreference
from pymongo.write_concern import WriteConcern

from mongo_contrib.db.concerns import members
from mongo_contrib.sessions import checks
from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.conf import conf


def options():
    """What pymongo's collection of the sessions has."""
    collection = SessionStore.get_repository().collection
    return collection.read_preference, collection.write_concern.document


def test_sessions_are_read_from_the_primary_whatever_the_alias_does(db):
    assert options() == (ReadPreference.PRIMARY, {"w": "majority"})


def test_a_secondary_is_read_where_writes_wait_for_a_number_of_members(db, settings):
    settings.MONGO_SESSION_READ_PREFERENCE = "nearest"
    settings.MONGO_SESSION_WRITE_CONCERN = 3
    assert options() == (ReadPreference.NEAREST, {"w": 3})


def test_the_options_are_those_of_the_settings_at_each_moment(db, settings):
    assert options()[1] == {"w": "majority"}
    settings.MONGO_SESSION_WRITE_CONCERN = WriteConcern(1, j=True)
    assert options()[1] == {"w": 1, "j": True}


@pytest.mark.parametrize("concern", ["majority", 1, "dc_east"])
def test_else_it_is_refused(settings, concern):
    settings.MONGO_SESSION_READ_PREFERENCE = "secondaryPreferred"
    settings.MONGO_SESSION_WRITE_CONCERN = concern
    with pytest.raises(ImproperlyConfigured, match="a member that lags would serve sessions"):
        SessionStore.get_repository()


def test_writes_that_nobody_confirms_are_refused(settings):
    settings.MONGO_SESSION_WRITE_CONCERN = 0
    with pytest.raises(ImproperlyConfigured, match="is 0; it must be acknowledged"):
        _ = conf.write_concern


def test_hello_tells_the_members_that_hold_data():
    hello = {"hosts": ["a:1", "b:1"], "passives": ["c:1"], "arbiters": ["d:1"]}
    assert members(hello) == 3
    assert members({"msg": "isdbgrid"}) == 0


def test_the_check_asks_the_server(db, settings, monkeypatch):
    settings.MONGO_SESSION_READ_PREFERENCE = "secondary"
    settings.MONGO_SESSION_WRITE_CONCERN = 2
    (message,) = checks.check_members(None, databases=["default"])
    assert message.id == "mongo_sessions.E020"
    assert "waits for 2 members, and DATABASES['default'] has 1 that hold data" in message.msg
    # There is no server of more members here; what it would say of them is.
    monkeypatch.setattr(checks, "members", lambda hello: 2)
    assert checks.check_members(None, databases=["default"]) == []
    monkeypatch.setattr(checks, "members", lambda hello: 3)
    (message,) = checks.check_members(None, databases=["default"])
    assert message.id == "mongo_sessions.E018"
    assert "waits for 2 members, and DATABASES['default'] has 3" in message.msg
    assert checks.check_members(None, databases=[]) == []
    settings.MONGO_SESSION_READ_PREFERENCE = "primary"
    assert checks.check_members(None, databases=["default"]) == []
