"""What is known of an upload that is no file yet: pure, no server needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bson import Int64, ObjectId

from .layout import FileInfo

__all__ = ["ResumableUpload"]


@dataclass(frozen=True, slots=True)
class ResumableUpload:
    """An upload's document in ``<bucket>.uploads``."""

    id: ObjectId
    name: str
    length: int
    offset: int
    chunk_size: int
    owner: str
    created: datetime
    expires: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)  # for its file: set_metadata()'s
    header: str = ""  # what its client has said of it, as it said it
    held: bool = False  # waits for a form, rather than becoming a file by itself
    sha256: str | None = None  # once it is complete
    published: str | None = None  # the name of the file that it has become
    tail: bytes = field(default=b"", repr=False)  # what fills no chunk yet, if it was asked for

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are there and their hash is known."""
        return self.sha256 is not None

    def info(self, content_type: str | None = None) -> FileInfo:
        """The content, as `GridFSFiles.read()` takes it."""
        document = {
            "_id": self.id,
            "filename": self.name,
            "length": self.length,
            "chunkSize": self.chunk_size,
            "uploadDate": self.created,
            "metadata": {"contentType": content_type, "sha256": self.sha256},
        }
        return FileInfo.from_document(document)

    def with_fields(self, fields: Mapping[str, Any]) -> "ResumableUpload":
        """The upload after an update of its document."""
        return replace(self, **fields)

    def document(self) -> dict[str, Any]:
        """What is stored of an upload that begins."""
        return {
            "_id": self.id,
            "name": self.name,
            "length": Int64(self.length),
            "offset": Int64(self.offset),
            "chunkSize": self.chunk_size,
            "owner": self.owner,
            "created": self.created,
            "expires": self.expires,
            "metadata": dict(self.metadata),
            "header": self.header,
            "held": self.held,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ResumableUpload":
        return cls(
            id=document["_id"],
            name=document["name"],
            length=int(document["length"]),
            offset=int(document["offset"]),
            chunk_size=int(document["chunkSize"]),
            owner=document["owner"],
            created=_aware(document["created"]),
            expires=_aware(document["expires"]),
            metadata=document.get("metadata") or {},
            header=document.get("header") or "",
            held=bool(document.get("held")),
            sha256=document.get("sha256"),
            published=document.get("published"),
            tail=document.get("tail") or b"",
        )


def _aware(moment: datetime) -> datetime:
    # The codec of the connection decides whether it is aware; it is always UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
