"""Complete uploads that are no files yet: what a form gives to a model's field."""

import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.files.base import File

from .exceptions import UploadUsed
from .handles import Reader
from .layout import FileInfo
from .resumable import ResumableUploads
from .unfinished import ResumableUpload

if TYPE_CHECKING:
    from .backend import GridFSStorage

__all__ = ["StoredUpload"]


class StoredUpload(File):
    """A complete upload as a file that is read, and saved like any other.

    A storage of the same bucket makes a file of it without copying a byte; any other one copies.
    """

    def __init__(
        self, storage: "GridFSStorage", upload: ResumableUpload, *, once: bool = False
    ) -> None:
        """The upload is complete. With `once`, saving it again is UploadUsed, and not a copy."""
        self.storage = storage
        self.upload = upload
        self.once = once
        #: For the storage that it is saved in: see GridFSStorage.set_metadata().
        self.metadata: Mapping[str, Any] = upload.metadata
        info = self._info()
        uploads = ResumableUploads(storage.files)
        self.content_type = info.content_type or uploads.content_type(upload)
        super().__init__(self._reader(info), upload.name)
        self.size = upload.length
        self.mode = "rb"

    def open(self, mode: str | None = None, *args: Any, **kwargs: Any) -> "StoredUpload":
        """Start again at the first byte; it is only read."""
        if mode not in (None, "rb"):
            raise ValueError(f"An upload is opened in the mode 'rb', not {mode!r}.")
        if self.closed:
            self.file = self._reader(self._info())
        else:
            self.seek(0)
        return self

    def is_in(self, storage: "GridFSStorage") -> bool:
        """Whether this is the bucket that the content lies in."""
        here = self.storage.alias, self.storage.bucket
        return (storage.alias, storage.bucket) == here

    def publish(
        self, storage: "GridFSStorage", names: Iterable[str], metadata: Mapping[str, Any]
    ) -> str:
        """Make it a file of the storage's bucket, under the first name that is free; that name."""
        files, overwrite = storage.files, storage.allow_overwrite
        uploads = ResumableUploads(files)
        try:
            name = uploads.publish(self.upload, names, metadata=metadata, overwrite=overwrite)
        except UploadUsed:
            # As with every other content, saving it twice makes two files. By its name the file
            # may be another one.
            info = None if self.once else files.find_id(self.upload.id)
            if info is None:
                raise
            return files.upload(names, files.read(info), metadata=metadata, replace=overwrite)
        if files.deduplicate:
            self.file = self._reader(self._info())  # what it read so far may be gone
        return name

    def _info(self) -> FileInfo:
        # Once it is a file, that one may share its content, and then has no other.
        return self.storage.files.find_id(self.upload.id) or self.upload.info()

    def _reader(self, info: FileInfo) -> io.BufferedReader:
        return io.BufferedReader(Reader(self.storage, info), File.DEFAULT_CHUNK_SIZE)
