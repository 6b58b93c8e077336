"""The files of any Django storage."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import Int64
from django.apps import apps
from django.core.files.storage import Storage
from django.db.models import FileField
from django.utils import timezone

from ..backend import GridFSStorage
from ..signatures import is_content_type

__all__ = [
    "Source",
    "content_type_of",
    "is_same_place",
    "known_of",
    "names_below",
    "names_in_models",
]

Failed = Callable[[str, Exception], Any]

#: Storages are other people's code over other people's services, and raise what they please:
#: one file, or folder, that cannot be read ends nothing.
ANYTHING = Exception


def names_below(storage: Storage, folder: str, failed: Failed) -> Iterator[str]:
    """The names of all files below a folder (``""``: all), by listdir() and however deep.

    NotImplementedError where the storage cannot list. A folder that cannot be listed, and one that
    is a link to a folder around it, is told to `failed`.
    """
    # Not sorted as a whole: of each folder the files come first, and then its folders.
    waiting = [(folder.strip("/"), frozenset[str]())]
    while waiting:
        path, links = waiting.pop()
        try:
            link = _link(storage, path, links)
            folders, files = storage.listdir(path)
        except NotImplementedError:
            raise
        except ANYTHING as exc:
            failed(path, exc)
            continue
        for name in sorted(files):
            if name:  # some list a folder's own mark as a file without a name
                yield f"{path}/{name}" if path else name
        for name in sorted(folders, reverse=True):
            if name in ("", ".", ".."):
                failed(f"{path}/{name}/", OSError("A folder of this name cannot be asked for."))
            else:
                inner = links if link is None else links | {link}
                waiting.append((f"{path}/{name}" if path else name, inner))


def _link(storage: Storage, path: str, links: frozenset[str]) -> str | None:
    """Where a folder leads that is a link on this machine; OSError for one that leads back."""
    try:
        full = storage.path(path)
    except NotImplementedError:
        return None
    if not path or not os.path.islink(full):
        return None
    target, around = os.path.realpath(full), os.path.realpath(os.path.dirname(full))
    if target in links or os.path.join(around, "").startswith(os.path.join(target, "")):
        raise OSError(f"{path!r} is a link to a folder around it.")
    return target


def names_in_models(storages: tuple[Storage, ...]) -> Iterator[str]:
    """The names that file fields of these storages have in the database, for each field once.

    For a storage that cannot list, or where only what is used is to be taken along.
    """
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, FileField) and field.storage in storages:
                filled = model._base_manager.exclude(**{field.name: ""})
                names = filled.values_list(field.attname, flat=True).order_by("pk")
                for name in names.iterator(chunk_size=1000):
                    if name:
                        yield str(name)


@dataclass(frozen=True, slots=True)
class Source:
    """What a storage knows of a file without reading it; None: it does not tell."""

    size: int | None
    modified: datetime | None
    created: datetime | None
    sha256: str | None
    content_type: str | None
    #: Fields as `set_metadata()` takes them, of another GridFS.
    fields: Mapping[str, Any]
    #: The `_id` of a file in another GridFS.
    id: Any = None

    def as_record(self) -> dict[str, Any]:
        """What is kept in the copy's metadata."""
        size = None if self.size is None else Int64(self.size)
        told = {"size": size, "modified": self.modified, "created": self.created}
        return {key: value for key, value in told.items() if value is not None}

    def is_same(self, record: object) -> bool:
        """Whether a copy with this record was made of the file as it is now, by size and time."""
        if not isinstance(record, Mapping) or self.size is None or self.modified is None:
            return False
        kept = record.get("modified")
        if record.get("size") != self.size or not isinstance(kept, datetime):
            return False
        return _utc(kept) == self.modified


def known_of(storage: Storage, name: str) -> Source:
    """What a storage tells of a file; what it raises where there is none."""
    if isinstance(storage, GridFSStorage):
        info = storage.get_info(name)
        return Source(
            size=info.length,
            modified=_stored(info.uploaded),
            created=None,
            sha256=info.sha256,
            content_type=info.content_type,
            fields={
                **info.fields,
                **({"original_name": info.original_name} if info.original_name else {}),
                **({"uploader": info.uploader} if info.uploader is not None else {}),
            },
            id=info.id,
        )
    return Source(
        size=_asked(storage.size, name),
        modified=_time(storage.get_modified_time, name),
        created=_time(storage.get_created_time, name),
        sha256=None,
        content_type=None,
        fields={},
    )


def is_same_place(storage: Storage, other: Storage) -> bool:
    """Whether a file of one of them is the file of this name of the other.

    Several aliases may lead to one database; of several addresses of one server nobody knows.
    """
    if not (isinstance(storage, GridFSStorage) and isinstance(other, GridFSStorage)):
        return False
    if (storage.bucket, storage.location) != (other.bucket, other.location):
        return False
    if storage.alias == other.alias:
        return True
    database, another = storage.files.database, other.files.database
    return database.name == another.name and bool(database.client.nodes & another.client.nodes)


def content_type_of(file: Any) -> str | None:
    """The type that an open file of another storage tells, as those of S3 do."""
    for each in (file, getattr(file, "obj", None)):
        told = getattr(each, "content_type", None)
        if is_content_type(told):
            return str(told)
    return None


def _asked(verb: Callable[[str], Any], name: str) -> Any:
    try:
        return verb(name)
    except NotImplementedError:
        return None


def _time(verb: Callable[[str], Any], name: str) -> datetime | None:
    value = _asked(verb, name)
    return _stored(value) if isinstance(value, datetime) else None


def _stored(value: datetime) -> datetime:
    """In UTC, and as exact as BSON: what is stored can be compared with it."""
    if value.tzinfo is None:  # as storages have it without USE_TZ
        value = timezone.make_aware(value, timezone.get_default_timezone())
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
