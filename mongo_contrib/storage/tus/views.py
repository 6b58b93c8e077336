"""The tus protocol over a GridFSStorage: views for WSGI and for ASGI."""

from collections.abc import Iterator
from copy import copy
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from django.views import View
from django.views.decorators.csrf import csrf_protect

from mongo_contrib.bridge import in_thread, native, on_loop, wait

from ..backend import GridFSStorage
from ..claimed import StoredUpload
from ..exceptions import (
    ChecksumMismatch,
    ContentTypeRefused,
    FileTooLarge,
    OffsetMismatch,
    TooManyUploads,
    UploadBusy,
    UploadError,
    UploadExpired,
    UploadLost,
    UploadNotFound,
    UploadUsed,
)
from ..metadata import cleaned_name
from ..resumable import EXPIRY, MAX_OPEN, ResumableUploads
from ..unfinished import ResumableUpload
from .owners import counted_as, owner_of, uploader_of
from .protocol import (
    ALGORITHMS,
    CHECKSUM_MISMATCH,
    EXTENSIONS,
    OFFSET_TYPE,
    VERSION,
    Checksum,
    Refused,
    parse_metadata,
    parse_number,
    text_of,
)
from .tokens import id_of, token_of

__all__ = ["AsyncUploadView", "UploadView"]

# The first that fits counts.
STATUS: dict[type[Exception], int] = {
    UploadExpired: 410,
    UploadLost: 410,
    UploadUsed: 410,
    UploadNotFound: 404,
    OffsetMismatch: 409,
    UploadBusy: 423,
    ChecksumMismatch: CHECKSUM_MISMATCH,
    TooManyUploads: 429,
    FileTooLarge: 413,
    ContentTypeRefused: 415,
    SuspiciousFileOperation: 400,
}

# What is read of a request at once.
PIECE = 64 * 1024

_NO_CONTENT = 204


class UploadView(View):
    """Takes uploads by tus 1.0.0, at two paths: ``<prefix>/`` and ``<prefix>/<token>``.

    A complete upload becomes a file of the storage at once, under the name that its client gave;
    with `held` it waits for a form that uses it. Everybody sees their own uploads only.
    """

    #: Which of settings.STORAGES; get_storage() for anything else.
    storage: str = "default"
    #: Whether uploads wait for a form, rather than becoming files by themselves.
    held: bool = False
    #: For how long an upload waits for more bytes, and then for its form.
    expiry: timedelta = EXPIRY
    #: How many uploads a user, or the visitors of one network, may have that are no files yet.
    max_open: int = MAX_OPEN
    #: Whether an upload takes the place of a file of its name, in a storage that allows it.
    overwrite: bool = False
    #: Whether requests need Django's CSRF token. False is for clients that a browser does not log
    #: in by itself: has_permission() then goes by something else than a cookie.
    csrf_protected: bool = True

    http_method_names: ClassVar[list[str]] = ["options", "post", "head", "patch", "delete"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """See View."""
        view = super().as_view(**initkwargs)
        view.csrf_exempt = not initkwargs.get("csrf_protected", cls.csrf_protected)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """See View; checks the CSRF token first, also where no middleware does."""
        answer = csrf_protect(self.answer) if self.csrf_protected else self.answer
        response: HttpResponseBase = answer(request, *args, **kwargs)
        return response

    # To be overridden

    def has_permission(self, request: HttpRequest) -> bool:
        """Who may upload: everybody who is logged in. Asked before each answer but OPTIONS.

        It may be async.
        """
        user: Any = getattr(request, "user", None)
        return user is not None and user.is_authenticated and user.is_active

    def get_owner(self, request: HttpRequest) -> str:
        """What says whose an upload is: by default a user's key, else a hash of the session's."""
        return owner_of(request)

    def get_counted_as(self, request: HttpRequest, owner: str) -> str:
        """What uploads have in common that `max_open` counts together: see counted_as()."""
        return counted_as(request, owner)

    def get_name(self, request: HttpRequest, filename: str | None) -> str:
        """The name that the file is to have, by what its client calls it.

        It has no folders unless this adds one.
        """
        return cleaned_name(filename) or "upload"

    def get_metadata(self, request: HttpRequest, told: dict[str, bytes]) -> dict[str, Any]:
        """Fields for the file, as set_metadata() takes them; `told` is what the client said."""
        return uploader_of(request)

    def get_storage(self) -> GridFSStorage:
        """The storage that the files come into."""
        storage = storages[self.storage]
        if not isinstance(storage, GridFSStorage):
            raise ImproperlyConfigured(
                f"{type(self).__name__} takes files for a GridFSStorage, and STORAGES"
                f"[{self.storage!r}] is a {type(storage).__name__}; set its 'storage' attribute "
                "or override get_storage()."
            )
        return storage

    # The protocol

    def answer(
        self, request: HttpRequest, token: str | None = None, **kwargs: Any
    ) -> HttpResponse:
        """The answer to any request, also to one that is refused."""
        try:
            response = self._answer(request, token)
        except Refused as exc:
            response = _sentence(exc, exc.status, exc.headers)
        except (UploadError, SuspiciousFileOperation) as exc:
            status = next((STATUS[each] for each in STATUS if isinstance(exc, each)), 400)
            headers = {"Upload-Offset": str(exc.offset)} if isinstance(exc, OffsetMismatch) else {}
            response = _sentence(exc, status, headers)
        except UnreadablePostError:  # its client has gone, and hears nothing
            response = HttpResponse(status=400)
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    def _answer(self, request: HttpRequest, token: str | None) -> HttpResponse:
        method = request.method
        if method == "POST":  # of any other one, it would be a way around the CSRF token
            method = request.headers.get("X-HTTP-Method-Override", "POST").upper()
        if method == "OPTIONS":
            return self._options()
        if request.headers.get("Tus-Resumable") != VERSION:
            raise Refused(
                412, f"The header Tus-Resumable has to be {VERSION}.", {"Tus-Version": VERSION}
            )
        of_upload = {"HEAD": self._status, "PATCH": self._append, "DELETE": self._terminate}
        handlers: Any = {"POST": self._create} if token is None else of_upload
        if method not in handlers:
            allowed = ", ".join([*handlers, "OPTIONS"])
            raise Refused(405, f"What can be done here is {allowed}.", {"Allow": allowed})
        if not self._is_allowed(request):
            raise Refused(403, "You may not upload files; log in first.")
        self.files_storage = self.get_storage()
        self.uploads = ResumableUploads(
            self.files_storage.files, expiry=self.expiry, max_open=self.max_open
        )
        if token is None:
            return self._create(request)
        id = id_of(self.files_storage, token)
        upload = self.uploads.get(id, owner=self.get_owner(request))
        return of_upload[method](request, upload)

    def _is_allowed(self, request: HttpRequest) -> bool:
        hook: Any = self.has_permission
        if iscoroutinefunction(hook):
            return bool(wait(hook(request)) if on_loop() else async_to_sync(hook)(request))
        # One that a project has written may ask an SQL database, which no event loop can.
        known = type(self).has_permission is UploadView.has_permission
        return bool(hook(request) if known else in_thread(hook, request))

    def _options(self) -> HttpResponse:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        max_size = self.get_storage().limits.max_size
        if max_size is not None:
            headers["Tus-Max-Size"] = str(max_size)
        return HttpResponse(status=_NO_CONTENT, headers=headers)

    def _create(self, request: HttpRequest) -> HttpResponse:
        if "Upload-Defer-Length" in request.headers:
            raise Refused(400, "The length of an upload has to be known when it begins.")
        length = parse_number(request.headers.get("Upload-Length"), "Upload-Length")
        header = request.headers.get("Upload-Metadata", "")
        told = parse_metadata(header)
        with_bytes = request.content_type == OFFSET_TYPE
        checksum = Checksum.from_header(request.headers.get("Upload-Checksum"))
        name = self.get_name(request, text_of(told, "filename", "name"))
        self.files_storage.name_in_bucket(name)
        owner = self.get_owner(request)
        upload = self.uploads.create(
            name,
            length,
            owner=owner,
            counted_as=self.get_counted_as(request, owner),
            metadata=self.get_metadata(request, told),
            header=header,
            held=self.held,
        )
        if with_bytes:
            try:
                upload = self._receive(request, upload, 0, checksum)
            except (FileTooLarge, ChecksumMismatch, UnreadablePostError):
                self.uploads.terminate(upload.id)  # its client never hears of it
                raise
        headers = self._headers(self._finished(upload))
        token = token_of(self.files_storage, upload.id)
        headers["Location"] = request.build_absolute_uri(f"{request.path.rstrip('/')}/{token}")
        if not with_bytes:
            del headers["Upload-Offset"]
        return HttpResponse(status=201, headers=headers)

    def _status(self, request: HttpRequest, upload: ResumableUpload) -> HttpResponse:
        if upload.held and upload.published is not None:
            raise UploadUsed("This upload has been used already.", upload.published)
        # Who completed it may have died in between.
        headers = self._headers(self._finished(upload))
        headers["Upload-Length"] = str(upload.length)
        if upload.header:
            headers["Upload-Metadata"] = upload.header
        return HttpResponse(status=200, headers=headers)

    def _append(self, request: HttpRequest, upload: ResumableUpload) -> HttpResponse:
        if request.content_type != OFFSET_TYPE:
            raise Refused(415, f"The content type has to be {OFFSET_TYPE}.")
        offset = parse_number(request.headers.get("Upload-Offset"), "Upload-Offset")
        checksum = Checksum.from_header(request.headers.get("Upload-Checksum"))
        # The end that is said again, by who has not heard the answer, is no error.
        if not offset == upload.offset == upload.length or _size(request):
            upload = self._receive(request, upload, offset, checksum)
        headers = self._headers(self._finished(upload))
        return HttpResponse(status=_NO_CONTENT, headers=headers)

    def _terminate(self, request: HttpRequest, upload: ResumableUpload) -> HttpResponse:
        self.uploads.terminate(upload.id)
        return HttpResponse(status=_NO_CONTENT)

    def _receive(
        self, request: HttpRequest, upload: ResumableUpload, offset: int, checksum: Checksum | None
    ) -> ResumableUpload:
        return self.uploads.append(
            upload,
            offset,
            _body(request, checksum),
            size=_size(request),
            verify=checksum.is_right if checksum is not None else None,
        )

    def _finished(self, upload: ResumableUpload) -> ResumableUpload:
        """The upload, complete and published if all its bytes are there."""
        if upload.offset < upload.length or upload.published is not None:
            return upload
        try:
            upload = self.uploads.complete(upload)
            if not upload.held:
                self._publish(upload)
        except UploadUsed:
            pass
        except UploadBusy:  # another request is doing so
            return upload
        return self.uploads.get(upload.id)

    def _publish(self, upload: ResumableUpload) -> None:
        storage = self.files_storage
        if storage.allow_overwrite and not self.overwrite:
            # That is for the site's own code: here the name is the client's, and the file that
            # has it may be anybody's.
            storage = copy(storage)
            storage.allow_overwrite = False
        storage.save(upload.name, StoredUpload(storage, upload, once=True))

    def _headers(self, upload: ResumableUpload) -> dict[str, str]:
        headers = {
            "Upload-Offset": str(upload.offset),
            "Upload-Expires": http_date(upload.expires.timestamp()),
        }
        if upload.published is not None:
            storage = self.files_storage
            name = upload.published
            if storage.location:
                name = name.removeprefix(f"{storage.location}/")
            headers["Upload-File"] = quote(name)
            if storage.base_url is not None:
                headers["Content-Location"] = storage.url(name)
        return headers


class AsyncUploadView(UploadView):
    """See UploadView; for ASGI, without a thread.

    Its hooks are run by `native()`; a has_permission() of your own that is no coroutine in the
    thread in which Django uses SQL databases.
    """

    view_is_async: ClassVar[bool] = True

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """See View."""
        if hasattr(request, "auser"):
            request.user = await request.auser()
        return await native(super().dispatch, request, *args, **kwargs)


def _size(request: HttpRequest) -> int | None:
    """How many bytes the body has; None where the client does not say so."""
    value = request.META.get("CONTENT_LENGTH")
    # Longer ones are no numbers to Python, and servers refuse them.
    return int(value) if value and str(value).isdecimal() and len(value) < 100 else None


def _body(request: HttpRequest, checksum: Checksum | None) -> Iterator[bytes]:
    while data := request.read(PIECE):
        if checksum is not None:
            checksum.update(data)
        yield data


def _sentence(exc: Exception, status: int, headers: dict[str, str]) -> HttpResponse:
    reason = "Checksum Mismatch" if status == CHECKSUM_MISMATCH else None
    return HttpResponse(
        f"{exc}\n",
        status=status,
        reason=reason,
        content_type="text/plain; charset=utf-8",
        headers={**headers, "X-Content-Type-Options": "nosniff"},
    )
