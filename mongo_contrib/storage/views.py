"""Files of a storage over HTTP: streamed, in ranges, from caches, and harmless in a browser."""

import mimetypes
import time
from inspect import isawaitable, isfunction, signature
from posixpath import basename
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.exceptions import (
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousFileOperation,
)
from django.core.files.storage import storages
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from django.views import View

from mongo_contrib.bridge import native

from .access import Hook
from .answers import Answer, answer
from .backend import GridFSStorage
from .exceptions import NoPicture, ThumbnailsBusy
from .headers import content_disposition, entity_tag, private
from .layout import FileInfo
from .names import clean_file
from .signing import is_signed
from .streams import PartialResponse, astream, stream

__all__ = ["AsyncFileView", "FileView", "aserve", "serve"]


class FileView(View):
    """Serves the files of one storage by their names to everybody who may see them.

    A file may come from a visitor. So only types in which a browser runs nothing are shown; all
    others are downloads, and what is opened all the same is in a sandbox without an origin.
    """

    # Which of settings.STORAGES; get_storage() for anything else.
    storage: str = "default"

    # Who may see a file, in the place of the storage's own `permission`: a function (request,
    # info) or a method (self, request, info), sync or async. A signed address lets in besides.
    has_permission: Hook | None = None

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
    # A browser's own page around a film asks for it by CORS, as its origin; scripts it has none.
    media_security_policy: str = f"{content_security_policy} allow-same-origin"

    # Of private files: pages of other sites cannot have them as images or scripts of theirs.
    cross_origin_resource_policy: str = "same-site"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """`has_permission = is_staff` in the class is the function, and no method of it."""
        super().__init_subclass__(**kwargs)
        hook: Any = cls.__dict__.get("has_permission")
        if isfunction(hook):
            parameters = list(signature(hook).parameters)
            if len(parameters) == 2 and parameters[0] != "self":
                setattr(cls, "has_permission", staticmethod(hook))  # noqa: B010 (mypy)

    def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """The file, ranges of it, 304, 403, 404, 412 or 416; for HEAD the same without content."""
        storage = self.get_storage()
        signed = self.is_signed(request, storage, name)
        try:
            info = storage.get_info(name)
        except FileNotFoundError:
            return self.missing(request, storage, signed)
        if not signed and not self._may_see(request, storage, info):
            return self.refused(request)
        if "thumbnail" in request.GET:
            return self.get_thumbnail(request, storage, info)
        return self.get_response(request, storage, info)

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

    # Who may see it

    def is_private(self, storage: GridFSStorage) -> bool:
        """Whether there are people who may not see the files: then no shared cache has them."""
        return storage.access.is_private or self.has_permission is not None

    def is_signed(self, request: HttpRequest, storage: GridFSStorage, name: str) -> bool:
        """Whether the address was signed for this file; Http404 if no file can have the name."""
        try:
            if clean_file(name) == name:  # one address for each file
                parts = {"", request.GET.get("thumbnail", "")}
                return self.is_private(storage) and any(
                    is_signed(request, storage, name, part) for part in parts
                )
        except SuspiciousFileOperation:
            pass
        raise Http404("There is no such file.")

    def get_hook(self, storage: GridFSStorage) -> Hook | None:
        """What is asked about a request whose address is not signed."""
        return self.has_permission or storage.access.hook

    def _may_see(self, request: HttpRequest, storage: GridFSStorage, info: FileInfo) -> bool:
        hook = self.get_hook(storage)
        if hook is None:
            return not self.is_private(storage)
        found: Any = hook(request, info)
        return bool(async_to_sync(_result)(found) if isawaitable(found) else found)

    async def _amay_see(
        self, request: HttpRequest, storage: GridFSStorage, info: FileInfo
    ) -> bool:
        hook: Any = self.get_hook(storage)
        if hook is None:
            return not self.is_private(storage)
        if iscoroutinefunction(hook) or iscoroutinefunction(type(hook).__call__):
            return bool(await hook(request, info))
        # It may ask any database, of SQL as well, and who the user is.
        found = await sync_to_async(hook)(request, info)
        return bool(await found if isawaitable(found) else found)

    def refused(self, request: HttpRequest) -> HttpResponseBase:
        """The answer to who may not see a file, or asks for one of a private storage that is not.

        The same for both, or it would tell which files there are. Override it to return, say,
        `redirect_to_login(request.get_full_path())`.
        """
        raise PermissionDenied("There is no such file, or it is not for you.")

    def missing(
        self, request: HttpRequest, storage: GridFSStorage, signed: bool
    ) -> HttpResponseBase:
        """The answer where there is no such file."""
        if signed or not self.is_private(storage):
            raise Http404("There is no such file.")
        return self.refused(request)

    # How it is sent

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
        if content_type.endswith(("/xml", "+xml")):  # scripts run in it, whatever its family is
            return content_type in self.inline_types
        family = content_type.partition("/")[0] + "/"
        return content_type in self.inline_types or family in self.inline_types

    def get_filename(self, info: FileInfo) -> str:
        """The name under which it is saved: the last part of the address, whatever it was once."""
        return basename(info.name)

    def get_cache_control(self, info: FileInfo) -> str:
        """For how long who may keep it; of private files without what is said to shared caches."""
        return self.get_storage().access.get_cache_control()

    def get_headers(self, info: FileInfo) -> dict[str, str]:
        """The headers of an answer with the whole file; extend it to add some.

        ETag is a strong one, or ranges would be of anything.
        """
        content_type = self.get_content_type(info)
        attachment = "download" in self.request.GET or not self.is_inline(content_type)
        policy = self.content_security_policy
        if content_type.startswith(("audio/", "video/")):
            policy = self.media_security_policy
        if content_type == "text/plain":
            content_type = "text/plain; charset=utf-8"
        return {
            "Content-Type": content_type,
            "Content-Disposition": content_disposition(
                self.get_filename(info), attachment=attachment
            ),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Accept-Ranges": "bytes",
            "Cache-Control": self.get_cache_control(info),
            "ETag": entity_tag(info),
        }

    def get_response(
        self, request: HttpRequest, storage: GridFSStorage, info: FileInfo
    ) -> HttpResponseBase:
        """The answer to who may see the file."""
        found = self._answer(request, storage, info)
        if found.status == 304:
            return HttpResponseNotModified(headers=found.headers)
        if not found.has_content or request.method == "HEAD":
            return HttpResponse(status=found.status, headers=found.headers)
        # An iterator of the other kind would be collected in memory before the first byte is sent.
        send: Any = astream if isinstance(request, ASGIRequest) else stream
        content = send(storage, info, found.body, stored=found.stored)
        kind = PartialResponse if found.status == 206 else StreamingHttpResponse
        return kind(content, status=found.status, headers=found.headers)

    def get_thumbnail(
        self, request: HttpRequest, storage: GridFSStorage, info: FileInfo
    ) -> HttpResponseBase:
        """The answer to who may see the file, and asks for its `?thumbnail=small`.

        Http404 if there is no such size or can be none of this file; 503 if so many are being
        made that this one has to be asked for again.
        """
        try:
            found = storage.get_thumbnail(info, request.GET["thumbnail"])
        except (NoPicture, ValueError):
            raise Http404("There is no such thumbnail.") from None
        except ThumbnailsBusy:
            return HttpResponse(status=503, headers={"Retry-After": "5"})
        return self.get_response(request, storage.thumbnail_storage, found)

    def _answer(self, request: HttpRequest, storage: GridFSStorage, info: FileInfo) -> Answer:
        # RFC 9110 (section 8.8.2.1): never later than now, whatever another clock said.
        modified = int(min(info.uploaded.timestamp(), time.time()))
        headers = self.get_headers(info)
        headers.setdefault("Last-Modified", http_date(modified))
        if self.is_private(storage):
            headers["Cache-Control"] = private(headers.get("Cache-Control", ""))
            headers["Cross-Origin-Resource-Policy"] = self.cross_origin_resource_policy
        return answer(
            request.headers, info, headers, modified=modified, is_head=request.method == "HEAD"
        )


class AsyncFileView(FileView):
    """See FileView; for servers that speak ASGI, where no thread is asked for a public file."""

    async def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """See FileView.get()."""
        storage = self.get_storage()
        signed = self.is_signed(request, storage, name)
        try:
            info = await storage.aget_info(name)
        except FileNotFoundError:
            return self.missing(request, storage, signed)
        if not signed and not await self._amay_see(request, storage, info):
            return self.refused(request)
        if "thumbnail" in request.GET:
            return await native(self.get_thumbnail, request, storage, info)
        return self.get_response(request, storage, info)


async def _result(awaitable: Any) -> Any:
    return await awaitable


serve = FileView.as_view()
aserve = AsyncFileView.as_view()
