"""cycle_key(): what others have written is kept, and who ends the session has ended it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError

from mongo_contrib.sessions import limits
from mongo_contrib.sessions.exceptions import SessionLimitReached
from mongo_contrib.sessions.listing import UserSessions
from tests.sessions.stored import LOGGED_IN, live


@pytest.fixture(params=[{}, LOGGED_IN], ids=["anonymous", "logged in"])
def data(request):
    return request.param


def cut(session, name, then):
    """Let something happen just before one step of a session's.

    It is synchronous in both twins: within an asynchronous step it awaits natively.
    """
    step = getattr(session, name)

    def stepped(*args, **kwargs):
        setattr(session, name, step)
        then()
        return step(*args, **kwargs)

    setattr(session, name, stepped)


def test_what_others_save_before_the_old_key_ends_is_kept(twin, data, sessions):
    key = twin.saved(**data, both="before", gone=1).session_key
    session, other = twin.store(key, both="mine"), twin.store(key, both="theirs", new=2)
    twin("pop", other, "gone")
    cut(session, "_take", other.save)
    twin("cycle_key", session)
    assert twin.data(session) == {**data, "both": "mine", "new": 2}
    assert dict(twin("items", session)) == {**data, "both": "mine", "new": 2}
    assert twin.data(key) == {}


def test_what_was_cleared_is_not_brought_back(twin, data, sessions):
    key = twin.saved(**data, a=1).session_key
    session, other = twin.store(key), twin.store(key, b=2)
    session.clear()
    cut(session, "_take", other.save)
    twin("cycle_key", session)
    assert twin.data(session) == {}


def test_a_log_out_before_the_old_key_ends_wins(twin, sessions):
    key = twin.saved(**LOGGED_IN, a=1).session_key
    session, other = twin.store(key), twin.store(key)
    cut(session, "_take", other.flush)
    with pytest.raises(UpdateError, match="deleted or has expired"):
        twin("cycle_key", session)
    assert live(sessions) == []
    assert session.session_key is None
    assert dict(twin("items", session)) == {}


@pytest.mark.parametrize("times", [1, 3])
def test_a_log_out_after_it_wins_too(twin, sessions, times):
    session = twin.saved(**LOGGED_IN, a=1)
    late = twin.store(session.session_key)
    twin("get", late, "a")
    for _ in range(times):
        twin("cycle_key", session)
    twin("flush", late)
    assert live(sessions) == []
    twin("__setitem__", session, "a", 2)
    with pytest.raises(UpdateError):
        twin("save", session)


def test_requests_at_once_each_have_a_session_and_a_log_out_ends_them_all(twin, sessions):
    key = twin.saved(**LOGGED_IN).session_key
    one, other, late = (twin.store(key) for _ in range(3))
    for session in (one, other, late):
        twin("get", session, "a")

    def rename():
        # Both have made a session of their own before one of them ends the old one.
        other.cycle_key()
        assert len(live(sessions)) == 2

    cut(one, "_take", rename)
    twin("cycle_key", one)
    assert {each["_id"] for each in live(sessions)} == {one.session_id, other.session_id}
    twin("__setitem__", one, "a", 1)
    twin("save", one)
    assert twin.data(one) == {**LOGGED_IN, "a": 1}
    twin("flush", late)
    assert live(sessions) == []


def test_who_comes_second_has_nothing_where_what_the_first_made_has_ended(twin, sessions):
    key = twin.saved(**LOGGED_IN).session_key
    one, other = twin.store(key), twin.store(key)
    twin("get", other, "a")

    def rename_and_log_out():
        other.cycle_key()
        other.flush()

    cut(one, "_take", rename_and_log_out)
    with pytest.raises(UpdateError):
        twin("cycle_key", one)
    assert live(sessions) == []


def test_a_log_out_that_found_no_session_any_more_ends_the_renamed_one(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    late = twin.store(session.session_key)
    twin("cycle_key", session)
    assert twin("get", late, SESSION_KEY) is None
    assert late.session_key is None
    twin("flush", late)
    assert live(sessions) == []


def test_one_that_is_added_while_a_log_out_ends_the_others_is_ended(twin, sessions):
    key = twin.saved(**LOGGED_IN).session_key
    one, late = twin.store(key), twin.store(key)
    twin("get", late, "a")
    twin("cycle_key", one)
    stray = twin.saved(**LOGGED_IN)

    def add(ids, ended=late._end):
        # As a request does that has found `one` alive just before.
        sessions.update_one({"to": {"$exists": True}}, {"$addToSet": {"to": stray.session_id}})
        return ended(ids)

    late._end = lambda ids: add(ids) if ids == [one.session_id] else type(late)._end(late, ids)
    twin("flush", late)
    assert live(sessions) == []


def test_two_that_log_in_at_once_from_one_session_both_do(twin, sessions):
    key = twin.saved(cart=1).session_key
    one, other = twin.store(key), twin.store(key)
    twin("get", other, "a")
    for session in (one, other):
        twin("cycle_key", session)
        twin("__setitem__", session, SESSION_KEY, "42")
        twin("save", session)
        assert twin.data(session) == {"cart": 1, **LOGGED_IN}


def test_an_expired_session_of_a_user_is_not_renamed(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    again = twin.store(session.session_key)
    twin("get", again, "a")
    sessions.update_one({}, {"$set": {"expire_date": datetime.now(UTC) - timedelta(seconds=1)}})
    with pytest.raises(UpdateError):
        twin("cycle_key", again)
    assert live(sessions) == []


def test_renaming_is_no_log_in_and_keeps_what_is_known(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    before = sessions.find_one()
    twin("cycle_key", session)
    (after,) = live(sessions)
    assert after["_id"] != before["_id"]
    assert {**after, "_id": None, "expire_date": None} == {
        **before,
        "_id": None,
        "expire_date": None,
    }
    assert session.logged_in is None
    assert session.user_id == "42"


def test_a_log_in_within_an_anonymous_session_begins_anew(twin, sessions):
    session = twin.saved(cart=1)
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    sessions.update_one({}, {"$set": {"created": long_ago}})
    session = twin.store(session.session_key)
    twin("cycle_key", session)
    assert sessions.find_one()["created"] > long_ago


def test_a_session_that_could_not_be_renamed_is_as_it_was(twin, sessions, monkeypatch):
    session = twin.saved(**LOGGED_IN, a=1)
    key = session.session_key

    def away(document):
        raise OperationalError("no server")

    with monkeypatch.context() as patch:
        patch.setattr(session, "_insert", away)
        with pytest.raises(OperationalError):
            twin("cycle_key", session)
    assert session.session_key == key
    twin("__setitem__", session, "a", 2)
    twin("save", session)
    assert twin.data(key) == {**LOGGED_IN, "a": 2}


def test_what_remembers_a_renaming_expires(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    twin("cycle_key", session)
    (memory,) = sessions.find({"to": {"$exists": True}})
    left = memory["expire_date"] - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    assert memory.keys() == {"_id", "to", "by", "expire_date"}
    assert session.session_key not in repr(memory)


def test_who_has_logged_out_by_hand_meanwhile_is_logged_out(twin, sessions, settings):
    settings.MONGO_SESSION_MAX_PER_USER = 2
    key = twin.saved(**LOGGED_IN, a=1).session_key
    session, other = twin.store(key), twin.store(key)
    twin("get", session, "a")
    twin("pop", other, SESSION_KEY)
    cut(session, "_take", other.save)
    twin("cycle_key", session)
    (left,) = live(sessions)
    assert left.keys() == {"_id", "data", "created", "expire_date"}


@pytest.mark.parametrize("before", [{}, {SESSION_KEY: "41"}], ids=["nobody", "another"])
def test_who_is_put_in_by_hand_before_it_is_that_users_session(twin, sessions, settings, before):
    settings.MONGO_SESSION_MAX_PER_USER = 2
    session = twin.saved(**before)
    twin("__setitem__", session, SESSION_KEY, "42")
    twin("cycle_key", session)
    (stored,) = live(sessions)
    assert (stored["user"], "slot" in stored) == ("42", True)
    assert session.logged_in == "42"


def test_who_is_taken_out_by_hand_before_it_has_no_session(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    twin("pop", session, SESSION_KEY)
    twin("cycle_key", session)
    (stored,) = live(sessions)
    assert "user" not in stored


def test_it_is_revoked_by_the_id_that_it_had_under_an_older_secret(twin, sessions, settings):
    settings.SECRET_KEY = "older" * 10
    key = twin.saved(**LOGGED_IN).session_key
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "newer" * 10, ["older" * 10]
    (listed,) = UserSessions("42")
    twin("cycle_key", twin.store(key))
    assert UserSessions("42").revoke(listed.id)
    assert live(sessions) == []


def test_there_are_no_more_sessions_than_the_limit_where_log_ins_overlap_with_it(
    twin, sessions, settings, monkeypatch
):
    settings.MONGO_SESSION_MAX_PER_USER = 2
    settings.MONGO_SESSION_WHEN_FULL = "refuse"
    session = twin.saved(**LOGGED_IN)
    log_ins = [twin.store(**LOGGED_IN) for _ in range(2)]

    def log_in():
        # Both look at the same moment, when the one that is renamed holds no slot.
        seen = list(sessions.find({"user": "42"}))
        with monkeypatch.context() as patch:
            patch.setattr(limits, "_make_room", lambda *args: seen)
            for slot, each in enumerate(log_ins):
                patch.setattr(limits.random, "choice", lambda free, slot=slot: free[slot])
                each.save()

    cut(session, "_add_slot", log_in)
    with pytest.raises(SessionLimitReached):
        twin("cycle_key", session)
    assert len(live(sessions)) == 2
    assert session.session_key is None
