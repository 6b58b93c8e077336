"""What a storage tells of its files: everything that is stored of one beside its content."""

from abc import abstractmethod
from datetime import datetime
from os import PathLike
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage
from django.utils import timezone

from mongo_contrib.bridge import native

from .async_files import AsyncGridFSFiles
from .files import GridFSFiles
from .layout import FileInfo

__all__ = ["Information"]

Name = str | PathLike[str]


class Information(Storage):
    """The part of a GridFSStorage that answers what is asked of single files."""

    bucket: str

    @property
    @abstractmethod
    def files(self) -> GridFSFiles:
        """The bucket."""

    @abstractmethod
    async def afiles(self) -> AsyncGridFSFiles:
        """See files."""

    @abstractmethod
    def name_in_bucket(self, name: Name) -> str:
        """The name in the bucket of a file."""

    def get_info(self, name: Name) -> FileInfo:
        """Everything that is stored of a file beside its content, or FileNotFoundError."""
        return self._found(name, self.files.find(self.name_in_bucket(name)))

    async def aget_info(self, name: Name) -> FileInfo:
        """See get_info()."""
        return self._found(name, await (await self.afiles()).find(self.name_in_bucket(name)))

    def _found(self, name: Name, info: FileInfo | None) -> FileInfo:
        if info is None:
            raise self._not_found(name)
        return info

    def _not_found(self, name: Name) -> FileNotFoundError:
        return FileNotFoundError(f"There is no file {str(name)!r} in bucket {self.bucket!r}.")

    def set_metadata(self, name: Name, **fields: Any) -> None:
        """Set what is told of a file, in one atomic update; None takes a field away.

        content_type, original_name, uploader (a user, or whatever else names one) and fields of
        any other names; those that are not given stay. FileNotFoundError if there is no file.
        """
        if not self.files.set_metadata(self.name_in_bucket(name), fields):
            raise self._not_found(name)

    async def aset_metadata(self, name: Name, **fields: Any) -> None:
        """See set_metadata()."""
        await native(self.set_metadata, name, **fields)

    def size(self, name: Name) -> int:
        """The number of bytes of a file."""
        return self.get_info(name).length

    async def asize(self, name: Name) -> int:
        """See size()."""
        return (await self.aget_info(name)).length

    def get_modified_time(self, name: Name) -> datetime:
        """When the file was completed. Stored files never change, so it was made then, too."""
        return _for_django(self.get_info(name).uploaded)

    async def aget_modified_time(self, name: Name) -> datetime:
        """See get_modified_time()."""
        return _for_django((await self.aget_info(name)).uploaded)

    def get_created_time(self, name: Name) -> datetime:
        """See get_modified_time()."""
        return self.get_modified_time(name)

    async def aget_created_time(self, name: Name) -> datetime:
        """See get_modified_time()."""
        return await self.aget_modified_time(name)

    def get_accessed_time(self, name: Name) -> datetime:
        """The same as get_modified_time(): a write for every read is not worth knowing better."""
        return self.get_modified_time(name)

    async def aget_accessed_time(self, name: Name) -> datetime:
        """See get_accessed_time()."""
        return await self.aget_modified_time(name)


def _for_django(moment: datetime) -> datetime:
    """Aware in UTC, or naive in TIME_ZONE, as USE_TZ wants it."""
    if settings.USE_TZ:
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())
