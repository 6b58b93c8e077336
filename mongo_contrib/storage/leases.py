"""Who may write to an unfinished upload: one at a time, and nobody for ever."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from .exceptions import UploadBusy

if TYPE_CHECKING:
    from .resumable import ResumableUploads

__all__ = ["LEASE", "SETTLING", "Lease"]

#: After this the lease of a process that has died, or of a client that sends nothing, can be
#: taken over. Whoever works renews it well before.
LEASE = timedelta(seconds=15)

#: The same for who makes a file of it, and may have to wait for others who replace that file.
SETTLING = 4 * LEASE


class Lease:
    """The right to write to one upload.

    Every change is one conditional update, so whoever has lost the lease changes nothing, also if
    it noticed nothing for an hour. The time only says when another one may take it.
    """

    def __init__(
        self, uploads: "ResumableUploads", id: ObjectId, key: ObjectId, time: timedelta
    ) -> None:
        self._uploads = uploads
        self.id = id
        self.key = key
        self.time = time

    @classmethod
    def take(
        cls,
        uploads: "ResumableUploads",
        id: ObjectId,
        condition: Mapping[str, Any],
        *,
        time: timedelta = LEASE,
        appending: bool = False,
        ending: bool = False,
        force: bool = False,
        now: datetime | None = None,
    ) -> "Lease | None":
        """The lease of an upload that meets the condition; None if it does not, or is taken.

        With `force` it is also taken from somebody who is `appending`. It is the last one if it
        is `ending`: whoever removes much needs no time limit, and only others who end the upload
        can follow.
        """
        now = now or datetime.now(UTC)
        key = ObjectId()
        free: list[dict[str, Any]] = [{"lock": None}, {"lock.until": {"$lt": now}}]
        if force:
            free.append({"lock.appending": True})
        lock = {"key": key, "appending": appending, "until": now + time}
        filter: dict[str, Any] = {"_id": id, **condition, "$or": free}
        update: dict[str, Any] = {"$set": {"lock": lock}}
        if ending:
            update = {"$set": {"lock": lock, "ended": True}, "$min": {"expires": now}}
        else:
            filter["ended"] = None
        with uploads.files.errors():
            taken = uploads.collection.update_one(filter, update)
        return cls(uploads, id, key, time) if taken.matched_count else None

    def keep(self, fields: Mapping[str, Any] | None = None, *, session: Any = None) -> None:
        """Renew the lease, and set these fields in the same moment; UploadBusy if it is lost.

        In the transaction of a `session`, all that is done in it needs the lease.
        """
        until = datetime.now(UTC) + self.time
        self._update({"$set": {"lock.until": until, **(fields or {})}}, session)

    def end(self, fields: Mapping[str, Any] | None = None) -> None:
        """Give the lease back, and set these fields in the same moment; see keep()."""
        update: dict[str, Any] = {"$unset": {"lock": ""}}
        if fields:
            update["$set"] = dict(fields)
        self._update(update)

    def _update(self, update: dict[str, Any], session: Any = None) -> None:
        with self._uploads.files.errors():
            done = self._uploads.collection.update_one(
                {"_id": self.id, "lock.key": self.key}, update, session=session
            )
        if not done.matched_count:
            raise UploadBusy("This upload was taken over by another request.")
