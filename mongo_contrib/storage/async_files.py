"""The async twin of `files` for reading; what writes and deletes is run by `native()`."""

from collections.abc import AsyncGenerator
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from mongo_contrib.exceptions import translated_errors

from . import layout
from .concerns import Concerns
from .layout import DEFAULT_BUCKET, FileInfo
from .reading import Reading, reading, reading_stored

__all__ = ["AsyncGridFSFiles"]


class AsyncGridFSFiles:
    """See GridFSFiles."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        *,
        bucket: str = DEFAULT_BUCKET,
        verify: bool = False,
        concerns: Concerns | None = None,
    ) -> None:
        layout.check_bucket(bucket)
        self.verify = verify
        self.database = database
        self.bucket = bucket
        reader = {"read_preference": (concerns or Concerns()).read}
        self.files = database.get_collection(f"{bucket}.files", **reader)
        self.chunks = database.get_collection(f"{bucket}.chunks", **reader)

    async def find(self, name: str) -> FileInfo | None:
        """See GridFSFiles.find()."""
        async with self.errors():
            document = await self.files.find_one(layout.named(name), sort=[("uploadDate", -1)])
            if document is None:
                staged = layout.named_or_staged(name)
                document = await self.files.find_one(staged, sort=[("filename", -1)])
        return FileInfo.from_document(document) if document else None

    async def exists(self, name: str) -> bool:
        """See GridFSFiles.exists()."""
        async with self.errors():
            found = await self.files.find_one(layout.named(name), {"_id": 1})
            if found is None:
                found = await self.files.find_one(layout.file_or_folder(name), {"_id": 1})
        return found is not None

    async def listdir(self, folder: str) -> tuple[list[str], list[str]]:
        """See GridFSFiles.listdir()."""
        async with self.errors():
            cursor = await self.files.aggregate(layout.listing(folder))
            return layout.folders_and_files(await cursor.to_list())

    def read(
        self, info: FileInfo, start: int = 0, stop: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See GridFSFiles.read()."""
        return self._read(reading(info, start, stop, verify=self.verify))

    def read_stored(self, info: FileInfo) -> AsyncGenerator[bytes, None]:
        """See GridFSFiles.read_stored()."""
        return self._read(reading_stored(info, verify=self.verify))

    async def _read(self, wanted: Reading) -> AsyncGenerator[bytes, None]:
        for window in wanted.windows():
            async with self.errors():
                chunks = await self.chunks.find(window, sort=[("n", 1)]).to_list()
            if not chunks:
                break  # the file is gone, or its length a lie: the rest is not asked for, too
            for chunk in chunks:
                for data in wanted.take(chunk):
                    yield data
        wanted.finish()

    def errors(self) -> translated_errors:
        """See GridFSFiles.errors()."""
        return translated_errors(collection=f"{self.bucket}.files")
