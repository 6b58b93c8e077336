"""Async and sync views in one process: one client each, and nothing is left when loops end."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import pytest
from django.db import transaction
from django.http import JsonResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from mongo_contrib.db import get_connection
from mongo_contrib.transaction import aatomic
from tests.testapp.models import Author, Book


async def asynchronous(request):
    author = await Author.objects.acreate(name="Async")
    await author.books.acreate(title="Momo")
    return JsonResponse({"titles": [book.title async for book in Book.objects.order_by("title")]})


def synchronous(request):
    author = Author.objects.create(name="Sync")
    author.books.create(title="Krabat")
    return JsonResponse({"titles": [book.title for book in Book.objects.order_by("title")]})


async def streaming(request):
    async def titles():
        async for book in Book.objects.order_by("title").aiterator():
            yield f"{book.title}\n"

    return StreamingHttpResponse(titles())


async def failing(request):
    async with aatomic():
        await Author.objects.acreate(name="never")
        raise LookupError


def failing_synchronously(request):
    with transaction.atomic():
        Author.objects.create(name="never")
        raise LookupError


urlpatterns = [
    path("async/", asynchronous),
    path("sync/", synchronous),
    path("stream/", streaming),
    path("failing/", failing),
    path("failing-sync/", failing_synchronously),
]

# transaction=True: a view of an asynchronous server runs in a thread of its own.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture
def server(connection):
    return connection.server


def sockets():
    gc.collect()
    return sum(
        os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
        for number in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{number}")
    )


async def test_views_of_both_kinds_under_an_asynchronous_server(server):
    client, sync_client = AsyncClient(), server.client
    first = await client.get("/async/")
    async_client = get_connection().async_client
    assert first.json() == {"titles": ["Momo"]}
    assert (await client.get("/sync/")).json() == {"titles": ["Krabat", "Momo"]}
    assert (await client.get("/async/")).json() == {"titles": ["Krabat", "Momo", "Momo"]}
    parts = [part async for part in await client.get("/stream/")]
    assert b"".join(parts) == b"Krabat\nMomo\nMomo\n"
    # One client each, however many requests.
    assert get_connection().async_client is async_client
    assert server.client is sync_client
    assert [each.async_client for each in server._loops.values()] == [async_client]


def test_views_of_both_kinds_under_a_synchronous_server(server):
    client = Client()
    before = sockets()
    for _ in range(3):
        assert client.get("/async/").status_code == 200
        assert client.get("/sync/").status_code == 200
    assert Book.objects.count() == 6
    assert server._loops == {}
    assert sockets() <= before


@pytest.mark.needs("transactions")
@pytest.mark.parametrize("view", ["/failing/", "/failing-sync/"])
async def test_a_view_that_fails_leaves_nothing(view):
    with pytest.raises(LookupError):
        await AsyncClient().get(view)
    assert not await Author.objects.aexists()
    # The next request is not troubled.
    assert (await AsyncClient().get("/async/")).status_code == 200
    assert (await AsyncClient().get("/sync/")).status_code == 200


async def test_requests_that_overlap(server):
    client = AsyncClient()
    responses = await asyncio.gather(*(client.get("/async/") for _ in range(20)))
    assert {response.status_code for response in responses} == {200}
    assert await Book.objects.acount() == 20
    assert len(server._loops) == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts sockets by /proc")
def test_many_short_loops_leave_nothing(server):
    async def work():
        await Author.objects.acreate(name="short")
        async for _ in Author.objects.aiterator():
            break
        async with aatomic():
            await Author.objects.acreate(name="lived")
        return get_connection().async_client

    asyncio.run(work())
    before, threads = sockets(), threading.active_count()
    clients = {id(asyncio.run(work())) for _ in range(20)}
    assert clients
    assert server._loops == {}
    assert sockets() <= before
    assert threading.active_count() <= threads
    assert Author.objects.count() == 42


def test_loops_in_two_threads_have_a_client_each(server):
    clients, meet = [], threading.Barrier(2)

    async def work():
        meet.wait()
        for number in range(10):
            async with aatomic():
                await Author.objects.acreate(name=str(number))
        clients.append(get_connection().async_client)
        meet.wait()

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, clients))) == 2
    assert Author.objects.count() == 20
    assert server._loops == {}
