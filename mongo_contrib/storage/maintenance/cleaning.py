"""What a bucket holds and nobody will ask for again.

Every deletion looks again right before it whether somebody needs what it is about. What is left
is the moment between that and the deletion, in which a file could be published whose last chunk is
older than `age`: an upload that is silent for so long and then ends is taken for dead.
Cleaners may run side by side, and beside everything else.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from mongo_contrib.exceptions import DuplicateKeyError

from .. import contents, layout, replacing, thumbnails
from ..files import GridFSFiles
from ..resumable import ResumableUploads
from .ownership import (
    ChunkGroup,
    as_it_is,
    batches,
    can_be_owned,
    chunk_owners,
    group_of,
    key,
    owned,
)
from .uses import miscounted
from .verifying import DEFAULT_AGE

__all__ = ["Freed", "clean"]

# How many chunks one command deletes.
TOGETHER = 200


@dataclass(frozen=True, slots=True)
class Freed:
    """Something that is gone, or would be: what it was, and what lay in the chunks of it."""

    what: str
    id: Any
    chunks: int = 0
    size: int = 0
    #: Of what is only counted, how many there were.
    count: int = 1


def nothing(chunks: int) -> None:
    """Where nobody wants to know how far it is."""


def clean(
    files: GridFSFiles,
    *,
    age: timedelta = DEFAULT_AGE,
    dry_run: bool = False,
    now: datetime | None = None,
    advance: Callable[[int], None] = nothing,
) -> Iterator[Freed]:
    """Delete it, and yield what it was; with `dry_run` what it would be.

    `advance` is told how many groups of chunks have been looked at.
    """
    now = now or datetime.now(UTC)
    yield from broken_replacements(files, age=age, dry_run=dry_run, now=now)
    yield from replaced(files, dry_run=dry_run, now=now)
    yield from expired_uploads(files, dry_run=dry_run, now=now)
    yield from unshared(files, dry_run=dry_run, now=now)
    yield from orphans(files, age=age, dry_run=dry_run, now=now, advance=advance)
    yield from lone_thumbnails(files, age=age, dry_run=dry_run, now=now)


def orphans(
    files: GridFSFiles,
    *,
    age: timedelta = DEFAULT_AGE,
    dry_run: bool = False,
    now: datetime | None = None,
    advance: Callable[[int], None] = nothing,
) -> Iterator[Freed]:
    """Chunks of uploads that were broken off: of no file, and none of them younger than `age`.

    Those that no driver has made so, without an owner or without an age, stay; `Verification`
    tells of them.
    """
    oldest = (now or datetime.now(UTC)) - age
    for ids in batches(chunk_owners(files)):
        known = owned(files, ids)
        for id in ids:
            if key(files, id) in known or not can_be_owned(id):
                continue
            group = group_of(files, id)
            if group is None or group.newest is None or group.newest > oldest:
                continue
            freed = group.count if dry_run else _delete(files, group)
            if freed:
                size = group.size * freed // group.count
                yield Freed("chunks of no file", id, freed, size)
        advance(len(ids))


def _delete(files: GridFSFiles, group: ChunkGroup) -> int:
    """Delete the chunks, the last ones first; how many of them went here."""
    freed = 0
    newest = group.newest
    while newest is not None and not owned(files, [group.id]):
        with files.errors():
            wanted = {"files_id": {"$eq": group.id}}
            found = as_it_is(files.chunks).find(wanted, {"files_id": 1}).sort("n", -1)
            chunks = list(found.limit(TOGETHER))
            ids = [chunk["_id"] for chunk in chunks]
            # Somebody has gone on with it after all.
            if not ids or any(not _is_old(id, newest) for id in ids):
                break
            # A list in which there is this id: of whatever that is.
            if any(key(files, chunk["files_id"]) != key(files, group.id) for chunk in chunks):
                break
            freed += files.chunks.delete_many({"_id": {"$in": ids}}).deleted_count
    return freed


def _is_old(id: Any, newest: datetime) -> bool:
    return isinstance(id, ObjectId) and id.generation_time <= newest


def replaced(
    files: GridFSFiles, *, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Freed]:
    """Content of replaced files whose time is over; see replacing."""
    now = now or datetime.now(UTC)
    due = {"replaced": {"$lte": now - replacing.grace(files)}}
    while True:
        with files.errors():
            order = [("replaced", 1), ("_id", 1)]
            records = list(files.replaced.find(due).sort(order).limit(replacing.SWEPT))
        dead = [each for each in records if not owned_by_a_file(files, each["_id"])]
        groups = [group_of(files, _content_of(record)) for record in dead]
        if not dry_run and not replacing.sweep(files, now):
            return
        for record, group in zip(dead, groups, strict=True):
            # What is shared stays for the others; while it is there, nothing of it is freed.
            shared = "content" in record if dry_run else group_of(files, _content_of(record))
            count, size = (0, 0) if group is None or shared else (group.count, group.size)
            yield Freed("replaced content", record["_id"], count, size)
        if dry_run and len(records) == replacing.SWEPT:
            due = {"replaced": {"$lte": due["replaced"]["$lte"], "$gt": records[-1]["replaced"]}}
        elif dry_run:
            return


def expired_uploads(
    files: GridFSFiles, *, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Freed]:
    """Resumable uploads that nobody has gone on with in time."""
    now = now or datetime.now(UTC)
    uploads = ResumableUploads(files)
    expired: dict[str, Any] = {"expires": {"$lte": now}}
    while True:
        with files.errors():
            found = uploads.collection.find(expired, {"published": 1, "expires": 1})
            records = list(found.sort("expires", 1).limit(TOGETHER))
        # What has become a file is one; only the record of the upload goes.
        unused = [record["_id"] for record in records if record.get("published") is None]
        groups = [group_of(files, id) or ChunkGroup(id, 0, 0, None) for id in unused]
        if not dry_run and not uploads.sweep(TOGETHER, now=now):
            return
        for group in groups:
            yield Freed("expired uploads", group.id, group.count, group.size)
        if dry_run:
            if len(records) < TOGETHER:
                return
            expired = {"expires": {"$lte": now, "$gt": records[-1]["expires"]}}


def unshared(
    files: GridFSFiles, *, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Freed]:
    """Contents of which more uses were counted than there are, after a writer was killed."""
    now = now or datetime.now(UTC)
    if dry_run:
        due = now - timedelta(seconds=layout.DEFAULT_GRACE)
        for record, _ in miscounted(files, due):
            yield Freed("shared contents counted anew", record["_id"])
        return
    corrected = contents.recount(files, now=now)
    if corrected:
        yield Freed("shared contents counted anew", files.bucket, count=corrected)


def lone_thumbnails(
    files: GridFSFiles,
    *,
    age: timedelta = DEFAULT_AGE,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Iterator[Freed]:
    """Thumbnails whose picture is gone, and parts of some; they can be made again at any time.

    A bucket of that name may be somebody else's: what was not made as a thumbnail stays, and
    where there is anything of that kind, so do chunks of no file.
    """
    beside = thumbnails.thumbnails_of(files)
    apart = thumbnails.has_only_thumbnails(beside)
    if dry_run:
        for id in thumbnails.lone(files):
            yield Freed("thumbnails without a picture", id)
    elif swept := thumbnails.sweep(files):
        yield Freed("thumbnails without a picture", files.bucket, count=swept)
    if apart:
        yield from orphans(beside, age=age, dry_run=dry_run, now=now)


def _content_of(record: Mapping[str, Any]) -> Any:
    return record.get("content", record["_id"])


def owned_by_a_file(files: GridFSFiles, id: Any) -> bool:
    """Whether there is a file with this content after all."""
    with files.errors():
        document = files.files.find_one({"_id": id}, {"filename": 1})
    return document is not None and document.get("filename") != layout.removed(id)


def broken_replacements(
    files: GridFSFiles,
    *,
    age: timedelta = DEFAULT_AGE,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Iterator[Freed]:
    """Documents beside a name, left by a writer who was killed where there are no transactions.

    One that has taken the place of a file gets its name; one that has not was never read by
    anybody, and goes: its chunks are orphans then.
    """
    now = now or datetime.now(UTC)
    # A range of the names would not do: the mark is in the middle of them.
    wanted = {
        "filename": {"$regex": layout.MARK},
        "uploadDate": {"$lte": now - age},
    }
    with files.errors():
        for document in files.files.find(wanted, {"filename": 1}):
            id, stored = document["_id"], document["filename"]
            name = stored.partition(layout.MARK)[0]
            if stored == layout.removed(id):
                what = "a replaced file"
                if not dry_run:
                    # The grace of those who read it begins now, if it has not begun.
                    record = {"$setOnInsert": {"filename": name, "replaced": now}}
                    files.replaced.update_one({"_id": id}, record, upsert=True)
                    files.files.delete_one({"_id": id, "filename": stored})
            elif stored == layout.staged(name, id):
                what = f"a replacement of {name!r} that was broken off"
                if not dry_run:
                    _settle(files, id, stored, name)
            else:  # a name that another program made
                continue
            yield Freed(what, id)


def _settle(files: GridFSFiles, id: Any, stored: str, name: str) -> None:
    beside = {"_id": id, "filename": stored}
    try:
        with files.errors():
            # find() takes the last of them; where the name itself is there, none.
            found = files.files.find(layout.named_or_staged(name), {"filename": 1})
            names = [document["filename"] for document in found]
            if name not in names and max(names, default="") == stored:
                files.files.update_one(beside, {"$set": {"filename": name}})
                return
    except DuplicateKeyError:
        pass  # somebody has stored a file of this name in between
    with files.errors():
        files.files.delete_one(beside)
