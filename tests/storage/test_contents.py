"""Equal content that is stored once: with transactions, and without."""

import hashlib
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bson import ObjectId
from bson.binary import UUID_SUBTYPE, Binary
from django.core.files.base import ContentFile
from django.db import IntegrityError
from gridfs import GridFSBucket

from mongo_contrib.storage import GridFSFiles, GridFSStorage, contents, layout, replacing
from mongo_contrib.storage.uploads import Upload
from tests.hops import no_thread_hop

EQUAL, OTHER = b"equal content", b"other content!"
LATER = datetime.now(UTC) + timedelta(hours=3)


@pytest.fixture(params=[pytest.param(True, marks=pytest.mark.needs("transactions")), False])
def transactions(request):
    return request.param


@pytest.fixture
def files(database, transactions):
    return GridFSFiles(database, chunk_size=4, transactions=transactions, deduplicate=True)


@pytest.fixture
def uses(database):
    """How many uses each content has."""

    def uses():
        return sorted(record["uses"] for record in database["fs.contents"].find())

    return uses


def save(files, name, content=EQUAL, **options):
    return files.upload([name], [content], **options)


def content_of(files, name):
    return b"".join(files.read(files.find(name)))


def test_equal_content_is_stored_once(files, stored, uses):
    for name in ("a.txt", "b.txt", "c.txt"):
        save(files, name, metadata={"album": name})
    save(files, "d.txt", OTHER)
    assert (stored(), uses()) == ((4, 8), [1, 3])
    for name in ("a.txt", "b.txt", "c.txt"):
        info = files.find(name)
        assert b"".join(files.read(info)) == EQUAL
        assert b"".join(files.read(info, 5, 9)) == EQUAL[5:9]
        assert info.fields == {"album": name}
    assert len({files.find(name).id for name in ("a.txt", "b.txt", "c.txt")}) == 3
    assert len({files.find(name).content_id for name in ("a.txt", "b.txt", "c.txt")}) == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_content_goes_with_the_last_file(files, stored, uses, order):
    for number in range(3):
        save(files, f"{number}.txt")
    for left, number in zip((2, 1, 0), order, strict=True):
        assert files.delete(f"{number}.txt") is True
        assert stored() == (left, 4 if left else 0)
        assert uses() == ([left] if left else [])
        for other in range(3):
            if files.find(f"{other}.txt"):
                assert content_of(files, f"{other}.txt") == EQUAL
    assert files.delete("0.txt") is False
    save(files, "0.txt")  # from the start
    assert (content_of(files, "0.txt"), stored(), uses()) == (EQUAL, (1, 4), [1])


def test_what_cannot_be_read_for_each_other_is_not_shared(database, stored, uses):
    content = b"a line of a text\n" * 100
    for size in (100, 200):
        for types in ((), ("text/*",)):
            files = GridFSFiles(database, chunk_size=size, deduplicate=True, compress=types)
            for number in range(2):
                save(files, f"{size}{types}{number}.txt", content)
    assert uses() == [2, 2, 2, 2]
    for name in files.listdir("text")[1] + files.listdir("")[1]:
        assert content_of(files, name) == content


def test_compressed_content_is_shared(database, uses):
    files = GridFSFiles(database, chunk_size=50, deduplicate=True, compress=["text/*"])
    content = b"".join(b"%d lines of a text\n" % n for n in range(1000))
    for name in ("a.txt", "b.txt"):
        save(files, name, content)
        assert files.find(name).encoding == "gzip"
    assert uses() == [2]
    files.delete("a.txt")
    assert content_of(files, "b.txt") == content


def test_an_empty_file(files, stored, uses):
    for name in ("a", "b"):
        save(files, name, b"")
    assert (stored(), uses()) == ((2, 0), [2])
    files.delete("a")
    assert content_of(files, "b") == b""


def test_a_bucket_in_which_only_some_were_saved_so(files, database, transactions, stored, uses):
    plain = GridFSFiles(database, chunk_size=4, transactions=transactions)
    save(plain, "plain.txt")
    save(files, "a.txt")
    save(files, "b.txt")
    save(plain, "plain2.txt")
    assert (stored(), uses()) == ((4, 12), [2])
    for either in (plain, files):
        assert {content_of(either, name) for name in either.listdir("")[1]} == {EQUAL}
    plain.delete("a.txt")
    files.delete("plain.txt")
    assert (stored(), uses()) == ((2, 8), [1])
    assert content_of(plain, "b.txt") == content_of(plain, "plain2.txt") == EQUAL
    plain.delete("b.txt")
    plain.delete("plain2.txt")
    assert (stored(), uses()) == ((0, 0), [])


def test_a_field_of_another_program_is_none_of_ours(files, database, stored):
    bucket = GridFSBucket(database, chunk_size_bytes=4)
    for number, content in enumerate((ObjectId(), "text", 5)):
        name = f"{number}.txt"
        own = {"content": content, "sha256": hashlib.sha256(b"theirs").hexdigest()}
        bucket.upload_from_stream(name, b"theirs", metadata=own)
        assert content_of(files, name) == b"theirs"
        files.delete(name)
    assert stored() == (0, 0)


def test_what_a_program_has_deleted_that_knows_no_shares_is_not_shared_again(
    files, database, stored
):
    save(files, "a.txt")
    GridFSBucket(database).delete(files.find("a.txt").id)
    assert stored() == (0, 0)
    for name in ("b.txt", "c.txt"):
        save(files, name)
        assert content_of(files, name) == EQUAL
    contents.recount(files, now=LATER)
    for name in ("d.txt", "e.txt"):
        save(files, name)
    assert {content_of(files, name) for name in files.listdir("")[1]} == {EQUAL}
    assert stored() == (4, 12)


# Replacing


def test_a_replaced_file_gives_its_use_back_when_its_time_is_over(files, database, stored, uses):
    save(files, "a.txt")
    save(files, "b.txt")
    reader = files.find("a.txt")
    save(files, "a.txt", OTHER, replace=True)
    assert (stored(), uses()) == ((2, 8), [1, 2])
    files.delete("b.txt")
    assert uses() == [1, 1]
    assert b"".join(files.read(reader)) == EQUAL
    assert replacing.sweep(files, LATER) == 1
    assert (stored(), uses()) == ((1, 4), [1])
    assert replacing.sweep(files, LATER) == 0
    assert content_of(files, "a.txt") == OTHER
    assert database["fs.replaced"].count_documents({}) == 0


def test_a_file_is_replaced_by_equal_content(files, stored, uses):
    save(files, "a.txt")
    for _ in range(3):
        save(files, "a.txt", replace=True)
    assert (stored(), uses()) == ((1, 4), [4])
    replacing.sweep(files, LATER)
    assert (stored(), uses()) == ((1, 4), [1])
    assert content_of(files, "a.txt") == EQUAL
    save(files, "a.txt", replace=True)
    files.delete("a.txt")
    assert (stored(), uses()) == ((0, 0), [])


def test_who_deletes_while_another_replaces_gives_one_use_back(files, database, stored, uses):
    save(files, "a.txt")
    save(files, "b.txt")
    id = files.find("a.txt").id
    # A writer was about to replace the file, and died.
    record = {"_id": id, "filename": "a.txt", "replaced": datetime.now(UTC), "shared": True}
    database["fs.replaced"].insert_one(record)
    files.delete_ids([id])
    replacing.sweep(files, LATER)
    assert (stored(), uses()) == ((1, 4), [1])
    assert content_of(files, "b.txt") == EQUAL


@pytest.mark.needs("transactions")
def test_who_deletes_in_the_middle_of_a_replacement_gives_one_use_back(
    database, uses, monkeypatch
):
    files = GridFSFiles(database, chunk_size=4, transactions=True, deduplicate=True)
    for name in ("a.txt", "b.txt", "c.txt"):
        save(files, name)
    transaction = replacing.Replacement._transaction

    def late(self, others):
        monkeypatch.setattr(replacing.Replacement, "_transaction", transaction)
        assert files.delete_ids([files.find("a.txt").id]) == 1
        return transaction(self, others)

    monkeypatch.setattr(replacing.Replacement, "_transaction", late)
    save(files, "a.txt", OTHER, replace=True)
    replacing.sweep(files, LATER)
    assert uses() == [1, 2]
    assert (content_of(files, "a.txt"), content_of(files, "b.txt")) == (OTHER, EQUAL)


def test_a_record_that_does_not_know_of_shares_frees_nothing(files, database, uses):
    save(files, "a.txt")
    save(files, "b.txt")
    id = files.find("a.txt").id
    database["fs.files"].delete_one({"_id": id})
    now = datetime.now(UTC)
    database["fs.replaced"].insert_one({"_id": id, "filename": "a.txt", "replaced": now})
    assert replacing.sweep(files, LATER) == 1
    assert content_of(files, "b.txt") == EQUAL


def test_a_replaced_file_that_lost_its_place_and_has_a_document_yet(database, stored, uses):
    files = GridFSFiles(database, chunk_size=4, deduplicate=True)
    save(files, "a.txt")
    save(files, "b.txt")
    document = database["fs.files"].find_one({"filename": "a.txt"})
    database["fs.files"].delete_one({"_id": document["_id"]})
    gone = {"filename": layout.removed(document["_id"])}
    database["fs.files"].insert_one({**document, **gone})
    now = datetime.now(UTC)
    record = {"_id": document["_id"], "filename": "a.txt", "replaced": now}
    database["fs.replaced"].insert_one(record)
    replacing.sweep(files, LATER)
    assert (stored(), uses()) == ((1, 4), [1])
    assert content_of(files, "b.txt") == EQUAL


# What fails


def test_an_upload_that_fails_has_no_use(files, stored, uses, database):
    def failing():
        yield EQUAL
        raise OSError("the disk is gone")

    save(files, "a.txt")
    with pytest.raises(OSError, match="the disk is gone"):
        files.upload(["b.txt"], failing())
    with pytest.raises(FileExistsError):
        save(files, "a.txt")
    with pytest.raises(FileExistsError):
        save(files, "a.txt", OTHER)
    database["fs.files"].create_index([("metadata.key", 1)], unique=True, sparse=True)
    save(files, "c.txt", metadata={"key": 1})
    for name in ("a.txt", "b.txt"):
        for replace in (False, True):
            for content in (EQUAL, OTHER):
                with pytest.raises(IntegrityError if name == "b.txt" or replace else Exception):
                    save(files, name, content, metadata={"key": 1}, replace=replace)
    database["fs.files"].drop_index("metadata.key_1")
    assert (stored(), uses()) == ((2, 4), [2])
    assert content_of(files, "a.txt") == EQUAL


def test_an_upload_that_is_discarded_takes_nothing_of_others(files, stored, uses):
    first = files.start("a.txt")
    first.write(EQUAL)
    document = first.complete()
    first._hold(document, 1)  # and then it is slow
    save(files, "b.txt")
    assert uses() == [2]
    first.discard()
    assert (stored(), uses()) == ((1, 4), [1])
    assert content_of(files, "b.txt") == EQUAL


def test_discarding_what_was_published_and_deleted_takes_nothing_of_others(files, stored, uses):
    save(files, "a.txt")
    save(files, "b.txt")
    upload = files.start("c.txt")
    upload.write(EQUAL)
    upload.publish(["c.txt"])
    assert files.delete("c.txt") is True  # which gives its use back
    upload.discard()
    assert (stored(), uses()) == ((2, 4), [2])


def test_a_file_that_was_taken_for_an_old_one_counts_anew(database, stored, uses, monkeypatch):
    files = GridFSFiles(database, chunk_size=4, deduplicate=True)
    save(files, "b.txt")
    keeps = Upload._keeps
    taken = []

    def replaced_meanwhile(self, name):
        if not taken:
            taken.append(name)
            save(files, name, OTHER, replace=True)
        return keeps(self, name)

    monkeypatch.setattr(Upload, "_keeps", replaced_meanwhile)
    assert files.upload(["a.txt", "c.txt"], [EQUAL]) == "c.txt"
    assert uses() == [1, 3]  # one of them that of the file which was replaced
    replacing.sweep(files, LATER)
    assert uses() == [1, 2]
    files.delete("b.txt")
    assert content_of(files, "c.txt") == EQUAL
    files.delete("c.txt")
    files.delete("a.txt")
    assert (stored(), uses()) == ((0, 0), [])


def test_a_file_that_was_taken_for_an_old_one_and_swept_at_once_keeps_its_content(
    database, stored, uses, monkeypatch
):
    files = GridFSFiles(database, chunk_size=4, deduplicate=True)
    keeps = Upload._keeps
    taken = []

    def replaced_and_deleted_meanwhile(self, name):
        if not taken:
            taken.append(name)
            save(files, name, OTHER, replace=True)
            files.delete(name)  # and with it all that it had replaced
        return keeps(self, name)

    monkeypatch.setattr(Upload, "_keeps", replaced_and_deleted_meanwhile)
    assert files.upload(["a.txt", "c.txt"], [EQUAL]) == "c.txt"
    assert content_of(files, "c.txt") == EQUAL
    assert uses() == [1]


def test_what_is_stored_already_is_shared(files, database, stored, uses):
    save(files, "a.txt")
    id = ObjectId()
    chunks = [EQUAL[start : start + 4] for start in range(0, len(EQUAL), 4)]
    database["fs.chunks"].insert_many(
        [{"files_id": id, "n": n, "data": data} for n, data in enumerate(chunks)]
    )
    upload = Upload.of_stored(
        files,
        "b.txt",
        id=id,
        size=len(EQUAL),
        sha256=hashlib.sha256(EQUAL).hexdigest(),
        head=EQUAL,
    )
    upload.publish(["b.txt"])
    assert (stored(), uses()) == ((2, 4), [2])
    assert content_of(files, "b.txt") == EQUAL


# Many at once


@pytest.mark.django_db(transaction=True)
def test_many_save_replace_and_delete_equal_content(files, stored, uses):
    def work(number):
        rng = random.Random(number)
        for _ in range(8):
            name = f"{rng.randrange(4)}.txt"
            content = rng.choice((EQUAL, OTHER))
            deed = rng.random()
            if deed < 0.45:
                with suppress(FileExistsError):
                    save(files, name, content)
            elif deed < 0.6:
                # Others than those that are deleted: one bundled server never gives a name free
                # that a document got by an update, as here without transactions.
                save(files, f"replaced-{name}", content, replace=True)
            else:
                files.delete(name)
            if deed < 0.2:
                contents.recount(files)

    files.ensure_indexes()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    names = files.listdir("")[1]
    assert {content_of(files, name) for name in names} <= {EQUAL, OTHER}
    replacing.sweep(files, LATER)
    assert sum(uses()) == len(names)
    assert contents.recount(files, now=LATER) == 0
    for name in names:
        assert content_of(files, name) in (EQUAL, OTHER)
        files.delete(name)
    assert (stored(), uses()) == ((0, 0), [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("deed", "transactions"),
    [
        ("save", False),
        ("delete", False),
        ("replace", False),
        pytest.param("replace", True, marks=pytest.mark.needs("transactions")),
    ],
)
def test_who_is_killed_takes_no_content_from_others(files, database, transactions, deed, stored):
    for number in range({"save": 0, "delete": 14, "replace": 24}[deed]):
        save(files, f"{number}.txt")
    save(files, "equal.txt", b"the new content")
    save(files, "old.txt")
    host, port = database.client.address
    process = subprocess.Popen(
        [
            *(sys.executable, str(Path(__file__).with_name("killed.py"))),
            *(f"mongodb://{host}:{port}/", database.name, str(transactions), deed, "True"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = []
    with process:
        for line in process.stdout:
            number, how = line.split()
            if number == "session":
                session = {"id": Binary(bytes.fromhex(how), UUID_SUBTYPE)}
                continue
            # What a server does by itself with the transaction of a client that it has lost.
            database.client.admin.command("killSessions", [session])
            found.append((how, files.find(f"{number}.txt")))
            process.stdin.write("\n")
            process.stdin.flush()
    assert [how for how, _ in found] == ["died"] * (len(found) - 1) + ["done"]
    assert len(found) > 4
    there = {b"".join(files.read(info)) for _, info in found if info is not None}
    assert there <= {EQUAL, b"the new content"}
    assert there
    replacing.sweep(files, LATER)
    replacing.sweep(files, LATER)
    contents.recount(files, now=LATER)
    assert contents.recount(files, now=LATER) == 0
    for name in files.listdir("")[1]:
        assert content_of(files, name) in (EQUAL, b"the new content")
    # Then nothing but chunks of nobody is left, which `gridfs clean` knows by their ids.
    for name in files.listdir("")[1]:
        files.delete(name)
    replacing.sweep(files, LATER)
    assert database["fs.contents"].count_documents({}) == 0
    left = database["fs.chunks"].distinct("files_id")
    assert len(left) < len(found)
    assert stored()[0] == 0


# Counting again


def test_uses_of_those_who_were_killed_are_found(files, database, uses, stored):
    save(files, "a.txt")
    save(files, "b.txt")
    save(files, "c.txt", OTHER)
    database["fs.contents"].update_many({}, {"$inc": {"uses": 3}})
    assert contents.recount(files) == 0  # they might still be on their way
    assert contents.recount(files, now=LATER) == 2
    assert uses() == [1, 2]
    assert contents.recount(files, now=LATER) == 0
    database["fs.files"].delete_many({"filename": {"$in": ["a.txt", "b.txt"]}})
    assert contents.recount(files, now=LATER) == 1
    assert (stored(), uses()) == ((1, 4), [1])
    assert content_of(files, "c.txt") == OTHER


def test_uses_of_what_was_replaced_are_counted(files, uses):
    save(files, "a.txt")
    reader = files.find("a.txt")
    save(files, "a.txt", OTHER, replace=True)
    save(files, "a.txt", OTHER, replace=True)
    assert contents.recount(files, now=LATER) == 0
    assert uses() == [1, 2]
    assert b"".join(files.read(reader)) == EQUAL


def test_what_is_replaced_while_it_is_counted_stays(files, database, uses, monkeypatch):
    """A use that goes from a file to a record is seen twice rather than never."""
    save(files, "a.txt")
    past = datetime.now(UTC) - timedelta(days=1)
    database["fs.contents"].update_many({}, {"$set": {"touched": past}})
    reader = files.find("a.txt")
    counted = contents._counted

    def late(*args):
        monkeypatch.setattr(contents, "_counted", counted)
        found = [*counted(*args)]
        save(files, "a.txt", OTHER, replace=True)
        return iter(found)

    monkeypatch.setattr(contents, "_counted", late)
    contents.recount(files)
    assert b"".join(files.read(reader)) == EQUAL
    contents.recount(files, now=LATER)
    assert uses() == [1, 1]


def test_what_is_used_while_it_is_counted_stays(files, database, uses, monkeypatch):
    save(files, "a.txt")
    database["fs.files"].delete_one({"filename": "a.txt"})  # so there is a use too many
    drop = contents._drop
    dropped = []

    def late(bucket, record):
        if not dropped:
            dropped.append(record)
            save(files, "b.txt")
        return drop(bucket, record)

    monkeypatch.setattr(contents, "_drop", late)
    contents.recount(files, now=LATER)
    assert dropped
    assert content_of(files, "b.txt") == EQUAL
    assert uses() == [2]


def test_who_is_about_to_give_a_use_back_is_not_counted_twice(files, database, monkeypatch):
    for name in ("a.txt", "b.txt", "c.txt"):
        save(files, name)
    past = datetime.now(UTC) - timedelta(days=1)
    database["fs.contents"].update_many({}, {"$set": {"touched": past}})
    release = contents.release

    def slow(bucket, content):
        contents.recount(files)
        release(bucket, content)

    monkeypatch.setattr(contents, "release", slow)
    monkeypatch.setattr(replacing.contents, "release", slow)
    files.delete("a.txt")
    save(files, "b.txt", OTHER, replace=True)
    database["fs.contents"].update_many({}, {"$set": {"touched": past}})
    replacing.sweep(files, LATER)
    assert content_of(files, "c.txt") == EQUAL
    assert (
        database["fs.contents"].find_one({"content": files.find("c.txt").content_id})["uses"] == 1
    )


def test_content_of_an_upload_that_can_be_published_stays(files, database, stored, uses):
    """A try that failed has left a use; the next one finds the chunks."""
    first = files.start("a.txt")
    first.write(EQUAL)
    first._hold(first.complete(), 1)  # and then the server was gone
    database["fs.uploads"].insert_one({"_id": first.id, "name": "a.txt"})
    assert contents.recount(files, now=LATER) == 0
    assert (stored(), uses()) == ((0, 4), [1])
    database["fs.uploads"].update_one({}, {"$set": {"published": "b.txt"}})
    assert contents.recount(files, now=LATER) == 1
    assert (stored(), uses()) == ((0, 0), [])


# Restored from a backup


@pytest.mark.parametrize("uses_left", [2, 1, 0, -3])
def test_content_that_a_file_has_stays_whatever_the_number_says(
    files, database, stored, uses, uses_left
):
    for name in ("a.txt", "b.txt", "c.txt"):
        save(files, name)
    database["fs.contents"].update_one({}, {"$set": {"uses": uses_left}})
    for name, left in (("a.txt", ["b.txt", "c.txt"]), ("b.txt", ["c.txt"])):
        files.delete(name)
        assert {content_of(files, each) for each in left} == {EQUAL}
    assert uses() == [1]
    files.delete("c.txt")
    assert (stored(), uses()) == ((0, 0), [])


def test_content_of_a_file_that_lost_our_field_stays(files, database, uses):
    save(files, "first.txt")
    database["fs.files"].update_one({}, {"$set": {"metadata": {"of": "another program"}}})
    assert contents.recount(files, now=LATER) == 1
    assert uses() == []
    assert content_of(files, "first.txt") == EQUAL
    files.delete("first.txt")
    assert database["fs.chunks"].find_one() is None


def test_content_that_was_replaced_is_counted_with_that_of_files(files, database, uses):
    for name in ("a.txt", "b.txt", "c.txt"):
        save(files, name)
    save(files, "a.txt", OTHER, replace=True)
    database["fs.contents"].update_many({}, {"$set": {"uses": 1}})
    files.delete("b.txt")
    assert uses() == [1, 2]
    replacing.sweep(files, LATER)
    assert uses() == [1, 1]
    assert content_of(files, "c.txt") == EQUAL


def test_who_has_a_content_is_looked_for_by_an_index(files, database):
    for number in range(5):
        save(files, f"{number}.txt")
    found = database["fs.files"].find({layout.SHARED_CONTENT: files.find("3.txt").content_id})
    plan = repr(found.explain()["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan and "COLLSCAN" not in plan


# The storage


async def test_on_an_event_loop(transactional_db):
    storage = GridFSStorage(deduplicate=True, chunk_size=4)
    async with no_thread_hop():
        for name in ("a.txt", "b.txt"):
            await storage.asave(name, ContentFile(EQUAL))
        await storage.adelete("a.txt")
        info = await storage.aget_info("b.txt")
        assert info.id != info.content_id
        parts = [part async for part in (await storage.afiles()).read(info)]
        assert b"".join(parts) == EQUAL


def test_writing_and_reading_by_open(db, stored):
    storage = GridFSStorage(deduplicate=True, chunk_size=4)
    for name in ("a.txt", "b.txt", "a.txt"):
        with storage.open(name, "wb") as file:
            file.write(EQUAL)
    with storage.open("b.txt") as file:
        file.seek(3)
        assert file.read() == EQUAL[3:]
    assert stored() == (2, 4)


def test_it_costs_nothing_where_nothing_is_shared(database, capture_commands):
    files = GridFSFiles(database, transactions=True)
    save(files, "a.txt")
    files.delete("a.txt")
    names = [command.command.get("find") or "" for command in capture_commands]
    assert "fs.contents" not in names
    assert "fs.contents" not in {
        value for each in capture_commands for value in each.command.values() if value.__hash__
    }


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_it_is_true_or_false(value):
    with pytest.raises(ValueError, match=r"deduplicate is True or False, not"):
        GridFSStorage(deduplicate=value)
