"""Many at once: every save is a file of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.files.base import ContentFile
from django.db import connections

from mongo_contrib.storage import GridFSStorage

pytestmark = pytest.mark.django_db(transaction=True)

SAVERS = 50


def test_concurrent_saves_of_one_name_are_as_many_files(stored):
    storage = GridFSStorage()
    barrier = Barrier(SAVERS)

    def save(number):
        try:
            barrier.wait()
            return storage.save("dir/hello.txt", ContentFile(b"%d" % number), max_length=20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(SAVERS) as pool:
        names = list(pool.map(save, range(SAVERS)))
    assert len(set(names)) == SAVERS
    assert "dir/hello.txt" in names
    assert max(map(len, names)) <= 20
    assert sorted(storage.listdir("dir")[1]) == sorted(name[4:] for name in names)
    for number, name in enumerate(names):
        with storage.open(name) as file:
            assert file.read() == b"%d" % number
    assert stored() == (SAVERS, SAVERS)


async def test_async_saves_of_one_name_are_as_many_files():
    storage = GridFSStorage()
    names = await asyncio.gather(
        *(storage.asave("hello.txt", ContentFile(b"%d" % number)) for number in range(SAVERS))
    )
    assert len(set(names)) == SAVERS
    assert len((await storage.alistdir(""))[1]) == SAVERS


def test_concurrent_writers_of_one_file_leave_one_whole_one(stored):
    storage = GridFSStorage(chunk_size=10, keep_replaced=0)
    barrier = Barrier(8)

    def write(number):
        try:
            barrier.wait()
            with storage.open("a.txt", "wb") as file:
                file.write(b"%d" % number * 50)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with storage.open("a.txt") as file:
        content = file.read()
    assert content in [b"%d" % number * 50 for number in range(8)]
    assert stored() == (1, 5)
