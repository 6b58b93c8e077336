"""The session engine: one suite for both twins."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from mongo_contrib.sessions.backends.mongo import SessionStore


def test_what_is_saved_comes_back(twin):
    data = {"user": "1", "cart": [{"id": 1}], "a.b$c": {"x.y": None}, "": "empty", "big": 2**80}
    session = twin.store()
    for key, value in data.items():
        twin("__setitem__", session, key, value)
    twin("save", session)
    assert twin.data(session) == data


def test_nobody_reads_the_key_or_a_secret_in_the_database(twin, sessions, settings):
    session = twin.saved(a=1)
    stored = repr(list(sessions.find()))
    assert session.session_key not in stored
    assert settings.SECRET_KEY not in stored


def test_a_session_survives_the_change_of_the_secret(twin, settings):
    session = twin.saved(a=1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    assert twin.data(session) == {"a": 1}
    again = twin.store(session.session_key, b=2)
    twin("save", again)
    assert twin.data(session) == {"a": 1, "b": 2}
    twin("delete", again)
    assert twin.data(session) == {}


def test_a_new_key_is_hashed_with_the_new_secret(twin, settings):
    session = twin.saved(a=1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    session = twin.store(session.session_key)
    twin("cycle_key", session)
    settings.SECRET_KEY_FALLBACKS = []
    assert twin.data(session) == {"a": 1}


def test_without_the_old_secret_the_session_is_over(twin, settings):
    session = twin.saved(a=1)
    settings.SECRET_KEY = "the next one"
    assert twin.data(session) == {}


def test_an_expired_session_is_refused_though_it_is_still_there(twin, sessions):
    session = twin.store(a=1)
    twin("set_expiry", session, -10)
    twin("save", session)
    assert sessions.count() == 1
    again = twin.store(session.session_key)
    assert twin("load", again) == {}
    assert again.session_key is None


def test_saving_an_expired_session_raises(twin, sessions):
    session = twin.saved(a=1)
    sessions.update_one({}, {"$set": {"expire_date": datetime.now(UTC) - timedelta(seconds=1)}})
    twin("__setitem__", session, "a", 2)
    with pytest.raises(UpdateError, match="deleted or has expired"):
        twin("save", session)
    assert "2" not in sessions.find_one()["data"].values()


def test_saving_a_deleted_session_raises_and_creates_nothing(twin, sessions):
    session = twin.saved(a=1)
    twin("delete", twin.store(session.session_key))
    twin("__setitem__", session, "a", 2)
    with pytest.raises(UpdateError):
        twin("save", session)
    assert sessions.count() == 0


def test_saving_under_a_key_that_was_never_there_raises(twin, sessions):
    session = twin.store("madeupbysomebody")
    with pytest.raises(UpdateError):
        twin("save", session)
    assert sessions.count() == 0


def test_a_key_can_be_created_only_once(twin):
    session = twin.saved(a=1)
    thief = twin.store(session.session_key)
    with pytest.raises(CreateError):
        twin("save", thief, must_create=True)
    assert twin.data(session) == {"a": 1}


def test_create_tries_again_where_a_key_is_taken(twin, monkeypatch):
    taken = twin.saved(a=1).session_key
    keys = iter([taken, taken, "a" * 32])
    monkeypatch.setattr(
        "mongo_contrib.sessions.backends.mongo.get_random_string", lambda *args: next(keys)
    )
    session = twin.saved(b=2)
    assert session.session_key == "a" * 32
    assert twin.data(taken) == {"a": 1}


def test_two_requests_that_change_different_keys_both_survive(twin):
    key = twin.saved(both=0).session_key
    one, other = twin.store(key, one=1), twin.store(key, other=2)
    twin("pop", other, "both")
    twin("save", other)
    twin("save", one)
    assert twin.data(key) == {"one": 1, "other": 2}


def test_a_change_inside_of_a_value_is_seen(twin):
    session = twin.store(twin.saved(cart={"items": [1]}).session_key)
    twin("get", session, "cart")["items"].append(2)
    session.modified = True
    twin("save", session)
    assert twin.data(session) == {"cart": {"items": [1, 2]}}


def test_saving_twice_writes_the_second_change(twin):
    session = twin.saved(a=1)
    twin("__setitem__", session, "a", 2)
    twin("save", session)
    twin("__setitem__", session, "a", 1)
    twin("save", session)
    assert twin.data(session) == {"a": 1}


def test_loading_by_hand_undoes_nothing_of_others(twin):
    session = twin.saved(a=1)
    twin("save", twin.store(session.session_key, b=2))
    assert twin("load", session) == {"a": 1, "b": 2}
    twin("save", session)
    assert twin.data(session) == {"a": 1, "b": 2}


def test_clear_also_removes_what_others_wrote_meanwhile(twin):
    session = twin.saved(a=1)
    twin("save", twin.store(session.session_key, b=2))
    session.clear()
    twin("__setitem__", session, "c", 3)
    twin("save", session)
    assert twin.data(session) == {"c": 3}


def test_a_new_key_keeps_the_data_and_ends_the_old(twin):
    session = twin.saved(a=1)
    old = session.session_key
    straggler = twin.store(old, late=1)
    twin("cycle_key", session)
    assert session.session_key != old
    assert twin.data(session) == {"a": 1}
    assert twin.data(old) == {}
    with pytest.raises(UpdateError):
        twin("save", straggler)


def test_flush_leaves_nothing(twin, sessions):
    session = twin.saved(a=1)
    twin("flush", session)
    assert session.session_key is None
    assert sessions.count() == 0


def test_deleting_the_empty_key_deletes_nothing(twin):
    session = twin.saved(a=1)
    twin("delete", session, "")
    assert twin.data(session) == {"a": 1}


def test_exists(twin):
    session = twin.saved(a=1)
    assert twin("exists", session, session.session_key) is True
    assert twin("exists", session, "somethingelse") is False
    assert twin("exists", session, None) is False


def test_a_saved_session_can_be_saved_without_having_been_loaded(twin):
    session = twin.store(twin.saved(a=1).session_key)
    twin("save", session)
    assert twin.data(session) == {"a": 1}


def test_without_time_zones_a_session_expires_when_it_should(twin, settings, sessions):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    settings.SESSION_COOKIE_AGE = 600
    session = twin.saved(a=1)
    assert twin.data(session) == {"a": 1}
    left = sessions.find_one()["expire_date"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)


def test_clear_expired_deletes_what_has_expired(twin, sessions):
    kept = twin.saved(a=1)
    gone = twin.store(b=2)
    twin("set_expiry", gone, -1)
    twin("save", gone)
    twin("clear_expired", kept)
    assert sessions.count() == 1
    assert twin.data(kept) == {"a": 1}


def test_values_of_another_serializer_are_an_empty_session_and_said_to_security(
    twin, sessions, caplog
):
    session = twin.saved(a=1, b=2)
    sessions.update_one({}, {"$set": {"data.a": "no JSON"}})
    assert twin.data(session) == {}
    assert [record.name for record in caplog.records] == ["django.security.SuspiciousSession"]
    again = twin.store(session.session_key, c=3)
    twin("save", again)
    assert twin.data(session) == {"c": 3}


def test_clearsessions_runs_without_djangos_app(settings, db, sessions):
    settings.SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"
    session = SessionStore()
    session.set_expiry(-1)
    session.save()
    call_command("clearsessions")
    assert sessions.count() == 0


def test_pickle_is_refused(settings):
    settings.SESSION_SERIALIZER = "myproject.PickleSerializer"
    with pytest.raises(ImproperlyConfigured, match="unpickling runs whatever code"):
        SessionStore()


def test_the_collection_is_a_setting(repository, settings):
    # The setting is the later fixture, so it is back before the declared collections are emptied.
    settings.MONGO_SESSION_COLLECTION = "visits"
    session = SessionStore()
    session.save()
    assert repository("visits").count() == 1
    assert repository("django_session").count() == 0


def test_each_step_is_one_command(db, capture_commands):
    session = SessionStore()
    session["a"] = 1
    session.save()
    again = SessionStore(session.session_key)
    again["b"] = 2
    again.save()
    again.delete()
    names = [command.name for command in capture_commands]
    assert names == ["insert", "find", "update", "findAndModify"]
