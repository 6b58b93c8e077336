"""Bytes that are added to an unfinished upload."""

import hashlib
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from django.db import DatabaseError

from mongo_contrib.exceptions import DuplicateKeyError

from . import layout
from .exceptions import FileTooLarge, UploadBusy
from .leases import Lease
from .signatures import SNIFFED, sniff

if TYPE_CHECKING:
    from .resumable import ResumableUploads
    from .unfinished import ResumableUpload

__all__ = ["COMMIT_EVERY", "Append"]

# What arrived is stored at least so often (in seconds), for those who send slowly.
COMMIT_EVERY = 4.0

# How often one makes way for the chunks that a writer left who has died.
ATTEMPTS = 5

CLEARED = 1000


class Append:
    """One writer's bytes, from where the upload ended.

    Chunks that are full are immutable. What does not fill one waits in the upload's own document
    (`tail`), so one update moves the offset and the tail together: whenever the process dies, the
    offset tells what is there. Chunks beyond the offset count for nothing; the next writer, who
    has the lease, removes those it meets, each by its own `_id`: one who lost the lease meanwhile
    cannot hit a chunk of its successor, and an insert of its own meets the unique index.
    """

    def __init__(
        self, uploads: "ResumableUploads", upload: "ResumableUpload", lease: Lease, *, whole: bool
    ) -> None:
        """`upload` is as it is under the lease. `whole`: all that is appended counts, or none."""
        self._uploads = uploads
        self._files = uploads.files
        self._upload = upload
        self._lease = lease
        self._whole = whole
        self._pending = bytearray(upload.tail)
        self._stored = upload.offset - len(upload.tail)  # bytes in full chunks
        # The chunks that the record counts, or may count: its answer can be lost.
        self._counted = self._sent
        self._committed_at = time.monotonic()
        self._typed = upload.offset >= SNIFFED
        self._head = b""
        # The hash of all, if all comes by this one.
        self._hash = hashlib.sha256() if upload.offset == 0 else None

    def start(self) -> None:
        """Read what it takes to know the type."""
        if not self._typed:
            self._head = self._uploads.head(self._upload)

    @property
    def offset(self) -> int:
        """How many bytes the upload has with what was given here."""
        return self._stored + len(self._pending)

    @property
    def _sent(self) -> int:
        """How many chunks there are, with the one at the end that is not full."""
        return -(-self._stored // self._upload.chunk_size)

    def write(self, data: bytes) -> None:
        """Append; FileRefused for a type that is not taken, or for more than was announced."""
        if self.offset + len(data) > self._upload.length:
            raise FileTooLarge(
                f"The upload was announced with {self._upload.length} bytes, and these are more."
            )
        enough = max(layout.WINDOW_BYTES, self._upload.chunk_size)
        with memoryview(data) as view:
            for start in range(0, len(data), enough):
                piece = view[start : start + enough]
                self._look(piece)
                self._pending += piece
                if self._hash is not None:
                    self._hash.update(piece)
                slow = time.monotonic() - self._committed_at > COMMIT_EVERY
                if len(self._pending) >= enough or slow:
                    self._send()
                    self._renew(tail=slow)

    def finish(self) -> "ResumableUpload":
        """Store the rest and move the offset over all; the upload as it is then."""
        last = self.offset == self._upload.length
        if last:
            self._check_type()
        self._send(last=last)
        self._counted = self._sent
        self._whole = False  # now all of it counts
        fields = self._fields(self.offset, bytes(self._pending))
        if last and self._hash is not None:
            fields["sha256"] = self._hash.hexdigest()
        self._lease.end(fields)
        return self._upload.with_fields(fields)

    def cut(self) -> None:
        """Keep what arrived: the sender has gone."""
        if self._whole:
            self.drop()
        else:
            self.finish()

    def drop(self) -> None:
        """Take back what has not been committed, and give the lease back."""
        # If it cannot be done now, the next writer does it.
        with suppress(DatabaseError):
            try:
                self._clear()
                self._lease.end()
            except UploadBusy:
                self._uploads.tidy(self._upload.id)

    # Inside

    def _look(self, piece: memoryview) -> None:
        if self._typed:
            return
        self._head += bytes(piece[: SNIFFED - len(self._head)])
        if len(self._head) == SNIFFED:
            self._check_type()

    def _check_type(self) -> None:
        if not self._typed:
            name = self._upload.name
            self._files.limits.check_type(sniff(self._head, name), name)
            self._typed = True

    def _renew(self, *, tail: bool) -> None:
        if self._whole:
            self._lease.keep()
        else:
            offset, rest = (self.offset, bytes(self._pending)) if tail else (self._stored, b"")
            self._counted = self._sent
            self._lease.keep(self._fields(offset, rest))
        self._committed_at = time.monotonic()

    def _fields(self, offset: int, tail: bytes) -> dict[str, Any]:
        expires = datetime.now(UTC) + self._uploads.expiry
        return {"offset": Int64(offset), "tail": tail, "expires": expires}

    def _send(self, *, last: bool = False) -> None:
        """Insert the chunks that are full, and the last one as it is."""
        size = self._upload.chunk_size
        length = len(self._pending) if last else len(self._pending) // size * size
        with memoryview(self._pending) as pending:
            chunks: list[dict[str, Any]] = [
                {
                    "_id": ObjectId(),
                    "files_id": self._upload.id,
                    "n": n,
                    "data": bytes(pending[start : start + size]),
                }
                for n, start in enumerate(range(0, length, size), self._stored // size)
            ]
        self._insert(chunks)
        self._stored += length
        del self._pending[:length]

    def _insert(self, chunks: list[dict[str, Any]]) -> None:
        missing = chunks
        for _ in range(ATTEMPTS):
            try:
                with self._files.errors():
                    if missing:
                        self._files.chunks.insert_many(missing)
                return
            except DuplicateKeyError:
                missing = self._make_way(chunks)
        raise UploadBusy("Another request is writing to this upload.")

    def _make_way(self, chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Remove what others have put where these belong; those of them that are not there."""
        ours = {chunk["_id"] for chunk in chunks}
        places = {"$gte": chunks[0]["n"], "$lte": chunks[-1]["n"]}
        with self._files.errors():
            found = list(
                self._files.chunks.find({"files_id": self._upload.id, "n": places}, {"_id": 1})
            )
        there = {chunk["_id"] for chunk in found}
        self._remove(there - ours)
        return [chunk for chunk in chunks if chunk["_id"] not in there]

    def _clear(self) -> None:
        """Remove the chunks beyond those that count."""
        beyond = {"files_id": self._upload.id, "n": {"$gte": self._counted}}
        while True:
            with self._files.errors():
                found = list(self._files.chunks.find(beyond, {"_id": 1}).limit(CLEARED))
            if not found:
                return
            self._remove({chunk["_id"] for chunk in found})

    def _remove(self, ids: set[Any]) -> None:
        # Only after they were found: with the lease still ours, they are of nobody after us.
        self._lease.keep()
        with self._files.errors():
            self._files.chunks.delete_many({"_id": {"$in": list(ids)}})
