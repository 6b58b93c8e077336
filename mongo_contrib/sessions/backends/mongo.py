"""A session engine over one collection; what is stored is decided in `..record`."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.utils import timezone
from django.utils.crypto import get_random_string

from mongo_contrib.bridge import native
from mongo_contrib.exceptions import DuplicateKeyError, QueryTimeout, ServerUnavailable
from mongo_contrib.repository import Repository

from .. import limits, record
from ..conf import ANONYMOUS, conf, refuse_pickle
from ..exceptions import SessionTooLarge

__all__ = ["SessionStore"]

_GONE = "The session was deleted or has expired, so it cannot be saved."
_UNKNOWN = (
    "The session could not be read, because its server could not be reached; so it is not "
    "written either, or what it holds would be lost."
)

# What a serializer raises over text that it did not write, as after a change of the setting.
_UNREADABLE = (ValueError, TypeError, LookupError)

# For how long ending a renamed session by its old key ends it under the new one, too: longer
# than any request that began before the renaming.
_RENAMED_FOR = timedelta(minutes=10)

logger = logging.getLogger("mongo_contrib.sessions")


class SessionStore(SessionBase):
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
        self._forget()

    def _forget(self) -> None:
        """Know nothing of what is stored."""
        # The data as it was read or last written; None: unknown, so all of it will be replaced.
        self._stored: record.Stored | None = None
        self._form: record.Form | None = None
        #: What the stored session has beside its data.
        self._about: dict[str, Any] = {}
        self._stored_id: str | None = None

    @classmethod
    def get_repository(cls) -> Repository:
        """The repository of the collection that holds the sessions."""
        return Repository(
            conf.collection,
            using=conf.alias,
            read_preference=conf.read_preference,
            write_concern=conf.write_concern,
        )

    # The contract of SessionBase

    def load(self) -> dict[str, Any]:
        """The session's data; empty, and the key forgotten, if it is unknown or has expired.

        Without a server: its error, or an empty session, see MONGO_SESSION_WHEN_UNREACHABLE.
        """
        if self.session_key is None:
            return {}
        self.unreachable = False
        try:
            document = self._find(self._ids(self.session_key))
        except (ServerUnavailable, QueryTimeout) as exc:
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

    def delete(self, session_key: str | None = None) -> None:
        """Delete this session, or the one given; one that is not there is no error.

        Where a request that overlaps has just renamed it, it ends under its new key.
        """
        if session_key is None:
            session_key = self.session_key
        if session_key is not None:
            ids = self._ids(session_key)
            while ids and self._take(ids) is None:
                ids = self._renamed(ids)

    async def adelete(self, session_key: str | None = None) -> None:
        """See delete()."""
        await native(self.delete, session_key)

    def clear(self) -> None:
        """Forget all data: what is saved next replaces everything, also what others wrote."""
        super().clear()
        self._stored = None

    async def aflush(self) -> None:
        """See flush()."""
        await native(self.flush)

    def cycle_key(self) -> None:
        """Give the session a new key, and end it under the old one.

        What others have written until then is kept. If the session of a logged-in user has ended
        meanwhile, it stays ended: UpdateError.
        """
        data = self._session
        old_key, before, about = self.session_key, self._stored, dict(self._about)
        of_user = bool(about.get("user"))
        self._create(about)
        self._session_cache = data
        if not old_key:
            return
        old_ids = self._ids(old_key)
        if of_user:
            self._remember_renaming(old_ids)
        ended = self._take(old_ids)
        if ended is not None and record.from_stored(ended["expire_date"]) > _now():
            if before is not None:
                self._take_over(before, self._read(old_key, ended))
            if "slot" in about:
                limits.with_slot(self, about["user"], self._own_ids(), self._add)
        elif of_user:
            self._take(self._own_ids())
            self._session_key = None
            self._session_cache = {}
            self._forget()
            raise UpdateError(_GONE)

    async def acycle_key(self) -> None:
        """See cycle_key()."""
        await native(self.cycle_key)

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has expired, for servers without TTL; elsewhere the server sweeps itself."""
        cls.get_repository().delete_many(record.expired(timezone.now()))

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
        return self._stored_id or self._ids(self.session_key)[0]

    @property
    def user_id(self) -> str | None:
        """The id of the user who is logged in, as it was read or last written."""
        return self._about.get("user")

    def touch(self) -> None:
        """Note that the user was seen, at most once in MONGO_SESSION_LAST_SEEN_INTERVAL.

        A session that has ended meanwhile is no error: who is not there can't be seen.
        """
        about = self._sighting()
        if about and self._update(self._ids(self.session_key), {"$set": about}):
            self._about.update(about)

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

    def _find(self, ids: list[str]) -> dict[str, Any] | None:
        """The stored session, unless it has expired."""
        return self.get_repository().find_one(record.live(ids, timezone.now()))

    def _insert(self, document: dict[str, Any]) -> None:
        self.get_repository().insert_one(document)

    def _update(self, ids: list[str], update: dict[str, Any]) -> bool:
        """Update the session, unless it has expired; return whether it is there."""
        live = record.live(ids, timezone.now())
        return bool(self.get_repository().update_one(live, update).matched_count)

    def _take(self, ids: list[str]) -> dict[str, Any] | None:
        """Delete the session, be it expired or not; return what it was."""
        return self.get_repository().find_one_and_delete(record.with_id(ids))

    # Saving

    def _create(self, about: Mapping[str, Any] | None = None) -> None:
        while True:
            # No look whether it is free, as SessionBase does: the insert finds out.
            self._session_key = get_random_string(32, VALID_KEY_CHARS)
            self._forget()
            try:
                self._save(True, about)
            except CreateError:
                continue
            except Exception:
                self._session_key = None
                raise
            self.modified = True
            return

    def _save(self, must_create: bool, about: Mapping[str, Any] | None = None) -> None:
        """Write the session; `about` is what it is beside its data where that is known."""
        if self.unreachable and not must_create:
            raise ServerUnavailable(_UNKNOWN)
        session = self._get_session(no_load=must_create)
        data = self._encoded(session)
        write = self._insert_data if must_create else self._update_data
        user_id = session.get(SESSION_KEY)
        self.logged_in = None
        if about is not None:
            # Renamed: it is nobody's log-in, and its slot is the old one's until that has ended.
            write(data, {name: value for name, value in about.items() if name != "slot"})
        elif user_id is None:
            write(data, dict.fromkeys(record.OF_USER & self._about.keys()))
        elif (user_id := str(user_id)) == self.user_id:
            write(data, self._sighting())
        else:
            login = {"user": user_id, "seen": _now(), **self._recorded()}
            limits.with_slot(
                self, user_id, self._own_ids(), lambda slot: write(data, {**login, **slot})
            )
            self.logged_in = user_id
        self._stored = data
        self.unreachable = False

    def _insert_data(self, data: record.Stored, about: dict[str, Any]) -> None:
        about = {"created": _now(), **about}
        self._form = self._current_form()
        self._stored_id = self._ids(self.session_key)[0]
        document = record.insertable(
            self._stored_id, data, self._form, self.get_expiry_date(), about
        )
        try:
            self._insert(document)
        except DuplicateKeyError as exc:
            if limits.is_taken(exc):
                raise
            raise CreateError from exc
        self._about = about

    def _update_data(self, data: record.Stored, about: dict[str, Any]) -> None:
        expire_date = self.get_expiry_date()
        if self._stored is None or self._form is None:
            self._form = self._current_form()
            update = record.replacement(data, self._form, expire_date, about)
        else:
            update = record.changes(self._stored, data, self._form, expire_date, about)
        self._require(self._update(self._own_ids(), update))
        self._about = {
            name: value for name, value in {**self._about, **about}.items() if value is not None
        }

    def _add(self, about: dict[str, Any]) -> None:
        self._require(self._update(self._own_ids(), {"$set": about}))
        self._about.update(about)

    @staticmethod
    def _require(found: bool) -> None:
        if not found:
            raise UpdateError(_GONE)

    # Renaming

    def _remember_renaming(self, old_ids: list[str]) -> None:
        """Let who ends the session by its old key find the new one."""
        self.get_repository().insert_one(
            {
                "_id": record.renamed(old_ids)[0],
                "to": self._stored_id,
                "expire_date": _now() + _RENAMED_FOR,
            }
        )

    def _renamed(self, ids: list[str]) -> list[str]:
        """Forget that a session was renamed; return what it is called now, if it was."""
        found = self.get_repository().find_one_and_delete(record.with_id(record.renamed(ids)))
        return [found["to"]] if found else []

    def _take_over(self, before: record.Stored, theirs: record.Stored | None) -> None:
        """Keep what others have written under the old key."""
        if theirs is None:
            return
        changed = record.changed_by_others(before, self._stored or {}, theirs)
        if not changed:
            return
        for key, text in changed.items():
            if text is None:
                self._session_cache.pop(key, None)
            else:
                self._session_cache.update(record.decoded({key: text}, self.serializer()))
        self._save(False)

    # Pure steps

    def _ids(self, session_key: str | None) -> list[str]:
        if session_key is None:  # it was forgotten by load(), on the way to a save
            raise UpdateError(_GONE)
        return record.session_ids(
            session_key, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        )

    def _own_ids(self) -> list[str]:
        return [self._stored_id] if self._stored_id else self._ids(self.session_key)

    def _encoded(self, session: dict[str, Any]) -> record.Stored:
        data = record.encoded(session, self.serializer())
        size, limit = record.size(data), conf.max_size
        if size > limit:
            largest = sorted(data, key=lambda key: len(data[key]), reverse=True)[:3]
            raise SessionTooLarge(
                f"The session has {size:,} bytes of data, and MONGO_SESSION_MAX_SIZE allows "
                f"{limit:,}; most is under {', '.join(map(repr, largest))}.",
                size=size,
                limit=limit,
            )
        return data

    def _current_form(self) -> record.Form:
        return self._form_of("sealed" if conf.encryption_keys else "data", self.session_key)

    def _form_of(self, root: str, session_key: str | None) -> record.Form:
        if root != "sealed":
            return record.Plain()
        from ..sealing import Sealed

        return Sealed(session_key, conf.encryption_keys)

    def _recorded(self) -> dict[str, Any]:
        return self.visitor.recorded() if self.visitor is not None else {}

    def _sighting(self) -> dict[str, Any]:
        """What to write of the user's being here; nothing if that was done not long ago."""
        seen = self._about.get("seen")
        if self.session_key is None or seen is None or "last_seen" not in conf.record:
            return {}
        now = _now()
        if now - record.from_stored(seen) < timedelta(seconds=conf.last_seen_interval):
            return {}
        return {"seen": now, **self._recorded()}

    def _from_document(self, document: dict[str, Any] | None) -> dict[str, Any]:
        if document is None:
            self._session_key = None
            return {}
        data = self._read(self.session_key, document)
        try:
            session = None if data is None else record.decoded(data, self.serializer())
        except _UNREADABLE:
            session = None
        # Only what became this object's data may be compared with when saving: load() called
        # once more, by hand, changes nothing here.
        if not hasattr(self, "_session_cache"):
            self._stored_id = document["_id"]
            self._about = {name: document[name] for name in record.ABOUT if name in document}
            if session is not None:
                self._stored = data
                self._form = self._form_of(record.root_of(document), self.session_key)
        if session is None:
            logging.getLogger("django.security.SuspiciousSession").warning(
                "Session data corrupted"
            )
            return {}
        return session

    def _read(self, session_key: str | None, document: dict[str, Any]) -> record.Stored | None:
        """The data in a document; None if it can't be read."""
        root = record.root_of(document)
        try:
            return self._form_of(root, session_key).read(document[root])
        except _UNREADABLE:
            return None


def _now() -> datetime:
    return record.to_utc(timezone.now())
