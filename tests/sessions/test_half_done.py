"""Steps that fail halfway, and saves that overlap on one object: what is stored afterwards."""

import asyncio

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError

from mongo_contrib.sessions.exceptions import SessionUnavailable
from tests.sessions.stored import LOGGED_IN, live


@pytest.fixture
def anonymous_mode(settings):
    settings.MONGO_SESSION_WHEN_UNREACHABLE = "anonymous"


def fail(session, name, *, after=False, error=SessionUnavailable):
    """Let one step of a session's fail once, before or after the server has done it."""
    step = getattr(session, name)

    def failing(*args):
        setattr(session, name, step)
        if after:
            step(*args)
        raise error("no answer")

    setattr(session, name, failing)


@pytest.mark.parametrize("step", ["_insert", "_update"])
def test_what_is_set_while_a_save_waits_is_in_the_next(twin, step):
    session = twin.store(a="before") if step == "_insert" else twin.saved(a="before")
    do = getattr(session, step)

    def waits(*args):
        session["a"] = "meanwhile"
        return do(*args)

    setattr(session, step, waits)
    twin("__setitem__", session, "b", 1)
    twin("save", session)
    twin("save", session)
    assert twin.data(session) == {"a": "meanwhile", "b": 1}


@pytest.mark.parametrize("error", [SessionUnavailable, asyncio.CancelledError])
def test_a_save_without_an_answer_is_repeated_as_it_is_then(twin, error):
    session = twin.saved(a="before", gone=1)
    twin("pop", session, "gone")
    twin("update", session, {"a": "changed", "new": 1})
    fail(session, "_update", after=True, error=error)
    with pytest.raises(error):
        session.save() if twin.runner is None else twin("save", session)
    twin("pop", session, "new")
    twin("update", session, {"a": "before", "gone": 1})
    twin("save", session)
    assert twin.data(session) == {"a": "before", "gone": 1}


def test_of_saves_of_one_object_that_overlap_the_next_tells_what_counts(twin):
    session = twin.saved(a="before", b=0)
    do = session._update

    def overtaken(*args):
        session._update = do
        session["a"] = "last"
        session.save()
        return do(*args)

    session._update = overtaken
    twin("__setitem__", session, "a", "first")
    twin("save", session)
    assert twin.data(session)["a"] == "first"
    twin("save", session)
    assert twin.data(session) == {"a": "last", "b": 0}


def test_a_renaming_without_an_answer_leaves_the_old_key(twin, sessions):
    key = twin.saved(**LOGGED_IN, a=1).session_key
    for step, after in (("_remember", False), ("_take", False), ("_take", True)):
        session = twin.store(key)
        twin("get", session, "a")
        fail(session, step, after=after)
        with pytest.raises(SessionUnavailable):
            twin("cycle_key", session)
        assert session.session_key == key
        twin("__setitem__", session, "a", 2)
        if after:  # it has ended, so nothing brings it back
            with pytest.raises(UpdateError):
                twin("save", session)
        else:
            twin("save", session)
            assert twin.data(key)["a"] == 2


def test_nothing_that_a_log_out_has_ended_comes_back_by_a_renaming_that_failed(twin):
    key = twin.saved(**LOGGED_IN).session_key
    session, other = twin.store(key), twin.store(key)
    twin("get", session, "a")
    fail(session, "_remember")
    with pytest.raises(SessionUnavailable):
        twin("cycle_key", session)
    twin("flush", other)
    with pytest.raises(UpdateError):
        twin("save", session)


def test_a_log_out_that_failed_halfway_can_be_tried_again(twin, sessions):
    session = twin.saved(**LOGGED_IN)
    late, again = (twin.store(session.session_key) for _ in range(2))
    twin("cycle_key", session)
    # It finds that the session has another key now, and cannot end it under that.
    take, asked = late._take, []

    def second_fails(ids):
        asked.append(ids)
        if len(asked) == 2:
            raise SessionUnavailable("no answer")
        return take(ids)

    late._take = second_fails
    with pytest.raises(SessionUnavailable):
        twin("flush", late)
    twin("flush", again)
    assert live(sessions) == []


@pytest.mark.parametrize("data", [{}, LOGGED_IN], ids=["anonymous", "logged in"])
def test_what_could_not_be_read_is_not_renamed(twin, sessions, anonymous_mode, data):
    key = twin.saved(**data, cart=1).session_key
    session = twin.store(key)
    fail(session, "_find")
    assert twin("get", session, "cart") is None
    with pytest.raises(SessionUnavailable, match="so it is not written either"):
        twin("cycle_key", session)
    assert twin.data(key) == {**data, "cart": 1}
    assert len(live(sessions)) == 1


def test_a_save_that_would_be_the_first_to_read_it_writes_nothing(twin, anonymous_mode):
    key = twin.saved(cart=1).session_key
    session = twin.store(key)
    fail(session, "_find")
    with pytest.raises(SessionUnavailable, match="so it is not written either"):
        twin("save", session)
    assert twin.data(key) == {"cart": 1}


def test_what_could_not_be_read_can_be_ended(twin, sessions, anonymous_mode):
    session = twin.store(twin.saved(**LOGGED_IN).session_key)
    fail(session, "_find")
    assert twin("get", session, SESSION_KEY) is None
    twin("flush", session)
    assert session.is_empty()
    assert live(sessions) == []


def test_looking_again_makes_no_new_session_of_one_that_has_ended(twin, sessions):
    session = twin.saved(**LOGGED_IN, a=1)
    twin("flush", twin.store(session.session_key))
    assert twin("load", session) == {}
    twin("__setitem__", session, "a", 2)
    with pytest.raises(UpdateError):
        twin("save", session)
    assert live(sessions) == []


def test_what_is_nested_too_deeply_to_be_read_is_no_error_of_each_page(twin, sessions, caplog):
    # How deep can be read depends on Python, and on how deep the caller is.
    session = twin.saved(nested=[])
    sessions.update_one({}, {"$set": {"data.nested": "[" * 100_000 + "]" * 100_000}})
    assert twin.data(session) == {}
    assert "Session data corrupted" in caplog.text
