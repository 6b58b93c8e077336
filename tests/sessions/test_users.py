"""What is kept beside the data: whose session it is, since when, and when it was used."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import SESSION_KEY

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BESIDE = {"user", "seen", "slot", "address", "user_agent", "device"}


class Visitor:
    """Stands in for who visits."""

    def __init__(self, **recorded):
        self.what = recorded

    def recorded(self):
        return self.what


def user_of(sessions):
    return sessions.find_one().get("user")


def test_nothing_is_kept_of_who_is_not_logged_in(twin, sessions):
    session = twin.store(a=1)
    session.visitor = Visitor(address="203.0.113.7")
    twin("save", session)
    document = sessions.find_one()
    assert not BESIDE & document.keys()
    assert timedelta() <= datetime.now(UTC) - document["created"] < timedelta(minutes=1)
    assert session.user_id is None and session.logged_in is None


@pytest.mark.parametrize("new", [True, False])
def test_a_log_in_is_written_with_the_data(twin, sessions, new):
    session = twin.store() if new else twin.saved()
    session.visitor = Visitor(address="203.0.113.7", device="Firefox on Ubuntu")
    twin("__setitem__", session, SESSION_KEY, "42")
    twin("save", session)
    document = sessions.find_one()
    assert document["user"] == "42"
    assert document["address"] == "203.0.113.7"
    assert document["device"] == "Firefox on Ubuntu"
    assert document["seen"] >= document["created"]
    assert "slot" not in document
    assert session.user_id == session.logged_in == "42"


def test_only_the_save_that_logs_in_is_a_log_in(twin):
    session = twin.saved(**{SESSION_KEY: "42"})
    assert session.logged_in == "42"
    twin("__setitem__", session, "a", 1)
    twin("save", session)
    assert session.logged_in is None
    again = twin.store(session.session_key, a=2)
    twin("save", again)
    assert again.logged_in is None
    assert again.user_id == "42"


def test_another_user_in_the_same_session_is_a_log_in(twin, sessions):
    session = twin.saved(**{SESSION_KEY: "42"})
    twin("__setitem__", session, SESSION_KEY, "43")
    twin("save", session)
    assert user_of(sessions) == session.logged_in == "43"


def test_who_is_no_longer_logged_in_leaves_nothing(twin, sessions):
    session = twin.store(**{SESSION_KEY: "42"})
    session.visitor = Visitor(address="203.0.113.7", user_agent="x", device="y")
    twin("save", session)
    twin("pop", session, SESSION_KEY)
    twin("save", session)
    assert not BESIDE & sessions.find_one().keys()
    assert session.user_id is None


def test_a_flushed_session_has_no_user(twin, sessions):
    session = twin.saved(**{SESSION_KEY: "42"})
    twin("flush", session)
    assert session.user_id is None and session.session_id is None
    twin("__setitem__", session, "a", 1)
    twin("save", session)
    assert not BESIDE & sessions.find_one().keys()


def test_a_user_is_seen_again_after_a_while(twin, sessions, settings, capture_commands):
    session = twin.saved(**{SESSION_KEY: "42"})
    sessions.update_one({}, {"$set": {"seen": LONG_AGO}})
    again = twin.store(session.session_key)
    again.visitor = Visitor(address="203.0.113.8")
    assert twin("get", again, SESSION_KEY) == "42"
    twin("touch", again)
    document = sessions.find_one()
    assert document["seen"] > LONG_AGO
    assert document["address"] == "203.0.113.8"
    with capture_commands as commands:
        twin("touch", again)
        twin("touch", twin.store())
    assert [command.name for command in commands] == []


def test_a_save_says_it_too(twin, sessions):
    session = twin.saved(**{SESSION_KEY: "42"})
    sessions.update_one({}, {"$set": {"seen": LONG_AGO}})
    again = twin.store(session.session_key, a=1)
    twin("save", again)
    assert sessions.find_one()["seen"] > LONG_AGO


def test_last_seen_may_not_be_recorded(twin, sessions, settings):
    settings.MONGO_SESSION_RECORD = []
    session = twin.saved(**{SESSION_KEY: "42"})
    sessions.update_one({}, {"$set": {"seen": LONG_AGO}})
    again = twin.store(session.session_key, a=1)
    twin("save", again)
    twin("touch", again)
    assert sessions.find_one()["seen"] == LONG_AGO


def test_seeing_a_user_brings_no_session_back(twin, sessions):
    session = twin.saved(**{SESSION_KEY: "42"})
    sessions.update_one({}, {"$set": {"seen": LONG_AGO}})
    again = twin.store(session.session_key)
    twin("get", again, "a")
    twin("delete", session)
    twin("touch", again)
    assert sessions.count() == 0


def test_without_time_zones_last_seen_is_the_same_moment(twin, sessions, settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    session = twin.saved(**{SESSION_KEY: "42"})
    sessions.update_one({}, {"$set": {"seen": datetime.now(UTC) - timedelta(seconds=200)}})
    before = sessions.find_one()["seen"]
    again = twin.store(session.session_key, a=1)
    twin("save", again)
    assert sessions.find_one()["seen"] == before
    settings.MONGO_SESSION_LAST_SEEN_INTERVAL = 100
    twin("save", again)
    assert sessions.find_one()["seen"] > before


def test_what_listings_call_a_session_is_its_id(twin, sessions, settings):
    session = twin.saved(a=1)
    stored = sessions.find_one()["_id"]
    assert session.session_id == stored
    assert twin.store(session.session_key).session_id == stored
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    again = twin.store(session.session_key)
    twin("get", again, "a")
    assert again.session_id == stored
    assert twin.store().session_id is None


def test_ending_sessions_by_a_filter(twin):
    ended = [twin.saved(**{SESSION_KEY: "42"}) for _ in range(2)]
    other = twin.saved(**{SESSION_KEY: "43"})
    assert twin("end", other, {"user": "42"}) == 2
    assert [twin.data(each) for each in ended] == [{}, {}]
    assert twin.data(other) == {SESSION_KEY: "43"}
