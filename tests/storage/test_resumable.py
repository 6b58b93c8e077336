"""Uploads that go on where they stopped.

MONGO_KILLS says how far from each other the commands are before which a writer is killed: 1 for
each of them, in order.
"""

import hashlib
import os
import random
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from bson import ObjectId
from django.db import DatabaseError
from pymongo import MongoClient

from mongo_contrib.storage import (
    ContentTypeRefused,
    FileTooLarge,
    GridFSFiles,
    Limits,
    resumable,
)
from mongo_contrib.storage.exceptions import (
    ChecksumMismatch,
    OffsetMismatch,
    TooManyUploads,
    UploadBusy,
    UploadExpired,
    UploadLost,
    UploadNotFound,
    UploadUsed,
)
from mongo_contrib.storage.leases import Lease
from mongo_contrib.storage.resumable import ResumableUploads
from tests.db.proxy import Proxy

CONTENT = bytes(range(256)) * 40
DAY = timedelta(days=1)
KILLS = int(os.environ.get("MONGO_KILLS", 0))


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


@pytest.mark.parametrize("seed", range(4))
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


def test_an_empty_upload_is_complete_at_once(uploads, files):
    upload = uploads.complete(begin(uploads, b""))
    assert uploads.publish(upload, ["empty"]) == "empty"
    assert files.find("empty").length == 0


def test_what_is_incomplete_is_not_published(uploads, files):
    upload = send(uploads, begin(uploads), stop=500)
    assert uploads.complete(upload) == upload
    with pytest.raises(UploadBusy):
        uploads.publish(upload, ["a.bin"])
    assert files.find("a.bin") is None


def test_the_hash_is_that_of_what_is_stored(uploads, files):
    upload = send(uploads, begin(uploads), stop=1500)
    upload = send(uploads, upload, start=1500)
    assert upload.sha256 is None  # nobody has seen all of it
    files.chunks.update_one({"files_id": upload.id, "n": 0}, {"$set": {"data": b"x" * 1000}})
    damaged = b"x" * 1000 + CONTENT[1000:]
    assert uploads.complete(upload).sha256 == hashlib.sha256(damaged).hexdigest()


def test_equal_content_is_shared_where_the_bucket_does_so(database):
    files = GridFSFiles(database, chunk_size=1000, deduplicate=True)
    uploads = ResumableUploads(files)
    for name in ("a.bin", "b.bin"):
        uploads.publish(uploads.complete(send(uploads, begin(uploads))), [name])
    assert files.chunks.count_documents({}) == 11
    files.delete("a.bin")
    uploads.collection.update_many(
        {}, {"$set": {"expires": datetime.now(UTC) - DAY}, "$unset": {"published": ""}}
    )
    assert uploads.sweep() == 2  # of which nobody has noted that they are files
    assert content_of(files, "b.bin") == CONTENT


# What is not taken


@pytest.mark.parametrize("offset", [0, 999, 1501, 10**15])
def test_another_offset_is_refused(uploads, offset):
    upload = send(uploads, begin(uploads), stop=1500)
    with pytest.raises(OffsetMismatch) as caught:
        uploads.append(upload, offset, [b"x"], size=None)
    assert caught.value.offset == 1500
    assert uploads.get(upload.id).offset == 1500


@pytest.mark.parametrize("size", [None, len(CONTENT) + 1])
def test_more_than_was_announced_is_refused_and_nothing_kept(uploads, files, size):
    upload = begin(uploads)
    with pytest.raises(FileTooLarge):
        uploads.append(upload, 0, [CONTENT, b"x"], size=size)
    assert uploads.get(upload.id).offset == 0
    assert numbers(files, upload.id) == []
    assert send(uploads, upload).offset == len(CONTENT)  # and nobody has to wait


def test_what_is_too_large_does_not_begin(database):
    uploads = ResumableUploads(GridFSFiles(database, limits=Limits(max_size=99)))
    with pytest.raises(FileTooLarge):
        begin(uploads, b"x" * 100)
    with pytest.raises(FileTooLarge, match="count"):
        ResumableUploads(GridFSFiles(database)).create("a", 10**18, owner="me")
    assert uploads.collection.count_documents({}) == 0


@pytest.mark.parametrize("first", [10, 2047, 2048, 5000])
def test_a_type_that_is_not_allowed_ends_the_upload(database, first):
    limits = Limits(content_types=("image/*",))
    files = GridFSFiles(database, chunk_size=1000, limits=limits)
    uploads = ResumableUploads(files)
    upload = begin(uploads, name="a.png")
    with pytest.raises(ContentTypeRefused):
        send(uploads, send(uploads, upload, stop=first), start=first, stop=6000)
    with pytest.raises(UploadNotFound):
        uploads.get(upload.id)
    assert numbers(files, upload.id) == []


def test_an_allowed_type_is_known_from_several_pieces(database):
    limits = Limits(content_types=("image/*",))
    uploads = ResumableUploads(GridFSFiles(database, chunk_size=100, limits=limits))
    content = b"\x89PNG\r\n\x1a\n" + CONTENT
    upload = begin(uploads, content)
    for start in (0, 5, 2050):
        stop = {0: 5, 5: 2050, 2050: None}[start]
        upload = send(uploads, upload, content, start=start, stop=stop)
    assert uploads.complete(upload).is_complete


def test_a_checksum_that_differs_keeps_nothing(uploads, files):
    upload = send(uploads, begin(uploads), stop=1500)
    with pytest.raises(ChecksumMismatch):
        send(uploads, upload, start=1500, stop=9000, verify=lambda: False)
    assert uploads.get(upload.id).offset == 1500
    assert numbers(files, upload.id) == [0]
    upload = send(uploads, upload, start=1500, verify=lambda: True)
    assert uploads.complete(upload).sha256 == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("whole", [False, True])
def test_who_loses_the_connection_keeps_what_arrived(uploads, files, monkeypatch, whole):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    upload = begin(uploads)

    def pieces():
        yield CONTENT[:4321]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        uploads.append(upload, 0, pieces(), size=None if whole else len(CONTENT))
    upload = uploads.get(upload.id)
    assert upload.offset == (0 if whole else 4321)
    upload = uploads.complete(send(uploads, upload, start=upload.offset))
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_what_arrives_slowly_is_stored_all_the_same(uploads, monkeypatch):
    monkeypatch.setattr("mongo_contrib.storage.appending.COMMIT_EVERY", 0)
    upload = begin(uploads)
    seen = []

    def pieces():
        for start in range(0, 2000, 400):
            seen.append(uploads.get(upload.id).offset)
            yield CONTENT[start : start + 400]

    uploads.append(upload, 0, pieces(), size=2000)
    assert seen == [0, 400, 800, 1200, 1600]


@pytest.mark.parametrize("whole", [False, True])
def test_what_may_have_been_counted_stays(database, monkeypatch, whole):
    """The answer is lost that says so: nobody knows where the upload ends."""
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    pieces = [CONTENT[start : start + 1000] for start in range(0, len(CONTENT), 1000)]
    with (
        Proxy(database.client.address) as proxy,
        MongoClient(proxy.uri, retryWrites=False, tz_aware=True) as client,
    ):
        uploads = ResumableUploads(GridFSFiles(client[database.name], chunk_size=1000))
        upload = begin(uploads)
        proxy.lose_reply(b"tail")
        with pytest.raises(DatabaseError):
            uploads.append(upload, 0, pieces, size=None if whole else len(CONTENT))
        assert proxy.lost == 1
    uploads = ResumableUploads(GridFSFiles(database, chunk_size=1000))
    offset = uploads.get(upload.id).offset
    assert offset == (len(CONTENT) if whole else 2000)
    upload = uploads.complete(send(uploads, upload, start=offset) if not whole else upload)
    uploads.publish(uploads.get(upload.id), ["a.bin"])
    assert content_of(uploads.files, "a.bin") == CONTENT


# Several at once


@pytest.mark.django_db(transaction=True)
def test_of_those_who_append_at_once_one_wins(files):
    contents = [bytes([number]) * 5000 for number in range(8)]
    barrier = Barrier(len(contents))
    upload = begin(ResumableUploads(files), contents[0])

    def append(content):
        barrier.wait()
        try:
            send(ResumableUploads(files), upload, content)
        except (OffsetMismatch, UploadBusy):
            return None
        return content

    with ThreadPoolExecutor(len(contents)) as pool:
        won = [content for content in pool.map(append, contents) if content]
    assert len(won) == 1
    uploads = ResumableUploads(files)
    uploads.publish(uploads.get(upload.id), ["a.bin"])
    assert content_of(files, "a.bin") == won[0]
    assert numbers(files, upload.id) == list(range(5))


def run_out(uploads, upload):
    """Let the time of the lease be over."""
    past = datetime.now(UTC) - DAY
    uploads.collection.update_one({"_id": upload.id}, {"$set": {"lock.until": past}})


@pytest.mark.parametrize(
    ("stalls", "whole"), [(0, False), (1, False), (2, False), (5, False), (0, True), (4, True)]
)
def test_who_stalls_is_replaced_and_spoils_nothing(uploads, files, monkeypatch, stalls, whole):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    upload = begin(uploads)
    other = CONTENT[::-1]

    def pieces():
        for number in range(6):
            if number == stalls:
                with pytest.raises(UploadBusy):
                    current = uploads.get(upload.id).offset
                    send(uploads, upload, other, start=current)
                run_out(uploads, upload)
                current = uploads.get(upload.id).offset
                send(uploads, upload, other, start=current)
            yield CONTENT[number * 1700 : (number + 1) * 1700]

    with pytest.raises(UploadBusy):
        uploads.append(upload, 0, pieces(), size=None if whole else 10200)
    upload = uploads.complete(uploads.get(upload.id))
    uploads.publish(upload, ["a.bin"])
    found = content_of(files, "a.bin")
    assert hashlib.sha256(found).hexdigest() == upload.sha256
    seam = next((at for at in range(len(found)) if found[at] != CONTENT[at]), len(found))
    assert found[seam:] == other[seam:]
    assert numbers(files, upload.id) == list(range(11))


def test_chunks_of_a_stalled_writer_make_way(uploads, files, monkeypatch):
    """They come after the new writer has looked for them, and before it writes."""
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    upload = begin(uploads)

    def pieces():
        for n in range(3):
            files.chunks.insert_one({"files_id": upload.id, "n": n, "data": b"stale" * 200})
        yield CONTENT

    uploads.append(upload, 0, pieces(), size=len(CONTENT))
    uploads.publish(uploads.get(upload.id), ["a.bin"])
    assert content_of(files, "a.bin") == CONTENT


def test_ending_an_upload_stops_who_writes_to_it(uploads, files, monkeypatch):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    upload = begin(uploads)

    def pieces():
        yield CONTENT[:3000]
        uploads.terminate(upload.id)
        yield CONTENT[3000:]

    with pytest.raises(UploadBusy):
        uploads.append(upload, 0, pieces(), size=len(CONTENT))
    with pytest.raises(UploadNotFound):
        uploads.get(upload.id)
    assert numbers(files, upload.id) == []


@pytest.mark.parametrize("how", ["terminate", "sweep"])
def test_what_is_being_removed_becomes_no_file(uploads, files, monkeypatch, how):
    upload = uploads.complete(send(uploads, begin(uploads)))
    if how == "sweep":
        future = datetime.now(UTC) + 2 * DAY
    real, seen = resumable.contents.owned, []

    def slow(*args):
        run_out(uploads, upload)  # it takes so long
        with pytest.raises(UploadNotFound) as caught:
            uploads.publish(upload, ["a.bin"])
        seen.append(caught.value)
        return real(*args)

    monkeypatch.setattr(resumable.contents, "owned", slow)
    if how == "terminate":
        uploads.terminate(upload.id)
    else:
        assert uploads.sweep(now=future) == 1
    assert len(seen) == 1
    assert files.find("a.bin") is None
    assert files.chunks.count_documents({}) == uploads.collection.count_documents({}) == 0


def test_who_dies_while_it_removes_is_followed_by_who_sweeps(uploads, files, monkeypatch):
    upload = uploads.complete(send(uploads, begin(uploads)))
    with monkeypatch.context() as dying:
        dying.setattr(uploads, "_remove", lambda id: None)
        uploads.terminate(upload.id)
    with pytest.raises(UploadNotFound):
        uploads.get(upload.id)
    run_out(uploads, upload)
    assert uploads.sweep() == 1
    assert files.chunks.count_documents({}) == uploads.collection.count_documents({}) == 0


@pytest.mark.django_db(transaction=True)
def test_it_is_published_once(files):
    uploads = ResumableUploads(files)
    upload = uploads.complete(send(uploads, begin(uploads)))
    barrier = Barrier(6)

    def publish(number):
        barrier.wait()
        try:
            return ResumableUploads(files).publish(upload, [f"{number}.bin"])
        except (UploadBusy, UploadUsed):
            return None

    with ThreadPoolExecutor(6) as pool:
        [name] = [name for name in pool.map(publish, range(6)) if name]
    assert files.files.count_documents({}) == 1
    with pytest.raises(UploadUsed) as caught:
        uploads.publish(upload, ["again.bin"])
    assert caught.value.name == name


@pytest.mark.parametrize("whole", [False, True])
def test_who_is_killed_loses_nothing_that_is_told(uploads, files, database, whole):
    host, port = database.client.address
    script = str(Path(__file__).with_name("killed_upload.py"))
    address = f"mongodb://{host}:{port}/"
    # What counts as a whole has more commands of which nothing comes.
    step = KILLS or (7 if whole else 2)
    process = subprocess.Popen(
        [sys.executable, script, address, database.name, str(whole), str(step)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    how, told = [], set()
    with process:
        while "done" not in how:
            assert len(how) * step < 60
            name = f"{len(how)}.bin"
            upload = send(uploads, begin(uploads, name=name, owner=name), stop=1234)
            process.stdin.write(f"{upload.id}\n")
            process.stdin.flush()
            how.append(process.stdout.readline().strip())
            run_out(uploads, upload)
            upload = uploads.get(upload.id)
            told.add(upload.offset)
            if not upload.is_complete and upload.offset < upload.length:
                upload = send(uploads, upload, start=upload.offset)
            upload = uploads.complete(upload)
            if upload.published is None:
                assert uploads.publish(upload, [name, "again.bin"]) == name
            assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()
            assert content_of(files, name) == CONTENT
            assert numbers(files, upload.id) == list(range(11))
        process.stdin.close()
    assert how[:-1] == ["died"] * (len(how) - 1)
    assert len(how) * step > 15
    assert {1234, len(CONTENT)} <= told
    assert (len(told) > 2) != whole  # in between, what counts as a whole tells nothing
    assert files.files.count_documents({}) == len(how)


@pytest.mark.parametrize("fate", ["replaced", "deleted", "ended"])
@pytest.mark.parametrize(
    "transactions", [pytest.param(True, marks=pytest.mark.needs("transactions")), False]
)
def test_who_comes_back_after_its_lease_publishes_nothing(database, transactions, fate):
    files = GridFSFiles(database, chunk_size=1000, transactions=transactions)
    uploads = ResumableUploads(files)
    upload = uploads.complete(send(uploads, begin(uploads)))
    overwrite = fate == "replaced"

    def names():
        run_out(uploads, upload)
        if fate == "ended":
            uploads.terminate(upload.id)
        else:
            uploads.publish(upload, ["a.bin"], overwrite=overwrite)
        if fate == "replaced":
            files.upload(["a.bin"], [b"newer"], replace=True)
        else:
            files.delete("a.bin")
        yield "a.bin"

    with pytest.raises(UploadBusy):
        uploads.publish(upload, names(), overwrite=overwrite)
    if overwrite:
        assert content_of(files, "a.bin") == b"newer"
    else:
        assert files.find("a.bin") is None


@pytest.mark.needs("transactions")
def test_a_file_is_replaced_under_the_lease_or_not_at_all(database, monkeypatch):
    files = GridFSFiles(database, chunk_size=1000, transactions=True)
    uploads = ResumableUploads(files)
    upload = uploads.complete(send(uploads, begin(uploads)))
    files.upload(["a.bin"], [b"older"])
    real, seen = Lease.keep, []

    def keep(lease, *args, session=None):
        seen.append(session is not None and session.in_transaction)
        return real(lease, *args, session=session)

    monkeypatch.setattr(Lease, "keep", keep)
    uploads.publish(upload, ["a.bin"], overwrite=True)
    assert seen == [True]
    assert content_of(files, "a.bin") == CONTENT


# What is damaged


def test_an_upload_ends_if_its_chunks_are_gone(uploads, files, caplog):
    """Found by who completes, appends, makes a file of it, or asks for its type."""
    found = {
        "complete": uploads.complete,
        "append": lambda upload: send(uploads, upload, start=1500),
        "publish": lambda upload: uploads.publish(upload, ["a.bin"]),
        "content_type": uploads.content_type,
    }
    for verb, call in found.items():
        upload = send(uploads, begin(uploads, name=verb), stop=1500)
        if verb != "append":
            upload = send(uploads, upload, start=1500)
        if verb not in ("append", "complete"):
            upload = uploads.complete(upload)
        files.chunks.delete_one({"files_id": upload.id, "n": 0})
        with pytest.raises(UploadLost):
            call(upload)
        with pytest.raises(UploadNotFound):
            uploads.get(upload.id)
        assert f"'{verb}'" in caplog.records[-1].getMessage()
    assert files.files.count_documents({}) == files.chunks.count_documents({}) == 0
    assert len(caplog.records) == len(found)


def test_what_another_one_has_made_a_file_of_is_no_damage(database, caplog):
    files = GridFSFiles(database, chunk_size=1000, deduplicate=True)
    files.upload(["first.bin"], [CONTENT])
    uploads = ResumableUploads(files)
    upload = uploads.complete(send(uploads, begin(uploads)))
    uploads.publish(upload, ["a.bin"])
    with pytest.raises(UploadBusy):
        uploads.content_type(upload)
    assert uploads.get(upload.id).published == "a.bin"
    assert content_of(files, "a.bin") == CONTENT
    assert not caplog.records


# Time and numbers


def test_what_has_expired_is_refused_and_swept(uploads, files):
    old, new = begin(uploads, name="old"), begin(uploads, name="new")
    send(uploads, old, stop=2500)
    later = datetime.now(UTC) + DAY / 2
    assert uploads.sweep(now=later) == 0
    uploads.collection.update_one({"_id": new.id}, {"$set": {"expires": later + DAY}})
    later += DAY / 2
    with pytest.raises(UploadExpired):
        uploads.get(old.id, now=later)
    assert uploads.get(new.id, now=later).name == "new"
    assert uploads.sweep(now=later) == 1
    assert numbers(files, old.id) == []
    with pytest.raises(UploadNotFound):
        uploads.get(old.id)


def test_sweeping_is_bounded_and_done_by_who_begins(uploads):
    for _ in range(15):
        begin(uploads)
    uploads.collection.update_many({}, {"$set": {"expires": datetime.now(UTC) - DAY}})
    begin(uploads)
    assert uploads.collection.count_documents({}) == 6
    assert uploads.sweep(None) == 5


def test_sweeping_leaves_a_writer_and_a_file_alone(uploads, files):
    past = {"$set": {"expires": datetime.now(UTC) - DAY}}
    published = uploads.complete(send(uploads, begin(uploads)))
    uploads.publish(published, ["a.bin"])
    forgotten = uploads.complete(send(uploads, begin(uploads, name="b.bin")))
    uploads.publish(forgotten, ["b.bin"])
    uploads.collection.update_one({"_id": forgotten.id}, {"$unset": {"published": ""}})
    writing = begin(uploads)
    assert Lease.take(uploads, writing.id, {}) is not None
    uploads.collection.update_many({}, past)
    assert uploads.sweep() == 2
    assert content_of(files, "a.bin") == content_of(files, "b.bin") == CONTENT
    assert uploads.collection.count_documents({}) == 1


def test_adding_bytes_makes_an_upload_live_longer(files):
    uploads = ResumableUploads(files, expiry=timedelta(minutes=1))
    upload = begin(uploads)
    uploads.expiry = timedelta(hours=1)
    send(uploads, upload, stop=10)
    assert uploads.get(upload.id).expires > upload.expires + timedelta(minutes=50)


def test_an_owner_has_so_many_at_once(files):
    uploads = ResumableUploads(files, max_open=2)
    first, _ = begin(uploads), begin(uploads)
    with pytest.raises(TooManyUploads):
        begin(uploads)
    begin(uploads, owner="you")
    uploads.publish(uploads.complete(send(uploads, first)), ["a.bin"])
    begin(uploads)
    assert uploads.collection.count_documents({"owner": "me"}) == 3  # one of these is a file


def test_owners_may_be_counted_together(files):
    uploads = ResumableUploads(files, max_open=2)
    for owner in ("a", "b"):
        begin(uploads, owner=owner, counted_as="visitors")
    with pytest.raises(TooManyUploads):
        begin(uploads, owner="c", counted_as="visitors")
    begin(uploads, owner="c")


@pytest.mark.django_db(transaction=True)
def test_nobody_has_more_by_beginning_many_at_once(files):
    barrier = Barrier(8)

    def create(number):
        barrier.wait()
        try:
            begin(ResumableUploads(files, max_open=3))
        except TooManyUploads:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        begun = sum(pool.map(create, range(8)))
    assert begun <= 3
    assert files.database[f"{files.bucket}.uploads"].count_documents({}) == begun


def test_an_upload_is_its_owners(uploads):
    upload = begin(uploads, owner="me")
    assert uploads.get(upload.id, owner="me").id == upload.id
    with pytest.raises(UploadNotFound):
        uploads.get(upload.id, owner="you")
    with pytest.raises(UploadNotFound):
        uploads.get(ObjectId())
    with pytest.raises(UploadNotFound):
        uploads.terminate(ObjectId())


def test_the_chunk_size_is_that_of_the_beginning(uploads, files):
    upload = send(uploads, begin(uploads), stop=1500)
    files.chunk_size = 700
    upload = uploads.complete(send(uploads, upload, start=1500))
    uploads.publish(upload, ["a.bin"])
    assert files.find("a.bin").chunk_size == 1000
    assert content_of(files, "a.bin") == CONTENT


def test_memory_is_bounded_whatever_the_size(database):
    piece = bytes(64 * 1024)
    number = 400  # 25 MiB

    def peak(uploads):
        upload = uploads.create("a", len(piece) * number, owner="me")
        tracemalloc.start()
        try:
            uploads.append(upload, 0, (piece for _ in range(number)), size=None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # A client of its own, to whose commands nobody listens; and what other threads take at the
    # same moment is counted, too, so one time of three is enough.
    with MongoClient(*database.client.address, directConnection=True) as client:
        uploads = ResumableUploads(GridFSFiles(client[database.name]))
        assert any(peak(uploads) < 10 * 1024 * 1024 for _ in range(3))
