"""Uploads that go on where they stopped: their chunks wait in the bucket, where nobody sees them.

``<bucket>.uploads`` has one document for each; its `_id` is the `files_id` of its chunks, and of
the file that it becomes. No TTL index removes it, which would leave the chunks: one that has
expired is refused, and swept when others are begun, and by `manage.py gridfs clean`.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from bson import ObjectId
from django.db import DatabaseError
from pymongo import ReadPreference

from mongo_contrib.exceptions import DuplicateKeyError

from . import contents
from .appending import COMMIT_EVERY, Append
from .exceptions import (
    ChecksumMismatch,
    ContentTypeRefused,
    DamagedFile,
    FileTooLarge,
    OffsetMismatch,
    TooManyUploads,
    UploadBusy,
    UploadError,
    UploadExpired,
    UploadLost,
    UploadNotFound,
    UploadUsed,
)
from .files import GridFSFiles
from .leases import SETTLING, Lease
from .schema import UPLOADS_INDEXES
from .signatures import SNIFFED, sniff
from .unfinished import ResumableUpload
from .uploads import Upload

__all__ = ["EXPIRY", "MAX_OPEN", "ResumableUploads"]

logger = logging.getLogger("mongo_contrib.storage")

#: For how long an upload waits for more bytes, and then for its use.
EXPIRY = timedelta(hours=24)
#: How many uploads one owner may have that are no files yet.
MAX_OPEN = 20
#: How many that have expired are removed by who begins one.
SWEPT = 10

# The last chunk lies in the upload's document while it is not full, which has 16 MiB at most.
LARGEST_CHUNK = 4 * 1024 * 1024


class ResumableUploads:
    """The uploads of one bucket that are no files yet, or have just become one.

    UploadLost, from whoever finds that chunks are gone, ends an upload.
    """

    def __init__(
        self, files: GridFSFiles, *, expiry: timedelta = EXPIRY, max_open: int = MAX_OPEN
    ) -> None:
        self.files = files
        self.expiry = expiry
        self.max_open = max_open
        # What was just written by another process has to be seen.
        self.collection = files.database.get_collection(
            f"{files.bucket}.uploads",
            read_preference=ReadPreference.PRIMARY,
            write_concern=files.files.write_concern,
        )

    def create(
        self,
        name: str,
        length: int,
        *,
        owner: str,
        counted_as: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        header: str = "",
        held: bool = False,
    ) -> ResumableUpload:
        """Begin an upload of so many bytes; a few that have expired are swept.

        FileTooLarge for a length that the bucket does not take, TooManyUploads if there are
        `max_open` others that are counted as the same, which by default is the owner.
        """
        chunk_size = min(self.files.chunk_size, LARGEST_CHUNK)
        self.files.limits.check_size(length, name)
        if length > chunk_size * (2**31 - 1):  # chunks are counted by 32 bits
            raise FileTooLarge(f"The file {name!r} has more bytes than GridFS can count.")
        self.files.ensure_indexes()
        self.sweep()
        now = _now()
        upload = ResumableUpload(
            id=ObjectId(),
            name=name,
            length=length,
            offset=0,
            chunk_size=chunk_size,
            owner=owner,
            created=now,
            expires=now + self.expiry,
            metadata=dict(metadata or {}),
            header=header,
            held=held,
        )
        with self.files.errors():
            self.collection.create_indexes([spec.model() for spec in UPLOADS_INDEXES])
            counted = {"counted": counted_as or owner}
            self.collection.insert_one(upload.document() | counted)
            # Counted after it is there: of many who begin at once, none is beyond the number.
            mine = {**counted, "published": None, "expires": {"$gt": now}}
            if self.collection.count_documents(mine, limit=self.max_open + 1) > self.max_open:
                self.collection.delete_one({"_id": upload.id})
                raise TooManyUploads(
                    f"You have {self.max_open} unfinished uploads, which is as many as are "
                    "allowed; finish or cancel one first."
                )
        return upload

    def get(
        self, id: ObjectId, *, owner: str | None = None, now: datetime | None = None
    ) -> ResumableUpload:
        """The upload, of this owner if one is given; UploadNotFound, or UploadExpired."""
        condition = {"_id": id} if owner is None else {"_id": id, "owner": owner}
        with self.files.errors():
            document = self.collection.find_one(condition, {"tail": 0})
        if document is None or document.get("ended"):
            raise UploadNotFound("There is no such upload.")
        upload = ResumableUpload.from_document(document)
        if upload.expires <= (now or _now()):
            raise UploadExpired("This upload was not finished or not used in time.")
        return upload

    def append(
        self,
        upload: ResumableUpload,
        offset: int,
        pieces: Iterable[bytes],
        *,
        size: int | None = None,
        verify: Callable[[], bool] | None = None,
    ) -> ResumableUpload:
        """Add bytes at `offset`; the upload with the new offset, which is what is stored.

        size: how many bytes come; where it is not known, and with `verify`, which is asked after
        the last one, all of them are kept or none. Otherwise those are kept that arrived before
        an OSError of `pieces`. What is in memory is WINDOW_BYTES or one chunk.

        OffsetMismatch, UploadBusy, UploadNotFound, FileTooLarge for more than was announced, all
        before anything is kept; ChecksumMismatch. ContentTypeRefused ends the upload.
        """
        if offset != upload.offset:  # it may have moved on since it was read
            upload = self.get(upload.id)
            if offset != upload.offset:
                raise self._mismatch(upload, offset)
        if size is not None and offset + size > upload.length:
            raise FileTooLarge(
                f"The upload was announced with {upload.length} bytes, and these are more."
            )
        condition = {"offset": offset, "sha256": None}
        lease = Lease.take(self, upload.id, condition, appending=True)
        if lease is None:
            raise self._reason(upload.id, offset)
        with self.files.errors():
            document = self.collection.find_one({"_id": upload.id, "lock.key": lease.key})
        if document is None:
            raise UploadBusy("This upload was taken over by another request.")
        upload = ResumableUpload.from_document(document)
        writer = Append(self, upload, lease, whole=size is None or verify is not None)
        try:
            with self._ending(lease):
                writer.start()
            try:
                for piece in pieces:
                    writer.write(piece)
            except OSError:
                writer.cut()
                raise
            if verify is not None and not verify():
                raise ChecksumMismatch(
                    "What arrived is not what its checksum says; send it again."
                )
            return writer.finish()
        except ContentTypeRefused:
            self.terminate(upload.id)
            raise
        except OSError:
            raise
        except BaseException:
            writer.drop()
            raise

    def head(self, upload: ResumableUpload) -> bytes:
        """The first SNIFFED bytes of an upload that came with its `tail`, or all there are."""
        stored = replace(upload.info(), length=upload.offset - len(upload.tail))
        head = b"".join(self.files.read(stored, 0, min(SNIFFED, stored.length)))
        return (head + upload.tail)[:SNIFFED]

    def content_type(self, upload: ResumableUpload) -> str:
        """The type of a complete upload, by its first bytes."""
        try:
            return sniff(self.head(upload), upload.name)
        except DamagedFile as exc:
            lease = Lease.take(self, upload.id, {"published": None})
            if lease is None:  # who makes a file of it may let it share the content of another
                raise UploadBusy("Another request makes a file of this upload.") from exc
            raise self._lost(lease, exc) from exc

    def complete(self, upload: ResumableUpload) -> ResumableUpload:
        """The upload with its hash, once all bytes are there: as they are stored.

        UploadBusy while another one does so. An upload of which bytes are missing stays as it is.
        """
        if upload.is_complete or upload.offset < upload.length:
            return upload
        lease = Lease.take(self, upload.id, {"offset": upload.length, "sha256": None})
        if lease is None:
            current = self.get(upload.id)
            if current.is_complete:
                return current
            raise UploadBusy("This upload is just being completed.")
        with self._ending(lease):
            fields = {"sha256": self._hash(upload, lease)}
            lease.end(fields)
        return upload.with_fields(fields)

    def publish(
        self,
        upload: ResumableUpload,
        names: Iterable[str],
        *,
        files: GridFSFiles | None = None,
        metadata: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> str:
        """Make a complete upload the file of the first of `names` that is free; that name.

        With `overwrite` it is the first of all, in the place of a file that has it. It happens
        once: UploadUsed for everybody after that, UploadBusy meanwhile. `files` is the same
        bucket, perhaps with other limits; FileRefused by these leaves the upload as it is.
        """
        condition = {"sha256": {"$ne": None}, "published": None}
        lease = Lease.take(self, upload.id, condition, time=SETTLING)
        if lease is None:
            current = self.get(upload.id)
            if current.published is not None:
                raise UploadUsed("This upload has been used already.", current.published)
            raise UploadBusy("This upload is just being completed.")
        with self._ending(lease):
            # Perhaps somebody did so who died before it was said here.
            name = self._published_name(upload)
            if name is None:
                name = self._publish(
                    upload, iter(names), files or self.files, metadata or {}, overwrite, lease
                )
            with self.files.errors():
                self.collection.update_one(
                    {"_id": upload.id}, {"$set": {"published": name}, "$unset": {"lock": ""}}
                )
        return name

    def terminate(self, id: ObjectId) -> None:
        """End an upload; its bytes go with it, unless they are those of a file by now.

        Who is writing to it loses the right to. UploadNotFound; UploadBusy while it is published.
        """
        lease = Lease.take(self, id, {}, force=True, ending=True)
        if lease is None:
            with self.files.errors():
                if self.collection.find_one({"_id": id}, {"_id": 1}) is None:
                    raise UploadNotFound("There is no such upload.")
            raise UploadBusy("This upload is just being completed.")
        self._remove(id)

    def sweep(self, limit: int | None = SWEPT, *, now: datetime | None = None) -> int:
        """Remove uploads that have expired, not more than `limit`; how many these were."""
        now = now or _now()
        old = {"expires": {"$lte": now}}
        with self.files.errors():
            found = list(self.collection.find(old, {"_id": 1}).limit(limit or 0))
        swept = 0
        for document in found:
            if Lease.take(self, document["_id"], old, ending=True, now=now) is not None:
                self._remove(document["_id"])
                swept += 1
        return swept

    def tidy(self, id: ObjectId) -> None:
        """Remove chunks that came for an upload after its end."""
        with self.files.errors():
            if self.collection.find_one({"_id": id}, {"_id": 1}) is None:
                self._remove(id)

    # Inside

    def _remove(self, id: ObjectId) -> None:
        with self.files.errors():
            document = self.collection.find_one({"_id": id}, {"published": 1}) or {}
            if document.get("published") is None and self.files.find_id(id) is None:
                # Its publication may have begun: then files of equal content may have them.
                owned = contents.owned(self.files, [id])
                self.files.chunks.delete_many({"files_id": {"$in": owned}})
            self.collection.delete_one({"_id": id})

    def _reason(self, id: ObjectId, offset: int) -> UploadError:
        """Why nobody can append at this offset."""
        current = self.get(id)
        if current.offset != offset or current.is_complete:
            return self._mismatch(current, offset)
        return UploadBusy("Another request is writing to this upload.")

    def _mismatch(self, upload: ResumableUpload, offset: int) -> OffsetMismatch:
        return OffsetMismatch(
            f"The upload has {upload.offset} bytes, and these begin at {offset}.", upload.offset
        )

    def _hash(self, upload: ResumableUpload, lease: Lease) -> str:
        digest, renewed = hashlib.sha256(), time.monotonic()
        for data in self.files.read(upload.info()):
            digest.update(data)
            if time.monotonic() - renewed > COMMIT_EVERY:
                lease.keep()
                renewed = time.monotonic()
        return digest.hexdigest()

    def _publish(
        self,
        upload: ResumableUpload,
        names: Iterator[str],
        files: GridFSFiles,
        metadata: Mapping[str, Any],
        overwrite: bool,
        lease: Lease,
    ) -> str:
        first = next(names)
        assert upload.sha256 is not None
        stored = Upload.of_stored(
            files,
            first,
            id=upload.id,
            size=upload.length,
            sha256=upload.sha256,
            head=self.head(upload),
            metadata=metadata,
            chunk_size=upload.chunk_size,
            # Whoever was away for longer may come after the file's end, or after its successor.
            claim=lambda session: lease.keep(session=session),
        )
        try:
            if not overwrite:
                return stored.publish(chain([first], names))
            stored.replace(first)
        except DuplicateKeyError:  # its `_id`: somebody else has done so in this moment
            name = self._published_name(upload)
            if name is None:
                raise
            return name
        return first

    def _published_name(self, upload: ResumableUpload) -> str | None:
        found = self.files.find_id(upload.id)
        return found.name if found is not None else None

    @contextmanager
    def _ending(self, lease: Lease) -> Iterator[None]:
        """Give the lease back after an error, so that it can be tried again at once."""
        try:
            yield
        except DamagedFile as exc:
            raise self._lost(lease, exc) from exc
        except BaseException:
            with suppress(UploadBusy, DatabaseError):
                lease.end()
            raise

    def _lost(self, lease: Lease, exc: DamagedFile) -> UploadLost:
        """End an upload that nobody can make a file of; UploadBusy for who has lost the lease."""
        lease.end({"ended": True, "expires": _now()})
        logger.error("An upload has ended, for its chunks are gone. %s", exc)
        self._remove(lease.id)
        return UploadLost("Part of what had arrived is gone; begin this upload again.")


def _now() -> datetime:
    return datetime.now(UTC)
