"""The bytes of an answer on their way, and what is logged of those that do not arrive.

Whoever reads a stream may stop anywhere: between two windows of chunks no cursor is open.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.http import StreamingHttpResponse

from .byteranges import Body
from .exceptions import DamagedFile
from .layout import FileInfo

if TYPE_CHECKING:
    from .backend import GridFSStorage

__all__ = ["PartialResponse", "astream", "stream"]

logger = logging.getLogger("mongo_contrib.storage")


class PartialResponse(StreamingHttpResponse):
    """Status 206: bytes as the headers number them, so no middleware is to compress them.

    GZipMiddleware and its like leave alone what has a coding, and do not look at the status.
    """

    def has_header(self, header: str) -> bool:
        """See `HttpResponseBase`; Content-Encoding seems to be there."""
        return header.lower() == "content-encoding" or super().has_header(header)

    __contains__ = has_header


def stream(
    storage: "GridFSStorage", info: FileInfo, body: Body, *, stored: bool = False
) -> Generator[bytes, None, None]:
    """The body of these bytes of the content, or with `stored` of the whole as it is stored.

    A file that is deleted or damaged on the way, and a server that is gone, are logged and
    raised: whoever sends the bytes then has to end the connection before its time, and by
    Content-Length the client knows.
    """
    with _logged(info):
        files: Any = storage.files
        if stored:
            yield from files.read_stored(info)
            return
        for span in body.spans:
            position = span.start
            with closing(files.read(info, span.start, span.stop)) as pieces:
                for data in pieces:
                    yield from span.cut(position, data)
                    position += len(data)
        if body.epilogue:
            yield body.epilogue


async def astream(
    storage: "GridFSStorage", info: FileInfo, body: Body, *, stored: bool = False
) -> AsyncGenerator[bytes, None]:
    """See stream()."""
    with _logged(info):
        files: Any = await storage.afiles()
        if stored:
            async with aclosing(files.read_stored(info)) as pieces:
                async for data in pieces:
                    yield data
                    await _others()
            return
        for span in body.spans:
            position = span.start
            async with aclosing(files.read(info, span.start, span.stop)) as pieces:
                async for data in pieces:
                    for part in span.cut(position, data):
                        yield part
                    position += len(data)
                    await _others()
        if body.epilogue:
            yield body.epilogue


async def _others() -> None:
    """Give the loop a turn: who only sends does not see that the client is gone."""
    await asyncio.sleep(0)


@contextmanager
def _logged(info: FileInfo) -> Generator[None, None, None]:
    try:
        yield
    except (DamagedFile, DatabaseError) as exc:
        # Its text: with the exception, a log that is kept would keep the whole request.
        logger.error("A download of %r ends before its time: %s", info.name, str(exc))
        raise
