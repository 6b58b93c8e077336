"""Thumbnails of the pictures in a bucket, made when they are first asked for.

They are files of a bucket beside it, `<bucket>.thumbnails`, under the `_id` of their original and
their size. So a file that takes the place of another never has that one's thumbnails, and all of
them can be made again at any time. A file that is no picture is remembered as one, too, by an
empty thumbnail.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bson import ObjectId

from mongo_contrib.bridge import on_loop, pause, wait

from . import images, layout
from .exceptions import NoPicture, ThumbnailsBusy
from .files import GridFSFiles
from .layout import FileInfo

__all__ = ["Thumbnails", "checked_sizes", "sweep"]

Size = tuple[int, int]

#: The longest side that can be asked for, in pixels.
LONGEST_SIDE = 4096

#: How many are made at once in one process, how many more wait, and for how many seconds.
AT_ONCE = max(1, min(4, (os.cpu_count() or 2) - 1))
WAITING = 32
PATIENCE = 20.0

#: For how long a file counts as no picture: there may come a Pillow that can read it.
REFUSED = timedelta(days=1)

BATCH = 500

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")


def checked_sizes(sizes: Any) -> dict[str, Size]:
    """The option `thumbnails`, or ValueError: `{"small": (160, 160)}`, width and height."""
    if sizes is None:
        return {}
    if not isinstance(sizes, Mapping):
        raise ValueError(
            "thumbnails is a dict of sizes like {'small': (160, 160)}, width and height in "
            f"pixels, not {sizes!r}."
        )
    found = {}
    for name, size in sizes.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                "A size of thumbnails has a name of letters, digits, '_' and '-' like 'small', "
                f"not {name!r}."
            )
        if not isinstance(size, list | tuple) or len(size) != 2 or not all(map(_is_side, size)):
            raise ValueError(
                f"thumbnails[{name!r}] is a pair of whole numbers from 1 to {LONGEST_SIDE}, "
                f"width and height, not {size!r}."
            )
        found[name] = (size[0], size[1])
    return found


def _is_side(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LONGEST_SIDE


class Thumbnails:
    """The thumbnails of one bucket; what it makes is made once, whoever asks at the same time."""

    def __init__(self, files: GridFSFiles) -> None:
        """`files` are the originals."""
        self.originals = files
        self.files = thumbnails_of(files)

    def get(self, original: FileInfo, size: Size) -> FileInfo:
        """The thumbnail of this size, made if there is none yet.

        NoPicture if there can be none, ThumbnailsBusy if too many are being made.
        """
        found = self.find(original, size)
        if found is None:
            found = self.make(original, size)
        if not found.length:
            raise NoPicture(f"The file {original.name!r} has no thumbnail: it is no picture.")
        return found

    def find(self, original: FileInfo, size: Size) -> FileInfo | None:
        """The thumbnail that is there; an empty one says that there can be none."""
        found = self.files.find(name_of(original.id, size))
        if found is not None and not found.length and found.uploaded < _now() - REFUSED:
            self.files.delete_ids([found.id])
            return None
        return found

    def make(self, original: FileInfo, size: Size) -> FileInfo:
        """Make the thumbnail and keep it."""
        name = name_of(original.id, size)
        try:
            made = self._made(original, size)
        except NoPicture as exc:
            made, fields = b"", {"original": original.id, "refused": str(exc)[:500]}
        else:
            fields = {"original": original.id}
        with suppress(FileExistsError):  # somebody else's, of the same picture
            self.files.upload([name], [made], metadata=fields)
        found = self.files.find(name)
        if found is None or self.originals.find_id(original.id) is None:
            # Deleted meanwhile: whoever did so has not seen this one.
            self.delete([original.id])
            raise NoPicture(f"The file {original.name!r} has been deleted.")
        return found

    def _made(self, original: FileInfo, size: Size) -> bytes:
        if original.content_type not in images.FORMATS:
            raise NoPicture(f"A file of the type {original.content_type} is no picture.")
        if original.length > images.LARGEST_FILE:
            raise NoPicture(f"{original.length} bytes are more than {images.LARGEST_FILE}.")
        with ExitStack() as place:
            place.enter_context(PLACES.taken())
            try:
                data = b"".join(self.originals.read(original))
            except OSError as exc:
                raise NoPicture(str(exc)) from exc
            return _beside_the_loop(place, images.smaller, data, size)

    def delete(self, ids: Iterable[Any]) -> int:
        """Delete all thumbnails of the files of these `_id`s; how many there were."""
        deleted = 0
        for some in batches(ids):
            ranges = [layout.inside(folder_of(id)) for id in some]
            with self.files.errors():
                found = list(self.files.files.find({"$or": ranges}, _MADE))
            deleted += self.files.delete_ids([each["_id"] for each in found if is_thumbnail(each)])
        return deleted


def forget(files: GridFSFiles, ids: Iterable[Any]) -> None:
    """What a bucket is to do once files are deleted."""
    Thumbnails(files).delete(ids)


def thumbnails_of(files: GridFSFiles) -> GridFSFiles:
    """The bucket that has the thumbnails of another one's files."""
    return GridFSFiles(
        files.database,
        bucket=f"{files.bucket}.thumbnails",
        concerns=files.concerns,
        transactions=lambda: files.has_transactions,
    )


def folder_of(id: Any) -> str:
    """The folder of a file's thumbnails."""
    if isinstance(id, ObjectId):
        return str(id)
    # Of other programs, any value.
    return hashlib.sha256(repr(id).encode()).hexdigest()


def name_of(id: Any, size: Size) -> str:
    """The name of a thumbnail of the file of this `_id`."""
    return f"{folder_of(id)}/{size[0]}x{size[1]}.webp"


def sweep(files: GridFSFiles) -> int:
    """Delete thumbnails whose originals are gone; how many that were.

    A process that is killed between deleting the two leaves such. What is in that bucket and was
    not made here stays.
    """
    thumbnails = thumbnails_of(files)
    return sum(thumbnails.delete_ids(some) for some in batches(lone(files)))


def lone(files: GridFSFiles) -> Iterator[Any]:
    """The `_id`s of thumbnails whose originals are gone."""
    thumbnails = thumbnails_of(files)
    with thumbnails.errors():
        for some in batches(filter(is_thumbnail, thumbnails.files.find({}, _MADE))):
            originals = {each["_id"]: each["metadata"]["original"] for each in some}
            wanted = {"_id": {"$in": list(originals.values())}}
            there = {_key(each["_id"]) for each in files.files.find(wanted, {"_id": 1})}
            yield from (id for id, original in originals.items() if _key(original) not in there)


def has_only_thumbnails(files: GridFSFiles) -> bool:
    """Whether the bucket is one of thumbnails, for nothing in it is anything else."""
    with files.errors():
        if files.files.find_one({}, {"_id": 1}) is None:
            return False
        return all(map(is_thumbnail, files.files.find({}, _MADE)))


#: The fields by which a thumbnail is known.
_MADE = {"filename": 1, "metadata.original": 1}


def is_thumbnail(document: Mapping[str, Any]) -> bool:
    """Whether this is the document of a file that was made here."""
    metadata, name = document.get("metadata"), document.get("filename")
    if not isinstance(metadata, Mapping) or "original" not in metadata:
        return False
    return isinstance(name, str) and name.startswith(f"{folder_of(metadata['original'])}/")


def _key(value: Any) -> Any:
    return value if isinstance(value, ObjectId) else repr(value)


def batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    """The items, so many at a time."""
    iterator = iter(items)
    while some := list(islice(iterator, BATCH)):
        yield some


def _now() -> datetime:
    return datetime.now(UTC)


class Places:
    """So many at a time may hold the bytes of a picture, and decode it; others wait a while."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)
        self._lock = threading.Lock()
        self._waiting = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place; ThumbnailsBusy if none gets free in time. No event loop is held up."""
        end = time.monotonic() + PATIENCE
        with self._lock:
            if self._waiting >= WAITING:
                raise ThumbnailsBusy("Too many thumbnails are being made at this moment.")
            self._waiting += 1
        try:
            while not self._free.acquire(blocking=False):
                if time.monotonic() > end:
                    raise ThumbnailsBusy(f"For {PATIENCE:.0f} seconds others were being made.")
                pause(random.uniform(0.01, 0.05))
        finally:
            with self._lock:
                self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


PLACES = Places(AT_ONCE)


def _beside_the_loop(place: ExitStack, function: Callable[..., bytes], *args: Any) -> bytes:
    """Call a function that computes for long; for an event loop, in a thread.

    No thread can be stopped. So the place is given back when it ends, and not when nobody waits
    for it any more.
    """
    if not on_loop():
        return function(*args)
    held = place.pop_all()

    def ended(task: asyncio.Task[bytes]) -> None:
        held.close()
        if not task.cancelled():
            task.exception()  # which whoever waits has

    task = asyncio.get_running_loop().create_task(asyncio.to_thread(function, *args))
    task.add_done_callback(ended)
    return wait(asyncio.shield(task))
