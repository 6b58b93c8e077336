"""Requests for files within the process, as a server makes them: its own work is not measured.

This module is also the URLs of the project that `benchmarks.storage` measures.
"""

from __future__ import annotations

import io
import time
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.urls import include, path
from django.views.static import serve

BLOCK = 64 * 1024

if isinstance(default_storage, FileSystemStorage):
    # Django's own, which is for development: nobody serves files from a disk by it.
    urlpatterns = [path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT})]
else:
    urlpatterns = [
        path("media/", include("mongo_contrib.storage.urls")),
        path("async/", include("mongo_contrib.storage.async_urls", namespace="async")),
    ]

_handlers: dict[type, Any] = {}


def handler(kind: type) -> Any:
    if kind not in _handlers:
        _handlers[kind] = kind()
    return _handlers[kind]


def get(url: str, bounds: str = "", *, first: bool = False) -> Any:
    """The number of bytes that a GET gives; with `first` the seconds until there are some."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": url,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.file_wrapper": lambda file, size=BLOCK: iter(lambda: file.read(BLOCK), b""),
    }
    if bounds:
        environ["HTTP_RANGE"] = f"bytes={bounds}"
    started, found, status = time.perf_counter(), 0, []
    response = handler(WSGIHandler)(environ, lambda line, headers: status.append(line))
    try:
        for data in response:
            found += len(data)
            if first:
                return time.perf_counter() - started
    finally:
        getattr(response, "close", lambda: None)()
    assert status[0][:3] in ("200", "206"), status
    return found


async def aget(url: str) -> int:
    """See get(), as a server that speaks ASGI does it."""
    found = 0
    scope = {
        "type": "http",
        "method": "GET",
        "path": url.replace("/media/", "/async/", 1),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b""}
        import asyncio

        await asyncio.Event().wait()  # nobody goes away
        return {}

    async def send(message: dict[str, Any]) -> None:
        nonlocal found
        assert message.get("status", 200) == 200, message
        found += len(message.get("body", b""))

    await handler(ASGIHandler)(scope, receive, send)
    return found
