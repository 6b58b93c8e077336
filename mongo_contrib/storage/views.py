"""Files of a storage over HTTP: streamed, in ranges, from caches, and harmless in a browser."""

import hashlib
import mimetypes
from collections.abc import AsyncIterator
from posixpath import basename
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import storages
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date
from django.views import View

from .backend import GridFSStorage
from .layout import FileInfo
from .names import clean_path
from .ranges import Unsatisfiable, parse_range

__all__ = ["FileView", "serve"]

_NOT_FOUND = "There is no such file."


class FileView(View):
    """Serves the files of one storage by their names to everybody who may reach its URL.

    A file may come from a visitor. So only types in which a browser runs nothing are shown; all
    others are downloads, and what is opened all the same is in a sandbox without an origin.
    """

    # Which of settings.STORAGES; get_storage() for anything else.
    storage: str = "default"

    # What a browser may show: none of these holds scripts. An entry ending in "/" is a family.
    inline_types: frozenset[str] = frozenset(
        {
            "audio/",
            "video/",
            "image/avif",
            "image/bmp",
            "image/gif",
            "image/jpeg",
            "image/png",
            "image/webp",
            "image/x-icon",
            "image/vnd.microsoft.icon",
            "text/plain",
        }
    )

    # The parts besides the sandbox let a browser's own page around an image or a film work.
    content_security_policy: str = (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
    )

    def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """The file, a range of it, 304, 404, 412 or 416; for HEAD the same without content."""
        storage = self.get_storage()
        try:
            if clean_path(name) != name:  # one address for each file
                raise Http404(_NOT_FOUND)
            info = storage.get_info(name)
        except (FileNotFoundError, SuspiciousFileOperation):
            raise Http404(_NOT_FOUND) from None
        headers = self.get_headers(info)
        # Conditions come before ranges; for that the library needs a response to look at.
        unconditional = HttpResponse(headers=headers)
        answer = get_conditional_response(
            request, headers["ETag"], int(info.uploaded.timestamp()), unconditional
        )
        if answer is not unconditional:
            return answer
        try:
            wanted = self.get_range(request, info, headers)
        except Unsatisfiable:
            return HttpResponse(
                status=416,
                headers={"Content-Range": f"bytes */{info.length}", "Accept-Ranges": "bytes"},
            )
        content: Any
        start, stop = wanted or (0, info.length)
        headers["Content-Length"] = str(stop - start)
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{info.length}"
        status = 206 if wanted else 200
        if request.method == "HEAD":
            return HttpResponse(status=status, headers=headers)
        # An iterator of the other kind would be collected in memory before the first byte is sent.
        if isinstance(request, ASGIRequest):
            content = _aread(storage, info, start, stop)
        else:
            content = storage.files.read(info, start, stop)
        return StreamingHttpResponse(content, status=status, headers=headers)

    def get_storage(self) -> GridFSStorage:
        """The storage whose files are served."""
        storage = storages[self.storage]
        if not isinstance(storage, GridFSStorage):
            raise ImproperlyConfigured(
                f"{type(self).__name__} serves files of a GridFSStorage, and STORAGES"
                f"[{self.storage!r}] is a {type(storage).__name__}; set its 'storage' attribute "
                "or override get_storage()."
            )
        return storage

    def get_content_type(self, info: FileInfo) -> str:
        """The type as stored with the file, else as its name suggests."""
        content_type = info.content_type
        if content_type is None:
            content_type, encoding = mimetypes.guess_type(info.name)
            if encoding or not content_type:  # a browser is not to unpack "x.html.gz"
                content_type = "application/octet-stream"
        return content_type

    def is_inline(self, content_type: str) -> bool:
        """Whether a browser may show the type, rather than offer a download."""
        family = content_type.partition("/")[0] + "/"
        return content_type in self.inline_types or family in self.inline_types

    def get_headers(self, info: FileInfo) -> dict[str, str]:
        """The headers of each answer with content; extend it to add, say, Cache-Control."""
        content_type = self.get_content_type(info)
        inline = self.is_inline(content_type)
        if content_type == "text/plain":
            content_type = "text/plain; charset=utf-8"
        return {
            "Content-Type": content_type,
            "Content-Disposition": content_disposition_header(not inline, basename(info.name)),
            "Content-Security-Policy": self.content_security_policy,
            "X-Content-Type-Options": "nosniff",
            "Accept-Ranges": "bytes",
            "ETag": get_etag(info),
            "Last-Modified": http_date(info.uploaded.timestamp()),
        }

    def get_range(
        self, request: HttpRequest, info: FileInfo, headers: dict[str, str]
    ) -> tuple[int, int] | None:
        """The range that is asked for; None for all, also if If-Range names another file."""
        header = request.headers.get("Range")
        if header is None or request.method != "GET":  # of HEAD, RFC 9110 knows no ranges
            return None
        same = (None, headers["ETag"], headers["Last-Modified"])
        if request.headers.get("If-Range") not in same:
            return None
        return parse_range(header, info.length)


async def _aread(
    storage: GridFSStorage, info: FileInfo, start: int, stop: int
) -> AsyncIterator[bytes]:
    async for part in (await storage.afiles()).read(info, start, stop):
        yield part


def get_etag(info: FileInfo) -> str:
    """A strong ETag: the content's hash; of files without one, what changes with the content."""
    if info.sha256 is not None:
        return f'"{info.sha256}"'
    identity: Any = f"{info.id!r} {info.length} {info.uploaded.isoformat()}"
    return f'"{hashlib.sha256(identity.encode()).hexdigest()[:32]}"'


serve = FileView.as_view()
