"""Django's private API that sessions lean on: one test each, so that a new Django tells.

What the engine of databases and documents lean on is tested beside them, in
tests/db/test_django_contract.py and tests/documents/test_django_contract.py.
"""

import asyncio
import json
from functools import partial
from inspect import iscoroutinefunction

import pytest
from django.contrib.auth import SESSION_KEY, login
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.signing import JSONSerializer
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.crypto import salted_hmac
from django.utils.deprecation import MiddlewareMixin

from mongo_contrib.auth.models import User
from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.caches import SafeCache
from mongo_contrib.sessions.record import session_ids

KEY = "k" * 32


class Store(SessionBase):
    """Notes what is asked of an engine, and whether there is data by then."""

    def __init__(self, session_key=None):
        super().__init__(session_key)
        self.asked = []

    def note(self, verb):
        self.asked.append((verb, hasattr(self, "_session_cache")))

    def load(self):
        self.note("load")
        return {"a": 1}

    async def aload(self):
        return self.load()

    def save(self, must_create=False):
        self.note("save")

    def delete(self, session_key=None):
        self.note("delete")


# The object


def test_what_load_returns_becomes_the_session_cache_which_is_not_there_before():
    store = Store(KEY)
    session = store._get_session()
    assert session is store._session is store._session_cache
    assert store.asked == [("load", False)]
    again = Store(KEY)
    assert asyncio.run(again._aget_session()) is again._session_cache
    assert again.asked == [("load", False)]


def test_without_a_key_or_with_no_load_nothing_is_loaded():
    for store, options in ((Store(), {}), (Store(KEY), {"no_load": True})):
        assert store._get_session(**options) == store._session_cache == {}
        assert store.asked == []


def test_the_session_key_is_set_by_its_private_name_and_one_too_short_is_none():
    store = Store()
    store._session_key = KEY
    assert store.session_key == KEY
    store._session_key = "short"
    assert store.session_key is None


def test_keys_are_32_characters_out_of_those_that_we_draw_from(monkeypatch):
    store = Store()
    monkeypatch.setattr(store, "exists", lambda session_key: False, raising=False)
    key = store._get_new_session_key()
    assert len(key) == 32
    assert set(key) <= set(VALID_KEY_CHARS)


def test_flush_clears_then_deletes_then_forgets_the_key():
    store = Store(KEY)
    store.flush()
    assert store.asked == [("delete", True)]
    assert (store._session_cache, store.session_key) == ({}, None)


def test_djangos_serializer_writes_json_without_spaces():
    value = {"ä": [1, 2.5, None, True, "\ud800"], "nan": float("nan")}
    assert JSONSerializer().dumps(value).decode() == json.dumps(value, separators=(",", ":"))


def test_a_keyed_hash_is_that_of_salted_hmac():
    hashed = salted_hmac("mongo_contrib.sessions", KEY, secret="s", algorithm="sha256")
    assert session_ids(KEY, ["s"]) == [hashed.hexdigest()]


# Logging in


def test_login_keeps_the_text_of_the_primary_key(db):
    user = User.objects.create_user("ann")
    request = RequestFactory().get("/")
    request.session = SessionStore()
    login(request, user)
    assert request.session[SESSION_KEY] == User._meta.pk.value_to_string(user) == str(user.pk)


# The middleware


def test_an_async_middleware_is_called_through_acall(monkeypatch):
    async def get_response(request):
        return HttpResponse()

    async def acall(self, request):
        return "of __acall__"

    monkeypatch.setattr(MiddlewareMixin, "__acall__", acall)
    middleware = SessionMiddleware(get_response)
    assert middleware.async_mode
    assert iscoroutinefunction(get_response)
    assert asyncio.run(middleware(RequestFactory().get("/"))) == "of __acall__"


def changed(error=None):
    """A request whose session was changed; saving it may raise."""

    class Changed(Store):
        def save(self, must_create=False):
            super().save()
            if error:
                raise error

    request = RequestFactory().get("/")
    request.session = Changed(KEY)
    request.session["b"] = 2
    return request


@pytest.fixture
def middleware():
    return SessionMiddleware(lambda request: HttpResponse())


def test_the_middleware_makes_the_session_with_its_own_attribute(middleware):
    middleware.SessionStore = Store
    request = RequestFactory().get("/")
    request.COOKIES["sessionid"] = KEY
    assert middleware.process_request(request) is None
    assert type(request.session) is Store
    assert request.session.session_key == KEY


def test_what_has_interrupted_a_save_is_the_context_of_the_error(middleware):
    error = UpdateError("gone")
    with pytest.raises(SessionInterrupted) as raised:
        middleware.process_response(changed(error), HttpResponse())
    assert raised.value.__context__ is error


def test_any_other_error_of_a_save_comes_as_it_is(middleware):
    error = LookupError()
    with pytest.raises(LookupError) as raised:
        middleware.process_response(changed(error), HttpResponse())
    assert raised.value is error


@pytest.mark.parametrize(("status", "saves"), [(200, 1), (404, 1), (500, 0), (503, 0)])
def test_after_an_error_of_the_server_nothing_is_saved(middleware, status, saves):
    request = changed()
    middleware.process_response(request, HttpResponse(status=status))
    assert [verb for verb, _ in request.session.asked].count("save") == saves


# The cache


@pytest.mark.parametrize("verb", ["get_many", "add", "set", "set_many", "delete_many"])
def test_a_cache_without_async_verbs_has_those_of_its_base(verb):
    """By that we see which cache would be asked in a thread."""
    assert callable(getattr(SafeCache, verb))
    assert iscoroutinefunction(getattr(BaseCache, f"a{verb}"))
    assert getattr(LocMemCache, f"a{verb}") is getattr(BaseCache, f"a{verb}")


def test_a_cache_that_cannot_be_made_is_an_invalid_cache_backend(settings):
    settings.CACHES = {"broken": {"BACKEND": "nowhere.Cache"}}
    for alias in ("broken", "unknown"):
        with pytest.raises(InvalidCacheBackendError):
            caches[alias]


def test_redis_is_read_from_the_servers_behind_the_first():
    cache = RedisCache("redis://a,redis://b;redis://c", {})
    assert cache._servers == ["redis://a", "redis://b", "redis://c"]
    # Without the library there is no client; it has the servers under the same name.
    index = partial(cache._class._get_connection_pool_index, cache)
    assert index(write=True) == 0
    assert {index(write=False) for _ in range(100)} <= {1, 2}
