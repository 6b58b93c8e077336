"""Every finding, made by damaging a bucket."""

import gzip
from array import array
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from bson import Decimal128, ObjectId
from gridfs import GridFSBucket

from mongo_contrib.storage import GridFSFiles, GridFSStorage, layout
from mongo_contrib.storage.compression import Compressor
from mongo_contrib.storage.exceptions import DamagedFile
from mongo_contrib.storage.maintenance import Verification, clean, verifying
from mongo_contrib.storage.resumable import ResumableUploads

CONTENT = bytes(range(1, 11))


def test_sound_files_are_found_to_be_sound(put, verify):
    for number, content in enumerate((b"", b"1", b"1234", CONTENT)):
        put(str(number), content)
    assert verify() == verify(quick=True) == []


def test_it_tells_how_much_it_looked_at(put, files):
    put("a.txt")
    put("b.txt", b"12345")
    advanced = []
    verification = Verification(files, advance=advanced.append)
    assert list(verification) == []
    assert (verification.files, verification.bytes, sum(advanced)) == (2, 15, 15)
    verification = Verification(files, quick=True, advance=advanced.append)
    assert list(verification) == []
    assert sum(advanced) == 17


def test_missing_chunks(put, verify, files):
    put("sound.txt")
    for number in range(3):
        files.chunks.delete_one({"files_id": put(f"{number}.txt"), "n": number})
    files.chunks.delete_many({"files_id": put("all.txt")})
    found = [("missing", f"{name}.txt") for name in (0, 1, 2, "all")]
    assert verify() == verify(quick=True) == found


def test_chunks_of_another_length(put, verify, files):
    lengths = [b"123", b"12345", b"", "text", 7, None]
    for number, data in enumerate(lengths):
        wanted = {"files_id": put(f"{number}.txt"), "n": 1}
        files.chunks.update_one(wanted, {"$set": {"data": data}})
    found = [("length", f"{number}.txt") for number in range(len(lengths))]
    assert verify() == verify(quick=True) == found


def test_the_last_chunk_is_shorter_and_has_to_be(put, verify, files):
    id = put()
    files.chunks.update_one({"files_id": id, "n": 2}, {"$set": {"data": b"1234"}})
    assert verify() == [("length", "a.txt")]


def test_content_that_has_changed_is_found_by_its_hash_only(put, verify, files):
    id = put()
    files.chunks.update_one({"files_id": id, "n": 1}, {"$set": {"data": b"abcd"}})
    assert verify() == [("content", "a.txt")]
    assert verify(quick=True) == []


def test_chunks_beyond_the_end(put, files):
    id = put()
    files.chunks.insert_many({"files_id": id, "n": n, "data": b"1234"} for n in (3, 4, 9))
    [finding] = Verification(files)
    assert [finding] == list(Verification(files, quick=True))
    assert (str(finding.problem), finding.name, finding.id) == ("superfluous", "a.txt", id)
    assert finding.text == "3 chunks beyond the end: 3-4, 9"


def test_chunks_with_a_number_that_is_none(put, verify, files):
    id = put()
    for number in (-1, "1", 1.5, None):
        files.chunks.insert_one({"files_id": id, "n": number, "data": b"1234"})
    assert verify() == verify(quick=True) == [("superfluous", "a.txt")]


def test_doubled_chunks_of_a_bucket_without_the_index(database, files):
    id = ObjectId()
    chunk = {"files_id": id, "n": 0, "data": b"1234"}
    bucket = type(files)(database, bucket="loose", chunk_size=4)
    bucket.chunks.insert_many([dict(chunk), dict(chunk)])
    bucket.files.insert_one(
        {"_id": id, "filename": "a", "length": 4, "chunkSize": 4, "uploadDate": datetime.now(UTC)}
    )
    for quick in (True, False):
        [finding] = Verification(bucket, quick=quick)
        assert str(finding.problem) == "doubled"


def test_documents_that_are_none_of_a_file(put, verify, files):
    broken = [{"length": "ten"}, {"length": -1}, {"chunkSize": 0}, {"uploadDate": None}]
    for number, fields in enumerate(broken):
        files.files.update_one({"_id": put(f"{number}.txt")}, {"$set": fields})
    assert verify() == [("record", f"{number}.txt") for number in range(4)]


def test_several_things_are_told_of_one_file(put, files):
    id = put(content=bytes(40))
    files.chunks.delete_many({"files_id": id, "n": {"$in": [2, 3, 7]}})
    files.chunks.update_one({"files_id": id, "n": 9}, {"$set": {"data": b"1"}})
    for quick in (True, False):
        found = [(str(each.problem), each.text) for each in Verification(files, quick=quick)]
        assert found == [
            ("missing", "3 chunks of 10 missing: 2-3, 7"),
            ("length", "1 chunk of 10 of a wrong length: 9"),
        ]


# Files of other programs


def test_files_without_a_hash_are_counted_and_may_get_one(database, files, put):
    put("ours.txt")
    GridFSBucket(database).upload_from_stream("theirs.txt", CONTENT)
    files.files.update_one({"filename": "theirs.txt"}, {"$unset": {"metadata": ""}})
    verification = Verification(files)
    assert list(verification) == []
    assert (verification.unhashed, verification.hashed) == (1, 0)
    verification = Verification(files, add_hashes=True)
    assert list(verification) == []
    assert (verification.unhashed, verification.hashed) == (0, 1)
    assert files.find("theirs.txt").sha256 == files.find("ours.txt").sha256


def test_a_damaged_file_gets_no_hash(database, files):
    GridFSBucket(database, chunk_size_bytes=4).upload_from_stream("theirs.txt", CONTENT)
    files.chunks.delete_one({"n": 1})
    [finding] = Verification(files, add_hashes=True)
    assert str(finding.problem) == "missing"
    assert files.find("theirs.txt").sha256 is None


def test_revisions_of_one_name_are_told_and_are_no_damage(database):
    bucket = GridFSBucket(database, bucket_name="revised")
    for content in (b"1", b"2", b"3"):
        bucket.upload_from_stream("a.txt", content)
    [finding] = Verification(GridFSFiles(database, bucket="revised"))
    assert finding.problem.is_note
    assert (str(finding.problem), finding.name) == ("revisions", "a.txt")
    assert "3 files of this name" in finding.text


def test_an_empty_chunk_of_an_empty_file_is_in_order(put, verify, files):
    files.chunks.insert_one({"files_id": put(content=b""), "n": 0, "data": b""})
    assert verify() == []


def test_ids_of_any_type(files, verify, later):
    ids = ["text", 7, 1.5, {"a": 1}, True, b"bytes", uuid4(), Decimal128("2.50"), later]
    # What the server takes for equal is.
    owners = ["text", 7.0, Decimal128("1.50"), *ids[3:7], 2.5, later, "no"]
    files.chunks.insert_many({"files_id": id, "n": 0, "data": b"12"} for id in owners)
    fields = {"length": 2, "chunkSize": 4, "uploadDate": datetime.now(UTC)}
    for number, id in enumerate(ids):
        files.files.insert_one({"_id": id, "filename": str(number), **fields})
    assert verify(now=later) == [("orphan", None)]
    assert [freed.id for freed in clean(files, now=later)] == ["no"]
    files.files.delete_many({"_id": {"$in": ids}})
    assert verify(now=later) == [("orphan", None)] * len(ids)
    assert len(list(clean(files, now=later))) == len(ids)


def test_a_file_without_a_name(files, verify, put):
    id = put()
    files.files.update_one({"_id": id}, {"$unset": {"filename": ""}})
    files.chunks.delete_one({"files_id": id, "n": 0})
    assert verify() == [("missing", "")]


# What belongs to no file


def test_chunks_of_no_file(files, old_chunks, put):
    put()
    id = old_chunks(count=2)
    [finding] = Verification(files)
    assert (str(finding.problem), finding.name, finding.id) == ("orphan", None, id)
    assert finding.text.startswith("2 chunk(s), 8 bytes, of no file, the last of ")


def test_chunks_that_were_just_stored_may_be_of_a_running_upload(files, monkeypatch):
    monkeypatch.setattr(layout, "WINDOW_BYTES", 4)
    upload = files.start("b.txt")
    upload.write(bytes(12))
    verification = Verification(files)
    [finding] = verification
    assert (str(finding.problem), finding.problem.is_note) == ("young", True)
    assert verification.young == 3
    [finding] = Verification(files, now=datetime.now(UTC) + timedelta(hours=25))
    assert str(finding.problem) == "orphan"
    upload.discard()
    assert list(Verification(files)) == []


def test_chunks_without_a_file_and_without_an_age(files, verify):
    files.chunks.insert_one({"_id": "mine", "files_id": 1, "n": 0, "data": b"1"})
    assert verify() == [("orphan", None)]
    files.chunks.insert_one({"_id": "his", "n": 0, "data": b"1"})
    assert verify() == [("orphan", None), ("orphan", None)]


def test_replaced_content_is_nothing_to_worry_about(put, verify, later):
    put()
    put(content=b"new", replace=True)
    assert verify(now=later) == []


def test_records_of_what_is_not_there(put, files, verify, later):
    put()
    put(content=b"new", replace=True)
    [record] = files.replaced.find()
    files.chunks.delete_many({"files_id": record["_id"]})
    assert verify() == []  # somebody may be at it
    assert verify(now=later) == [("dangling", None)]


@pytest.fixture
def staged(files, put):
    """A second document beside that of the file, as a killed writer leaves it; its _id."""
    put()
    other = put("other.txt", b"other content")
    document = files.files.find_one({"_id": other})
    files.files.delete_one({"_id": other})
    files.files.insert_one({**document, "filename": layout.staged("a.txt", other)})
    return other


def test_what_a_killed_replacement_leaves(staged, verify, later):
    assert verify() == []  # it may be going on
    assert verify(now=later) == [("staged", "a.txt")]


def test_a_replaced_file_that_was_only_renamed(put, files, verify, later):
    id = put()
    document = files.files.find_one({"_id": id})
    files.files.delete_one({"_id": id})
    files.files.insert_one({**document, "filename": layout.removed(id)})
    assert verify(now=later) == [("staged", None)]


# Compressed and shared content, as OPTIONS stores them


def test_compressed_content(database, verify, files):
    storage = GridFSStorage(chunk_size=4, compress=["text/*"])
    storage.files.upload(["a.txt"], [b"line\n" * 100])
    info = files.find("a.txt")
    assert info.encoding == "gzip" and info.stored_length < info.length
    assert verify() == verify(quick=True) == []
    files.chunks.update_one({"files_id": info.id, "n": 3}, {"$set": {"data": b"abcd"}})
    assert verify() == [("encoding", "a.txt")]
    other = gzip.compress(bytes(range(256)), mtime=0)
    pieces = [other[n : n + 4] for n in range(0, len(other), 4)]
    files.chunks.delete_many({"files_id": info.id})
    files.chunks.insert_many(
        {"files_id": info.id, "n": n, "data": data} for n, data in enumerate(pieces)
    )
    files.files.update_one({"_id": info.id}, {"$set": {"length": len(other)}})
    assert verify() == [("content", "a.txt")]


def test_blocks_that_are_not_where_readers_look(verify, files, monkeypatch):
    monkeypatch.setattr(Compressor.__init__, "__defaults__", (100,))
    GridFSStorage(chunk_size=4, compress=["text/*"]).files.upload(["a.txt"], [b"line\n" * 100])
    assert verify() == verify(quick=True) == []
    lengths = array("I", files.find("a.txt").blocks.lengths)
    assert len(lengths) == 5
    for first, second, quick in ((-1, 1, []), (-lengths[0], lengths[0], [("encoding", "a.txt")])):
        told = array("I", lengths)
        told[0] += first
        told[1] += second
        files.files.update_one({}, {"$set": {"metadata.blocks.lengths": told.tobytes()}})
        with pytest.raises(DamagedFile):
            b"".join(files.read(files.find("a.txt")))
        assert verify() == [("encoding", "a.txt")]
        assert verify(quick=True) == quick


def test_shared_content_is_read_once_and_told_of_every_file(database, verify, files):
    storage = GridFSStorage(chunk_size=4, deduplicate=True)
    for name in ("a.txt", "b.txt", "c.txt"):
        storage.files.upload([name], [CONTENT])
    assert files.chunks.count_documents({}) == 3
    assert verify() == verify(quick=True) == []
    files.chunks.delete_one({"n": 1})
    assert verify() == [("missing", name) for name in ("a.txt", "b.txt", "c.txt")]


# The pass


def test_a_folder_or_a_file_alone(put, verify, files, old_chunks):
    ids = {name: put(name) for name in ("a", "a/b", "a/c/d", "a0", "ab", "b")}
    files.chunks.delete_many({"n": 0, "files_id": {"$in": list(ids.values())}})
    old_chunks()
    assert [name for _, name in verify("a")] == ["a", "a/b", "a/c/d"]
    assert [name for _, name in verify("a/c")] == ["a/c/d"]
    assert [name for _, name in verify("b")] == ["b"]
    assert verify("nothing") == []


def test_a_file_that_is_deleted_meanwhile_is_no_finding(put, files, monkeypatch):
    id = put()
    files.chunks.delete_many({"files_id": id})
    real = verifying.StoredContent.problems

    def problems(self):
        files.delete("a.txt")
        return real(self)

    monkeypatch.setattr(verifying.StoredContent, "problems", problems)
    assert list(Verification(files)) == []


def test_many_files_in_few_commands(put, verify, capture_commands, monkeypatch):
    for number in range(30):
        put(f"{number:02}.txt")
    for quick in (True, False):
        before = len(capture_commands)
        assert verify(quick=quick) == []
        # A page of names, their chunks, the ids of chunks, whose they are.
        assert len(capture_commands) - before < 25
    monkeypatch.setattr(verifying, "TOGETHER", 7)
    monkeypatch.setattr(verifying, "TOGETHER_BYTES", 30)
    assert verify() == []


def test_nothing_is_found_in_nothing(verify):
    assert verify() == []


def test_a_resumable_upload_that_has_lost_its_chunks(files, verify):
    uploads = ResumableUploads(files)
    upload = uploads.create("a.bin", 40, owner="me")
    upload = uploads.append(upload, 0, [bytes(10)])
    assert verify() == []
    files.chunks.delete_many({"files_id": upload.id})
    assert verify() == [("dangling", None)]


def test_uses_that_were_counted_wrong(files, verify, later):
    storage = GridFSStorage(chunk_size=4, deduplicate=True)
    for name in ("a.txt", "b.txt"):
        storage.files.upload([name], [CONTENT])
    assert verify(now=later) == []
    files.contents.update_one({}, {"$inc": {"uses": 1}})
    assert verify() == []  # somebody may be at it
    assert verify(now=later) == [("uses", None)]
