"""Which cache it is, and what happens when it fails."""

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.bridge import native
from mongo_contrib.sessions import caches as ours
from mongo_contrib.sessions.caches import SafeCache, get_cache
from mongo_contrib.sessions.checks import check_settings
from tests.hops import no_thread_hop

KINDS = "tests.sessions.cachekinds"
BACKENDS = "django.core.cache.backends"


@pytest.fixture
def use(settings):
    """`use("dummy.DummyCache")` makes it the cache of the sessions."""

    def use(backend, **options):
        package = KINDS if "." not in backend else BACKENDS
        settings.CACHES = {"default": {"BACKEND": f"{package}.{backend}", **options}}
        return SafeCache(get_cache("default"))

    return use


@pytest.fixture
def unheard(monkeypatch):
    """No failure has been told yet."""
    monkeypatch.setattr(ours, "_last_warning", float("-inf"))


def every_verb(cache):
    assert cache.get_many(["a", "b"]) == {}
    assert cache.add("a", "1", 60)
    assert not cache.add("a", "2", 60)
    cache.set("b", b"3", 60)
    assert cache.get_many(["a", "b"]) == {"a": "1", "b": b"3"}
    cache.set_many({"a": "4"}, 60)
    cache.delete_many(["b"])
    assert cache.get_many(["a", "b"]) == {"a": "4"}
    cache.delete_many(["a"])


def test_every_verb(use):
    every_verb(use("locmem.LocMemCache"))


async def test_every_verb_of_a_cache_without_async_of_its_own(use, tmp_path):
    await native(every_verb, use("filebased.FileBasedCache", LOCATION=str(tmp_path)))


async def test_every_verb_of_a_cache_that_is_native(use, db):
    async with no_thread_hop():
        await native(every_verb, use("Native", LOCATION="every verb"))


async def test_a_cache_in_memory_needs_no_thread(use, db):
    async with no_thread_hop():
        await native(every_verb, use("locmem.LocMemCache", LOCATION="every verb"))


async def test_a_cache_in_a_thread_is_asked_once_for_all_keys(use):
    cache = use("Counting")
    caches["default"].asked.clear()
    await native(cache.get_many, ["a", "b"])
    assert caches["default"].asked == ["get_many"]


def test_what_could_not_be_set_is_not_left_as_it_was(use, monkeypatch):
    cache = use("locmem.LocMemCache")
    cache.set("a", b"old", 60)
    # As Memcached answers, which keeps the old value.
    monkeypatch.setattr(type(caches["default"]), "set_many", lambda *args: ["a"])
    cache.set_many({"a": "new"}, 60)
    assert cache.get_many(["a"]) == {}


def test_a_cache_that_is_down_is_an_empty_one_and_said_once(use, unheard, caplog):
    cache = use("Down")
    assert cache.get_many(["a"]) is None
    assert cache.add("a", "1", 60) is False
    cache.set("a", b"1", 60)
    cache.set_many({"a": "1"}, 60)
    cache.delete_many(["a"])
    (warning,) = caplog.records
    assert warning.name == "mongo_contrib.sessions"
    assert "(get_many: ConnectionRefusedError: nobody is listening)" in warning.getMessage()


def test_a_cache_that_is_down_is_said_again_after_a_minute(use, unheard, caplog, monkeypatch):
    cache = use("Down")
    cache.get_many(["a"])
    monkeypatch.setattr(ours, "_last_warning", ours._last_warning - 60)
    cache.get_many(["a"])
    assert len(caplog.records) == 2


def test_an_alias_that_is_not_there():
    with pytest.raises(
        ImproperlyConfigured,
        match=r"SESSION_CACHE_ALIAS is 'fast', which is not in CACHES; it has: \['default'\].",
    ):
        get_cache("fast")


def test_a_cache_that_cannot_be_made(settings):
    settings.CACHES = {"default": {"BACKEND": "nowhere.Cache"}}
    with pytest.raises(ImproperlyConfigured, match="'default', a cache that cannot be made"):
        get_cache("default")


# Checks


@pytest.fixture
def checked(settings):
    settings.SESSION_ENGINE = "mongo_contrib.sessions.backends.cached_mongo"

    def checked():
        return [message.id for message in check_settings(None)]

    return checked


@pytest.mark.parametrize(
    ("backend", "location", "expected"),
    [
        ("locmem.LocMemCache", "", ["mongo_sessions.W004"]),
        ("db.DatabaseCache", "table", ["mongo_sessions.W004"]),
        ("redis.RedisCache", ["redis://leader", "redis://replica"], ["mongo_sessions.W004"]),
        ("redis.RedisCache", "redis://leader;redis://replica", ["mongo_sessions.W004"]),
        ("redis.RedisCache", "redis://alone", []),
        ("dummy.DummyCache", "", []),
    ],
)
def test_a_cache_of_which_not_all_hear_everything(use, checked, backend, location, expected):
    use(backend, LOCATION=location)
    assert checked() == expected


def test_a_check_of_the_alias(checked, settings):
    settings.SESSION_CACHE_ALIAS = "fast"
    assert checked() == ["mongo_sessions.E019"]


def test_the_other_engine_needs_no_cache(checked, settings):
    settings.SESSION_ENGINE = "mongo_contrib.sessions.backends.mongo"
    settings.SESSION_CACHE_ALIAS = "fast"
    assert checked() == []
