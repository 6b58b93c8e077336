"""Uploads that go on where they stopped."""

import hashlib
import random
from datetime import timedelta

import pytest

from mongo_contrib.storage import GridFSFiles
from mongo_contrib.storage.resumable import ResumableUploads

CONTENT = bytes(range(256)) * 40
DAY = timedelta(days=1)


@pytest.fixture
def files(database):
    return GridFSFiles(database, chunk_size=1000)


@pytest.fixture
def uploads(files):
    return ResumableUploads(files)


def begin(uploads, content=CONTENT, name="a.bin", owner="me", **options):
    return uploads.create(name, len(content), owner=owner, **options)


def send(uploads, upload, content=CONTENT, start=0, stop=None, **options):
    piece = content[start:stop]
    options.setdefault("size", len(piece))
    return uploads.append(upload, start, [piece], **options)


def content_of(files, name):
    return b"".join(files.read(files.find(name)))


def numbers(files, id):
    return [chunk["n"] for chunk in files.chunks.find({"files_id": id}, sort=[("n", 1)])]


def test_an_upload_in_one_piece_becomes_a_file(uploads, files):
    upload = begin(uploads)
    assert files.find("a.bin") is None
    upload = uploads.complete(send(uploads, upload))
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert files.find("a.bin") is None
    assert uploads.publish(upload, ["a.bin"], metadata={"originalName": "a.bin"}) == "a.bin"
    info = files.find("a.bin")
    assert (info.sha256, info.length, info.id) == (upload.sha256, len(CONTENT), upload.id)
    assert info.content_type == "application/octet-stream"
    assert content_of(files, "a.bin") == CONTENT


@pytest.mark.parametrize("seed", range(6))
def test_pieces_of_any_size_are_kept_to_the_byte(uploads, files, seed):
    chance = random.Random(seed)
    upload = begin(uploads)
    position = 0
    while position < len(CONTENT):
        stop = min(position + chance.choice([0, 1, 7, 999, 1000, 1001, 2500]), len(CONTENT))
        whole = chance.random() < 0.3
        options = {"size": None} if whole else {}
        assert send(uploads, upload, start=position, stop=stop, **options).offset == stop
        upload = uploads.get(upload.id)
        assert upload.offset == position + (stop - position)
        position = stop
    upload = uploads.complete(upload)
    uploads.publish(upload, ["a.bin"])
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert content_of(files, "a.bin") == CONTENT
    assert numbers(files, upload.id) == list(range(11))
