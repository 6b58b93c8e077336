"""A session engine over one collection; what is stored is decided in `..record`."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.utils import timezone
from django.utils.crypto import get_random_string

from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.repository import Repository

from .. import record
from ..conf import conf, refuse_pickle

__all__ = ["SessionStore"]

_GONE = "The session was deleted or has expired, so it cannot be saved."

# What a serializer raises over text that it did not write, as after a change of the setting.
_UNREADABLE = (ValueError, TypeError, LookupError)


class SessionStore(SessionBase):
    """Sessions in MongoDB: nothing lost, nothing resurrected, no key in plain text.

    A save writes the keys that changed since loading, so that requests which overlap and change
    different keys both survive; of those that change one key, the last wins. `clear()`, `flush()`
    and `cycle_key()` win over all of them. A save never creates: over a session that was deleted
    or has expired it raises UpdateError.
    """

    def __init__(self, session_key: str | None = None) -> None:
        refuse_pickle(settings.SESSION_SERIALIZER)
        super().__init__(session_key)
        # The data as it was read or last written; None: unknown, so all of it will be replaced.
        self._stored: record.Stored | None = None

    @classmethod
    def get_repository(cls) -> Repository:
        """The repository of the collection that holds the sessions."""
        return Repository(conf.collection, using=conf.alias)

    def load(self) -> dict[str, Any]:
        """The session's data; empty, and the key forgotten, if it is unknown or has expired."""
        if self.session_key is None:
            return {}
        return self._from_document(self.get_repository().find_one(self._live()))

    async def aload(self) -> dict[str, Any]:
        """See load()."""
        if self.session_key is None:
            return {}
        return self._from_document(await self.get_repository().afind_one(self._live()))

    def exists(self, session_key: str | None) -> bool:
        """Whether the session is stored, be it expired or not."""
        if not session_key:
            return False
        return self.get_repository().exists(self._filter(session_key))

    async def aexists(self, session_key: str | None) -> bool:
        """See exists()."""
        if not session_key:
            return False
        return await self.get_repository().aexists(self._filter(session_key))

    def create(self) -> None:
        """Store this session's data under a new key, which is unique."""
        while True:
            self._set_random_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    async def acreate(self) -> None:
        """See create()."""
        while True:
            self._set_random_key()
            try:
                await self.asave(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Write what changed; CreateError if a new key is taken, UpdateError if none is there."""
        if self.session_key is None:
            return self.create()
        data = self._encoded(self._get_session(no_load=must_create))
        if must_create:
            document = self._document(data, self.get_expiry_date())
            try:
                self.get_repository().insert_one(document)
            except DuplicateKeyError as exc:
                raise CreateError from exc
        else:
            update = record.changes(self._stored, data, self.get_expiry_date())
            self._require_match(self.get_repository().update_one(self._live(), update))
        self._stored = data

    async def asave(self, must_create: bool = False) -> None:
        """See save()."""
        if self.session_key is None:
            return await self.acreate()
        data = self._encoded(await self._aget_session(no_load=must_create))
        if must_create:
            document = self._document(data, await self.aget_expiry_date())
            try:
                await self.get_repository().ainsert_one(document)
            except DuplicateKeyError as exc:
                raise CreateError from exc
        else:
            update = record.changes(self._stored, data, await self.aget_expiry_date())
            self._require_match(await self.get_repository().aupdate_one(self._live(), update))
        self._stored = data

    def delete(self, session_key: str | None = None) -> None:
        """Delete this session, or the one given; one that is not there is no error."""
        if session_key is None:
            session_key = self.session_key
        if session_key is not None:
            self.get_repository().delete_one(self._filter(session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        """See delete()."""
        if session_key is None:
            session_key = self.session_key
        if session_key is not None:
            await self.get_repository().adelete_one(self._filter(session_key))

    def clear(self) -> None:
        """Forget all data: what is saved next replaces everything, also what others wrote."""
        super().clear()
        self._stored = None

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has expired, for servers without TTL; elsewhere the server sweeps itself."""
        cls.get_repository().delete_many(record.expired(timezone.now()))

    @classmethod
    async def aclear_expired(cls) -> None:
        """See clear_expired()."""
        await cls.get_repository().adelete_many(record.expired(timezone.now()))

    # The steps that both twins share; none of them reaches the server.

    def _set_random_key(self) -> None:
        # No look whether it is free, as SessionBase does: the insert finds out, in one command.
        self._session_key = get_random_string(32, VALID_KEY_CHARS)

    def _ids(self, session_key: str) -> list[str]:
        return record.session_ids(
            session_key, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        )

    def _filter(self, session_key: str) -> dict[str, Any]:
        return record.with_id(self._ids(session_key))

    def _live(self) -> dict[str, Any]:
        if self.session_key is None:  # it was forgotten by load(), on the way to a save
            raise UpdateError(_GONE)
        return record.live(self._ids(self.session_key), timezone.now())

    def _document(self, data: record.Stored, expire_date: Any) -> dict[str, Any]:
        return record.insertable(self._ids(self.session_key)[0], data, expire_date)

    def _encoded(self, data: dict[str, Any]) -> record.Stored:
        return record.encoded(data, self.serializer())

    def _from_document(self, document: dict[str, Any] | None) -> dict[str, Any]:
        if document is None:
            self._session_key = None
            return {}
        data = record.stored(document)
        # Only what became this object's data may be compared with when saving: load() called
        # once more, by hand, changes nothing here.
        if not hasattr(self, "_session_cache"):
            self._stored = data
        try:
            return record.decoded(data, self.serializer())
        except _UNREADABLE:
            logger = logging.getLogger("django.security.SuspiciousSession")
            logger.warning("Session data corrupted")
            return {}

    @staticmethod
    def _require_match(result: Any) -> None:
        if not result.matched_count:
            raise UpdateError(_GONE)
