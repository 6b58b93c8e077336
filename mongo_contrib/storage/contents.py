"""Equal content that is stored once: ``<bucket>.contents`` counts the files that share it.

A record is ``{_id: what has to be equal, content: the chunks' files_id, uses, touched}``, and a
file's document has the same as `metadata.sharedContent`. Each use belongs to one document: it is
counted before that is inserted, and given back after it was deleted, by whoever deleted it. So who
is killed in between leaves a use too many (`recount` finds it) and never one too few. Chunks go
after the last use, and after the record by which others would have found them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from django.db import OperationalError
from pymongo import ReadPreference

from mongo_contrib.exceptions import DuplicateKeyError

from .layout import DEFAULT_GRACE, SHARED_CONTENT, FileInfo, shared_content

if TYPE_CHECKING:
    from .files import GridFSFiles

__all__ = ["Share", "delete", "key_of", "owned", "recount", "release"]

# Two who are the first of a content at once: on some servers one of them is told of the other.
_TRIES = 5


class Share:
    """The uses of one content that an upload has, before a document of its file has one."""

    def __init__(self, files: "GridFSFiles", document: Mapping[str, Any]) -> None:
        """Of a content like that of the document, whose own chunks are all stored."""
        self._files = files
        self._info = FileInfo.from_document(document)
        self._held = 0
        #: The files_id of the content; None as long as there is no use of one.
        self.content: Any = None
        #: Whether others may have the chunks that this upload has written.
        self.is_own = False
        self._apart = False

    def hold(self, uses: int) -> bool:
        """Have at least so many uses; False if the file is to stand by itself."""
        if self._held < uses and not self._apart:
            first = self.content is None
            self.is_own = self.is_own or first
            self.content = self._counted(uses - self._held)
            self._held = uses
            self.is_own = self.content == self._info.id
            if first and not self.is_own and not self._is_whole():
                self._apart = True
                self.give_back()
                self.content = None
        return not self._apart

    def _counted(self, uses: int) -> Any:
        """Count more uses; the content, which is ours if there is no equal one."""
        filter = {"_id": key_of(self._info)}
        update = {
            "$inc": {"uses": uses},
            "$set": {"touched": datetime.now(UTC)},
            "$setOnInsert": {"content": self._info.id},
        }
        for _ in range(_TRIES):
            # Not find_one_and_update(): what it gives is None on one bundled server, if somebody
            # deletes a record at that moment. With a use of ours a record stays.
            with suppress(DuplicateKeyError), self._files.errors():
                self._files.contents.update_one(filter, update, upsert=True)
                if record := self._files.contents.find_one(filter, {"content": 1}):
                    return record["content"]
        raise OperationalError(
            f"No use of a content could be counted in {self._files.contents.name!r}."
        )

    def _is_whole(self) -> bool:
        """Whether the chunks are there: a program that knows no shares may have deleted them."""
        expected = -(-self._info.stored_length // self._info.chunk_size)
        with self._files.errors():
            found = self._files.chunks.count_documents({"files_id": self.content})
        return bool(found == expected)

    def place(self) -> None:
        """One use is that of the document that is inserted now."""
        self._held -= 1

    def take_back(self) -> None:
        """That document is not there: it was not inserted, or we have deleted it."""
        self._held += 1

    def give_back(self) -> None:
        """Give back all uses that no document has."""
        while self._held > 0 and self.content is not None:
            self._held -= 1
            release(self._files, self.content)


def key_of(info: FileInfo) -> str:
    """What is equal for two contents whose chunks can be read for each other."""
    parts = [str(info.sha256), str(info.chunk_size)]
    if info.blocks is not None:  # another release of zlib makes other blocks
        blocks = hashlib.sha256(info.blocks.lengths).hexdigest()[:32]
        parts += [str(info.encoding), str(info.blocks.block_size), blocks]
    return "-".join(parts)


def release(files: "GridFSFiles", content: Any) -> None:
    """Give one use back; after the last one the content goes."""
    with files.errors():
        files.contents.update_one(
            {"content": content}, {"$inc": {"uses": -1}, "$set": {"touched": datetime.now(UTC)}}
        )
        _end(files, content)


def _end(files: "GridFSFiles", content: Any) -> None:
    """Delete a content that has no use left; if a file has it nevertheless, correct the number.

    Uses are too few after a restore from a backup whose collections are of several moments.
    """
    unused = {"content": content, "uses": {"$lte": 0}}
    record = files.contents.find_one(unused)
    if record is None:
        return
    users = files.files.count_documents({SHARED_CONTENT: content})
    if users:
        users += files.replaced.count_documents({"content": content})
        files.contents.update_one(_same(record), {"$set": {"uses": users}})
    else:
        _drop(files, unused | {"_id": record["_id"]})


def _same(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as it was when we looked: neither of those who come and go is passed over."""
    return {key: record[key] for key in ("_id", "content", "uses", "touched")}


def _drop(files: "GridFSFiles", record: Mapping[str, Any]) -> bool:
    """Delete a content, unless somebody has begun to use it; first what makes it found.

    Where another program has taken our field away from the file that wrote it first, the chunks
    are that file's own from then on, and stay.
    """
    dropped = bool(files.contents.delete_one(record).deleted_count)
    if dropped and files.files.find_one({"_id": record["content"]}, {"_id": 1}) is None:
        files.chunks.delete_many({"files_id": record["content"]})
    return dropped


def touch(files: "GridFSFiles", contents: Iterable[Any]) -> None:
    """Say that uses of these are about to be given back: recount() leaves them alone so long.

    Before the document is deleted; it would count too few, and then we would give back one more.
    """
    filter = {"content": {"$in": list(contents)}}
    with files.errors():
        files.contents.update_many(filter, {"$set": {"touched": datetime.now(UTC)}})


def delete(files: "GridFSFiles", documents: Iterable[Mapping[str, Any]]) -> int:
    """Delete the documents of files that share their content; how many of them were there."""
    shares = {document["_id"]: shared_content(document) for document in documents}
    touch(files, shares.values())
    deleted = 0
    for id, content in shares.items():
        with files.errors():
            # Whoever deletes it gives the use back, and nobody else.
            if files.files.delete_one({"_id": id}).deleted_count:
                release(files, content)
                deleted += 1
    return deleted


def owned(files: "GridFSFiles", ids: Iterable[Any]) -> list[Any]:
    """Those `_id`s of files whose chunks are no content that others may share."""
    ids = [*ids]
    with files.errors():
        found = files.contents.find({"content": {"$in": ids}}, {"content": 1})
        shared = {record["content"] for record in found}
    return [id for id in ids if not isinstance(id, ObjectId) or id not in shared]


def recount(
    files: "GridFSFiles", *, grace: float = DEFAULT_GRACE, now: datetime | None = None
) -> int:
    """Correct the numbers of uses, and delete contents without any; how many that concerned.

    Uses are too many after a writer was killed. What somebody has touched in the last `grace`
    seconds is left alone: that has to be longer than a writer may pause between two commands.
    """
    due = (now or datetime.now(UTC)) - timedelta(seconds=grace)
    corrected = 0
    with files.errors():
        # Files before what was replaced: a use that goes from one to the other is seen in both.
        users = _counted(files.files, SHARED_CONTENT)
        replaced = {each["_id"]: each["uses"] for each in _counted(files.replaced, "content")}
        records = files.contents.find({"touched": {"$lte": due}}).sort("content", 1)
        user = next(users, None)
        for record in records:
            content = record["content"]
            while user is not None and user["_id"] < content:
                user = next(users, None)
            uses = user["uses"] if user is not None and user["_id"] == content else 0
            uses += replaced.get(content, 0)
            if uses == record["uses"] and uses > 0:
                continue
            same = _same(record)
            if uses > 0:
                corrected += files.contents.update_one(
                    same, {"$set": {"uses": uses}}
                ).matched_count
            elif not _is_of_an_upload(files, content):
                corrected += _drop(files, same)
    return corrected


def _is_of_an_upload(files: "GridFSFiles", content: Any) -> bool:
    """Whether an upload can still be published whose chunks these are; it has tried to be."""
    uploads = files.database[f"{files.bucket}.uploads"].with_options(
        read_preference=ReadPreference.PRIMARY
    )
    return uploads.find_one({"_id": content, "published": None}, {"_id": 1}) is not None


def _counted(collection: Any, field: str) -> Iterator[dict[str, Any]]:
    """How many documents there are for each content, in the contents' order."""
    return iter(
        collection.aggregate(
            [
                {"$match": {field: {"$type": "objectId"}}},
                {"$group": {"_id": f"${field}", "uses": {"$sum": 1}}},
                {"$sort": {"_id": 1}},
            ],
            allowDiskUse=True,
        )
    )
