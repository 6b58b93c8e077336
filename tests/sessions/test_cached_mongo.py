"""What the cached engine has beyond the contract of both, which test_mongo.py and others show."""

from contextlib import contextmanager
from datetime import timedelta
from threading import Thread

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache, caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils import timezone
from pymongo import ReadPreference

from mongo_contrib.sessions.backends import cached_mongo, mongo
from mongo_contrib.sessions.caches import SafeCache
from mongo_contrib.test import CaptureCommands
from mongo_contrib.transaction import aatomic
from tests.sessions.interleaving import Process, some_orders, step

KINDS = "tests.sessions.cachekinds"


@pytest.fixture
def engine(settings):
    settings.SESSION_ENGINE = "mongo_contrib.sessions.backends.cached_mongo"
    yield cached_mongo.SessionStore
    cache.clear()


@pytest.fixture
def warm(twin):
    """`warm(a=1)` is the key of a session that is in the cache."""

    def warm(**data):
        key = twin.saved(**data).session_key
        assert twin.data(key) == data
        return key

    return warm


def held():
    """All that is in the cache in the processes' memory."""
    return repr(caches["default"]._cache)


# What it is for


def test_a_session_in_the_cache_costs_one_look_and_no_command(twin, settings):
    settings.CACHES = {"default": {"BACKEND": f"{KINDS}.Counting", "LOCATION": "counting"}}
    key = twin.saved(a=1).session_key
    twin.data(key)
    asked = caches["default"].asked
    asked.clear()
    with CaptureCommands() as sent:
        assert twin.data(key) == {"a": 1}
    assert asked == ["get_many"]
    assert sent.names == []


def test_what_the_first_reader_and_a_writer_ask_of_the_cache(twin, settings):
    settings.CACHES = {"default": {"BACKEND": f"{KINDS}.Counting", "LOCATION": "counting"}}
    session = twin.saved(a=1)
    asked = caches["default"].asked
    asked.clear()
    twin.data(session)
    assert asked == ["get_many", "add", "set"]
    asked.clear()
    twin("__setitem__", session, "a", 2)
    twin("save", session)
    assert asked == ["set_many", "set_many"]
    asked.clear()
    twin.data(session)
    assert asked == ["get_many", "set"]
    asked.clear()
    twin("delete", session)
    assert asked == ["set_many", "delete_many"]


@pytest.mark.parametrize("kind", ["Native", "filebased", "dummy"])
def test_every_kind_of_cache_will_do(request, twin, settings, tmp_path, kind):
    if kind == "Native" and twin.runner is None:
        pytest.skip("Answers on an event loop only.")
    backend = {
        "Native": f"{KINDS}.Native",
        "filebased": "django.core.cache.backends.filebased.FileBasedCache",
        "dummy": "django.core.cache.backends.dummy.DummyCache",
    }[kind]
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    session = twin.saved(a=1)
    assert twin.data(session) == twin.data(session) == {"a": 1}
    twin("__setitem__", session, "b", 2)
    twin("save", session)
    assert twin.data(session) == {"a": 1, "b": 2}
    twin("delete", session)
    assert twin.data(session) == {}


# What it still promises


def test_what_another_saves_is_seen_at_once(twin, warm):
    key = warm(a=1)
    twin("save", twin.store(key, b=2))
    assert twin.data(key) == {"a": 1, "b": 2}


@pytest.mark.parametrize("verb", ["delete", "flush", "cycle_key"])
def test_the_end_of_a_session_is_seen_at_once(twin, warm, verb):
    key = warm(a=1)
    twin(verb, twin.store(key))
    assert twin.data(key) == {}


def test_revoked_from_elsewhere_is_ended_at_once(twin, engine, warm):
    keys = [warm(_auth_user_id="1"), warm(_auth_user_id="1"), warm(_auth_user_id="2")]
    assert twin("end", engine, {"user": "1"}) == 2
    assert [twin.data(key) for key in keys] == [{}, {}, {"_auth_user_id": "2"}]
    assert twin("end", engine, {"user": "1"}) == 0


def test_many_are_ended_page_by_page(twin, engine, warm, monkeypatch):
    monkeypatch.setattr(cached_mongo, "_PAGE", 2)
    keys = [warm(a=number) for number in range(5)]
    assert twin("end", engine, {}) == 5
    assert [twin.data(key) for key in keys] == [{}] * 5


def test_one_that_gets_a_new_key_while_it_is_ended_is_ended(twin, engine, monkeypatch):
    keys = [twin.saved(_auth_user_id="1").session_key]
    end = mongo.SessionStore.end.__func__

    def overtaken(cls, filter):
        if len(keys) == 1:
            session = engine(keys[0])
            session.cycle_key()
            keys.append(session.session_key)
        return end(cls, filter)

    monkeypatch.setattr(mongo.SessionStore, "end", classmethod(overtaken))
    twin("end", engine, {"user": "1"})
    assert [twin.data(key) for key in keys] == [{}, {}]


def test_one_that_matches_no_more_when_it_is_to_be_ended_lives_on(twin, engine, monkeypatch):
    key = twin.saved(_auth_user_id="1").session_key
    end = mongo.SessionStore.end.__func__

    def overtaken(cls, filter):
        engine.get_repository().update_many({}, {"$set": {"user": "2"}})
        return end(cls, filter)

    monkeypatch.setattr(mongo.SessionStore, "end", classmethod(overtaken))
    assert twin("end", engine, {"user": "1"}) == 0
    assert twin.data(key) == {"_auth_user_id": "1"}


@contextmanager
def at_the_server(monkeypatch, seam, overlapping):
    """While somebody is between the server's answer and the next step, call a function."""
    original = getattr(mongo.SessionStore, seam)
    waiting = [overlapping]

    def slow(self, *args):
        result = original(self, *args)
        if waiting:
            waiting.pop()()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(mongo.SessionStore, seam, slow)
        yield
    assert not waiting


def test_who_fills_the_cache_late_brings_no_session_back(twin, engine, monkeypatch):
    key = twin.saved(a=1).session_key
    with at_the_server(monkeypatch, "_find", lambda: engine(key).delete()):
        assert twin.data(key) == {"a": 1}
    assert twin.data(key) == {}


def test_who_fills_the_cache_late_loses_no_save(twin, engine, monkeypatch):
    key = twin.saved(a=1).session_key
    other = twin.store(key, b=2)
    cache.clear()
    with at_the_server(monkeypatch, "_find", lambda: other.save()):
        assert twin.data(key) == {"a": 1}
    assert twin.data(key) == {"a": 1, "b": 2}


def test_who_reads_between_two_saves_that_overlap_loses_neither(twin, engine, monkeypatch):
    key = twin.saved(a=1).session_key
    one, other = twin.store(key, b=2), twin.store(key, c=3)

    def overlapping():
        other.save()
        dict(engine(key).items())

    with at_the_server(monkeypatch, "_update", overlapping):
        twin("save", one)
    assert twin.data(key) == {"a": 1, "b": 2, "c": 3}


def test_expired_is_refused_although_it_is_in_the_cache(twin, warm, monkeypatch):
    key = warm(a=1)
    later = timezone.now() + timedelta(days=15)
    monkeypatch.setattr(timezone, "now", lambda: later)
    with CaptureCommands() as sent:
        assert twin.data(key) == {}
    assert sent.names == []


def test_no_key_is_in_the_cache(warm, settings):
    key = warm(a="plain")
    assert "plain" in held()
    assert key not in held()
    assert settings.SECRET_KEY not in held()


def test_what_is_encrypted_at_rest_is_encrypted_in_the_cache(twin, warm, settings):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = ["a" * 43]
    key = warm(a="plain")
    assert "sealed" in held()
    assert "plain" not in held()
    assert twin.data(key) == {"a": "plain"}


def test_made_up_keys_leave_nothing_in_the_cache(twin, engine):
    before = held()
    assert twin.data("k" * 32) == {}
    assert held() == before


def test_a_change_of_the_secret_changes_nothing(twin, warm, settings):
    key = warm(a=1)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    twin("save", twin.store(key, b=2))
    assert twin.data(key) == {"a": 1, "b": 2}
    twin("delete", twin.store(key))
    assert twin.data(key) == {}


def test_replicas_are_not_asked(engine, settings, db):
    settings.MONGO_SESSION_READ_PREFERENCE = "secondary"
    settings.MONGO_SESSION_WRITE_CONCERN = 3
    assert engine.get_repository().collection.read_preference == ReadPreference.PRIMARY


def test_without_the_cache_everything_works(twin, engine, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": f"{KINDS}.Down"}}
    session = twin.saved(a=1)
    assert twin.data(session) == {"a": 1}
    twin("__setitem__", session, "b", 2)
    twin("save", session)
    assert twin.data(session) == {"a": 1, "b": 2}
    assert twin("end", engine, {}) == 1
    assert twin.data(session) == {}


def test_an_alias_that_is_not_there(engine, settings):
    settings.SESSION_CACHE_ALIAS = "fast"
    with pytest.raises(ImproperlyConfigured, match="SESSION_CACHE_ALIAS is 'fast'"):
        engine()


# In every order: with the server


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["delete", "flush", "cycle_key", "end"])
def test_in_some_orders_whoever_reads_after_a_write_has_returned_sees_it(engine, monkeypatch, end):
    called = SafeCache._called
    monkeypatch.setattr(SafeCache, "_called", lambda self, *args: step() or called(self, *args))
    for seam in ("_find", "_update", "_take"):
        original = getattr(mongo.SessionStore, seam)
        monkeypatch.setattr(
            mongo.SessionStore,
            seam,
            lambda self, *args, original=original: step() or original(self, *args),
        )

    def make():
        session = engine()
        session["_auth_user_id"] = "1"
        session.save()
        key = session.session_key
        returned, ending = set(), []

        def check():
            data = dict(engine(key).items())
            if data:
                assert returned <= data.keys()
                assert ending != ["begun", "returned"]
            else:
                assert ending

        def save(name):
            store = engine(key)
            store[name] = 1
            try:
                store.save()
            except UpdateError:
                return
            returned.add(name)

        def log_out():
            ending.append("begun")
            if end == "end":
                engine.end({"user": "1"})
            else:
                getattr(engine(key), end)()
            ending.append("returned")

        functions = [lambda: save("a"), lambda: save("b"), log_out, lambda: engine(key).load()]
        return [Process(function) for function in functions], check

    some_orders(make, 15)


# Transactions


@pytest.mark.needs("transactions")
def test_what_is_rolled_back_was_never_in_the_cache(engine, db):
    key = stored(engine)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        saved_in_block(engine, key)
        assert dict(engine(key).items()) == {"a": 1, "b": 2}
        raise ZeroDivisionError
    assert dict(engine(key).items()) == {"a": 1}
    assert dict(engine(key).items()) == {"a": 1}


@pytest.mark.needs("transactions")
def test_what_is_committed_is_seen_at_once(engine, db):
    key = stored(engine)
    with transaction.atomic():
        saved_in_block(engine, key)
        assert elsewhere(lambda: dict(engine(key).items())) == {"a": 1}
    assert dict(engine(key).items()) == {"a": 1, "b": 2}


@pytest.mark.needs("transactions")
def test_a_log_out_in_a_transaction_is_seen_when_it_is_committed(engine, db):
    key = stored(engine)
    with transaction.atomic():
        engine(key).flush()
        assert elsewhere(lambda: dict(engine(key).items())) == {"a": 1}
    assert dict(engine(key).items()) == {}


@pytest.mark.needs("transactions")
def test_what_a_transaction_reads_is_not_kept(engine, db):
    session = engine()
    session["a"] = 1
    session.save()
    with transaction.atomic():
        assert dict(engine(session.session_key).items()) == {"a": 1}
        assert held() == repr(type(caches["default"]._cache)())


@pytest.mark.needs("transactions")
async def test_on_an_event_loop(engine, db):
    key = await astored(engine)
    with pytest.raises(ZeroDivisionError):
        async with aatomic():
            store = engine(key)
            await store.aset("b", 2)
            await store.asave()
            raise ZeroDivisionError
    assert dict(await engine(key).aitems()) == {"a": 1}
    async with aatomic():
        await engine(key).aflush()
    assert dict(await engine(key).aitems()) == {}


def stored(engine):
    session = engine()
    session["a"] = 1
    session.save()
    assert dict(engine(session.session_key).items()) == {"a": 1}
    return session.session_key


async def astored(engine):
    session = engine()
    await session.aset("a", 1)
    await session.asave()
    assert dict(await engine(session.session_key).aitems()) == {"a": 1}
    return session.session_key


def saved_in_block(engine, key):
    store = engine(key)
    store["b"] = 2
    store.save()


def elsewhere(function):
    """What a function gives in another thread, so outside of the transaction."""
    result = []

    def run():
        try:
            result.append(function())
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return result[0]
