"""Files on their way into a bucket."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from django.db import DatabaseError, IntegrityError

from mongo_contrib.bridge import pause
from mongo_contrib.exceptions import DuplicateKeyError

from . import layout
from .compression import Compressor, is_worthwhile
from .contents import Share
from .exceptions import FileRefused
from .limits import in_types
from .metadata import SHARED_CONTENT
from .replacing import Replacement
from .signatures import SNIFFED, sniff

if TYPE_CHECKING:
    from .files import GridFSFiles

__all__ = ["Upload"]


class Upload:
    """A file on its way: its chunks are there, and nobody sees it until it is published."""

    def __init__(
        self, files: "GridFSFiles", name: str, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """The name is the one that is wanted: its extension helps to tell the content type."""
        self.id: Any = ObjectId()
        self.size = 0
        self._files = files
        self._name = name
        self._metadata = metadata or {}
        self._head = b""
        self._typed = False  # whether the type is known and allowed
        self._hash = hashlib.sha256()
        self._sha256: str | None = None
        self._chunk_size = files.chunk_size
        self._compressor: Compressor | None = None
        self._encoding: dict[str, Any] = {}
        self._pending = bytearray()
        self._sent = self._next_chunk = 0
        self._begun = self._ended = False
        self._refused: FileRefused | None = None
        self._replacement: Replacement | None = None
        self._share: Share | None = None
        self._placed = False  # whether there may be a document with our _id
        self._claim: Callable[[Any], None] | None = None

    @classmethod
    def of_stored(
        cls,
        files: "GridFSFiles",
        name: str,
        *,
        id: Any,
        size: int,
        sha256: str,
        head: bytes,
        metadata: Mapping[str, Any] | None = None,
        chunk_size: int | None = None,
        claim: Callable[[Any], None] | None = None,
    ) -> "Upload":
        """An upload whose chunks are all in the bucket already, under `id`.

        head: the first SNIFFED bytes of the content. chunk_size: of these chunks, if it is not
        that of `files`. The limits of `files` count when it is published; it is not compressed.
        claim: called right before the file becomes visible, with the session of the transaction
        in which it does, or None; what it raises is raised, and the file stays invisible.
        """
        upload = cls(files, name, metadata)
        upload.id = id
        upload.size = upload._sent = size
        upload._begun = upload._ended = True
        upload._head = bytes(head[:SNIFFED])
        upload._sha256 = sha256
        upload._chunk_size = chunk_size or files.chunk_size
        upload._claim = claim
        return upload

    def write(self, data: bytes | memoryview) -> None:
        """Append to the file; what has not been sent yet is WINDOW_BYTES or one chunk.

        FileRefused as soon as it is known that the bucket does not take the file.
        """
        self._check(self.size + len(data), data)
        enough = max(layout.WINDOW_BYTES, self._chunk_size)
        for start in range(0, len(data), enough):
            piece = data[start : start + enough]
            self._hash.update(piece)
            if self._compressor is None:
                self._pending += piece
            else:
                self._pending += self._compressor.compress(piece)
                pause(0)  # long before anything is sent an event loop has something else to do
            if len(self._pending) >= enough:
                self._begin()
                self._send(len(self._pending) // self._chunk_size * self._chunk_size)
        self.size += len(data)

    def _check(self, size: int, data: bytes | memoryview = b"") -> None:
        """Raise FileRefused; once it was, always: what a caller goes on with lacks a part."""
        if self._refused is not None:
            raise self._refused
        self._head += bytes(data[: SNIFFED - len(self._head)])
        limits = self._files.limits
        try:
            limits.check_size(size, self._name)
            if not self._typed and (len(self._head) == SNIFFED or not data):
                limits.check_type(self.content_type, self._name)
                self._typed = len(self._head) == SNIFFED
        except FileRefused as exc:
            self._refused = exc
            raise

    @property
    def content_type(self) -> str:
        """The type of what was written so far, by its first bytes."""
        return sniff(self._head, self._name)

    def _begin(self) -> None:
        """Before anything is sent: decide whether it is compressed."""
        if self._begun:
            return
        self._begun = True
        if in_types(self.content_type, self._files.compress) and is_worthwhile(self._pending):
            self._compressor = Compressor()
            self._pending = bytearray(self._compressor.compress(self._pending))

    def _send(self, length: int) -> None:
        size = self._chunk_size
        with memoryview(self._pending) as pending:
            chunks: list[dict[str, Any]] = [
                {"files_id": self.id, "n": n, "data": bytes(pending[start : start + size])}
                for n, start in enumerate(range(0, length, size), self._next_chunk)
            ]
        if not chunks:
            return
        with self._files.errors():
            self._files.chunks.insert_many(chunks)
        self._next_chunk += len(chunks)
        self._sent += min(length, len(self._pending))
        del self._pending[:length]

    def complete(self) -> dict[str, Any]:
        """Send the rest; the document that makes the file visible, but for its name."""
        self._check(self.size)
        if not self._ended:
            self._begin()
            if self._compressor is not None:
                self._pending += self._compressor.finish()
                self._encoding = self._compressor.fields()
            self._ended = True
        self._send(len(self._pending))
        return {
            "_id": self.id,
            "length": Int64(self._sent),
            "chunkSize": self._chunk_size,
            "uploadDate": datetime.now(UTC),
            "metadata": {
                "contentType": self.content_type,
                **self._metadata,
                "sha256": self._sha256 or self._hash.hexdigest(),
                **self._encoding,
            },
        }

    def publish(self, names: Iterable[str]) -> str:
        """Make the file visible under the first of `names` that is free, and return that.

        The insert that makes it visible is the claim; no look whether a name is free, before it,
        could be relied upon after it.
        """
        document = self.complete()
        name = None
        for name in names:
            # Without transactions somebody may take the file for an old one, and then gives its
            # use of the content back while we look for another name: so there is one use more.
            self._hold(document, 1 if self._files.has_transactions else 2)
            if self._claim is not None:
                self._claim(None)
            self._place()
            try:
                with self._files.errors():
                    self._files.files.insert_one({**document, "filename": name})
            except DuplicateKeyError as exc:
                self._take_back()
                if exc.fields and exc.fields != ("filename",):
                    raise
            else:
                if self._files.has_transactions or self._keeps(name):
                    self._settle()
                    return name
        raise FileExistsError(f"There is a file {name!r} in the bucket {self._files.bucket!r}.")

    def _keeps(self, name: str) -> bool:
        """Whether nobody was just putting another file in the place of one of this name.

        Only without transactions: between two steps of theirs the name looks free.
        """
        with self._files.errors():
            found = list(self._files.files.find(layout.named_or_staged(name), {"filename": 1}))
            if [document["_id"] for document in found] == [self.id]:
                return True
            if self._files.files.delete_one({"_id": self.id, "filename": name}).deleted_count:
                self._take_back()
        return False

    def replace(self, name: str) -> None:
        """Make the file visible under `name`, in the place of one that has it already.

        Readers find the whole old or the whole new file; those who have begun with the old one
        find its rest.
        """
        document = {**self.complete(), "filename": name}
        self._hold(document, 1)
        self._replacement = Replacement(self._files, document, self._claim)
        self._place()
        try:
            self._replacement.run()
        except IntegrityError:
            if not self._replacement.settled:
                self._take_back()
            raise
        self._settle()

    def discard(self) -> None:
        """Take back what was written, unless it has taken the place of another file.

        Where the server is gone, invisible chunks remain.
        """
        if self._replacement is not None and self._replacement.settled:
            return
        with suppress(DatabaseError), self._files.errors():
            deleted = self._files.files.delete_one({"_id": self.id}).deleted_count
            # One that is gone has been deleted by somebody who has given its use back.
            if deleted and self._placed:
                self._take_back()
            self._give_back()

    # Uses of a content that other files may have, too

    def _hold(self, document: dict[str, Any], uses: int) -> None:
        """Have so many uses and name their content in the document, if the bucket shares any."""
        if self._share is None and self._files.deduplicate and isinstance(self.id, ObjectId):
            self._share = Share(self._files, document)
        if self._share is not None and self._share.hold(uses):
            shared = {SHARED_CONTENT: self._share.content}
            document["metadata"] = {**document["metadata"], **shared}

    def _place(self) -> None:
        self._placed = True
        if self._share is not None:
            self._share.place()

    def _take_back(self) -> None:
        self._placed = False
        if self._share is not None:
            self._share.take_back()

    def _settle(self) -> None:
        """The file is there: what is not needed for it may go."""
        if self._share is not None and self._share.content is not None:
            with suppress(DatabaseError):  # `gridfs clean` finds what stays
                self._give_back()

    def _give_back(self) -> None:
        with self._files.errors():
            if self._share is not None:
                self._share.give_back()
            if self._share is None or not self._share.is_own:
                self._files.chunks.delete_many({"files_id": self.id})
