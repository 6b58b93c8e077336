"""Requests to both kinds of server, with one kind of answer; a permission hook that tests set."""

import asyncio
from dataclasses import dataclass, field

import pytest
from django.test import AsyncClient, Client

BACKEND = "mongo_contrib.storage.GridFSStorage"

#: What the hook below says, and whom it was asked about.
HOOK = {"answer": False, "asked": []}


def hook(request, info):
    HOOK["asked"].append((request.method, info.name))
    return HOOK["answer"]


async def ahook(request, info):
    return hook(request, info)


@dataclass
class Got:
    """An answer as a client has it."""

    status: int
    headers: dict
    body: bytes = b""
    parts: list = field(default_factory=list)

    def __getitem__(self, name):
        return self.headers[name]


#: A sync view under a server that speaks ASGI is tried where something may depend on it.
every_kind = pytest.mark.parametrize("fetch", ["wsgi", "asgi", "asgi-native"], indirect=True)


@pytest.fixture(params=["wsgi", "asgi-native"])
def fetch(request, transactional_db, settings):
    """``fetch("/media/a.txt", "head", range="bytes=0-")`` asks a server and view of a kind."""
    settings.ROOT_URLCONF = "tests.storage.serving_urls"
    prefix = "/async" if request.param == "asgi-native" else "/sync"

    def given(headers):
        return {name.replace("_", "-"): value for name, value in headers.items()}

    def finish(response, parts):
        return Got(response.status_code, dict(response.headers), b"".join(parts), parts)

    def from_wsgi(path, method="get", **headers):
        response = getattr(Client(), method)(prefix + path, headers=given(headers))
        return finish(response, list(response))

    def from_asgi(path, method="get", **headers):
        async def ask():
            response = await getattr(AsyncClient(), method)(prefix + path, headers=given(headers))
            parts = [part async for part in response] if response.streaming else list(response)
            return finish(response, parts)

        return asyncio.run(ask())

    HOOK.update(answer=False, asked=[])
    return from_wsgi if request.param == "wsgi" else from_asgi
