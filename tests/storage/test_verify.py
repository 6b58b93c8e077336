"""Content that is compared with its hash while it is read."""

import asyncio

import pytest
from django.core.files.base import ContentFile
from django.test import AsyncClient
from gridfs import GridFSBucket

from mongo_contrib.storage import DamagedFile, GridFSStorage

CONTENT = bytes(range(100))


@pytest.fixture
def storage(db):
    return GridFSStorage(chunk_size=10, base_url="/media/", verify=True)


@pytest.fixture
def damage(database):
    """Change one byte of a chunk, which no length tells."""

    def damage(chunk):
        data = database["fs.chunks"].find_one({"n": chunk})["data"]
        database["fs.chunks"].update_one({"n": chunk}, {"$set": {"data": data[:-1] + b"!"}})

    return damage


@pytest.fixture(params=["sync", "async"])
def read(request, storage):
    """``read(info, start, stop)`` gives the parts, and the error at their end."""

    async def aread(*args):
        return [part async for part in (await storage.afiles()).read(*args)]

    def read(name, *args):
        info = storage.get_info(name)
        if request.param == "sync":
            return b"".join(storage.files.read(info, *args))
        return b"".join(asyncio.run(aread(info, *args)))

    return read


@pytest.mark.parametrize("content", [CONTENT, b"", b"1"])
def test_what_is_sound_is_read(storage, save, read, content):
    save("a.bin", content)
    assert read("a.bin") == content
    with storage.open("a.bin") as file:
        assert file.read() == content


@pytest.mark.parametrize("chunk", [0, 4, 9])
def test_a_byte_that_changed_is_an_error_at_the_end(save, read, damage, chunk):
    save("a.bin", CONTENT)
    damage(chunk)
    with pytest.raises(DamagedFile, match=r"'a.bin' is damaged: its content has the SHA-256"):
        read("a.bin")


def test_nobody_gets_all_of_a_damaged_file(storage, save, damage):
    save("a.bin", CONTENT)
    damage(0)
    parts = storage.files.read(storage.get_info("a.bin"))
    got = [next(parts) for _ in range(9)]
    assert len(b"".join(got)) == 90
    with pytest.raises(DamagedFile):
        next(parts)
    with storage.open("a.bin") as file, pytest.raises(DamagedFile):
        for _ in range(100):
            file.read(1)


def test_a_part_is_not_compared(save, read, damage):
    save("a.bin", CONTENT)
    damage(9)
    assert read("a.bin", 0, 99) == CONTENT[:99]
    assert read("a.bin", 1) == CONTENT[1:99] + b"!"


def test_without_the_option_nothing_is_compared(save, damage):
    save("a.bin", CONTENT)
    damage(9)
    with GridFSStorage().open("a.bin") as file:
        assert file.read() == CONTENT[:99] + b"!"


def test_files_without_a_hash_are_read(storage, database, read):
    GridFSBucket(database).upload_from_stream("a.bin", CONTENT)
    assert read("a.bin") == CONTENT


@pytest.mark.urls("tests.storage.urls")
@pytest.mark.django_db(transaction=True)
def test_a_server_breaks_off_a_damaged_file(settings, damage):
    settings.STORAGES = {
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"chunk_size": 10, "verify": True},
        }
    }
    GridFSStorage(chunk_size=10).save("a.bin", ContentFile(CONTENT))
    damage(3)

    async def get():
        response = await AsyncClient().get("/media/a.bin")
        return [part async for part in response]

    with pytest.raises(DamagedFile):
        asyncio.run(get())
