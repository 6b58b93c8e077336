"""A new file in the place of an old one: with transactions, and without."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from bson.binary import UUID_SUBTYPE, Binary
from django.core.files.base import ContentFile
from django.db import IntegrityError
from gridfs import GridFSBucket

from mongo_contrib.bridge import native
from mongo_contrib.storage import FileInfo, GridFSFiles, GridFSStorage, layout, replacing
from tests.hops import no_thread_hop

OLD, NEW = b"the old content", b"the new content!"
HOUR = timedelta(hours=1)


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.needs("transactions")), False])
def transactions(request):
    return request.param


@pytest.fixture
def files(database, transactions):
    return GridFSFiles(database, chunk_size=4, transactions=transactions)


@pytest.fixture
def records(database):
    def records():
        return database["fs.replaced"].count_documents({})

    return records


def content_of(files, name="a.txt"):
    return b"".join(files.read(files.find(name)))


def upload(files, content, name="a.txt", **options):
    return files.upload([name, f"1-{name}"], [content], **options)


def test_the_new_file_is_there_and_the_old_one_is_not(files, stored):
    upload(files, OLD, metadata={"album": "Prag"})
    assert upload(files, NEW, replace=True) == "a.txt"
    assert content_of(files) == NEW
    assert files.listdir("") == ([], ["a.txt"])
    assert stored()[0] == 1
    assert files.find("a.txt").name == "a.txt"
    assert files.find("a.txt").fields == {}


def test_what_is_not_there_is_made(files, stored, records):
    assert upload(files, NEW, "dir/b.txt", replace=True) == "dir/b.txt"
    assert content_of(files, "dir/b.txt") == NEW
    assert (stored(), records()) == ((1, 4), 0)


def test_a_reader_who_has_begun_gets_the_rest(files, monkeypatch):
    monkeypatch.setattr(layout, "WINDOW_BYTES", 4)
    upload(files, OLD)
    parts = files.read(files.find("a.txt"))
    first = next(parts)
    upload(files, NEW, replace=True)
    upload(files, NEW, replace=True)
    assert first + b"".join(parts) == OLD
    assert content_of(files) == NEW


def test_old_content_goes_when_its_time_is_over(files, stored, records):
    upload(files, OLD)
    upload(files, NEW, replace=True)
    assert (stored(), records()) == ((1, 8), 1)
    now = datetime.now(UTC)
    assert replacing.sweep(files, now + HOUR - timedelta(minutes=1)) == 0
    assert (stored(), records()) == ((1, 8), 1)
    assert replacing.sweep(files, now + HOUR + timedelta(minutes=1)) == 1
    assert (stored(), records()) == ((1, 4), 0)
    assert content_of(files) == NEW


def test_the_next_writer_tidies_up(files, database, stored, records):
    upload(files, OLD)
    upload(files, OLD, replace=True)
    past = datetime.now(UTC) - 2 * HOUR
    database["fs.replaced"].update_many({}, {"$set": {"replaced": past}})
    upload(files, NEW, replace=True)
    assert (stored(), records()) == ((1, 8), 1)  # one went, one came


@pytest.mark.needs("transactions")
def test_old_content_may_go_at_once(database, stored):
    files = GridFSFiles(database, chunk_size=4, transactions=True, keep_replaced=0)
    upload(files, OLD)
    upload(files, NEW, replace=True)
    assert stored() == (1, 4)


def test_without_transactions_old_content_stays_for_a_minute(database, stored):
    """It may be that of a file which looks for another name."""
    files = GridFSFiles(database, chunk_size=4, transactions=False, keep_replaced=0)
    upload(files, OLD)
    upload(files, NEW, replace=True)
    assert stored() == (1, 8)
    now = datetime.now(UTC)
    assert replacing.sweep(files, now + timedelta(seconds=50)) == 0
    assert replacing.sweep(files, now + timedelta(seconds=70)) == 1
    assert stored() == (1, 4)


@pytest.mark.parametrize("by", ["name", "id"])
def test_deleting_a_file_deletes_what_it_replaced(files, database, stored, records, by):
    upload(files, OLD)
    upload(files, NEW, replace=True)
    upload(files, OLD, "b.txt")
    upload(files, NEW, "b.txt", replace=True)
    past = datetime.now(UTC) - timedelta(minutes=2)
    database["fs.replaced"].update_many({}, {"$set": {"replaced": past}})
    if by == "name":
        assert files.delete("a.txt") is True
    else:
        assert files.delete_ids([files.find("a.txt").id]) == 1
    assert (stored(), records()) == ((1, 8), 1)
    assert content_of(files, "b.txt") == NEW


@pytest.mark.needs("transactions")
def test_with_transactions_it_does_so_at_once(database, stored):
    files = GridFSFiles(database, chunk_size=4, transactions=True)
    upload(files, OLD)
    upload(files, NEW, replace=True)
    files.delete("a.txt")
    assert stored() == (0, 0)


def test_deleting_leaves_a_file_that_was_taken_for_an_old_one(database, records):
    """Without transactions: it is looking for another name at that moment."""
    files = GridFSFiles(database, chunk_size=4)
    other = files.start("a.txt")
    other.write(NEW)
    replacing_one = other.complete()

    def names():
        # Another writer is between its two steps, and has told of what is in its way.
        name = layout.staged("a.txt", other.id)
        database["fs.files"].insert_one({**replacing_one, "filename": name})
        yield "a.txt"
        assert files.delete("a.txt") is True
        yield "b.txt"

    published = files.start("a.txt")
    published.write(OLD)
    record = {"_id": published.id, "filename": "a.txt", "replaced": datetime.now(UTC)}
    database["fs.replaced"].insert_one(record)
    assert published.publish(names()) == "b.txt"
    assert content_of(files, "b.txt") == OLD
    assert replacing.sweep(files, datetime.now(UTC) + HOUR + HOUR) == 1
    assert (content_of(files, "b.txt"), records()) == (OLD, 0)


def test_what_is_replaced_right_now_has_all_its_time(files, database, monkeypatch, records):
    """Although somebody who died wanted to replace it long ago."""
    monkeypatch.setattr(layout, "WINDOW_BYTES", 4)
    upload(files, OLD)
    info = files.find("a.txt")
    parts = files.read(info)
    first = next(parts)
    past = datetime.now(UTC) - 2 * HOUR
    database["fs.replaced"].insert_one({"_id": info.id, "filename": "a.txt", "replaced": past})
    delete = replacing._delete

    def late(bucket, found):
        monkeypatch.setattr(replacing, "_delete", delete)
        upload(files, NEW, replace=True)
        delete(bucket, found)

    monkeypatch.setattr(replacing, "_delete", late)
    replacing.sweep(files)
    assert first + b"".join(parts) == OLD
    assert (content_of(files), records()) == (NEW, 1)


def test_a_record_of_a_file_that_is_still_there_deletes_nothing(files, database, records):
    upload(files, OLD)  # whoever wanted to replace it died after this:
    id = files.find("a.txt").id
    past = datetime.now(UTC) - 2 * HOUR
    database["fs.replaced"].insert_one({"_id": id, "filename": "a.txt", "replaced": past})
    assert replacing.sweep(files) == 1
    assert records() == 0
    assert content_of(files) == OLD


def test_a_file_of_another_program_is_replaced_with_all_its_revisions(files, database, stored):
    database["fs.files"].drop()
    bucket = GridFSBucket(database)
    for content in (b"1", b"2"):
        bucket.upload_from_stream("b.txt", content)
    with pytest.raises(IntegrityError):  # the index that keeps names unique cannot be made
        upload(files, NEW, "b.txt", replace=True)
    assert content_of(files, "b.txt") == b"2"


@pytest.mark.parametrize("id", [{"a": 1}, {"a": {"b": [1, 2]}}, 7, "text", None])
def test_a_file_of_another_program_may_have_an_id_of_any_type(files, database, stored, id):
    files.ensure_indexes()
    with GridFSBucket(database).open_upload_stream_with_id(id, "a.txt") as stream:
        stream.write(OLD)
    upload(files, NEW, replace=True)
    assert content_of(files) == NEW
    assert (stored(), replacing.sweep(files, datetime.now(UTC) + 2 * HOUR)) == ((1, 5), 1)
    assert stored() == (1, 4)
    with GridFSBucket(database).open_upload_stream_with_id(id, "b.txt") as stream:
        stream.write(OLD)
    assert files.delete("b.txt") is True
    assert stored() == (1, 4)


def test_another_unique_index_of_the_project_is_an_error_and_the_old_file_stays(
    files, database, stored
):
    upload(files, OLD, metadata={"key": 1})
    upload(files, OLD, "b.txt", metadata={"key": 2})
    database["fs.files"].create_index([("metadata.key", 1)], unique=True)
    with pytest.raises(IntegrityError, match=r"metadata\.key"):
        upload(files, NEW, metadata={"key": 2}, replace=True)
    assert content_of(files) == OLD
    assert stored() == (2, 8)


# What a writer without transactions leaves who dies between two steps


@pytest.fixture
def staged(database):
    """A new file that has the place of an old one, and not its name yet."""
    files = GridFSFiles(database, chunk_size=4)
    upload(files, NEW, "dir/a.txt")
    info = files.find("dir/a.txt")
    # Inserted and not renamed: one bundled server never gives a name free that was changed.
    document = database["fs.files"].find_one({"_id": info.id})
    database["fs.files"].delete_one({"_id": info.id})
    staged = {"filename": layout.staged(info.name, info.id)}
    database["fs.files"].insert_one({**document, **staged})
    return files


def test_a_staged_file_is_the_file(staged, storage, call):
    assert call("exists", "dir/a.txt")
    assert call("exists", "dir")
    assert not call("exists", "dir/a")
    assert call("listdir", "") == (["dir"], [])
    assert call("listdir", "dir") == ([], ["a.txt"])
    info = call("get_info", "dir/a.txt")
    assert isinstance(info, FileInfo)
    assert info.name == "dir/a.txt"
    call("set_metadata", "dir/a.txt", album="Prag")
    assert call("get_info", "dir/a.txt").fields == {"album": "Prag"}
    assert storage.open("dir/a.txt").read() == NEW


def test_nobody_else_gets_the_name_of_a_staged_file(staged, stored):
    assert upload(staged, b"mine", "dir/a.txt") == "1-dir/a.txt"
    assert content_of(staged, "dir/a.txt") == NEW
    assert content_of(staged, "1-dir/a.txt") == b"mine"
    assert stored()[0] == 2


def test_a_staged_file_is_deleted(staged, call, stored):
    call("delete", "dir/a.txt")
    assert stored() == (0, 0)


def test_a_staged_file_is_replaced(staged, transactions, database, stored):
    files = GridFSFiles(database, transactions=transactions)
    upload(files, OLD, "dir/a.txt", replace=True)
    assert content_of(files, "dir/a.txt") == OLD
    assert stored()[0] == 1
    assert database["fs.files"].find_one()["filename"] == "dir/a.txt"


def test_what_was_out_of_the_way_already_is_no_file(staged, call, database, stored):
    id = staged.find("dir/a.txt").id
    database["fs.files"].update_one({"_id": id}, {"$set": {"filename": layout.removed(id)}})
    record = {"_id": id, "filename": "dir/a.txt", "replaced": datetime.now(UTC) - 2 * HOUR}
    database["fs.replaced"].insert_one(record)
    assert call("listdir", "") == ([], [])
    assert not call("exists", "dir/a.txt")
    replacing.sweep(staged)
    assert stored() == (0, 0)


def test_looking_for_a_staged_file_uses_the_index(database, save):
    for number in range(30):
        save(f"{number}.txt", b"")
    found = database["fs.files"].find(layout.named_or_staged("3.txt"))
    plan = repr(found.explain()["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan and "COLLSCAN" not in plan


# Many at once


@pytest.mark.django_db(transaction=True)
def test_readers_always_find_a_whole_file(files, stored, records):
    contents = {b"%d" % number * 11 for number in range(4)}
    upload(files, b"0" * 11)
    ended = Event()

    def write(number):
        for _ in range(6):
            upload(files, b"%d" % number * 11, replace=True)

    def read():
        found = []
        while not ended.is_set() or not found:
            info = files.find("a.txt")
            assert info is not None, "There was no file."
            found.append(b"".join(files.read(info)))
            assert files.exists("a.txt")
        return found

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            list(pool.map(write, range(4)))
        finally:
            ended.set()
        found = [content for reader in readers for content in reader.result()]
    assert set(found) <= contents
    assert stored()[0] == 1
    assert records() >= 24  # more where somebody was about to replace what then stayed
    replacing.sweep(files, datetime.now(UTC) + 2 * HOUR)
    assert (stored(), records()) == ((1, 3), 0)


@pytest.mark.django_db(transaction=True)
def test_who_takes_no_place_of_others_loses_none_to_those_who_do(files):
    upload(files, b"old")

    def work(number):
        content = b"%d" % number
        if number % 2:
            return upload(files, content, replace=True), content
        names = ["a.txt", *(f"{number}-{n}.txt" for n in range(50))]
        return files.upload(names, [content]), content

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(work, range(36)))
    for name, content in done:
        if name != "a.txt":
            assert content_of(files, name) == content
    assert [name for name, content in done[::2] if name == "a.txt"] == []


@pytest.mark.django_db(transaction=True)
def test_a_writer_who_is_killed_leaves_the_old_or_the_new_file(files, database, transactions):
    host, port = database.client.address
    command = [sys.executable, str(Path(__file__).with_name("killed.py"))]
    process = subprocess.Popen(
        [
            *(*command, f"mongodb://{host}:{port}/", database.name),
            *(str(transactions), "replace", "False"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = []
    for number in range(40):
        upload(files, OLD, f"{number}.txt")
    with process:
        for line in process.stdout:
            number, how = line.split()
            if number == "session":
                session = {"id": Binary(bytes.fromhex(how), UUID_SUBTYPE)}
                continue
            name = f"{number}.txt"
            found.append((how, content_of(files, name)))
            assert files.exists(name)
            assert name in files.listdir("")[1]
            assert upload(files, b"mine", name) == f"1-{name}"
            # What a server does by itself with the transaction of a client that it has lost.
            database.client.admin.command("killSessions", [session])
            process.stdin.write("\n")
            process.stdin.flush()
    assert found[0] == ("died", OLD)
    assert found[-1] == ("done", b"the new content")
    assert len(found) > 5
    assert {content for _, content in found} == {OLD, b"the new content"}
    assert all(how == "died" for how, _ in found[:-1])
    # Those who died in the middle hinder nobody.
    for number in range(len(found)):
        upload(files, NEW, f"{number}.txt", replace=True)
        assert content_of(files, f"{number}.txt") == NEW


# The storage


@pytest.fixture
def overwriting(db):
    return GridFSStorage(chunk_size=4, allow_overwrite=True)


def test_saving_replaces(overwriting, stored):
    for content in (OLD, NEW, b"short"):
        assert overwriting.save("dir/a.txt", ContentFile(content)) == "dir/a.txt"
        assert overwriting.open("dir/a.txt").read() == content
        assert overwriting.size("dir/a.txt") == len(content)
    assert stored()[0] == 1


def test_a_name_is_still_cut_to_its_length(overwriting):
    for content in (OLD, NEW):
        name = overwriting.save("filename.txt", ContentFile(content), max_length=8)
        assert name == "file.txt"
    assert overwriting.open("file.txt").read() == NEW


def test_content_that_fails_leaves_the_old_file(overwriting, stored):
    class Failing(ContentFile):
        def chunks(self):
            yield b"x" * 100
            raise OSError("the disk is gone")

    overwriting.save("a.txt", ContentFile(OLD))
    with pytest.raises(OSError, match="the disk is gone"):
        overwriting.save("a.txt", Failing(b""))
    assert overwriting.open("a.txt").read() == OLD
    assert stored() == (1, 4)


@pytest.mark.django_db(transaction=True)
async def test_saving_and_writing_on_an_event_loop(transactional_db):
    storage = GridFSStorage(allow_overwrite=True)
    await storage.asave("a.txt", ContentFile(OLD))

    def write():
        with storage.open("a.txt", "wb") as file:
            file.write(b"written")

    async with no_thread_hop():
        assert await storage.asave("a.txt", ContentFile(NEW)) == "a.txt"
        file = await storage.aopen("a.txt")
        assert await native(file.read) == NEW
        await native(write)
        assert (await storage.aget_info("a.txt")).length == 7
    await asyncio.gather(*(storage.asave("a.txt", ContentFile(b"%d" % n)) for n in range(8)))
    assert (await storage.aget_info("a.txt")).length == 1


@pytest.mark.parametrize("seconds", [-1, "1 h", None, True, float("nan"), float("inf")])
def test_a_time_that_cannot_be(seconds):
    with pytest.raises(ValueError, match="keep_replaced is a number of seconds from 0 on, not"):
        GridFSStorage(keep_replaced=seconds)
