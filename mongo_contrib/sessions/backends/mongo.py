"""A session engine over one collection; what is stored is decided in `..record`."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    UpdateError,
)
from django.utils.crypto import get_random_string

from mongo_contrib.bridge import native
from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.repository import Repository

from .. import formats, limits, record
from ..collection import session_repository
from ..conf import ANONYMOUS, conf
from ..exceptions import SessionUnavailable, asking_server
from ..known import GONE, UNKNOWN, Known
from ..renaming import Renaming
from ..serializers import refuse_pickle

__all__ = ["SessionStore"]

logger = logging.getLogger("mongo_contrib.sessions")


class SessionStore(Renaming):
    """Sessions in MongoDB: nothing lost, nothing resurrected, no key in plain text.

    A save writes the keys that changed since loading, so that requests which overlap and change
    different keys both survive; of those that change one key, the last wins. `clear()`, `flush()`
    and `cycle_key()` win over all of them. A save never creates: over a session that was deleted
    or has expired it raises UpdateError.

    Each `a...` twin is native: it awaits pymongo's async driver on the loop's own thread.
    """

    #: Who visits: has `recorded()`, what to keep of it (`..visitors`); the middleware sets it.
    visitor: Any = None
    #: The id of the user whose log-in the last save has written, else None.
    logged_in: str | None = None
    #: Whether the session could not be read since no server was there.
    unreachable = False

    def __init__(self, session_key: str | None = None) -> None:
        refuse_pickle(settings.SESSION_SERIALIZER)
        super().__init__(session_key)
        self._known = Known()

    @classmethod
    def get_repository(cls) -> Repository:
        """The repository of the collection that holds the sessions."""
        return session_repository()

    # The contract of SessionBase

    def load(self) -> dict[str, Any]:
        """The session's data; empty, and the key forgotten, if it is unknown or has expired.

        Without a server: SessionUnavailable, or an empty session, as
        MONGO_SESSION_WHEN_UNREACHABLE says.
        """
        if self.session_key is None:
            return {}
        self.unreachable = False
        try:
            document = self._find(self._ids(self.session_key))
        except SessionUnavailable as exc:
            self.unreachable = True
            if conf.when_unreachable != ANONYMOUS:
                raise
            logger.warning("A session could not be read: %s", exc)
            return {}
        return self._from_document(document)

    async def aload(self) -> dict[str, Any]:
        """See load()."""
        return await native(self.load)

    def exists(self, session_key: str | None) -> bool:
        """Whether the session is stored, be it expired or not."""
        if not session_key:
            return False
        return self.get_repository().exists(record.with_id(self._ids(session_key)))

    async def aexists(self, session_key: str | None) -> bool:
        """See exists()."""
        return await native(self.exists, session_key)

    def is_empty(self) -> bool:
        """Whether there is neither a key nor data; a session that can't be read is not empty."""
        return not self.unreachable and super().is_empty()

    def create(self) -> None:
        """Store this session's data under a new key, which is unique."""
        self._create()

    async def acreate(self) -> None:
        """See create()."""
        await native(self.create)

    def save(self, must_create: bool = False) -> None:
        """Write what changed; CreateError if a new key is taken, UpdateError if none is there.

        SessionTooLarge if the data is over MONGO_SESSION_MAX_SIZE, SessionLimitReached if the
        user may have no more sessions; then nothing is written.
        """
        if self.session_key is None:
            return self.create()
        self._save(must_create)

    async def asave(self, must_create: bool = False) -> None:
        """See save()."""
        await native(self.save, must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        """See delete(), in `..renaming`."""
        await native(self.delete, session_key)

    def clear(self) -> None:
        """Forget all data: what is saved next replaces everything, also what others wrote."""
        super().clear()
        self._known.data = None

    def flush(self) -> None:
        """End this session; what is written after that is a new one."""
        super().flush()
        self._known = Known()
        self.unreachable = False

    async def aflush(self) -> None:
        """See flush()."""
        await native(self.flush)

    async def acycle_key(self) -> None:
        """See cycle_key(), in `..renaming`."""
        await native(self.cycle_key)

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has expired, for servers without TTL; elsewhere the server sweeps itself."""
        cls.get_repository().delete_many(record.expired(record.utc_now()))

    @classmethod
    async def aclear_expired(cls) -> None:
        """See clear_expired()."""
        await native(cls.clear_expired)

    # Beyond it

    @property
    def session_id(self) -> str | None:
        """What listings call this session: a keyed hash of its key, which opens nothing."""
        if self.session_key is None:
            return None
        return self._known.id or self._ids(self.session_key)[0]

    @property
    def user_id(self) -> str | None:
        """The id of the user who is logged in, as it was read or last written."""
        return self._known.about.get("user")

    def touch(self) -> None:
        """Note that the user was seen, at most once in MONGO_SESSION_LAST_SEEN_INTERVAL.

        A session that has ended meanwhile is no error: who is not there can't be seen.
        """
        about = self._sighting()
        if about and self._update(self._own_ids(), {"$set": about}):
            self._known.about.update(about)

    async def atouch(self) -> None:
        """See touch()."""
        await native(self.touch)

    @classmethod
    def end(cls, filter: Mapping[str, Any]) -> int:
        """End all sessions that match a filter in MQL, at once; return how many there were."""
        return cls.get_repository().delete_many(filter)

    @classmethod
    async def aend(cls, filter: Mapping[str, Any]) -> int:
        """See end()."""
        return await native(cls.end, filter)

    # The only steps that reach the server, for an engine that keeps copies elsewhere.

    @cached_property
    def _sessions(self) -> Repository:
        return self.get_repository()

    def _find(self, ids: list[str]) -> dict[str, Any] | None:
        """The stored session, unless it has expired."""
        with asking_server:
            return self._sessions.find_one(record.live(ids, record.utc_now()))

    def _insert(self, document: dict[str, Any]) -> None:
        with asking_server:
            self._sessions.insert_one(document)

    def _update(self, ids: list[str], update: dict[str, Any]) -> bool:
        """Update the session, unless it has expired; return whether it is there."""
        live = record.live(ids, record.utc_now())
        with asking_server:
            return bool(self._sessions.update_one(live, update).matched_count)

    def _take(self, ids: list[str]) -> dict[str, Any] | None:
        """Delete the session, be it expired or not; return what it was."""
        with asking_server:
            return self._sessions.find_one_and_delete(record.with_id(ids))

    # Saving

    def _create(self, about: Mapping[str, Any] | None = None) -> None:
        before = self._session_key, self._known
        while True:
            # No look whether it is free, as SessionBase does: the insert finds out.
            self._session_key = get_random_string(32, VALID_KEY_CHARS)
            self._known = Known()
            try:
                self._save(True, about)
            except CreateError:
                continue
            except BaseException:
                self._session_key, self._known = before
                raise
            self.modified = True
            return

    def _save(self, must_create: bool, about: Mapping[str, Any] | None = None) -> None:
        """Write the session; `about` is what it is beside its data where that is known."""
        # As it is now: while the server is asked, who shares this object may go on changing it.
        session = dict(self._get_session(no_load=must_create))
        self._refuse_unknown()
        data, before = self._encoded(session), self._known.data
        write = self._insert_data if must_create else self._update_data
        user_id = session.get(SESSION_KEY)
        user_id = None if user_id is None else str(user_id)
        self.logged_in = None
        if about is not None and user_id == about.get("user"):
            # Renamed: it is nobody's log-in, and its slot is the old one's until that has ended.
            write(data, {name: value for name, value in about.items() if name != "slot"})
        elif user_id is None:
            write(data, dict.fromkeys(record.OF_USER & self._known.about.keys()))
        elif user_id == self.user_id:
            write(data, self._sighting())
        else:
            login = {"user": user_id, "seen": record.utc_now(), **self._recorded()}
            limits.with_slot(
                self, user_id, self._own_ids(), lambda slot: write(data, {**login, **slot})
            )
            self.logged_in = user_id
        if self._known.data is before:
            self._known.data, self._known.values = data, session
        else:  # another save of this object was done meanwhile
            self._known.doubt(data)

    def _refuse_unknown(self) -> None:
        """Raise SessionUnavailable if the session could not be read: one wait is enough."""
        if self.unreachable:
            raise SessionUnavailable(UNKNOWN)

    def _insert_data(self, data: record.Stored, about: dict[str, Any]) -> None:
        about = {"created": about.get("seen") or record.utc_now(), **about}
        self._known.format = formats.current(self.session_key)
        self._known.id = self._ids(self.session_key)[0]
        document = record.insertable(
            self._known.id, data, self._known.format, self.get_expiry_date(), about
        )
        try:
            self._insert(document)
        except DuplicateKeyError as exc:
            if limits.is_taken(exc):
                raise
            raise CreateError from exc
        self._known.about = about

    def _update_data(self, data: record.Stored, about: dict[str, Any]) -> None:
        expire_date = self.get_expiry_date()
        if self._known.data is None or self._known.format is None:
            self._known.format = formats.current(self.session_key)
            update = record.replacement(data, self._known.format, expire_date, about)
        else:
            update = record.changes(self._known.data, data, self._known.format, expire_date, about)
        try:
            found = self._update(self._own_ids(), update)
        except BaseException:
            self._known.doubt(data)
            raise
        self._require(found)
        known = {**self._known.about, **about}
        self._known.about = {name: value for name, value in known.items() if value is not None}

    def _add(self, about: dict[str, Any]) -> None:
        self._require(self._update(self._own_ids(), {"$set": about}))
        self._known.about.update(about)

    @staticmethod
    def _require(found: bool) -> None:
        if not found:
            raise UpdateError(GONE)

    # Pure steps

    def _ids(self, session_key: str | None) -> list[str]:
        if session_key is None:  # it was forgotten by load(), on the way to a save
            raise UpdateError(GONE)
        return record.session_ids(session_key, conf.secrets)

    def _own_ids(self) -> list[str]:
        return [self._known.id] if self._known.id else self._ids(self.session_key)

    @cached_property
    def _serializer(self) -> record.Serializer:
        serializer: record.Serializer = self.serializer()
        return serializer

    def _encoded(self, session: dict[str, Any]) -> record.Stored:
        known = self._known
        data = record.encoded(session, self._serializer, known.values, known.data or {})
        limits.refuse_too_large(data)
        return data

    def _recorded(self) -> dict[str, Any]:
        return self.visitor.recorded() if self.visitor is not None else {}

    def _sighting(self) -> dict[str, Any]:
        """What to write of the user's being here; nothing if that was done not long ago."""
        seen = self._known.about.get("seen")
        if self.session_key is None or seen is None:
            return {}
        now = record.utc_now()
        if now - record.from_stored(seen) < timedelta(seconds=conf.last_seen_interval):
            return {}
        return {"seen": now, **self._recorded()} if "last_seen" in conf.record else {}

    def _from_document(self, document: dict[str, Any] | None) -> dict[str, Any]:
        if document is None:
            # Without its key, what is at hand of an ended session would be saved as a new one.
            if not hasattr(self, "_session_cache"):
                self._known.lost_key = self.session_key
                self._session_key = None
            return {}
        format = formats.of(document, self.session_key)
        problem, data, session = "", None, None
        try:
            data = format.read(document[format.root])
        except record.UNREADABLE as exc:
            problem = f": {exc}"  # a key that is not in the settings, or a value that was changed
        else:
            with suppress(*record.UNREADABLE):
                session = record.decoded(data, self._serializer)
        # Only what became this object's data may be compared with when saving: load() called
        # once more, by hand, changes nothing here.
        if not hasattr(self, "_session_cache"):
            self._known.id = document["_id"]
            self._known.about = {name: document[name] for name in record.ABOUT if name in document}
            if session is not None:
                self._known.data, self._known.values = data, dict(session)
                self._known.format = format
        if session is None:
            security = logging.getLogger("django.security.SuspiciousSession")
            security.warning("Session data corrupted%s", problem)
            return {}
        return session
