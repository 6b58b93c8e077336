"""A client of the tus protocol, over sync and async views."""

import asyncio
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.tus.protocol import OFFSET_TYPE


@pytest.fixture(autouse=True)
def storages_setting(settings):
    settings.MEDIA_URL = "/media/"
    settings.STORAGES = {
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"chunk_size": 1000},
        },
        "pictures": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {
                "bucket": "pictures",
                "allowed_content_types": ["image/*"],
                "max_size": 9000,
            },
        },
        "replaceable": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"bucket": "replaceable", "allow_overwrite": True},
        },
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def storage(db):
    return GridFSStorage(chunk_size=1000, base_url="/media/")


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("anna")


class Tus:
    """Sends requests to the view at `prefix`, as somebody who is logged in if there is a user."""

    def __init__(self, prefix, request, client):
        self.prefix = prefix
        self._request = request
        self.client = client

    def __call__(self, method, url=None, content=None, type=OFFSET_TYPE, **headers):
        headers = {key.replace("_", "-"): str(value) for key, value in headers.items()}
        headers.setdefault("Tus-Resumable", "1.0.0")
        headers = {key: value for key, value in headers.items() if value != "None"}
        body = {} if content is None else {"data": content, "content_type": type}
        if content == b"":  # of such a body, Django's client says no type
            headers["Content-Type"] = type
        return self._request(method, url or self.prefix, headers=headers, **body)

    def create(self, length, filename="a.bin", content=None, **headers):
        if filename is not None:
            encoded = b64encode(filename.encode()).decode()
            headers.setdefault("Upload-Metadata", f"filename {encoded}")
        return self("post", None, content, Upload_Length=length, **headers)

    def begin(self, length, filename="a.bin"):
        response = self.create(length, filename)
        assert response.status_code == 201, response.content
        return urlsplit(response["Location"]).path

    def patch(self, url, offset, content, **headers):
        return self("patch", url, content, Upload_Offset=offset, **headers)

    def head(self, url):
        return self("head", url)


def sync_tus(prefix, user=None, **options):
    client = Client(**options)
    if user is not None:
        client.force_login(user)

    def request(method, url, **kwargs):
        if "data" not in kwargs and method in ("post", "patch"):
            kwargs["data"], kwargs["content_type"] = b"", ""
        return client.generic(
            method.upper(), url, kwargs.pop("data", b""), kwargs.pop("content_type", ""), **kwargs
        )

    return Tus(prefix, request, client)


@pytest.fixture(params=["sync", "async"])
def connect(request, user):
    """``connect("uploads/", user)`` is a client at that path, of a sync or an async view."""
    if request.param == "sync":
        yield lambda path, user=user, **options: sync_tus(f"/{path}", user, **options)
        return
    with asyncio.Runner() as runner:

        def connect(path, user=user, **options):
            client = AsyncClient(**options)
            if user is not None:
                runner.run(client.aforce_login(user))

            def request(method, url, **kwargs):
                data = kwargs.pop("data", b"")
                type = kwargs.pop("content_type", "")
                return runner.run(client.generic(method.upper(), url, data, type, **kwargs))

            return Tus(f"/a{path}", request, client)

        yield connect


@pytest.fixture
def tus(connect):
    return connect("uploads/")


@pytest.fixture
def sync_uploads(user):
    """For what is decided before anything waits: there async views do the same."""
    return sync_tus("/uploads/", user)
