"""GridFS as its specification has it: documents, filters, chunks. No server needed.

``<bucket>.files`` has one document per file, ``<bucket>.chunks`` the content in pieces. Readers
find a file by its document in ``files``, and that is written last.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

from bson import ObjectId

from mongo_contrib.db.names import is_collection_name

from . import metadata
from .compression import GZIP, Blocks
from .exceptions import DamagedFile
from .signatures import is_content_type

__all__ = [
    "DEFAULT_BUCKET",
    "DEFAULT_CHUNK_SIZE",
    "DEFAULT_GRACE",
    "SHARED",
    "SHARED_CONTENT",
    "Checksum",
    "ChunkSequence",
    "FileInfo",
    "check_bucket",
    "check_chunk_size",
    "inside",
    "listing",
    "named",
    "named_or_staged",
    "removed",
    "shared_content",
    "shown_name",
    "staged",
    "windows",
]

DEFAULT_BUCKET = "fs"
DEFAULT_CHUNK_SIZE = 255 * 1024  # the specification's, and what all drivers use
DEFAULT_GRACE = 3600  # seconds

# How much is asked for at once when a file is read. Each piece is a query of its own, so a slow
# download keeps no cursor open (the server would close it after ten minutes).
WINDOW_BYTES = 2 * 1024 * 1024

# A chunk and its few other fields have to stay below the server's limit of 16 MiB.
LARGEST_CHUNK = 16 * 1024 * 1024 - 1024

Filter = dict[str, Any]

# Names have no control characters, so these lie between a name and all longer ones.
MARK = "\x01"
_AFTER_MARK = "\x02"
_OUT_OF_THE_WAY = {"$gt": MARK, "$lt": _AFTER_MARK}

_SHA256 = re.compile("[0-9a-f]{64}")

#: Where the document of a file that shares its content says which chunks it has.
SHARED_CONTENT = f"metadata.{metadata.SHARED_CONTENT}"

#: The fields that tell whether a file shares its content, and its name.
SHARED = {"filename": 1, SHARED_CONTENT: 1}


def check_bucket(bucket: str) -> None:
    """Raise ValueError for what cannot be the start of two collections' names."""
    if not is_collection_name(bucket) or not is_collection_name(f"{bucket}.files"):
        raise ValueError(
            "A bucket is the start of two collections' names, as in 'fs', "
            f"and cannot be {bucket!r}."
        )


def check_chunk_size(chunk_size: int) -> None:
    """Raise ValueError for a size that MongoDB cannot store."""
    if not isinstance(chunk_size, int) or not 1 <= chunk_size <= LARGEST_CHUNK:
        raise ValueError(
            f"chunk_size is a number of bytes from 1 to {LARGEST_CHUNK}, not {chunk_size!r}."
        )


def check_flags(**flags: Any) -> None:
    """Raise ValueError for an option that is neither True nor False."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name} is True or False, not {value!r}.")


def check_grace(seconds: float) -> None:
    """Raise ValueError for what is no time to keep the content of replaced files."""
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds <= 10**9:
        raise ValueError(f"keep_replaced is a number of seconds from 0 on, not {seconds!r}.")


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file's document in ``<bucket>.files``."""

    id: Any
    name: str
    length: int
    chunk_size: int
    uploaded: datetime
    metadata: Mapping[str, Any]
    #: Of a file that is compressed.
    blocks: Blocks | None = None

    @property
    def content_id(self) -> Any:
        """What the chunks bear as their `files_id`; several files may share their content."""
        shared = shared_content({"metadata": self.metadata})
        return self.id if shared is None else shared

    @property
    def encoding(self) -> str | None:
        """How the content is stored: "gzip", or None for as it is."""
        return None if self.blocks is None else GZIP

    @property
    def stored_length(self) -> int:
        """The number of bytes in the chunks; `length` is that of the content."""
        return self.length if self.blocks is None else self.blocks.stored_length

    @property
    def sha256(self) -> str | None:
        """The hash of the content in hexadecimal; None in files of other programs."""
        value = self.metadata.get("sha256")
        return value if _is_sha256(value) else None

    @property
    def content_type(self) -> str | None:
        """The type as it is stored; None if there is none, or nothing that is one."""
        value = self.metadata.get("contentType")
        return value if is_content_type(value) else None

    @property
    def original_name(self) -> str | None:
        """The name that the file had where it came from, without folders."""
        return metadata.cleaned_name(self.metadata.get("originalName"))

    @property
    def uploader(self) -> Any:
        """Who stored it, as the caller said it: the key of a user, or whatever else."""
        return self.metadata.get("uploader")

    @property
    def fields(self) -> dict[str, Any]:
        """The project's own fields."""
        return metadata.fields_of(self.metadata)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "FileInfo":
        """The file of this document; DamagedFile if it lacks what GridFS says that each has."""
        length, chunk_size = _size(document, "length", 0), _size(document, "chunkSize", 1)
        uploaded = document.get("uploadDate")
        if not isinstance(uploaded, datetime):
            raise _broken(document, "uploadDate", "a date")
        found = document.get("metadata")
        stored: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        blocks = Blocks.from_metadata(stored, length)
        return cls(
            id=document["_id"],
            name=shown_name(document),
            length=length if blocks is None else blocks.content_length,
            chunk_size=chunk_size,
            # The codec of the connection decides whether it is aware; it is always UTC.
            uploaded=uploaded.replace(tzinfo=UTC) if uploaded.tzinfo is None else uploaded,
            metadata=stored,
            blocks=blocks,
        )


def _size(document: Mapping[str, Any], key: str, least: int) -> int:
    value: Any = document.get(key)
    # Some drivers write all numbers as floats.
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or value < least:
        raise _broken(document, key, f"a whole number from {least} on")
    return int(value)


def _broken(document: Mapping[str, Any], key: str, right: str) -> DamagedFile:
    file = f"{shown_name(document)!r} (_id {document['_id']!r})"
    return DamagedFile(
        f"The file {file} is damaged: its {key} is {document.get(key)!r}, and should be {right}."
    )


def shown_name(document: Mapping[str, Any]) -> str:
    """The name that people see; "" of one that has none, or is no file any more."""
    name = document.get("filename")
    return name.partition(MARK)[0] if isinstance(name, str) else ""


def shared_content(document: Mapping[str, Any]) -> Any:
    """The content that a file shares, or might, with others; None: its chunks are its own.

    Of the document it needs what SHARED projects.
    """
    stored = document.get("metadata")
    if not isinstance(stored, Mapping):
        return None
    value = stored.get(metadata.SHARED_CONTENT)
    return value if isinstance(value, ObjectId) else None


def _is_sha256(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def named(name: str) -> Filter:
    """The filter for the file of this name."""
    return {"filename": name}


def staged(name: str, id: Any) -> str:
    """The name of a file that takes the place of another, until that one is out of the way."""
    return f"{name}{MARK}{id}"


def removed(id: Any) -> str:
    """The name of a file that another one has taken the place of, until it is deleted."""
    return f"{MARK}{id}"


def named_or_staged(name: str) -> Filter:
    """The filter for all that has to do with a name; what comes last by `filename` counts."""
    return {"filename": {"$gte": name, "$lt": f"{name}{_AFTER_MARK}"}}


def inside(folder: str) -> Filter:
    """The filter for everything below `folder` (``""``: everything), by a range of the index."""
    # "0" is the character after "/".
    return {"filename": {"$gte": f"{folder}/", "$lt": f"{folder}0"}} if folder else {}


def file_or_folder(name: str) -> Filter:
    """The filter that matches if there is a file of this name, or one below a folder of it."""
    return {"$or": [named_or_staged(name), inside(name)]}


def listing(folder: str) -> list[dict[str, Any]]:
    """The pipeline that gives ``{"_id": {"name": ..., "folder": bool}}`` for all in `folder`."""
    skipped = len(folder.encode()) + 1 if folder else 0
    name = {"$arrayElemAt": [{"$split": ["$filename", MARK]}, 0]}
    rest = {"$substrBytes": [name, skipped, -1]}
    return [
        {"$match": inside(folder) or {"filename": {"$gt": "", "$not": _OUT_OF_THE_WAY}}},
        {"$project": {"_id": 0, "parts": {"$split": [rest, "/"]}}},
        {
            "$group": {
                "_id": {
                    "name": {"$arrayElemAt": ["$parts", 0]},
                    "folder": {"$gt": [{"$size": "$parts"}, 1]},
                }
            }
        },
    ]


def folders_and_files(found: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """What a listing() found, sorted, as Storage.listdir() returns it."""
    # Other programs have names as "/a" and "a/"; a folder without a name would be in itself.
    entries = [entry["_id"] for entry in found if entry["_id"]["name"]]
    folders = sorted(entry["name"] for entry in entries if entry["folder"])
    files = sorted(entry["name"] for entry in entries if not entry["folder"])
    return folders, files


def windows(info: FileInfo, start: int, stop: int) -> Iterator[Filter]:
    """The filters for the chunks with what is stored from `start` to `stop`, some at a time."""
    if start >= stop:
        return
    step = max(1, WINDOW_BYTES // info.chunk_size)
    last = (stop - 1) // info.chunk_size
    for first in range(start // info.chunk_size, last + 1, step):
        yield {
            "files_id": info.content_id,
            "n": {"$gte": first, "$lte": min(first + step - 1, last)},
        }


class ChunkSequence:
    """Takes the chunks in their order; gives their bytes from `start` to `stop`, or DamagedFile.

    With a `checksum`, what it gives is compared with the file's hash before the last of it.
    """

    def __init__(
        self, info: FileInfo, start: int, stop: int, *, checksum: "Checksum | None" = None
    ) -> None:
        self.info, self.start, self.stop = info, start, stop
        self.position = start
        self._checksum = checksum

    def take(self, chunk: Mapping[str, Any]) -> bytes:
        """The bytes of this chunk that were asked for."""
        size = self.info.chunk_size
        expected, offset = divmod(self.position, size)
        if chunk["n"] != expected:
            raise self._damaged(f"has no chunk {expected}")
        data = chunk.get("data")
        if not isinstance(data, bytes):
            raise self._damaged(f"has no bytes in chunk {expected}")
        begin = expected * size
        if len(data) != min(size, self.info.stored_length - begin):
            raise self._damaged(f"has {len(data)} bytes in chunk {expected}")
        data = data[offset : self.stop - begin]
        self.position += len(data)
        if self._checksum is not None:
            self._checksum.update(data, last=self.position == self.stop)
        return data

    def finish(self) -> None:
        """Raise DamagedFile unless all was there."""
        if self.position < self.stop:
            raise self._damaged(f"has no chunk {self.position // self.info.chunk_size}")

    def _damaged(self, what: str) -> DamagedFile:
        return DamagedFile(
            f"The file {self.info.name!r} is damaged: it should have {self.info.stored_length} "
            f"bytes in chunks of {self.info.chunk_size}, but {what}."
        )


class Checksum:
    """The hash of a whole content, compared with what was stored with it."""

    def __init__(self, info: FileInfo) -> None:
        self._info = info
        self._hash = hashlib.sha256()

    def update(self, data: bytes, *, last: bool) -> None:
        """Go on with the content; DamagedFile if these are the last bytes, and it differs."""
        self._hash.update(data)
        if last and (found := self._hash.hexdigest()) != self._info.sha256:
            raise DamagedFile(
                f"The file {self._info.name!r} is damaged: its content has the SHA-256 {found}, "
                f"and what was stored had {self._info.sha256}."
            )
