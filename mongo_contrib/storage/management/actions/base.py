"""What the actions of `manage.py gridfs` have in common."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId, json_util
from django.core.management.base import CommandParser

from mongo_contrib.management.printable import printable
from mongo_contrib.management.progress import Progress
from mongo_contrib.storage import FileInfo, GridFSFiles, GridFSStorage

__all__ = ["Action"]


class Action:
    """One action: results go to `stdout`, everything else to `stderr`."""

    name: str
    help: str
    #: What follows `manage.py gridfs`, and what that does.
    examples: Mapping[str, str] = {}

    def __init__(
        self, storage: GridFSStorage, *, stdout: Any, stderr: Any, verbosity: int = 1
    ) -> None:
        self.storage = storage
        self.stdout, self.stderr, self.verbosity = stdout, stderr, verbosity

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        """As a command's."""

    def run(self, options: Mapping[str, Any]) -> None:
        """Do it; CommandError if anything of it could not be done, or was found."""
        raise NotImplementedError

    @property
    def files(self) -> GridFSFiles:
        """The bucket."""
        return self.storage.files

    def located(self, name: str) -> str:
        """The name in the bucket; also one that another program made and a storage refuses."""
        location = self.storage.location
        return f"{location}/{name}".strip("/") if location else name

    def relative(self, stored: str) -> str:
        """The other way round."""
        location = self.storage.location
        return stored.removeprefix(f"{location}/") if location else stored

    # Writing

    def tell(self, text: str, *, level: int = 1) -> None:
        """A line for people, beside the results."""
        if self.verbosity >= level:
            self.stderr.write(text, str)

    def result(self, text: str) -> None:
        """A line of what was asked for."""
        self.stdout.write(text)

    def record(self, record: Mapping[str, Any]) -> None:
        """The same for machines: one JSON object on a line."""
        self.stdout.write(json.dumps(record, default=plain))

    def refused(self, name: object, exc: Exception) -> None:
        """A line for people: what is wrong with one of several, after which the others go on."""
        told = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        self.stderr.write(f"{shown(name)}: {shown(told)}")

    def progress(self, label: str, total: int | None = None, unit: str = "bytes") -> Progress:
        """A bar, or a line now and then; nothing with ``-v 0``."""
        return Progress(self.stderr if self.verbosity else None, label, total, unit=unit)


def shown(name: object) -> str:
    """A name as it is printed."""
    return printable(name)


def moment(when: datetime) -> str:
    """A time as it is printed: UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def as_record(info: FileInfo, name: str) -> dict[str, Any]:
    """What a list tells machines of a file."""
    return {
        "type": "file",
        "name": name,
        "id": info.id,
        "size": info.length,
        "uploaded": info.uploaded,
        "content_type": info.content_type,
        "sha256": info.sha256,
    }


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return aware.isoformat()
    if isinstance(value, ObjectId):
        return str(value)
    return json_util.default(value)
