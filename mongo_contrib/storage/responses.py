"""A response that streams a stored file, under WSGI and under ASGI."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from django.http import StreamingHttpResponse

from .layout import FileInfo

if TYPE_CHECKING:
    from .backend import GridFSStorage

__all__ = ["StoredFileResponse"]


class StoredFileResponse(StreamingHttpResponse):
    """The bytes from `start` to `stop` of a file, read as the client takes them.

    Django's streams are sync or async, and the other kind of server collects them in memory
    first. This one has an iterator for each, and makes the async one when it is asked for.
    """

    def __init__(
        self, storage: "GridFSStorage", info: FileInfo, start: int, stop: int, **options: Any
    ) -> None:
        super().__init__(storage.files.read(info, start, stop), **options)
        self._read = (storage, info, start, stop)
        self._unchanged = self._iterator

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._iterator is not self._unchanged:  # a middleware has put its own in its place
            async for part in super().__aiter__():
                yield part
            return
        storage, info, start, stop = self._read
        async for part in (await storage.afiles()).read(info, start, stop):
            yield part
