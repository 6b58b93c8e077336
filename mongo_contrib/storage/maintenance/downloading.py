"""Files out of a bucket, compared with their hash on the way."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ..exceptions import DamagedFile
from ..files import GridFSFiles
from ..layout import FileInfo

__all__ = ["compared", "download"]


def nothing(count: int) -> None:
    """Where nobody wants to know how far it is."""


def compared(files: GridFSFiles, info: FileInfo) -> Iterator[bytes]:
    """The content of a file; DamagedFile at its end if it is not what was stored."""
    found, size = hashlib.sha256(), 0
    for data in files.read(info):
        found.update(data)
        size += len(data)
        yield data
    if size != info.length or (info.sha256 and found.hexdigest() != info.sha256):
        raise DamagedFile(
            f"The file {info.name!r} is damaged: its content has {size} bytes and the SHA-256 "
            f"{found.hexdigest()}, and what was stored had {info.length} bytes"
            + (f" and {info.sha256}." if info.sha256 else ".")
        )


def download(
    files: GridFSFiles,
    info: FileInfo,
    target: Path,
    *,
    overwrite: bool = False,
    advance: Callable[[int], None] = nothing,
) -> None:
    """Write the content to a file, which is there when it is whole and compared, and not before.

    FileExistsError, unless `overwrite`, for a target that is there, or comes in between.
    A link at its place is replaced, and not followed.
    """
    if not overwrite and os.path.lexists(target):
        raise _exists(target)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for data in compared(files, info):
                file.write(data)
                advance(len(data))
            file.flush()
            os.fsync(file.fileno())
        # As open() makes files; mkstemp() lets nobody else read them.
        os.chmod(name, 0o666 & ~_umask())
        _put(name, target, overwrite=overwrite)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _put(name: str, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        os.replace(name, target)
        return
    try:
        os.link(name, target)  # which never takes the place of another
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise _exists(target) from None
        os.replace(name, target)
    else:
        os.unlink(name)


def _exists(target: Path) -> FileExistsError:
    return FileExistsError(f"There is a file {str(target)!r} already.")


def _umask() -> int:
    # There is no way to ask but to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
