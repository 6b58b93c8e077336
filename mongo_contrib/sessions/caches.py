"""Django's cache from both worlds, and one whose failure is nobody's error."""

import logging
import re
import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache, InvalidCacheBackendError
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.bridge import in_thread, on_loop, wait

__all__ = ["SafeCache", "get_cache", "unheard_in"]

# They wait for nothing, so there is nothing to do meanwhile.
_IN_MEMORY = (LocMemCache, DummyCache)

logger = logging.getLogger("mongo_contrib.sessions")

# A cache that is down fails at every request; saying so at each would fill the log.
_SILENCE_SECONDS = 60
_last_warning = -float(_SILENCE_SECONDS)


def get_cache(alias: str) -> BaseCache:
    """Return the cache of settings.SESSION_CACHE_ALIAS."""
    try:
        return caches[alias]
    except InvalidCacheBackendError as exc:
        if alias in settings.CACHES:
            found = f"a cache that cannot be made: {exc}"
        else:
            found = f"which is not in CACHES; it has: {sorted(settings.CACHES)}."
        raise ImproperlyConfigured(f"SESSION_CACHE_ALIAS is {alias!r}, {found}") from exc


def unheard_in(alias: str) -> str | None:
    """Why what one process says to a cache may not be heard by all others; None if it is."""
    cache = get_cache(alias)
    if isinstance(cache, LocMemCache):
        return "is a cache in the memory of each process, so it is right for a single process only"
    if isinstance(cache, DatabaseCache):
        return "is a cache in SQL, where a transaction that is rolled back takes back what it said"
    if isinstance(cache, RedisCache) and len(_servers(alias)) > 1:
        return "is read from replicas, which hear of a change a moment late"
    return None


def _servers(alias: str) -> list[str]:
    location = settings.CACHES[alias].get("LOCATION") or ""
    return re.split("[;,]", location) if isinstance(location, str) else list(location)


class SafeCache:
    """A Django cache whose errors are logged and then not seen: what it holds can be read again.

    Inside of `mongo_contrib.bridge.native` no verb blocks the event loop.
    """

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache

    def get_many(self, keys: list[str]) -> dict[str, Any] | None:
        """Return what there is; None if the cache fails."""
        return self._call("get_many", keys)

    def add(self, key: str, value: str, timeout: int) -> bool:
        """Return whether it was stored, so whether there was none."""
        return bool(self._call("add", key, value, timeout))

    def set(self, key: str, value: bytes, timeout: int) -> None:
        """Store a value."""
        self._call("set", key, value, timeout)

    def set_many(self, data: dict[str, str], timeout: int) -> None:
        """Store values, or at least let no older ones be there."""
        if failed := self._call("set_many", data, timeout):
            self.delete_many(list(failed))

    def delete_many(self, keys: list[str]) -> None:
        """Delete what there is."""
        self._call("delete_many", keys)

    def _call(self, verb: str, *args: Any) -> Any:
        try:
            return self._called(verb, *args)
        except Exception as exc:
            # Each backend raises the errors of its own driver, which have no class in common.
            _warn(verb, exc)
            return None

    def _called(self, verb: str, *args: Any) -> Any:
        function = getattr(self._cache, verb)
        if not on_loop() or isinstance(self._cache, _IN_MEMORY):
            return function(*args)
        twin = getattr(self._cache, f"a{verb}")
        if getattr(twin, "__func__", None) is getattr(BaseCache, f"a{verb}"):
            # Not native: Django would call it in a thread, too, but before 6.1 once for each key.
            return in_thread(function, *args)
        return wait(twin(*args))


def _warn(verb: str, exc: Exception) -> None:
    global _last_warning
    if time.monotonic() - _last_warning >= _SILENCE_SECONDS:
        _last_warning = time.monotonic()
        logger.warning(
            "The cache of the sessions fails (%s: %s: %s), so they are read from MongoDB. A copy "
            "that it still holds may be out of date, for at most MONGO_SESSION_CACHE_TIMEOUT.",
            verb,
            type(exc).__name__,
            exc,
        )
