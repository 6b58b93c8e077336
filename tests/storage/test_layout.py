"""GridFS's layout; no server needed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage import DamagedFile, FileInfo, layout

WHEN = datetime(2026, 5, 1, tzinfo=UTC)


def info(length, chunk_size):
    return FileInfo("id", "a.bin", length, chunk_size, WHEN, {})


def read(file, chunks, start, stop):
    sequence = layout.ChunkSequence(file, start, stop)
    parts = [
        sequence.take(chunk)
        for window in layout.windows(file, start, stop)
        for chunk in chunks
        if window["n"]["$gte"] <= chunk["n"] <= window["n"]["$lte"]
    ]
    sequence.finish()
    return b"".join(parts)


def chunked(content, size):
    return [
        {"n": n, "data": content[at : at + size]}
        for n, at in enumerate(range(0, len(content), size))
    ]


@given(st.binary(max_size=60), st.integers(1, 9), st.data())
def test_every_range_gives_its_bytes(content, size, data):
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    file = info(len(content), size)
    assert read(file, chunked(content, size), start, stop) == content[start:stop]


def test_a_range_asks_for_its_chunks_alone():
    windows = list(layout.windows(info(1000, 10), 25, 41))
    assert windows == [{"files_id": "id", "n": {"$gte": 2, "$lte": 4}}]


def test_a_big_file_is_asked_for_in_pieces(monkeypatch):
    monkeypatch.setattr(layout, "WINDOW_BYTES", 20)
    windows = [window["n"] for window in layout.windows(info(45, 10), 0, 45)]
    assert windows == [{"$gte": 0, "$lte": 1}, {"$gte": 2, "$lte": 3}, {"$gte": 4, "$lte": 4}]


def test_chunks_larger_than_a_piece_come_one_by_one(monkeypatch):
    monkeypatch.setattr(layout, "WINDOW_BYTES", 5)
    assert len(list(layout.windows(info(30, 10), 0, 30))) == 3


def test_an_empty_file_asks_for_nothing():
    assert list(layout.windows(info(0, 10), 0, 0)) == []
    assert read(info(0, 10), [], 0, 0) == b""


@pytest.mark.parametrize(
    ("chunks", "what"),
    [
        ([(0, b"abcd"), (2, b"i")], "has no chunk 1"),
        ([(0, b"abcd"), (1, b"efgh")], "has no chunk 2"),
        ([(0, b"abcd"), (1, b"ef"), (2, b"i")], "has 2 bytes in chunk 1"),
        ([(0, b"abcd"), (1, b"efgh"), (2, b"ij")], "has 2 bytes in chunk 2"),
        ([], "has no chunk 0"),
    ],
)
def test_damage_is_an_error_that_says_what_is_damaged(chunks, what):
    documents = [{"n": n, "data": data} for n, data in chunks]
    with pytest.raises(DamagedFile, match=rf"'a.bin' is damaged: .* 9 bytes .* of 4, but {what}"):
        read(info(9, 4), documents, 0, 9)


def test_a_document_of_another_program_may_lack_what_is_optional():
    document = {"_id": 1, "length": 3.0, "chunkSize": 2, "uploadDate": datetime(2026, 5, 1)}
    assert FileInfo.from_document(document) == FileInfo(1, "", 3, 2, WHEN, {})


@pytest.mark.parametrize("bucket", ["", "system.a", "a$", ".a", "a.", "a..b", "a\0", None])
def test_a_bucket_that_no_collection_can_be_named_after(bucket):
    with pytest.raises(ValueError, match="A bucket is the start of two collections' names"):
        layout.check_bucket(bucket)


@pytest.mark.parametrize("size", [0, -1, 16 * 1024 * 1024, "a", None])
def test_a_chunk_size_that_cannot_be_stored(size):
    with pytest.raises(ValueError, match=r"chunk_size is a number of bytes from 1 to \d+, not"):
        layout.check_chunk_size(size)
