"""A storage, and both twins of it behind one interface."""

import asyncio

import pytest
from django.core.files.base import ContentFile

from mongo_contrib.storage import GridFSStorage

from .serving import fetch  # noqa: F401


@pytest.fixture
def storage(db):
    """A storage with chunks so small that a few bytes need several."""
    return GridFSStorage(base_url="/media/", chunk_size=4)


@pytest.fixture
def save(storage):
    """``save("a.txt", b"...")`` stores a file and returns its name."""

    def save(name, content=b"content", **options):
        return storage.save(name, ContentFile(content), **options)

    return save


@pytest.fixture
def stored(repository):
    """How many documents (files, chunks) there are."""

    def stored(bucket="fs"):
        return repository(f"{bucket}.files").count(), repository(f"{bucket}.chunks").count()

    return stored


@pytest.fixture(params=["sync", "async"])
def call(request, storage):
    """``call("size", name)`` is the storage's verb or its async twin."""
    if request.param == "sync":
        yield lambda verb, *args, **kwargs: getattr(storage, verb)(*args, **kwargs)
        return
    with asyncio.Runner() as runner:

        def call(verb, *args, **kwargs):
            async def twin():
                return await getattr(storage, f"a{verb}")(*args, **kwargs)

            return runner.run(twin())

        yield call
