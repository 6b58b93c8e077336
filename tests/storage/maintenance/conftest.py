"""A bucket that is damaged with raw pymongo, and what is found in it."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from mongo_contrib.storage import GridFSFiles
from mongo_contrib.storage.maintenance import Verification

CONTENT = bytes(range(1, 11))  # three chunks
YESTERDAY = timedelta(hours=25)


@pytest.fixture
def files(database):
    """The bucket, with chunks of four bytes."""
    return GridFSFiles(database, chunk_size=4)


@pytest.fixture
def put(files):
    """``put("a.txt", b"...")`` stores a file and returns its _id."""

    def put(name="a.txt", content=CONTENT, **options):
        files.upload([name], [content], **options)
        return files.find(name).id

    return put


@pytest.fixture
def verify(files):
    """``verify()`` is what is found, as (problem, name) and in its order."""

    def verify(path="", **options):
        found = list(Verification(files, path, **options))
        for finding in found:
            assert finding.text and "\n" not in finding.text
        return [(str(finding.problem), finding.name) for finding in found]

    return verify


@pytest.fixture
def later():
    """A day and an hour from now: what is stored now is old then."""
    return datetime.now(UTC) + YESTERDAY


@pytest.fixture
def old_chunks(files):
    """``old_chunks(id)``: chunks of no file, stored the day before yesterday."""

    def old_chunks(id=None, count=3, age=timedelta(hours=50)):
        id = ObjectId() if id is None else id
        stored = datetime.now(UTC) - age
        files.chunks.insert_many(
            {"_id": at(stored), "files_id": id, "n": n, "data": b"1234"} for n in range(count)
        )
        return id

    return old_chunks


def at(moment):
    """An id as it would have been made then."""
    return ObjectId(ObjectId.from_datetime(moment).binary[:4] + ObjectId().binary[4:])
