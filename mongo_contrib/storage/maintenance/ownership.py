"""Whose the chunks of a bucket are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any
from uuid import UUID

from bson import Decimal128, ObjectId, Timestamp, encode
from pymongo import ReadPreference
from pymongo.collection import Collection

from ..files import GridFSFiles
from ..layout import SHARED, SHARED_CONTENT, shared_content

__all__ = [
    "ChunkGroup",
    "as_it_is",
    "batches",
    "can_be_owned",
    "chunk_owners",
    "group_of",
    "key",
    "owned",
]

PAGE = 5_000
LOOKED_UP = 200

# Ids may be of any type, and a comparison finds only what is of the same.
_TYPES = (
    *("objectId", "string", "number", "binData", "object", "date", "bool", "timestamp", "regex"),
    "null",
)


@dataclass(frozen=True, slots=True)
class ChunkGroup:
    """All chunks of one `files_id`."""

    id: Any
    count: int
    size: int
    #: When the last one was stored, by its own id; None where another program makes other ids.
    newest: datetime | None


def chunk_owners(files: GridFSFiles) -> Iterator[Any]:
    """Each `files_id` that a chunk has, once, by the index and without reading a chunk."""
    order = [("files_id", 1), ("n", 1)]
    for kind in _TYPES:
        wanted: dict[str, Any] = {"files_id": {"$type": kind}}
        if kind == "null":
            wanted = {"files_id": None}
        while True:
            with files.errors():
                found = files.chunks.find(wanted, {"_id": 0, "files_id": 1}).sort(order)
                page = [chunk.get("files_id") for chunk in found.limit(PAGE)]
            for index, id in enumerate(page):
                if not index or id != page[index - 1]:
                    yield id
            if len(page) < PAGE or kind in ("regex", "null"):  # which nothing is greater than
                break
            # What is left of a large file is passed over.
            wanted = {"files_id": {"$gt": page[-1]}}


def batches(ids: Iterable[Any]) -> Iterator[list[Any]]:
    """Some ids at a time, as many as one look-up takes."""
    batch: list[Any] = []
    for id in ids:
        batch.append(id)
        if len(batch) == LOOKED_UP:
            yield batch
            batch = []
    if batch:
        yield batch


_PLAIN = (
    *(ObjectId, str, int, float, Decimal128, bytes, UUID, datetime, bool, Timestamp),
    Mapping,
)


def can_be_owned(id: Any) -> bool:
    """Whether a file may have this `_id`, and a look-up of it finds that one and nothing else.

    None has a regular expression, or a list, of which a look-up would find what matches.
    """
    return isinstance(id, _PLAIN)


def owned(files: GridFSFiles, ids: list[Any]) -> set[Any]:
    """The keys of those ids whose chunks somebody needs, or may need.

    These are files, files that share the content of another, files whose replacement somebody
    may be reading past, and uploads that can be resumed. Chunks of anybody else are of an upload
    that has just begun, or of one that was broken off: their age tells.
    """
    ids = [id for id in ids if can_be_owned(id)]
    asked = {key(files, id) for id in ids}
    found = set()
    documents = as_it_is(files.files)
    with files.errors():
        for document in documents.find({"_id": {"$in": ids}}, SHARED):
            if _bears_own(files, document):
                found.add(key(files, document["_id"]))
        for collection, field in (
            (files.replaced, "_id"),
            (files.database[f"{files.bucket}.uploads"], "_id"),
            (files.database[f"{files.bucket}.contents"], "content"),
        ):
            rest = [id for id in ids if key(files, id) not in found]
            if rest:
                records = as_it_is(collection).find({field: {"$in": rest}}, {field: 1})
                found.update(key(files, record[field]) for record in records)
        # Their record should be among the contents, and this has no index: so it comes last.
        rest = [id for id in ids if key(files, id) not in found]
        if rest:
            shared = documents.find({SHARED_CONTENT: {"$in": rest}}, {SHARED_CONTENT: 1})
            found.update(key(files, shared_content(document)) for document in shared)
    # Found, and not asked for: by a collation, perhaps. Then nobody knows whose any of them are.
    return found if found <= asked else found | asked


def group_of(files: GridFSFiles, id: Any) -> ChunkGroup | None:
    """What there is of one `files_id`; None: nothing any more."""
    pipeline: list[dict[str, Any]] = [
        {"$match": {"files_id": {"$eq": id}}},
        {
            "$group": {
                "_id": None,
                "count": {"$sum": 1},
                "size": {"$sum": SIZE},
                "first": {"$min": "$_id"},
                "newest": {"$max": "$_id"},
            }
        },
    ]
    with files.errors():
        for found in as_it_is(files.chunks).aggregate(pipeline):
            dated = isinstance(found["first"], ObjectId) and isinstance(found["newest"], ObjectId)
            newest = found["newest"].generation_time if dated else None
            return ChunkGroup(id, int(found["count"]), int(found["size"]), newest)
    return None


def key(files: GridFSFiles, id: Any) -> Any:
    """What an id is known by in a set: the same for all that the server takes for equal."""
    if type(id) in (ObjectId, str):
        return id
    if isinstance(id, Mapping):
        return "object", tuple((name, key(files, value)) for name, value in id.items())
    number = id.to_decimal() if isinstance(id, Decimal128) else id
    # Numbers are equal whatever their type; True is none of them there.
    if isinstance(number, int | float | Decimal) and type(id) is not bool and isfinite(number):
        return "number", Fraction(number)
    # How a UUID is stored is an option of the connection.
    return encode({"": id}, codec_options=files.chunks.codec_options)


#: The bytes of a chunk, which the server counts; -1 if they are none.
SIZE = {"$cond": [{"$eq": [{"$type": "$data"}, "binData"]}, {"$binarySize": "$data"}, -1]}


def as_it_is(collection: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """The collection read where it is written: what a secondary does not know yet is needed."""
    return collection.with_options(read_preference=ReadPreference.PRIMARY)


def _bears_own(files: GridFSFiles, document: dict[str, Any]) -> bool:
    """Whether the file's chunks bear its own id; those of a shared content bear another."""
    content = shared_content(document)
    if content is None or content == document["_id"]:
        return True
    # Only if they are really there: whatever the document says, it has no others.
    return as_it_is(files.chunks).find_one({"files_id": content}, {"_id": 1}) is None
