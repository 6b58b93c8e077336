"""The session engine that reads through Django's cache; how is decided in `..copies`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from pymongo import ReadPreference

from mongo_contrib.db import get_connection
from mongo_contrib.db.clients import codec_options
from mongo_contrib.repository import Repository

from .. import record
from ..caches import SafeCache, get_cache
from ..collection import repository_options
from ..conf import conf
from ..copies import Copies
from . import mongo

__all__ = ["SessionStore"]

R = TypeVar("R")

# Every load needs them.
_codec_options = cache(codec_options)

# How many sessions end() ends at once: with their entries in the cache a message of about 100 KB.
_PAGE = 500


class SessionStore(mongo.SessionStore):
    """Sessions in MongoDB, read through the cache of SESSION_CACHE_ALIAS.

    It keeps every promise of the engine without a cache: what a save, a deletion or end() has
    done before it returned is what every process reads that uses the same cache. A session that
    is in the cache is read without asking MongoDB.

    Inside `atomic()` the cache is not used, and others use it again after the commit.
    """

    def __init__(self, session_key: str | None = None) -> None:
        get_cache(settings.SESSION_CACHE_ALIAS)  # or raise what is wrong with it
        super().__init__(session_key)

    @classmethod
    def get_repository(cls) -> Repository:
        """See the parent; MONGO_SESSION_READ_PREFERENCE does not count.

        What a secondary has not heard of yet would stay in the cache as if it were the truth.
        """
        if conf.read_preference == ReadPreference.PRIMARY:
            return super().get_repository()
        options = {**repository_options(), "read_preference": ReadPreference.PRIMARY}
        return Repository(conf.collection, **options)

    @classmethod
    def end(cls, filter: Mapping[str, Any]) -> int:
        """See the parent. What matches is looked for first, for the cache knows ids only."""
        repository = cls.get_repository()
        ended, overtaken = 0, True
        while overtaken:
            overtaken = False
            found = (document["_id"] for document in repository.find(filter, {"_id": 1}))
            for ids in _pages(found):
                among = {"$and": [record.with_id(ids), filter]}
                number = cls._write(ids, partial(super().end, among), ends=True)
                ended += number
                # One that has got a new name meanwhile is to be found under that.
                overtaken = overtaken or number < len(ids)
        return ended

    def _find(self, ids: list[str]) -> dict[str, Any] | None:
        if self._in_transaction():
            # It sees what is not committed, and may not see what others have committed.
            return super()._find(ids)
        now = record.utc_now()
        return self._copies().find(ids, partial(super()._find, ids), now)

    def _update(self, ids: list[str], update: dict[str, Any]) -> bool:
        return self._write(ids, partial(super()._update, ids, update), ends=False)

    def _take(self, ids: list[str]) -> dict[str, Any] | None:
        return self._write(ids, partial(super()._take, ids), ends=True)

    # A new session needs no step: its key is new, so nothing is in the cache under it.

    @classmethod
    def _write(cls, ids: list[str], write: Callable[[], R], *, ends: bool) -> R:
        """Write to the sessions of these ids, and let no copy of what they were count."""
        on_commit = None
        if cls._in_transaction():
            on_commit = partial(transaction.on_commit, using=conf.alias)
        return cls._copies().write(ids, write, ends=ends, on_commit=on_commit)

    @classmethod
    def _copies(cls) -> Copies:
        return Copies(
            SafeCache(get_cache(settings.SESSION_CACHE_ALIAS)),
            timeout=conf.cache_timeout,
            codec_options=_codec_options(settings.USE_TZ),
        )

    @staticmethod
    def _in_transaction() -> bool:
        return get_connection(conf.alias).in_atomic_block


def _pages(ids: Iterable[str]) -> Iterator[list[str]]:
    ids = iter(ids)
    while page := list(islice(ids, _PAGE)):
        yield page
