"""Files on an event loop: no thread, whichever way they are read."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile

from mongo_contrib.bridge import native
from tests.hops import no_thread_hop

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 4


async def test_saving_opening_and_reading_take_no_thread(storage):
    async with no_thread_hop():
        name = await storage.asave("a.bin", ContentFile(CONTENT))
        file = await storage.aopen(name)
        assert file.size == len(CONTENT)
        assert await native(file.read, 10) == CONTENT[:10]
        await native(file.seek, 1000)
        assert await native(file.read) == CONTENT[1000:]
        file.close()


async def test_writing_in_pieces(storage):
    def write():
        with storage.open("a.txt", "w") as file:
            for word in ("Grüße", " ", "aus Prag"):
                file.write(word)

    async with no_thread_hop():
        await native(write)
        file = await storage.aopen("a.txt", "r")
        assert await native(file.read) == "Grüße aus Prag"


async def test_a_file_that_was_opened_here_can_be_read_in_a_thread(storage):
    await storage.asave("a.bin", ContentFile(CONTENT))
    file = await storage.aopen("a.bin")
    assert await sync_to_async(file.read)() == CONTENT


async def test_many_at_once(storage):
    names = await asyncio.gather(
        *(storage.asave("a.bin", ContentFile(b"%d" % number)) for number in range(10))
    )
    files = await asyncio.gather(*(storage.aopen(name) for name in names))
    contents = await asyncio.gather(*(native(file.read) for file in files))
    assert contents == [b"%d" % number for number in range(10)]
