"""One side of `benchmarks.storage`: `python -m benchmarks.sides.storage NAME URI DATABASE`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import spent
from benchmarks.sides.base import NOT_OFFERED
from benchmarks.storage import SIDES, SIZE, TASKS

PIECE = 64 * 1024

# The smallest project that serves files.
urlpatterns: list[Any] = []


class Side:
    """A storage of Django's kind; every file has the same content."""

    def __init__(self, name: str, directory: Path) -> None:
        from django.core.files.storage import default_storage

        self.storage = default_storage
        self.label = f"{type(default_storage._wrapped or default_storage).__name__}"
        self.name = ""
        self.texts = SIDES[name].get("text", False)
        self.source = directory / ("source.txt" if self.texts else "source.bin")
        self.source.write_bytes(b"".join(pieces(SIZE, text=self.texts)))
        self.ids: list[Any] = []

    def prepare(self) -> None:
        self.forget()
        self.upload()
        # The page cache, the server's and ours.
        self.download()

    def forget(self) -> None:
        if self.name:
            self.storage.delete(self.name)

    def upload(self) -> None:
        from django.core.files.base import File

        with self.source.open("rb") as file:
            self.name = self.storage.save(self.source.name, File(file))

    def download(self) -> int:
        with self.storage.open(self.name) as file:
            return sum(len(data) for data in file.chunks(PIECE))

    def offers(self, method: str) -> bool:
        """Whether there is such a way: Django's own view of files on a disk is a sync one."""
        from django.core.files.storage import FileSystemStorage

        return method != "aview" or not isinstance(self.storage, FileSystemStorage)

    def view(self) -> int:
        from benchmarks.sides.requests import get

        return get(self.storage.url(self.name))

    async def aview(self) -> int:
        from benchmarks.sides.requests import aget

        return await aget(self.storage.url(self.name))


class Raw(Side):
    """The driver's own GridFSBucket, and nothing else: no hash, no type, no unique name."""

    def __init__(self, name: str, directory: Path) -> None:
        import gridfs
        import pymongo

        from mongo_contrib.db import get_connection, get_database

        super().__init__(name, directory)
        self.label = f"pymongo {pymongo.version}"
        self.bucket = gridfs.GridFSBucket(get_database(), "raw")
        self.abucket = lambda: gridfs.AsyncGridFSBucket(get_connection().async_database, "raw")
        self.id: Any = None

    def forget(self) -> None:
        if self.id is not None:
            self.bucket.delete(self.id)

    def upload(self) -> None:
        with self.source.open("rb") as file:
            self.id = self.bucket.upload_from_stream(self.source.name, file)

    def download(self) -> int:
        stream, found = self.bucket.open_download_stream(self.id), 0
        while data := stream.readchunk():
            found += len(data)
        return found

    view = download

    async def aview(self) -> int:
        stream, found = await self.abucket().open_download_stream(self.id), 0
        while data := await stream.readchunk():
            found += len(data)
        return found


def pieces(size: int, *, text: bool = False) -> Any:
    """Content that no two chunks of are alike, in pieces; as text it is as dense as a log is."""
    import random

    source = random.Random(7)
    for number in range(size // PIECE):
        if text:
            line = b'10.0.%d.%d - - "GET /city/%d/ HTTP/1.1" 200 %d\n'
            lines = b"".join(
                line % (number % 256, each % 256, source.randrange(10**6), source.randrange(10**5))
                for each in range(PIECE // 40)
            )
            yield lines[:PIECE]
        else:
            yield source.randbytes(PIECE)


def configure(name: str, uri: str, database: str, directory: Path) -> None:
    import django
    from django.conf import settings

    side = SIDES[name]
    settings.configure(
        SECRET_KEY="only for benchmarks",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="benchmarks.sides.requests",
        INSTALLED_APPS=["mongo_contrib", "mongo_contrib.storage"],
        DATABASES={
            "default": {"ENGINE": "mongo_contrib.db", "HOST": uri, "NAME": f"{database}_{name}"}
        },
        DATABASE_ROUTERS=["mongo_contrib.routers.DocumentRouter"],
        MEDIA_URL="/media/",
        MEDIA_ROOT=str(directory / "media"),
        STORAGES={"default": {"BACKEND": side["backend"], "OPTIONS": side.get("options", {})}},
    )
    django.setup()


def serve(side: Side) -> None:
    """Answer each line of standard input with a line of JSON, as `benchmarks.sides` does."""
    answer({"label": side.label})
    tasks = {task.name: task for task in TASKS}
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            command, _, name = line.strip().partition(" ")
            try:
                if command == "prepare":
                    side.prepare()
                    answer({})
                    continue
                if not side.offers(tasks[name].method):
                    answer({"error": NOT_OFFERED})
                    continue
                if name == "file_upload":
                    side.forget()
                function = getattr(side, tasks[name].method)
                awaited = asyncio.iscoroutinefunction(function)
                answer(spent(lambda: runner.run(function()) if awaited else function()))  # noqa: B023
            except Exception as error:
                # The others go on.
                answer({"error": f"{type(error).__name__}: {error}"[:300]})


def answer(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    name, uri, database = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        configure(name, uri, database, Path(temporary))
        serve((Raw if name == "raw" else Side)(name, Path(temporary)))
