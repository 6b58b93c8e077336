"""Content that is compressed in its chunks."""

import asyncio
import gzip
import hashlib
import random
import struct
import tracemalloc
from datetime import UTC, datetime

import pytest
from bson import Binary
from django.core.files.base import ContentFile
from gridfs import GridFSBucket
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage import DamagedFile, FileInfo, GridFSFiles, GridFSStorage, uploads
from mongo_contrib.storage.compression import BLOCK_SIZE, Compressor, is_worthwhile
from mongo_contrib.storage.reading import reading, reading_stored

WHEN = datetime(2026, 5, 1, tzinfo=UTC)
TEXT = b"".join(b"%d bottles of beer on the wall,\n" % n for n in range(30_000))


# Pure: no server


def compressed(content, block_size, pieces=(1,)):
    """What is stored of the content, given in pieces of these sizes, and the fields."""
    compressor = Compressor(block_size)
    stored, start, number = b"", 0, 0
    while start < len(content):
        size = pieces[number % len(pieces)]
        stored += compressor.compress(content[start : start + size])
        start, number = start + size, number + 1
    return stored + compressor.finish(), compressor.fields()


def info_of(content, stored, fields, chunk_size):
    return FileInfo.from_document(
        {
            "_id": "id",
            "filename": "a.txt",
            "length": len(stored),
            "chunkSize": chunk_size,
            "uploadDate": WHEN,
            "metadata": {"sha256": hashlib.sha256(content).hexdigest(), **fields},
        }
    )


def read(wanted, info, stored):
    """What is read, and the numbers of the chunks that were asked for."""
    size, parts, asked = info.chunk_size, [], []
    for window in wanted.windows():
        for n in range(window["n"]["$gte"], window["n"]["$lte"] + 1):
            asked.append(n)
            parts += wanted.take({"n": n, "data": stored[n * size : (n + 1) * size]})
    wanted.finish()
    assert all(parts), "an empty part is the end to those who read"
    return b"".join(parts), asked


contents = st.binary(max_size=120) | st.text("ab", max_size=200).map(str.encode)


@given(contents, st.integers(1, 40), st.integers(1, 30), st.lists(st.integers(1, 50), min_size=1))
def test_every_range_is_a_slice_of_the_content(content, block_size, chunk_size, pieces):
    stored, fields = compressed(content, block_size, pieces)
    assert gzip.decompress(stored) == content
    info = info_of(content, stored, fields, chunk_size)
    assert (info.length, info.stored_length) == (len(content), len(stored))
    assert (info.encoding, info.fields) == ("gzip", {})
    assert read(reading(info, 0, None, verify=True), info, stored)[0] == content
    assert read(reading_stored(info, verify=True), info, stored)[0] == stored
    for _ in range(2):
        start = random.randrange(len(content) + 3)
        stop = random.randrange(len(content) + 3)
        found, _ = read(reading(info, start, stop, verify=True), info, stored)
        assert found == content[start:stop]


@given(st.binary(min_size=1, max_size=200), st.integers(1, 60), st.data())
def test_damage_is_an_error_or_has_no_effect(content, block_size, data):
    stored, fields = compressed(content, block_size, [50])
    at = data.draw(st.integers(0, len(stored) - 1))
    broken = stored[:at] + bytes([stored[at] ^ data.draw(st.integers(1, 255))]) + stored[at + 1 :]
    info = info_of(content, stored, fields, 20)
    try:
        assert read(reading(info, 0, None, verify=True), info, broken)[0] == content
    except DamagedFile as exc:
        assert "The file 'a.txt' is damaged: its " in str(exc)
    try:
        assert read(reading_stored(info, verify=True), info, broken)[0] == broken
    except DamagedFile as exc:
        assert "The file 'a.txt' is damaged: " in str(exc)


def test_a_block_reads_alone():
    content = random.Random(7).randbytes(100_000)
    stored, fields = compressed(content, 1000, [777])
    info = info_of(content, stored, fields, 100)
    found, asked = read(reading(info, 50_000, 50_001, verify=True), info, stored)
    assert found == content[50_000:50_001]
    assert 10 <= len(asked) <= 12  # of 1,016


def blocks(**changes):
    stored, fields = compressed(b"a" * 100, 30)
    lengths = fields["blocks"]["lengths"]
    return stored, {**fields, "blocks": {"size": 30, "lengths": lengths} | changes}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"size": 31}, "does not inflate to its 31 bytes"),
        ({"size": 0}, "what its metadata tell of blocks can be true of none"),
        ({"size": -5}, "what its metadata tell of blocks can be true of none"),
        ({"size": 2**40}, "what its metadata tell of blocks can be true of none"),
        ({"size": True}, "what its metadata tell of blocks can be true of none"),
        ({"size": None}, "what its metadata tell of blocks can be true of none"),
        ({"lengths": Binary(b"\1\0\0\0")}, "4 bytes tell of its 100 in blocks of 30"),
        ({"lengths": Binary(b"\xff" * 16)}, "its block 0 cannot have 4294967295 bytes"),
        ({"lengths": Binary(struct.pack("<4I", 9, 0, 9, 9))}, "its block 1 cannot have 0 bytes"),
        ({"lengths": Binary(struct.pack("<4I", *[180] * 4))}, r"its blocks take 720 of the \d+ "),
        ({"lengths": "text"}, "what its metadata tell of blocks can be true of none"),
    ],
)
def test_metadata_that_cannot_be_true(changes, what):
    stored, fields = blocks(**changes)
    info = info_of(b"a" * 100, stored, fields, 20)
    with pytest.raises(DamagedFile, match=f"The file 'a.txt' is damaged: .*{what}"):
        read(reading(info, 0, None, verify=False), info, stored)


@pytest.mark.parametrize(
    "fields",
    [
        {"encoding": "gzip"},
        {"encoding": "utf-8", "size": 5, "blocks": {}},
        {"encoding": "gzip", "size": "large", "blocks": 3},
    ],
)
def test_a_file_of_another_program_may_have_fields_of_these_names(fields):
    info = info_of(b"", b"12345", fields, 20)
    assert (info.length, info.stored_length, info.encoding) == (5, 5, None)


def test_a_block_that_would_fill_the_memory_is_never_inflated():
    stored, fields = compressed(b"\0" * 2_000_000, 2_000_000, [1_000_000])
    fields |= {"size": 1000, "blocks": {**fields["blocks"], "size": 1000}}
    info = info_of(b"", stored, fields, 10**6)
    tracemalloc.start()
    try:
        with pytest.raises(DamagedFile, match="does not inflate to its 1000 bytes"):
            read(reading(info, 0, 1, verify=False), info, stored)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_what_is_worth_it():
    assert is_worthwhile(TEXT)
    assert is_worthwhile(b"a" * 1000)
    assert not is_worthwhile(b"a" * 100)  # what metadata need is more
    assert not is_worthwhile(b"")
    assert not is_worthwhile(random.Random(1).randbytes(BLOCK_SIZE) + b"a" * 10**6)


# Files


@pytest.fixture
def storage(db):
    return GridFSStorage(compress=["text/*"], chunk_size=1000, base_url="/media/")


def test_a_text_is_smaller_and_reads_as_before(storage, save, stored):
    save("a.txt", TEXT)
    info = storage.get_info("a.txt")
    assert (info.length, storage.size("a.txt"), info.encoding) == (len(TEXT), len(TEXT), "gzip")
    assert info.stored_length < len(TEXT) / 4
    assert stored() == (1, -(-info.stored_length // 1000))
    assert info.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert info.fields == {}
    with storage.open("a.txt") as file:
        assert file.size == len(TEXT)
        assert file.read(10) == TEXT[:10]
        assert file.seek(-20, 2) == len(TEXT) - 20
        assert file.read() == TEXT[-20:]
        file.seek(BLOCK_SIZE - 3)
        assert file.read(6) == TEXT[BLOCK_SIZE - 3 : BLOCK_SIZE + 3]
        file.seek(0)
        assert file.read() == TEXT


def test_other_programs_read_a_sound_gzip(database, save, storage):
    save("a.txt", TEXT)
    stream = GridFSBucket(database).open_download_stream_by_name("a.txt")
    stored = stream.read()
    assert gzip.decompress(stored) == TEXT
    info = storage.get_info("a.txt")
    assert b"".join(storage.files.read_stored(info)) == stored
    assert len(stored) == info.stored_length


async def test_reading_on_an_event_loop(transactional_db, storage):
    await storage.asave("a.txt", ContentFile(TEXT))
    info = await storage.aget_info("a.txt")
    files = await storage.afiles()
    start, stop = BLOCK_SIZE - 100, BLOCK_SIZE + 100
    parts = [part async for part in files.read(info, start, stop)]
    assert b"".join(parts) == TEXT[start:stop]
    assert b"".join([part async for part in files.read(info)]) == TEXT
    assert gzip.decompress(b"".join([part async for part in files.read_stored(info)])) == TEXT
    assert await storage.asize("a.txt") == len(TEXT)
    await asyncio.gather(*(storage.asave("a.txt", ContentFile(TEXT)) for _ in range(3)))
    assert len((await storage.alistdir(""))[1]) == 4


async def test_compressing_gives_way_to_others(transactional_db, storage, monkeypatch):
    pauses = []
    pause = uploads.pause

    def counted(seconds):
        pauses.append(seconds)
        pause(seconds)

    monkeypatch.setattr(uploads, "pause", counted)
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 100_000)
    await storage.asave("a.txt", ContentFile(TEXT))
    assert len(pauses) > 10
    assert (await storage.aget_info("a.txt")).encoding == "gzip"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"a" * 5000),  # another type
        ("a.txt", b"a" * 50),  # hardly smaller
        ("a.txt", b""),
    ],
)
def test_what_is_not_worth_it_is_stored_as_it_is(storage, save, database, name, content):
    save(name, content)
    info = storage.get_info(name)
    assert (info.encoding, info.stored_length) == (None, len(content))
    assert "blocks" not in database["fs.files"].find_one()["metadata"]
    assert storage.open(name).read() == content


def test_pieces_of_any_size_are_sent_on_their_way(storage, monkeypatch, capture_commands):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 5000)
    noise = random.Random(3)
    lines = [b"%x\n" % noise.getrandbits(400) for _ in range(2000)]
    before = len(list(capture_commands))
    with storage.open("a.txt", "wb") as file:
        for line in lines:
            file.write(line)
        assert file.size == sum(map(len, lines))
        sent = [each for each in list(capture_commands)[before:] if each.name == "insert"]
        assert len(sent) > 2
    assert storage.open("a.txt").read() == b"".join(lines)
    assert storage.get_info("a.txt").encoding == "gzip"


def test_a_hash_is_compared(db, save, storage, database):
    save("a.txt", TEXT)
    verifying = GridFSStorage(verify=True, chunk_size=5)
    with verifying.open("a.txt") as file:
        assert file.read() == TEXT
    info = verifying.get_info("a.txt")
    assert len(b"".join(verifying.files.read_stored(info))) == info.stored_length
    database["fs.files"].update_one({}, {"$set": {"metadata.sha256": "0" * 64}})
    info = verifying.get_info("a.txt")
    for parts in (verifying.files.read(info), verifying.files.read_stored(info)):
        got = 0
        with pytest.raises(DamagedFile, match=r"its content has the SHA-256"):
            for part in parts:
                got += len(part)
        assert got < info.length


@pytest.mark.parametrize("chunk", [0, 20, 40])
def test_a_chunk_that_is_damaged_or_missing(storage, save, database, chunk):
    save("a.txt", TEXT)
    data = database["fs.chunks"].find_one({"n": chunk})["data"]
    database["fs.chunks"].update_one({"n": chunk}, {"$set": {"data": bytes(len(data))}})
    with pytest.raises(DamagedFile, match=r"'a.txt' is damaged: its block \d+ "):
        storage.open("a.txt").read()
    database["fs.chunks"].delete_one({"n": chunk})
    with pytest.raises(DamagedFile, match=f"has no chunk {chunk}"):
        storage.open("a.txt").read()


def test_what_is_read_of_a_range(storage, save, capture_commands, database):
    save("a.txt", TEXT)
    info = storage.get_info("a.txt")
    (first, second) = (n + 1 for n in range(2))
    before = len(list(capture_commands))
    part = storage.files.read(info, BLOCK_SIZE * first + 5, BLOCK_SIZE * second - 5)
    assert b"".join(part) == TEXT[BLOCK_SIZE + 5 : BLOCK_SIZE * 2 - 5]
    (command,) = list(capture_commands)[before:]
    wanted = command.command["filter"]["n"]
    assert wanted["$lte"] - wanted["$gte"] < info.stored_length / 1000 / 3


@pytest.mark.parametrize("field", ["encoding", "size", "blocks", "sharedContent", "sha256"])
def test_what_says_how_it_is_stored_cannot_be_set(storage, save, field):
    save("a.txt", TEXT)
    with pytest.raises(ValueError, match=f"'{field}' is no field of a file that can be set"):
        storage.set_metadata("a.txt", **{field: "x"})
    assert storage.open("a.txt").read() == TEXT


def test_the_core_takes_types(database):
    files = GridFSFiles(database, compress=("application/json",))
    files.upload(["a.json"], [b"[" + b"1," * 1000 + b"1]"])
    assert files.find("a.json").encoding == "gzip"


@pytest.mark.parametrize("types", ["text/*", [], ["text"], [5], True])
def test_options_that_cannot_be(types):
    with pytest.raises(ValueError, match=r"^compress (is a list of|has) types"):
        GridFSStorage(compress=types)
