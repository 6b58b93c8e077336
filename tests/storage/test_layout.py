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
        ([(0, "abcd")], "has no bytes in chunk 0"),
        ([(0, None)], "has no bytes in chunk 0"),
    ],
)
def test_damage_is_an_error_that_says_what_is_damaged(chunks, what):
    documents = [{"n": n, "data": data} for n, data in chunks]
    with pytest.raises(DamagedFile, match=rf"'a.bin' is damaged: .* 9 bytes .* of 4, but {what}"):
        read(info(9, 4), documents, 0, 9)


def test_a_document_of_another_program_may_lack_what_is_optional():
    document = {"_id": 1, "length": 3.0, "chunkSize": 2, "uploadDate": datetime(2026, 5, 1)}
    assert FileInfo.from_document(document) == FileInfo(1, "", 3, 2, WHEN, {})


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("length", None, "its length is None, and should be a whole number from 0 on"),
        ("length", "12", "its length is '12', and"),
        ("length", -1, "its length is -1, and"),
        ("length", 1.5, "its length is 1.5, and"),
        ("length", float("inf"), "its length is inf, and"),
        ("length", float("nan"), "its length is nan, and"),
        ("length", True, "its length is True, and"),
        ("length", [3], r"its length is \[3\], and"),
        ("chunkSize", None, "its chunkSize is None, and should be a whole number from 1 on"),
        ("chunkSize", 0, "its chunkSize is 0, and"),
        ("chunkSize", "255k", "its chunkSize is '255k', and"),
        ("uploadDate", None, "its uploadDate is None, and should be a date"),
        ("uploadDate", "2026-05-01", "its uploadDate is '2026-05-01', and"),
    ],
)
def test_a_document_that_lacks_what_all_have_is_damaged(key, value, what):
    sound = {"filename": "a.txt", "length": 3, "chunkSize": 2, "uploadDate": WHEN}
    with pytest.raises(DamagedFile, match=rf"^The file 'a.txt' \(_id 1\) is damaged: {what}"):
        FileInfo.from_document({"_id": 1, **sound, key: value})
    with pytest.raises(DamagedFile, match="is damaged: its "):
        FileInfo.from_document({"_id": 1})


@pytest.mark.parametrize("name", [None, 5, "", {"a": 1}])
def test_a_name_that_is_none(name):
    document = {"_id": 1, "filename": name, "length": 3, "chunkSize": 2, "uploadDate": WHEN}
    assert FileInfo.from_document(document) == FileInfo(1, "", 3, 2, WHEN, {})


@pytest.mark.parametrize(
    "bucket", ["", "system", "system.a", "a$", ".a", "a.", "a..b", "a\0", None]
)
def test_a_bucket_that_no_collection_can_be_named_after(bucket):
    with pytest.raises(ValueError, match="A bucket is the start of two collections' names"):
        layout.check_bucket(bucket)


@pytest.mark.parametrize("size", [0, -1, 16 * 1024 * 1024, "a", None])
def test_a_chunk_size_that_cannot_be_stored(size):
    with pytest.raises(ValueError, match=r"chunk_size is a number of bytes from 1 to \d+, not"):
        layout.check_chunk_size(size)
