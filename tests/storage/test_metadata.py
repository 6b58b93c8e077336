"""What is told of a file, beside its content."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from bson import ObjectId
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from gridfs import GridFSBucket

from mongo_contrib.storage import GridFSStorage

CONTENT = bytes(range(100))


@pytest.mark.parametrize("size", [0, 1, 4, 5, 100, 5_000_000])
def test_the_hash_is_that_of_the_content(db, size):
    storage = GridFSStorage()
    content = b"a" * size
    name = storage.save("a.txt", ContentFile(content))
    assert storage.get_info(name).sha256 == hashlib.sha256(content).hexdigest()


def test_the_hash_of_what_is_written_in_pieces(storage):
    with storage.open("a.bin", "wb") as file:
        for start in range(0, 100, 7):
            file.write(CONTENT[start : start + 7])
    assert storage.get_info("a.bin").sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_everything_that_is_told_of_an_upload(call, storage):
    class User:
        pk = ObjectId()

    upload = SimpleUploadedFile("Größe.txt", b"text", content_type="image/png")
    upload.metadata = {"uploader": User(), "album": "Prag"}
    name = call("save", "files/2026/x.txt", upload)
    info = call("get_info", name)
    assert info.content_type == "text/plain"
    assert info.original_name == "Größe.txt"
    assert info.uploader == User.pk
    assert info.fields == {"album": "Prag"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "a.txt"),
        ("/tmp/x/b.txt", "b.txt"),
        (r"C:\docs\b.txt", "b.txt"),
        ("b\r\n\0.txt", "b.txt"),
        ("\ud800.txt", ".txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
        (5, "a.txt"),
        ("docs/", "a.txt"),
    ],
)
def test_an_original_name_is_text_without_folders(storage, given, kept):
    content = ContentFile(b"1")
    content.name = given
    storage.save("dir/a.txt", content)
    assert storage.get_info("dir/a.txt").original_name == kept


def test_a_storage_may_know_more_of_each_file(db):
    class Known(GridFSStorage):
        def get_metadata(self, name):
            return {**super().get_metadata(name), "content_type": "text/x-own", "tenant": 7}

    storage = Known()
    storage.save("a.txt", ContentFile(b"1"))
    with storage.open("b.txt", "wb") as file:
        file.write(b"2")
    for name in ("a.txt", "b.txt"):
        info = storage.get_info(name)
        assert (info.content_type, info.fields) == ("text/x-own", {"tenant": 7})


def test_a_field_that_cannot_be_is_said_before_anything_is_stored(storage, stored):
    content = ContentFile(b"1")
    content.metadata = {"sha256": "0" * 64}
    with pytest.raises(ValueError, match="'sha256' is no field of a file that can be set"):
        storage.save("a.txt", content)
    assert stored() == (0, 0)


def test_metadata_is_set_and_taken_away_the_rest_stays(call, save):
    save("a.txt")
    call("set_metadata", "a.txt", album="Prag", stars=3)
    call("set_metadata", "a.txt", album=None, uploader=5, original_name="b.txt")
    info = call("get_info", "a.txt")
    assert (info.fields, info.uploader, info.original_name) == ({"stars": 3}, 5, "b.txt")
    assert info.content_type == "text/plain"
    assert info.sha256 == hashlib.sha256(b"content").hexdigest()
    call("set_metadata", "a.txt", content_type="text/csv")
    call("set_metadata", "a.txt")
    assert call("get_info", "a.txt").content_type == "text/csv"


def test_values_are_kept_as_they_are_and_are_no_operators(storage, save):
    save("a.txt")
    value = {"$inc": {"length": 1}, "list": [1, datetime(2026, 5, 1, tzinfo=UTC)]}
    storage.set_metadata("a.txt", value=value)
    assert storage.get_info("a.txt").fields == {"value": value}
    assert storage.size("a.txt") == 7


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sha256": "0"}, "'sha256' is no field of a file that can be set"),
        ({"contentType": "a/b"}, "'contentType' is no field of a file that can be set"),
        ({"content_type": "html"}, "content_type is a type in lower case like 'image/png'"),
        ({"content_type": "a/b\r\nX: 1"}, "content_type is a type in lower case"),
        ({"a.b": 1}, "A field's name is a text without dots .* and cannot be 'a.b'"),
        ({"$a": 1}, "A field's name is a text without dots .* and cannot be '\\$a'"),
        ({"a\0": 1}, "A field's name is a text without dots"),
        ({"": 1}, "A field's name is a text without dots"),
    ],
)
def test_what_cannot_be_set_is_said(call, save, fields, sentence):
    save("a.txt")
    before = call("get_info", "a.txt")
    with pytest.raises(ValueError, match=sentence):
        call("set_metadata", "a.txt", **fields)
    assert call("get_info", "a.txt") == before


def test_setting_metadata_of_what_is_not_there(call, db):
    with pytest.raises(FileNotFoundError, match=r"There is no file 'nope.txt' in bucket 'fs'"):
        call("set_metadata", "nope.txt", album="Prag")


def test_files_of_other_programs_have_what_they_have(database, storage):
    bucket = GridFSBucket(database)
    bucket.upload_from_stream("a.png", b"x", metadata={"contentType": "IMAGE/PNG; x", "own": 1})
    info = storage.get_info("a.png")
    assert (info.sha256, info.content_type, info.original_name) == (None, None, None)
    assert (info.uploader, info.fields) == (None, {"own": 1})
    storage.set_metadata("a.png", content_type="image/gif")
    assert storage.get_info("a.png").content_type == "image/gif"
    database["fs.files"].update_one({}, {"$set": {"metadata": "a text"}})
    assert storage.get_info("a.png").fields == {}


@pytest.mark.django_db(transaction=True)
def test_concurrent_edits_of_different_fields_all_stay(save, storage):
    save("a.txt")

    def edit(number):
        try:
            storage.set_metadata("a.txt", **{f"field{number}": number})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(edit, range(24)))
    assert storage.get_info("a.txt").fields == {f"field{number}": number for number in range(24)}


def test_the_name_of_a_file_on_disk_is_no_path(storage, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("text")
    with path.open("rb") as file:
        storage.save("a.txt", File(file))
    assert storage.get_info("a.txt").original_name == "report.txt"
