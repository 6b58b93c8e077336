"""Files of this machine into a storage."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .. import metadata
from ..backend import GridFSStorage

__all__ = ["files_below", "store"]

PIECE = 1024 * 1024


def nothing(count: int) -> None:
    """Where nobody wants to know how far it is."""


def store(
    storage: GridFSStorage,
    name: str,
    content: IO[bytes],
    *,
    overwrite: bool = False,
    original_name: str | None = None,
    content_type: str | None = None,
    advance: Callable[[int], None] = nothing,
) -> None:
    """Store the content under this name and no other; nobody sees it before it is complete.

    FileExistsError, unless `overwrite`, if there is a file of this name, or comes in between;
    SuspiciousFileOperation for a name, or a content, that the storage does not take.
    """
    stored = storage.name_in_bucket(name)
    files = storage.files
    if not overwrite and files.find(stored) is not None:
        raise FileExistsError(f"There is a file {name!r} in the bucket {storage.bucket!r}.")
    fields = {
        "original_name": original_name or name,
        "content_type": content_type,
        **storage.get_metadata(name),
    }
    given = {key: value for key, value in fields.items() if value is not None}
    files.upload(
        [stored],
        _pieces(content, advance),
        metadata=metadata.stored_fields(given),
        replace=overwrite,
    )


def _pieces(content: IO[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    while data := content.read(PIECE):
        yield data
        advance(len(data))


def files_below(folder: Path, failed: Callable[[OSError], Any]) -> Iterator[tuple[str, Path]]:
    """The files below a folder in a stable order, with their names relative to it.

    Links are passed over: they can lead anywhere, and in circles.
    """
    for path, folders, names in os.walk(folder, onerror=failed):
        folders.sort()
        for name in sorted(names):
            file = Path(path, name)
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(folder).as_posix(), file
