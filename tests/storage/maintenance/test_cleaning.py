"""What goes, and above all what stays: beside writers, readers and other cleaners."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from bson import ObjectId, Regex
from gridfs import GridFSBucket

from mongo_contrib.storage import GridFSFiles, GridFSStorage, layout, metadata
from mongo_contrib.storage.maintenance import Verification, clean, cleaning, ownership
from mongo_contrib.storage.resumable import ResumableUploads

CONTENT = bytes(range(1, 11))
HOUR = timedelta(hours=1)


@pytest.fixture
def swept(files):
    """``swept()``: cleans, and tells what was freed as {what: (how many, chunks, bytes)}."""

    def swept(**options):
        found = {}
        for freed in clean(files, **options):
            count, chunks, size = found.get(freed.what, (0, 0, 0))
            found[freed.what] = (count + freed.count, chunks + freed.chunks, size + freed.size)
        return found

    return swept


def content(files, name):
    return b"".join(files.read(files.find(name)))


def test_chunks_of_no_file_go_and_everything_else_stays(files, put, old_chunks, swept):
    put("a.txt")
    put("b.txt", b"old")
    put("b.txt", b"new", replace=True)
    running = files.start("c.txt")
    running.write(b"12345678")
    running._send(8)
    old_chunks(count=300)
    old_chunks("of another program", count=2)
    freed = {"chunks of no file": (2, 302, 1208)}
    assert swept(dry_run=True) == freed
    assert files.chunks.count_documents({}) == 302 + 3 + 2 + 2
    assert swept() == freed
    assert swept() == {}
    assert files.chunks.count_documents({}) == 3 + 2 + 2
    assert running.publish(["c.txt"]) == "c.txt"
    assert content(files, "c.txt") == b"12345678"
    assert list(Verification(files)) == []


def test_how_old_they_have_to_be(files, old_chunks, swept):
    old_chunks(age=5 * HOUR)
    assert swept() == {}
    assert swept(age=6 * HOUR) == {}
    assert swept(age=4 * HOUR) == {"chunks of no file": (1, 3, 12)}


def test_the_youngest_chunk_counts(files, old_chunks, swept):
    id = old_chunks()
    files.chunks.insert_one({"files_id": id, "n": 3, "data": b"1"})
    assert swept() == {}
    files.chunks.insert_one({"_id": "not ours", "files_id": old_chunks(), "n": 3, "data": b"1"})
    assert swept() == {}


@pytest.mark.parametrize("collection", ["files", "replaced", "uploads", "contents", "shared"])
def test_what_appears_while_it_is_cleaned_keeps_its_chunks(
    files, database, old_chunks, collection, swept, monkeypatch
):
    """Looked at, found to be of nobody, and then published: it is looked at again."""
    id = old_chunks(count=300)
    real = cleaning.group_of

    def group_of(*args):
        group = real(*args)
        document = {"filename": "a", "chunkSize": 4, "length": 12, "expires": datetime.max}
        key = "content" if collection == "contents" else "_id"
        target = "files" if collection == "shared" else collection
        if collection == "shared":
            key = "other"
            document["metadata"] = {"sharedContent": id, "sha256": "0" * 64}
        database[f"fs.{target}"].insert_one({**document, key: id})
        return group

    monkeypatch.setattr(cleaning, "group_of", group_of)
    assert "chunks of no file" not in swept()
    assert files.chunks.count_documents({"files_id": id}) == 300


def test_what_is_published_in_the_middle_of_a_deletion_keeps_the_rest(
    files, old_chunks, swept, monkeypatch
):
    id = old_chunks(count=5)
    monkeypatch.setattr(cleaning, "TOGETHER", 2)
    real, looks = cleaning.owned, []

    def owned(*args):
        looks.append(args)
        if len(looks) == 3:  # the first look, one before the first deletion, and this
            files.replaced.insert_one({"_id": id, "replaced": datetime.now(UTC)})
        return real(*args)

    monkeypatch.setattr(cleaning, "owned", owned)
    assert swept() == {"chunks of no file": (1, 2, 8)}
    assert [chunk["n"] for chunk in files.chunks.find().sort("n")] == [0, 1, 2]


def test_replaced_content_goes_when_its_time_is_over(files, put, swept):
    for number in range(3):
        put(content=b"%d" % number * 10, replace=True)
    assert swept() == {}
    now = datetime.now(UTC) + 2 * HOUR
    assert swept(now=now, dry_run=True) == {"replaced content": (2, 6, 20)}
    assert swept(now=now) == {"replaced content": (2, 6, 20)}
    assert (files.chunks.count_documents({}), files.replaced.count_documents({})) == (3, 0)
    assert content(files, "a.txt") == b"2222222222"


def test_uploads_that_have_expired(files, swept, later):
    uploads = ResumableUploads(files)
    upload = uploads.append(uploads.create("a.bin", 40, owner="me"), 0, [bytes(10)])
    assert swept() == {}
    chunks = files.chunks.count_documents({"files_id": upload.id})
    freed = {"expired uploads": (1, chunks, 4 * chunks)}
    assert chunks and swept(now=later, dry_run=True) == freed
    assert swept(now=later) == freed
    assert uploads.collection.count_documents({}) == files.chunks.count_documents({}) == 0


def test_uses_that_were_counted_wrong(files, swept, later):
    storage = GridFSStorage(chunk_size=4, deduplicate=True)
    for name in ("a.txt", "b.txt"):
        storage.files.upload([name], [bytes(10)])
    files.contents.update_one({}, {"$inc": {"uses": 3}})
    freed = {"shared contents counted anew": (1, 0, 0)}
    assert swept() == {}
    assert swept(now=later, dry_run=True) == freed
    assert swept(now=later) == freed
    assert swept(now=later) == {}
    storage.delete("a.txt")
    assert content(files, "b.txt") == bytes(10)
    storage.delete("b.txt")
    assert files.chunks.count_documents({}) == 0


def test_thumbnails_of_what_is_gone(files, put, swept, later):
    ids = [put(name) for name in ("a.png", "b.png")]
    beside = GridFSFiles(files.database, bucket="fs.thumbnails")
    for id in ids:
        beside.upload([f"{id}/small.webp"], [b"picture"], metadata={"original": id})
    assert swept(now=later) == {}
    files.delete("a.png")
    beside.chunks.insert_one({"files_id": ObjectId(), "n": 0, "data": b"never one"})
    freed = {"thumbnails without a picture": (1, 0, 0), "chunks of no file": (1, 1, 9)}
    assert swept() == {"thumbnails without a picture": (1, 0, 0)}
    beside.upload([f"{ids[0]}/small.webp"], [b"picture"], metadata={"original": ids[0]})
    assert swept(now=later, dry_run=True) == freed
    assert swept(now=later) == freed
    assert [info["metadata"]["original"] for info in beside.files.find()] == ids[1:]
    assert beside.chunks.count_documents({}) == 1


def test_what_is_no_thumbnail_stays_in_a_bucket_of_that_name(files, swept, later):
    """And where there is anything of that kind, so do chunks of which nobody knows."""
    theirs = GridFSFiles(files.database, bucket="fs.thumbnails")
    theirs.chunks.insert_one({"files_id": ObjectId(), "n": 0, "data": b"in its bucket"})
    assert swept(now=later) == {}
    theirs.upload(["precious.txt"], [b"precious"])
    theirs.upload(["field.txt"], [b"precious"], metadata={"original": ObjectId()})
    theirs.upload([f"{ObjectId()}/name.txt"], [b"precious"])
    assert swept(now=later, dry_run=True) == swept(now=later) == {}
    assert (theirs.files.count_documents({}), theirs.chunks.count_documents({})) == (3, 4)


# Files of other programs


def test_fields_of_other_programs_say_nothing(database, files, swept, later, verify):
    """Neither a hash that we would write in another way, nor what we call shared content."""
    fields = {"content": ObjectId(), metadata.SHARED_CONTENT: ObjectId(), "original": ObjectId()}
    theirs = GridFSBucket(database, chunk_size_bytes=4)
    for name, more in {"a.txt": {"sha256": "AB" * 32}, "b.txt": {"sha256": "ab" * 32}}.items():
        theirs.upload_from_stream(name, b"their data", metadata={**fields, **more})
    theirs.upload_from_stream("c.txt", b"their data", metadata={"content": ObjectId()})
    verify(add_hashes=True, now=later)
    assert swept(now=later) == {}
    assert files.chunks.count_documents({}) == 9
    assert files.find("c.txt").sha256 and content(files, "c.txt") == b"their data"


def test_owners_that_no_look_up_finds_stay(database, files, put, swept, later, old_chunks):
    """An expression would match others' ids, and a list has them in it."""
    put()
    GridFSBucket(database).upload_from_stream_with_id("text", "text.txt", b"their data")
    for owner in (Regex(".*"), [7, "other"]):
        old_chunks(owner, count=1)
    files.chunks.insert_one({"n": 0, "data": b"of nothing"})
    before = files.chunks.count_documents({})
    assert swept(now=later, dry_run=True) == swept(now=later) == {}
    files.chunks.insert_one({"files_id": 7.0, "n": 1, "data": b"found with that list"})
    assert swept(now=later) == {}
    assert files.chunks.count_documents({}) == before + 1
    assert (content(files, "a.txt"), content(files, "text.txt")) == (CONTENT, b"their data")


# What a writer leaves who is killed where there are no transactions


@pytest.fixture
def beside(files, put):
    """``beside("a.txt")`` makes a file that is called so with a mark."""

    def beside(name, content=b"beside"):
        id = put("elsewhere", content)
        document = files.files.find_one({"_id": id})
        files.files.delete_one({"_id": id})
        files.files.insert_one({**document, "filename": layout.staged(name, id)})
        return id

    return beside


def test_a_file_that_never_got_into_its_place_goes(files, put, beside, swept, later):
    put("a.txt", b"content")
    beside("a.txt")
    assert swept() == {}
    freed = {"a replacement of 'a.txt' that was broken off": (1, 0, 0)}
    assert swept(now=later, dry_run=True) == freed
    assert swept(now=later) == {**freed, "chunks of no file": (1, 2, 6)}
    assert content(files, "a.txt") == b"content"
    assert list(Verification(files, now=later)) == []


def test_a_file_that_has_taken_the_place_gets_the_name(files, beside, swept, later):
    beside("a.txt", b"first")
    beside("a.txt", b"second")
    assert content(files, "a.txt") == b"second"
    swept(now=later)
    assert content(files, "a.txt") == b"second"
    assert [each["filename"] for each in files.files.find()] == ["a.txt"]
    assert list(Verification(files, now=later)) == []


def test_a_file_that_was_out_of_the_way(files, put, swept, later):
    put("new.txt")
    id = put("a.txt")
    document = files.files.find_one({"_id": id})
    files.files.delete_one({"_id": id})
    files.files.insert_one({**document, "filename": layout.removed(id)})
    assert swept(now=later) == {"a replaced file": (1, 0, 0)}  # who reads it still may
    assert files.chunks.count_documents({"files_id": id}) == 3
    assert swept(now=later + 2 * HOUR) == {"replaced content": (1, 3, 10)}
    assert files.listdir("") == ([], ["new.txt"])


# Many at once


@pytest.mark.django_db(transaction=True)
def test_beside_running_writers_nothing_is_lost(files, old_chunks):
    """And each chunk that was left of others goes once."""
    for _ in range(20):
        old_chunks()
    ended = Event()

    def write(number):
        for turn in range(8):
            name = f"{number}-{turn % 3}.txt"
            files.upload([name], [b"%d.%d" % (number, turn)] * 9, replace=True)
            if turn == 5:
                files.delete(name)
        return number

    def sweep(_):
        freed = 0
        while not ended.is_set():
            freed += sum(each.chunks for each in clean(files, age=timedelta(seconds=60)))
        return freed

    with ThreadPoolExecutor(6) as pool:
        cleaners = [pool.submit(sweep, number) for number in range(2)]
        try:
            list(pool.map(write, range(4)))
        finally:
            ended.set()
        assert sum(cleaner.result() for cleaner in cleaners) == 60
    for number in range(4):
        assert content(files, f"{number}-0.txt") == b"%d.6" % number * 9
        assert content(files, f"{number}-1.txt") == b"%d.7" % number * 9
        assert files.find(f"{number}-2.txt") is None
    assert [each for each in Verification(files) if not each.problem.is_note] == []


def test_ids_are_passed_over_once_however_large_their_files_are(files, old_chunks, monkeypatch):
    monkeypatch.setattr(ownership, "PAGE", 3)
    monkeypatch.setattr(ownership, "LOOKED_UP", 2)
    ids = sorted(old_chunks(count=count) for count in (1, 7, 3, 1, 1, 2))
    assert list(ownership.chunk_owners(files)) == ids
    assert [len(batch) for batch in ownership.batches(ids)] == [2, 2, 2]
    old_chunks("text"), old_chunks(5), files.chunks.insert_one({"n": 0})
    assert list(ownership.chunk_owners(files)) == [*ids, "text", 5, None]
    assert isinstance(ids[0], ObjectId)


def test_who_goes_on_with_it_in_between_keeps_it(files, old_chunks, swept, monkeypatch):
    id = old_chunks()
    real = cleaning.group_of

    def group_of(*args):
        group = real(*args)
        files.chunks.insert_one({"files_id": id, "n": 3, "data": b"new"})
        return group

    monkeypatch.setattr(cleaning, "group_of", group_of)
    assert swept() == {}
    assert files.chunks.count_documents({}) == 4


def test_replaced_content_that_others_share_is_not_freed(files, swept):
    sharing = GridFSStorage(chunk_size=4, deduplicate=True).files
    for name in ("a.txt", "b.txt"):
        sharing.upload([name], [bytes(10)])
    sharing.upload(["a.txt"], [b"new"], replace=True)
    now = datetime.now(UTC) + 2 * HOUR
    assert swept(now=now, dry_run=True)["replaced content"] == (1, 0, 0)
    assert swept(now=now)["replaced content"] == (1, 0, 0)
    assert content(files, "b.txt") == bytes(10)
    sharing.upload(["b.txt"], [b"new"], replace=True)
    assert swept(now=now)["replaced content"] == (1, 3, 10)
    assert (content(files, "a.txt"), content(files, "b.txt")) == (b"new", b"new")
