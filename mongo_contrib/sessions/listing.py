"""The sessions of one user: to show them, and to end them.

    sessions = UserSessions(request.user, current=request.session)
    for session in sessions:
        print(session.name, session.address, session.last_seen, session.is_current)
    sessions.revoke(session.id)
    sessions.revoke_others()

What is ended is ended at once: the next request with it is nobody's, and a request that overlaps
cannot save it any more.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from mongo_contrib.bridge import native

from . import record
from .backends.mongo import SessionStore
from .conf import conf
from .owners import id_of

__all__ = ["UserSession", "UserSessions", "end_sessions", "ids_of", "session_store"]

# Stored under these names; what a session holds is not among them.
_SHOWN = ("user", "created", "seen", "expire_date", "address", "user_agent", "device")
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
# Through an index these take a moment; it is a limit for what waits behind a lock.
_PATIENCE_MS = 20_000


@dataclass(frozen=True)
class UserSession:
    """A live session of a user. What is not recorded, see MONGO_SESSION_RECORD, is empty."""

    id: str
    user_id: str
    created: datetime | None
    last_seen: datetime | None
    expires: datetime
    address: str = ""
    user_agent: str = ""
    device: str = ""
    #: Whether it is the one that was given as the current one.
    is_current: bool = False

    @property
    def name(self) -> str:
        """What people know it by: the device, or else what the browser says of itself."""
        return readable_name(self.device, self.user_agent)


class UserSessions:
    """The sessions of a user: a user object of any class, or its id.

    `current` is the session of the request, or the id of one: it is marked where sessions are
    listed, and stays where the others are ended.
    """

    def __init__(self, user: Any, *, current: SessionBase | str | None = None) -> None:
        self.user_id = id_of(user)
        self._current = ids_of(current)

    def __iter__(self) -> Iterator[UserSession]:
        return iter(self.recent())

    async def __aiter__(self) -> AsyncIterator[UserSession]:
        for session in await self.arecent():
            yield session

    def recent(self, limit: int = 100) -> list[UserSession]:
        """The live sessions, the last used first, and no more of them than `limit`."""
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ValueError(f"recent(limit={limit!r}): it must be a whole number above 0.")
        found = (
            session_store()
            .get_repository()
            .find(
                self._live(),
                dict.fromkeys(_SHOWN, 1),
                sort=[("seen", -1), ("created", -1)],
                limit=limit,
                max_time_ms=_PATIENCE_MS,
            )
        )
        return [_session(document, self._current) for document in found]

    async def arecent(self, limit: int = 100) -> list[UserSession]:
        """See recent()."""
        return await native(self.recent, limit)

    def count(self) -> int:
        """How many live sessions there are."""
        repository = session_store().get_repository()
        return repository.count(self._live(), max_time_ms=_PATIENCE_MS)

    async def acount(self) -> int:
        """See count()."""
        return await native(self.count)

    def revoke(self, session_id: str) -> bool:
        """End the session of this id, if it is this user's; return whether it was."""
        if not isinstance(session_id, str):
            raise TypeError(
                f"A session's id is a string, and {session_id!r} is of type "
                f"{type(session_id).__name__}."
            )
        if not _ID.fullmatch(session_id):
            return False
        return end_sessions([session_id], user=self.user_id) > 0

    async def arevoke(self, session_id: str) -> bool:
        """See revoke()."""
        return await native(self.revoke, session_id)

    def revoke_all(self) -> int:
        """End all of this user's sessions; return how many there were."""
        return session_store().end({"user": self.user_id})

    async def arevoke_all(self) -> int:
        """See revoke_all()."""
        return await native(self.revoke_all)

    def revoke_others(self, current: SessionBase | str | None = None) -> int:
        """End all sessions of this user but the current one; return how many there were.

        The current one is that given here, or else when this object was made.
        """
        kept = self._current if current is None else ids_of(current)
        if not kept:
            raise ValueError(
                "revoke_others() does not know which session is to stay: give it request.session, "
                "which must be stored, or use revoke_all()."
            )
        return session_store().end({"user": self.user_id, "_id": {"$nin": list(kept)}})

    async def arevoke_others(self, current: SessionBase | str | None = None) -> int:
        """See revoke_others()."""
        return await native(self.revoke_others, current)

    def is_current(self, session_id: str) -> bool:
        """Whether this is the id of the current session."""
        return session_id in self._current

    def _live(self) -> dict[str, Any]:
        return {"user": self.user_id, "expire_date": {"$gt": record.utc_now()}}


def end_sessions(ids: Sequence[str], **owner: str) -> int:
    """End the sessions of these ids, if they are the owner's; return how many there were.

    Those to which requests that overlap have just given another key, and so another id, too.
    """
    store, repository = session_store(), session_store().get_repository()
    known, number = set(ids), store.end({**owner, "_id": {"$in": list(ids)}})
    if number == len(known):
        return number
    while True:
        # Again until there is nothing new: requests that rename add one after the other.
        renamed = repository.find({"_id": {"$in": record.renamed(sorted(known))}})
        new = {each for found in renamed for each in found["to"]} - known
        if not new:
            return number
        number += store.end({**owner, "_id": {"$in": sorted(new)}})
        known |= new


def session_store() -> type[SessionStore]:
    """The engine of the settings; ImproperlyConfigured for one that can't tell its sessions."""
    engine: type = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(engine, SessionStore):
        raise ImproperlyConfigured(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, whose sessions cannot be listed or "
            "ended by user; use 'mongo_contrib.sessions.backends.mongo' or "
            "'mongo_contrib.sessions.backends.cached_mongo'."
        )
    return engine


def ids_of(session: SessionBase | str | None) -> tuple[str, ...]:
    """The ids that a session may be stored under: more than one if the secret has changed."""
    if session is None or isinstance(session, str):
        return (session,) if session else ()
    if not isinstance(session, SessionStore):
        session_store()  # where it is the engine that is another one, this says so
        raise TypeError(
            f"The current session is request.session or a session's id, and {session!r} is of "
            f"type {type(session).__name__}."
        )
    if session.session_key is None:
        return ()
    return tuple(record.session_ids(session.session_key, conf.secrets))


def readable_name(device: str | None, user_agent: str | None) -> str:
    """What people know a session by."""
    return device or Truncator(user_agent or "").chars(80) or _("Unknown device")


def _session(document: Mapping[str, Any], current: tuple[str, ...]) -> UserSession:
    return UserSession(
        id=document["_id"],
        user_id=document["user"],
        created=_shown(document.get("created")),
        # Without that it is kept as the moment of the log-in, which says nothing of a use.
        last_seen=_shown(document.get("seen")) if "last_seen" in conf.record else None,
        expires=_shown(document["expire_date"]),
        address=document.get("address", ""),
        user_agent=document.get("user_agent", ""),
        device=document.get("device", ""),
        is_current=document["_id"] in current,
    )


def _shown(moment: Any) -> Any:
    """A moment as it is read, in the manner of the project: aware, or in its time zone."""
    if moment is None:
        return None
    moment = record.from_stored(moment)
    if settings.USE_TZ:
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())
