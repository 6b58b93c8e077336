"""Whether a bucket holds what its records say.

It only reads, beside running writers too: what has gone or has been replaced while it was looked
at is no finding.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from .. import layout
from ..files import GridFSFiles
from ..layout import FileInfo
from .content import StoredContent
from .findings import Finding, Problem
from .ownership import SIZE, batches, chunk_owners, group_of, key, owned
from .uses import miscounted
from .walking import is_usable, shown_name, walk

__all__ = ["DEFAULT_AGE", "Verification"]

#: An upload that has stored nothing for so long is taken for one that was broken off.
DEFAULT_AGE = timedelta(hours=24)

# Files whose chunks come by one query: as many as fit into both.
TOGETHER = 100
TOGETHER_BYTES = 8 * 1024 * 1024

# Contents that several files share are read once, as long as so many are remembered.
REMEMBERED = 10_000


class Result(NamedTuple):
    """What was found out about the content of a file."""

    problems: tuple[tuple[Problem, str], ...]
    sha256: str


def nothing(count: int) -> None:
    """Where nobody wants to know how far it is."""


class Verification:
    """One pass over a bucket, or over a folder of it; iterate over it for what it finds.

    Memory does not grow with the bucket, and no command makes the server keep much.
    """

    def __init__(
        self,
        files: GridFSFiles,
        path: str = "",
        *,
        quick: bool = False,
        age: timedelta = DEFAULT_AGE,
        now: datetime | None = None,
        add_hashes: bool = False,
        advance: Callable[[int], None] = nothing,
    ) -> None:
        """With `quick` the server tells how long the chunks are, and no content is compared.

        With a `path` only that file or folder is looked at, and not what belongs to no file.
        With `add_hashes`, sound files of other programs get the hash of what they hold now.
        `advance` is told the stored bytes, or with `quick` the files, that have been looked at.
        """
        self._bucket = files
        self.path, self.quick, self.add_hashes = path, quick, add_hashes and not quick
        self._youngest = (now or datetime.now(UTC)) - age
        self._advance = advance
        #: What was looked at so far.
        self.files = self.bytes = 0
        #: Files that cannot be read as they were stored.
        self.damaged = 0
        #: Files without a hash, whose content cannot be compared.
        self.unhashed = 0
        #: Files that have got one now.
        self.hashed = 0
        #: Chunks of uploads that may be going on.
        self.young = 0
        self._known: dict[Any, Result] = {}

    def __iter__(self) -> Iterator[Finding]:
        yield from self._names()
        if not self.path:
            yield from self._strangers()
            yield from self._records()
            yield from self._uploads()
            yield from self._uses()

    # Files

    def _names(self) -> Iterator[Finding]:
        batch: list[FileInfo] = []
        size = 0
        for name, revisions in groupby(walk(self._bucket, self.path), shown_name):
            sound = 0
            for document in revisions:
                found = self._document(document)
                if found is not None:
                    yield found
                if not is_usable(document):
                    continue
                info = FileInfo.from_document(document)
                sound += document.get("filename") == name
                if batch and size + info.stored_length > TOGETHER_BYTES:
                    yield from self._contents(batch)
                    batch, size = [], 0
                batch.append(info)
                size += info.stored_length
                if len(batch) == TOGETHER:
                    yield from self._contents(batch)
                    batch, size = [], 0
            if sound > 1:
                text = f"there are {sound} files of this name; the newest is the one that is read"
                yield Finding(Problem.REVISIONS, text, name=name)
        yield from self._contents(batch)

    def _document(self, document: Mapping[str, Any]) -> Finding | None:
        """What is wrong with the document itself."""
        name, id = shown_name(document), document["_id"]
        if not is_usable(document):
            text = "the document has no length, chunkSize or uploadDate as GridFS wants them"
            self.damaged += 1
            return Finding(Problem.RECORD, text, id, name)
        stored = document.get("filename")
        if stored not in (layout.staged(name, id), layout.removed(id)):
            return None
        info = FileInfo.from_document(document)
        if info.uploaded > self._youngest or not self._is_there({"_id": id, "filename": stored}):
            return None
        if not name:
            return Finding(Problem.STAGED, "a file that was replaced still has a document", id)
        text = "a replacement that was broken off has left a file beside this name"
        return Finding(Problem.STAGED, text, id, name)

    def _contents(self, batch: list[FileInfo]) -> Iterator[Finding]:
        results, read = self._results(batch)
        for info in batch:
            content = self._content_key(info)
            result = results[content]
            self.files += 1
            self.bytes += info.stored_length
            self._advance(1 if self.quick else info.stored_length - read.pop(content, 0))
            if info.sha256 is None:
                added = self.add_hashes and not result.problems and self._add_hash(info, result)
                self.hashed += added
                self.unhashed += not added
            # Deleted or replaced while its chunks were read?
            there = {"_id": info.id, "length": info.stored_length}
            if result.problems and self._is_there(there):
                self.damaged += 1
                for problem, text in result.problems:
                    yield Finding(problem, text, info.id, info.name)

    def _add_hash(self, info: FileInfo, result: Result) -> bool:
        wanted = {
            "_id": info.id,
            "length": info.length,
            "metadata.sha256": None,
            # Neither an explicit null nor something strange, into which no field can be set.
            "$or": [{"metadata": {"$exists": False}}, {"metadata": {"$type": "object"}}],
        }
        update = {"$set": {"metadata.sha256": result.sha256}}
        with self._bucket.errors():
            return self._bucket.files.update_one(wanted, update).modified_count > 0

    def _results(self, batch: Iterable[FileInfo]) -> tuple[dict[Any, Result], Counter[Any]]:
        """What is known of these, and how many bytes of each have been told to `advance`."""
        found: dict[Any, Result] = {}
        read: Counter[Any] = Counter()
        wanted: dict[Any, FileInfo] = {}
        for info in batch:
            content = self._content_key(info)
            if content in self._known:
                found[content] = self._known[content]
            else:
                wanted[content] = info
        checks = {each: StoredContent(info, quick=self.quick) for each, info in wanted.items()}
        by_id: dict[Any, list[Any]] = {}
        for content, check in checks.items():
            by_id.setdefault(key(self._bucket, check.info.content_id), []).append(content)
        for chunk in self._chunks([info.content_id for info in wanted.values()]):
            for content in by_id.get(key(self._bucket, chunk["files_id"]), ()):
                checks[content].take(chunk)
                if not self.quick and isinstance(chunk.get("data"), bytes):
                    read[content] += len(chunk["data"])
                    self._advance(len(chunk["data"]))
        for content, check in checks.items():
            found[content] = Result(tuple(check.problems()), check.sha256)
            if check.info.content_id != check.info.id:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[content] = found[content]
        return found, read

    def _chunks(self, ids: list[Any]) -> Iterator[Mapping[str, Any]]:
        """The chunks of these, of each in their order; the index has that order."""
        if not ids:
            return
        order = {"files_id": 1, "n": 1}
        wanted = {"files_id": ids[0] if len(ids) == 1 else {"$in": ids}}
        chunks = self._bucket.chunks
        with self._bucket.errors():
            if not self.quick:
                yield from chunks.find(wanted, {"_id": 0}).sort(list(order.items()))
                return
            sizes = {"_id": 0, "files_id": 1, "n": 1, "size": SIZE}
            yield from chunks.aggregate(
                [{"$match": wanted}, {"$sort": order}, {"$project": sizes}]
            )

    def _is_there(self, wanted: Mapping[str, Any]) -> bool:
        with self._bucket.errors():
            return self._bucket.files.find_one(wanted, {"_id": 1}) is not None

    # What belongs to no file

    def _strangers(self) -> Iterator[Finding]:
        for ids in batches(chunk_owners(self._bucket)):
            known = owned(self._bucket, ids)
            strange = [id for id in ids if key(self._bucket, id) not in known]
            if not strange:
                continue
            groups = [group for group in (group_of(self._bucket, id) for id in strange) if group]
            # A file that was published, or deleted, in between.
            known = owned(self._bucket, [group.id for group in groups])
            for group in groups:
                if key(self._bucket, group.id) in known:
                    continue
                text = f"{group.count} chunk(s), {group.size} bytes, of no file"
                if group.newest is None:
                    text += ", and nothing tells their age"
                elif group.newest > self._youngest:
                    self.young += group.count
                    text = text.replace("no file", "an upload that may be going on")
                    yield Finding(Problem.YOUNG, text, group.id)
                    continue
                else:
                    text += f", the last of {group.newest:%Y-%m-%d %H:%M} UTC"
                yield Finding(Problem.ORPHAN, text, group.id)

    def _records(self) -> Iterator[Finding]:
        """Records of contents that are not there, or have another number of users."""
        bucket = self._bucket
        records = {
            "_id": ("replaced", "content that was replaced and"),
            "content": ("contents", "content that files may share and"),
        }
        for field, (collection, what) in records.items():
            name = f"{bucket.bucket}.{collection}"
            fields = {field: 1, "touched": 1, "replaced": 1}
            with bucket.errors():
                for record in bucket.database[name].find({}, fields):
                    if self._is_dangling(record.get(field)) and self._is_old(record):
                        text = f"a record in {name} of {what} is not there"
                        yield Finding(Problem.DANGLING, text, record["_id"])

    def _uploads(self) -> Iterator[Finding]:
        """Resumable uploads that have more bytes by their record than there are."""
        name = f"{self._bucket.bucket}.uploads"
        uploads = self._bucket.database[name]
        stored = {"published": None, "$expr": {"$gte": ["$offset", "$chunkSize"]}}
        with self._bucket.errors():
            for record in uploads.find({**stored, "offset": {"$gt": 0}}, {"_id": 1}):
                if group_of(self._bucket, record["_id"]):
                    continue
                # Deleted in between?
                if uploads.find_one({**record, **stored}, {"_id": 1}) is not None:
                    text = f"a record in {name} of bytes that are not there"
                    yield Finding(Problem.DANGLING, text, record["_id"])

    def _uses(self) -> Iterator[Finding]:
        for record, uses in miscounted(self._bucket, self._youngest):
            text = f"content of {uses} file(s) was counted as that of {record.get('uses')}"
            yield Finding(Problem.USES, text, record["content"])

    def _is_dangling(self, id: Any) -> bool:
        files = self._bucket
        with files.errors():
            if files.chunks.find_one({"files_id": id}, {"_id": 1}) is not None:
                return False
            # An empty file has no chunks, and a record of it is in order.
            empty = {"$or": [{"_id": id}, {layout.SHARED_CONTENT: id}]}
            return files.files.find_one(empty, {"_id": 1}) is None

    def _is_old(self, record: Mapping[str, Any]) -> bool:
        touched = record.get("touched") or record.get("replaced")
        if not isinstance(touched, datetime):
            return True
        touched = touched.replace(tzinfo=UTC) if touched.tzinfo is None else touched
        return touched <= self._youngest

    def _content_key(self, info: FileInfo) -> Any:
        """Files for which the chunks have to be the same in every way."""
        stored = (info.stored_length, info.chunk_size, info.blocks)
        return key(self._bucket, info.content_id), stored, info.length, info.sha256
