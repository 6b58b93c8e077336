"""Files in one GridFS bucket: the module of this app, with its async twin, that calls pymongo.

GridFS is a layout and not a feature of the server. We read and write it as its specification has
it, rather than by pymongo's `gridfs`, whose buffer makes an upload take 140 MB of memory and whose
reading needs one cursor that stays open for as long as a visitor's download takes.

GridFS is outside of transactions: a file would soon be over what a transaction may write. So, as
with files on a disk, what is written or deleted inside of `atomic()` is so at once and stays so
after a rollback; delete files in `transaction.on_commit()`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pymongo.database import Database

from mongo_contrib.exceptions import translated_errors

from . import contents, layout, metadata
from .concerns import Concerns
from .layout import DEFAULT_BUCKET, DEFAULT_CHUNK_SIZE, DEFAULT_GRACE, FileInfo
from .limits import Limits
from .reading import Reading, reading, reading_stored
from .replacing import purge
from .schema import (
    CHUNKS_INDEXES,
    CONTENTS_INDEXES,
    FILES_INDEXES,
    REPLACED_INDEXES,
    SHARING_INDEXES,
    is_claim,
)
from .uploads import Upload

__all__ = ["GridFSFiles"]


class GridFSFiles:
    """The files of one bucket by their names, of which each is there once."""

    def __init__(
        self,
        database: Database[dict[str, Any]],
        *,
        bucket: str = DEFAULT_BUCKET,
        chunk_size: int = DEFAULT_CHUNK_SIZE,
        verify: bool = False,
        limits: Limits | None = None,
        compress: Collection[str] = (),
        deduplicate: bool = False,
        concerns: Concerns | None = None,
        keep_replaced: float = DEFAULT_GRACE,
        transactions: bool | Callable[[], bool] = False,
        on_delete: Callable[["GridFSFiles", Sequence[Any]], None] | None = None,
    ) -> None:
        """With `verify`, a file that is read as a whole is compared with its hash.

        Files of the types in `compress` are compressed, unless that makes them hardly smaller.
        With `deduplicate`, those of equal content share what is stored of it, see `contents`.

        The content of a file in whose place came another stays for `keep_replaced` seconds.
        `transactions` says whether the server has them: all of one bucket must say the same.
        `on_delete` is called with the `_id`s of files that have been deleted.
        """
        layout.check_bucket(bucket)
        layout.check_chunk_size(chunk_size)
        self.database = database
        self.bucket = bucket
        self.chunk_size = chunk_size
        self.verify = verify
        self.limits = limits or Limits()
        self.compress = tuple(compress)
        self.keep_replaced = keep_replaced
        self._transactions = transactions
        self._on_delete = on_delete
        self.deduplicate = deduplicate
        self.concerns = concerns or Concerns()
        # All four are read as they are now; what visitors read may come from a secondary.
        self.files, self.chunks, self.replaced, self.contents = (
            self.concerns.collection(database, f"{bucket}.{part}")
            for part in ("files", "chunks", "replaced", "contents")
        )
        reader = {"read_preference": self.concerns.read}
        self._files = self.files.with_options(**reader)
        self._chunks = self.chunks.with_options(**reader)

    @property
    def has_transactions(self) -> bool:
        """Whether the server has transactions, asked for when it is to be known."""
        asked = self._transactions
        return asked() if callable(asked) else asked

    def find(self, name: str) -> FileInfo | None:
        """The file of this name, if there is one."""
        return self._find(self._files, name)

    def _find(self, files: Any, name: str) -> FileInfo | None:
        with self.errors():
            # Without our index (a bucket that others made) GridFS's rule holds: the newest counts.
            document = files.find_one(layout.named(name), sort=[("uploadDate", -1)])
            if document is None:
                staged = layout.named_or_staged(name)
                document = files.find_one(staged, sort=[("filename", -1)])
        return FileInfo.from_document(document) if document else None

    def find_id(self, id: Any) -> FileInfo | None:
        """The file of this `_id`, whatever is its name by now; None if it is gone."""
        with self.errors():
            document = self.files.find_one({"_id": id})
        return FileInfo.from_document(document) if document else None

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name, or a folder, which is a file below it."""
        with self.errors():
            if self._files.find_one(layout.named(name), {"_id": 1}) is not None:
                return True
            return self._files.find_one(layout.file_or_folder(name), {"_id": 1}) is not None

    def listdir(self, folder: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder (``""``: the root), sorted."""
        with self.errors():
            return layout.folders_and_files(list(self._files.aggregate(layout.listing(folder))))

    def read(self, info: FileInfo, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The file's content from `start` to `stop`; no chunks but those with it are asked for."""
        return self._read(reading(info, start, stop, verify=self.verify))

    def read_stored(self, info: FileInfo) -> Iterator[bytes]:
        """All that is stored of the file: of a compressed one (`info.encoding`) a gzip."""
        return self._read(reading_stored(info, verify=self.verify))

    def _read(self, wanted: Reading) -> Iterator[bytes]:
        for window in wanted.windows():
            with self.errors():
                chunks = list(self._chunks.find(window, sort=[("n", 1)]))
            if not chunks:
                break  # the file is gone, or its length a lie: the rest is not asked for, too
            for chunk in chunks:
                yield from wanted.take(chunk)
        wanted.finish()

    def upload(
        self,
        names: Iterable[str],
        content: Iterable[bytes],
        *,
        metadata: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> str:
        """Store the content under the first of `names` that is free, and return that.

        With `replace` it is the first of all, in the place of a file that has it.

        Nobody sees the file before it is complete, and nobody ever if this raises.
        """
        names = iter(names)
        name = next(names)
        upload = self.start(name, metadata=metadata)
        try:
            for data in content:
                upload.write(data)
            if not replace:
                return upload.publish(chain([name], names))
            upload.replace(name)
            return name
        except BaseException:
            upload.discard()
            raise

    def start(self, name: str, *, metadata: Mapping[str, Any] | None = None) -> Upload:
        """Begin a file, to be written in pieces and published (as `name` or not) or discarded."""
        self.ensure_indexes()
        return Upload(self, name, metadata)

    def set_metadata(self, name: str, fields: Mapping[str, Any]) -> bool:
        """Set these fields in one atomic update, all others stay; whether there is the file."""
        update = metadata.update_of(fields)
        with self.errors():
            while (info := self._find(self.files, name)) is not None:
                # By its _id: what has been told of this content is not said of another.
                if not update or self.files.update_one({"_id": info.id}, update).matched_count:
                    return True
        return False

    def set_metadata_of(self, id: Any, fields: Mapping[str, Any]) -> bool:
        """See set_metadata(); of the file of this `_id`."""
        update = metadata.update_of(fields)
        with self.errors():
            if not update:
                return self.files.find_one({"_id": id}, {"_id": 1}) is not None
            return self.files.update_one({"_id": id}, update).matched_count > 0

    def delete(self, name: str) -> bool:
        """Delete the file of this name; whether there was one."""
        with self.errors():
            purge(self, [name])
            found = self.files.find(layout.named_or_staged(name), layout.SHARED)
            return self._delete(list(found)) > 0

    def delete_ids(self, ids: Sequence[Any]) -> int:
        """Delete the files of these `_id`s, whatever their names; how many there were."""
        with self.errors():
            found = list(self.files.find({"_id": {"$in": list(ids)}}, layout.SHARED))
            if names := {layout.shown_name(document) for document in found} - {""}:
                purge(self, names)
            return self._delete(found)

    def _delete(self, documents: list[dict[str, Any]]) -> int:
        sharing = [each for each in documents if layout.shared_content(each) is not None]
        own = [each["_id"] for each in documents if layout.shared_content(each) is None]
        deleted = contents.delete(self, sharing) if sharing else 0
        if own:
            # First what makes them visible.
            deleted += self.files.delete_many({"_id": {"$in": own}}).deleted_count
            self.chunks.delete_many({"files_id": {"$in": own}})
        self.forget([each["_id"] for each in documents])
        return deleted

    def forget(self, ids: Sequence[Any]) -> None:
        """Delete what else there is of files that have been deleted."""
        if self._on_delete is not None and ids:
            self._on_delete(self, ids)

    def ensure_indexes(self) -> None:
        """Make the bucket's indexes where they are not there.

        `migrate` makes them, where the app is installed. But without the unique one two files
        could get one name, so each upload looks whether somebody has dropped it.
        """
        with self.errors():
            if not any(map(is_claim, self.files.index_information().values())):
                self.files.create_indexes([spec.model() for spec in FILES_INDEXES])
                self.chunks.create_indexes([spec.model() for spec in CHUNKS_INDEXES])
                self.replaced.create_indexes([spec.model() for spec in REPLACED_INDEXES])
                if self.deduplicate:
                    self.files.create_indexes([spec.model() for spec in SHARING_INDEXES])
                    self.contents.create_indexes([spec.model() for spec in CONTENTS_INDEXES])

    def errors(self) -> translated_errors:
        """What every call to the driver runs inside of."""
        return translated_errors(collection=f"{self.bucket}.files")
