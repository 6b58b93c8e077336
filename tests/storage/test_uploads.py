"""Uploads whose chunks are in the bucket already."""

import hashlib

import pytest
from bson import ObjectId

from mongo_contrib.storage import ContentTypeRefused, FileTooLarge, GridFSFiles, Limits
from mongo_contrib.storage.uploads import Upload

CONTENT = b"%PDF-" + b"x" * 5000


@pytest.fixture
def of_stored(database):
    """Put the content into chunks, and give an upload of these."""

    def of_stored(files, content=CONTENT, *, chunk_size=1000, **options):
        id = ObjectId()
        chunks = [
            {"files_id": id, "n": n, "data": content[start : start + chunk_size]}
            for n, start in enumerate(range(0, len(content), chunk_size))
        ]
        files.ensure_indexes()
        files.chunks.insert_many(chunks)
        return Upload.of_stored(
            files,
            "a.pdf",
            id=id,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            head=content,
            chunk_size=chunk_size,
            **options,
        )

    return of_stored


def test_what_is_stored_already_is_published(database, of_stored, stored, capture_commands):
    files = GridFSFiles(database, verify=True)
    upload = of_stored(files, metadata={"album": "Prag"})
    before = len(list(capture_commands))
    assert upload.publish(["a.pdf", "b.pdf"]) == "a.pdf"
    assert {command.name for command in list(capture_commands)[before:]} <= {"insert", "find"}
    info = files.find("a.pdf")
    assert (info.id, info.content_id) == (upload.id, upload.id)
    assert (info.length, info.stored_length, info.encoding) == (5005, 5005, None)
    assert (info.content_type, info.fields) == ("application/pdf", {"album": "Prag"})
    assert b"".join(files.read(info)) == CONTENT
    assert stored() == (1, 6)


def test_it_takes_the_place_of_a_file(database, of_stored, stored):
    files = GridFSFiles(database, chunk_size=1000, transactions=False)
    files.upload(["a.pdf"], [b"old"])
    of_stored(files).replace("a.pdf")
    assert b"".join(files.read(files.find("a.pdf"))) == CONTENT
    assert stored() == (1, 7)


def test_it_is_discarded(database, of_stored, stored):
    of_stored(GridFSFiles(database)).discard()
    assert stored() == (0, 0)


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        (Limits(max_size=5004), FileTooLarge),
        (Limits(content_types=("image/*",)), ContentTypeRefused),
    ],
)
def test_what_the_bucket_does_not_take_is_not_published(database, of_stored, limits, refusal):
    files = GridFSFiles(database, limits=limits)
    upload = of_stored(files)
    with pytest.raises(refusal):
        upload.publish(["a.pdf"])
    assert files.find("a.pdf") is None
