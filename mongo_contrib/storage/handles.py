"""The file objects that GridFSStorage.open() gives."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.files.base import File

from .layout import FileInfo

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import ReadableBuffer, WriteableBuffer

    from .backend import GridFSStorage
    from .uploads import Upload

__all__ = ["GridFSFile", "Reader"]

MODES = ("rb", "wb", "r", "rt", "w", "wt")


class GridFSFile(File):
    """A file of a GridFSStorage, open for reading or for writing; text is UTF-8.

    What is written becomes visible when it is closed, all at once; after an exception inside of
    `with`, and where nobody closes it, never.
    """

    def __init__(
        self,
        storage: "GridFSStorage",
        name: str,
        mode: str = "rb",
        *,
        info: FileInfo | None = None,
    ) -> None:
        """With `info` it is that very file which is read, and not the one of this name now."""
        self._storage = storage
        self._upload: Upload | None = None
        self._given = info
        self._info: FileInfo | None = None
        super().__init__(None, name)
        self._start(mode)

    def _start(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(
                f"A file in GridFS opens in one of the modes {', '.join(MODES)}, not {mode!r}: "
                "what is stored is not changed in place."
            )
        self.mode = mode
        if mode.startswith("r"):
            self._info = self._given or self._storage.get_info(self.name)
            binary: Any = io.BufferedReader(
                Reader(self._storage, self._info), File.DEFAULT_CHUNK_SIZE
            )
        else:
            # Without a buffer: flushing one in the garbage collector could reach the server.
            self._upload = self._storage.start_upload(self.name)
            binary = _Writer(self._upload)
        self.file = (
            binary
            if mode.endswith("b")
            else io.TextIOWrapper(binary, "utf-8", write_through=self._upload is not None)
        )

    @property
    def size(self) -> int:
        """The number of bytes, of those written so far if it is open for writing."""
        if self._upload is not None:
            return self._upload.size
        return self._storage.size(self.name) if self._info is None else self._info.length

    def open(self, mode: str | None = None) -> "GridFSFile":
        """Start again: at the first byte, or as a new file if the mode is one for writing."""
        mode = mode or self.mode
        if not self.closed and mode == self.mode and self._upload is None:
            self.seek(0)
        else:
            self.close()
            self._start(mode)
        return self

    def close(self) -> None:
        """Publish what was written, in the place of a file that has the name already."""
        if self.closed:
            return
        upload, self._upload = self._upload, None
        if upload is None:
            self.file.close()
            return
        try:
            self.file.close()
            upload.replace(self._storage.name_in_bucket(self.name))
        except BaseException:
            upload.discard()
            raise

    def discard(self) -> None:
        """Close without publishing what was written."""
        upload, self._upload = self._upload, None
        self.close()
        if upload is not None:
            upload.discard()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: "TracebackType | None",
    ) -> None:
        if exc_type is None:
            self.close()
        else:
            self.discard()


class Reader(io.RawIOBase):
    """The bytes of a stored file, from any position; only the chunks that are needed are read."""

    def __init__(self, storage: "GridFSStorage", info: FileInfo) -> None:
        # Not its `files`, which are those of the place that asks: a thread or an event loop.
        self._storage, self._info = storage, info
        self._position = 0
        self._rest = memoryview(b"")  # of the chunk that was read last
        self._chunks: Iterator[bytes] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._info.length}
        position = base[whence] + offset
        if position < 0:
            raise ValueError(f"Cannot seek to {position}, before the start of the file.")
        if position != self._position:
            self._position, self._rest, self._chunks = position, memoryview(b""), None
        return position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if not self._rest:
            if self._chunks is None:
                self._chunks = self._storage.files.read(self._info, self._position)
            self._rest = memoryview(next(self._chunks, b""))
        target = memoryview(buffer)
        data = self._rest[: len(target)]
        target[: len(data)] = data
        self._rest = self._rest[len(data) :]
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        chunks = (
            self._storage.files.read(self._info, self._position)
            if self._chunks is None
            else self._chunks
        )
        data = b"".join([self._rest, *chunks])
        self._position += len(data)
        self._rest, self._chunks = memoryview(b""), None
        return data


class _Writer(io.RawIOBase):
    """Appends to an upload. Closing it publishes nothing: the garbage collector closes too."""

    def __init__(self, upload: "Upload") -> None:
        self._upload = upload

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        if self.closed:  # a raw file has to look by itself; this one may be visible by now
            raise ValueError("write to closed file")
        with memoryview(data).cast("B") as written:
            self._upload.write(written)
            return len(written)
