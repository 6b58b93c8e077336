"""A session gets a new key: what was written under the old one is kept, and its end counts.

Django's `cycle_key()` makes a new session and deletes the old one. What overlaps with that decides
what is lost and what comes back to life:

- Who saved under the old key before it ended finds it under the new one.
- Who ended the session under the old key, as by logging out in another tab, has ended it: the
  new one goes, too. Those who come a moment late are led on by what remembers the renaming:

      {"_id": "<the old _id>:renamed", "to": ["<the new _id>", ...], "by": "<that new _id>",
       "expire_date": ISODate(...)}

- Of requests that rename one session at once, as when a button is pressed twice, one ends it
  under the old key, and says so in "by". The others see it gone: where it was renamed, and lives,
  they go on with a session of their own; where nobody says so, it has ended, and so have they.

The session of somebody who is not logged in has nothing to end, so it is kept in every case:
pressing "log in" twice logs in.
"""

from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase, UpdateError

from mongo_contrib.bridge import pause
from mongo_contrib.exceptions import DuplicateKeyError

from . import formats, limits, record
from .exceptions import SessionLimitReached, asking_server
from .known import GONE, Known

__all__ = ["Renaming"]

# Longer than any request that began before the renaming.
REMEMBERED_FOR = timedelta(minutes=10)
# How often, and how long, it is waited for the word of another request that it was a renaming:
# that is its next command.
ATTEMPTS, PAUSE_SECONDS = 10, 0.02


class Renaming(SessionBase):
    """The part of the engine that gives sessions new keys, and ends those that have one."""

    _known: Known

    def cycle_key(self: Any) -> None:
        """Give the session a new key, and end it under the old one.

        What others have written until then is kept. If the session of a logged-in user has ended
        meanwhile, it stays ended: UpdateError.
        """
        data = self._session
        self._refuse_unknown()
        old_key, known = self.session_key, self._known
        # A log-in begins with a new key, and so at this moment; a user's session goes on.
        self._create(known.about if "user" in known.about else {})
        self._session_cache = data
        if old_key is not None:
            self._end_old(self._ids(old_key), old_key, known)

    def delete(self: Any, session_key: str | None = None) -> None:
        """Delete this session, or the one given; one that is not there is no error.

        Where a request that overlaps has just renamed it, it ends under its new key.
        """
        if session_key is None:
            # Also one that was not there when it was read, as it had another key by then.
            session_key = self.session_key or self._known.lost_key
        if session_key is not None:
            self._end(self._ids(session_key))

    def _end(self: Any, ids: list[str]) -> None:
        if self._take(ids) is not None:
            return
        # Another one may be added by a request that has found one of those alive before it ended.
        ended: set[str] = set()
        while new := [each for each in self._renamed(ids) if each not in ended]:
            for each in new:
                self._end([each])
            ended.update(new)

    def _end_old(self: Any, old_ids: list[str], old_key: Any, known: Known) -> None:
        user_id: Any = known.about.get("user")
        try:
            if user_id is not None:
                self._remember(known.id or old_ids[0])
            ended = self._take(old_ids)
        except BaseException:
            # Whether it has ended nobody knows; under its old key no save brings it back.
            self._session_key, self._known = old_key, known
            raise
        now = record.utc_now()
        if ended is not None and record.from_stored(ended["expire_date"]) > now:
            if user_id is not None:
                self._tell_renamed(known.id or old_ids[0])
            self._take_over(known.data, ended, old_key)
        elif user_id is not None and not self._was_renamed(old_ids):
            self._give_up()
            raise UpdateError(GONE)
        # Others may have logged out there, or in as somebody else, which has its slot.
        if "slot" in known.about and self.user_id == user_id:
            self._add_slot(user_id)

    def _add_slot(self: Any, user_id: str) -> None:
        try:
            limits.with_slot(self, user_id, self._own_ids(), self._add)
        except SessionLimitReached:
            # Log-ins that overlap have taken what was free for a moment.
            self._give_up()
            raise

    def _give_up(self: Any) -> None:
        """End the session under its new key, too."""
        self._take(self._own_ids())
        self._session_key = None
        self._session_cache = {}
        self._known = Known()

    def _take_over(self: Any, before: record.Stored | None, ended: Any, old_key: str) -> None:
        """Keep what others have written under the old key and this request has not."""
        if before is None:
            return
        format = formats.of(ended, old_key)
        try:
            theirs = format.read(ended[format.root])
        except record.UNREADABLE:
            return
        changed = record.changed_by_others(before, self._known.data, theirs)
        if not changed:
            return
        written = {key: text for key, text in changed.items() if text is not None}
        self._session_cache.update(record.decoded(written, self._serializer))
        for key in changed.keys() - written.keys():
            self._session_cache.pop(key, None)
        self._save(False)

    def _remember(self: Any, old_id: str) -> None:
        """Let who ends the session by its old key, or by the id it was listed with, find it."""
        key = {"_id": record.renamed([old_id])[0]}
        update = {
            "$addToSet": {"to": self._known.id},
            "$set": {"expire_date": record.utc_now() + REMEMBERED_FOR},
        }
        with asking_server:
            try:
                self._sessions.update_one(key, update, upsert=True)
            except DuplicateKeyError:
                # Another request renames it too, and both tried to be the first to say so.
                self._sessions.update_one(key, update)

    def _renamed(self: Any, ids: list[str]) -> list[str]:
        """What a session is called now, if it was renamed."""
        # It stays until it expires: where ending those fails, it can be tried again.
        found = self._memory(ids)
        return found["to"] if found is not None else []

    def _tell_renamed(self: Any, old_id: str) -> None:
        with asking_server:
            self._sessions.update_one(
                {"_id": record.renamed([old_id])[0]}, {"$set": {"by": self._known.id}}
            )

    def _was_renamed(self: Any, ids: list[str], attempts: int = ATTEMPTS) -> bool:
        """Whether a session that is not there lives on under another id."""
        for attempt in range(attempts):
            found = self._memory(ids)
            if found is not None and "by" in found:
                by = [found["by"]]
                with asking_server:
                    alive = self._sessions.exists(record.live(by, record.utc_now()))
                return alive or self._was_renamed(by, attempts=1)
            if attempt + 1 < attempts:
                # Who has ended it under the old key is about to say that it was renamed.
                pause(PAUSE_SECONDS)
        return False

    def _memory(self: Any, ids: list[str]) -> dict[str, Any] | None:
        with asking_server:
            return self._sessions.find_one(record.with_id(record.renamed(ids)))
