"""Files in one GridFS bucket: the module of this app, with its async twin, that calls pymongo.

GridFS is a layout and not a feature of the server. We read and write it as its specification has
it, rather than by pymongo's `gridfs`, whose buffer makes an upload take 140 MB of memory and whose
reading needs one cursor that stays open for as long as a visitor's download takes.

GridFS is outside of transactions: a file would soon be over what a transaction may write. So, as
with files on a disk, what is written or deleted inside of `atomic()` is so at once and stays so
after a rollback; delete files in `transaction.on_commit()`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from bson import Int64, ObjectId
from django.db import DatabaseError
from pymongo.database import Database

from mongo_contrib.exceptions import DuplicateKeyError, translated_errors

from . import layout
from .layout import DEFAULT_BUCKET, DEFAULT_CHUNK_SIZE, ChunkSequence, FileInfo
from .schema import CHUNKS_INDEXES, FILES_INDEXES, is_claim

__all__ = ["GridFSFiles", "Upload"]


class GridFSFiles:
    """The files of one bucket by their names, of which each is there once."""

    def __init__(
        self,
        database: Database[dict[str, Any]],
        *,
        bucket: str = DEFAULT_BUCKET,
        chunk_size: int = DEFAULT_CHUNK_SIZE,
    ) -> None:
        layout.check_bucket(bucket)
        layout.check_chunk_size(chunk_size)
        self.database = database
        self.bucket = bucket
        self.chunk_size = chunk_size
        self.files = database[f"{bucket}.files"]
        self.chunks = database[f"{bucket}.chunks"]

    def find(self, name: str) -> FileInfo | None:
        """The file of this name, if there is one."""
        with self.errors():
            # Without our index (a bucket that others made) GridFS's rule holds: the newest counts.
            document = self.files.find_one(layout.named(name), sort=[("uploadDate", -1)])
        return FileInfo.from_document(document) if document else None

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name, or a folder, which is a file below it."""
        with self.errors():
            return self.files.find_one(layout.file_or_folder(name), {"_id": 1}) is not None

    def listdir(self, folder: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder (``""``: the root), sorted."""
        with self.errors():
            return layout.folders_and_files(list(self.files.aggregate(layout.listing(folder))))

    def read(self, info: FileInfo, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The file's bytes from `start` to `stop`; no other chunks than these are asked for."""
        stop = info.length if stop is None else min(stop, info.length)
        sequence = ChunkSequence(info, start, stop)
        for window in layout.windows(info, start, stop):
            with self.errors():
                chunks = list(self.chunks.find(window, sort=[("n", 1)]))
            for chunk in chunks:
                yield sequence.take(chunk)
        sequence.finish()

    def upload(
        self,
        names: Iterable[str],
        content: Iterable[bytes],
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Store the content under the first of `names` that is free, and return that.

        Nobody sees the file before it is complete, and nobody ever if this raises.
        """
        upload = self.start(metadata=metadata)
        try:
            for data in content:
                upload.write(data)
            return upload.publish(names)
        except BaseException:
            upload.discard()
            raise

    def start(self, *, metadata: Mapping[str, Any] | None = None) -> "Upload":
        """Begin a file, to be written in pieces and published or discarded."""
        self.ensure_indexes()
        return Upload(self, metadata)

    def delete(self, name: str) -> bool:
        """Delete the file of this name; whether there was one."""
        with self.errors():
            ids = [document["_id"] for document in self.files.find(layout.named(name), {"_id": 1})]
            if not ids:
                return False
            # First what makes it visible.
            deleted = self.files.delete_many({"_id": {"$in": ids}}).deleted_count
            self.chunks.delete_many({"files_id": {"$in": ids}})
        return deleted > 0

    def ensure_indexes(self) -> None:
        """Make the bucket's indexes where they are not there.

        `migrate` makes them, where the app is installed. But without the unique one two files
        could get one name, so each upload looks whether somebody has dropped it.
        """
        with self.errors():
            if not any(map(is_claim, self.files.index_information().values())):
                self.files.create_indexes([spec.model() for spec in FILES_INDEXES])
                self.chunks.create_indexes([spec.model() for spec in CHUNKS_INDEXES])

    def errors(self) -> translated_errors:
        """What every call to the driver runs inside of."""
        return translated_errors(collection=f"{self.bucket}.files")


class Upload:
    """A file on its way: its chunks are there, and nobody sees it until it is published."""

    def __init__(self, files: GridFSFiles, metadata: Mapping[str, Any] | None) -> None:
        self.id = ObjectId()
        self.size = 0
        self._files = files
        self._metadata = metadata
        self._pending = bytearray()
        self._next_chunk = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append to the file; what has not been sent yet is WINDOW_BYTES or one chunk."""
        enough = max(layout.WINDOW_BYTES, self._files.chunk_size)
        for start in range(0, len(data), enough):
            self._pending += data[start : start + enough]
            if len(self._pending) >= enough:
                self._send(len(self._pending) // self._files.chunk_size * self._files.chunk_size)
        self.size += len(data)

    def _send(self, length: int) -> None:
        size = self._files.chunk_size
        chunks = [
            {"files_id": self.id, "n": n, "data": bytes(self._pending[start : start + size])}
            for n, start in enumerate(range(0, length, size), self._next_chunk)
        ]
        if chunks:
            with self._files.errors():
                self._files.chunks.insert_many(chunks)
            self._next_chunk += len(chunks)
            del self._pending[:length]

    def publish(self, names: Iterable[str]) -> str:
        """Make the file visible under the first of `names` that is free, and return that.

        The insert that makes it visible is the claim; no look whether a name is free, before it,
        could be relied upon after it.
        """
        self._send(len(self._pending))
        document = {
            "_id": self.id,
            "length": Int64(self.size),
            "chunkSize": self._files.chunk_size,
            "uploadDate": datetime.now(UTC),
            **({"metadata": dict(self._metadata)} if self._metadata else {}),
        }
        name = None
        for name in names:
            try:
                with self._files.errors():
                    self._files.files.insert_one({**document, "filename": name})
            except DuplicateKeyError as exc:
                if exc.fields and exc.fields != ("filename",):
                    raise
            else:
                return name
        raise FileExistsError(f"There is a file {name!r} in the bucket {self._files.bucket!r}.")

    def replace(self, name: str) -> None:
        """Make the file visible under `name`, in the place of one that has it already.

        Two steps: a reader between them finds no file, and never a half-written one.
        """
        while True:
            try:
                self.publish([name])
            except FileExistsError:
                self._files.delete(name)
            else:
                return

    def discard(self) -> None:
        """Take back what was written. Where the server is gone, invisible chunks remain."""
        with suppress(DatabaseError), self._files.errors():
            self._files.files.delete_one({"_id": self.id})
            self._files.chunks.delete_many({"files_id": self.id})
