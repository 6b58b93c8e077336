"""GridFSStorage as Django knows storages; verbs that have an async twin run as both."""

import hashlib
import pickle
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import IntegrityError
from django.utils import timezone
from gridfs import GridFSBucket

from mongo_contrib.storage import DamagedFile, GridFSFiles, GridFSStorage


def read(storage, name):
    with storage.open(name) as file:
        return file.read()


@pytest.mark.parametrize("content", [b"", b"a", b"abcd", b"abcde", bytes(range(256)) * 5])
def test_what_is_saved_comes_back(storage, save, content):
    assert save("a.bin", content) == "a.bin"
    assert read(storage, "a.bin") == content
    assert storage.size("a.bin") == len(content)


@pytest.mark.parametrize(
    "content",
    [
        ContentFile("größe"),
        StringIO("größe"),
        BytesIO("größe".encode()),
        File(BytesIO("größe".encode())),
    ],
    ids=["ContentFile", "StringIO", "BytesIO", "File"],
)
def test_every_kind_of_content_is_saved_text_as_utf8(call, storage, content):
    assert call("save", "a.txt", content) == "a.txt"
    assert read(storage, "a.txt").decode() == "größe"


def test_content_is_not_closed_by_saving_it(storage):
    with TemporaryUploadedFile("a.txt", "text/plain", 1, "utf8") as file:
        file.write(b"1")
        storage.save("a.txt", file)
        assert not file.closed


def test_a_name_that_is_free_is_given_and_not_taken(call, save):
    save("a.txt")
    for _ in range(2):
        assert call("get_available_name", "a.txt") == "a_1.txt"
    assert call("get_available_name", "long.txt", max_length=6) == "lo.txt"


def test_duplicates_are_numbered_before_the_extension(save):
    names = [save("docs/hello.tar.gz") for _ in range(4)]
    assert names == [
        "docs/hello.tar.gz",
        "docs/hello_1.tar.gz",
        "docs/hello_2.tar.gz",
        "docs/hello_3.tar.gz",
    ]


def test_numbers_stay_below_max_length(save):
    names = [save("hello.txt", max_length=9) for _ in range(12)]
    assert names[0:3] == ["hello.txt", "hel_1.txt", "hel_2.txt"]
    assert names[11] == "he_11.txt"


def test_a_name_that_is_too_long_is_cut(save):
    assert save("test_long_file_name.txt", max_length=10) == "test_l.txt"


def test_a_name_that_is_too_long_and_cannot_be_cut_is_refused(save):
    with pytest.raises(SuspiciousFileOperation, match="can not find an available filename"):
        save("file_name.longext", max_length=5)


def test_a_file_does_not_take_the_name_of_a_folder(save):
    save("a/b.txt")
    assert save("a") == "a_1"


def test_a_name_that_was_taken_meanwhile_is_numbered(storage, save):
    name = storage.get_available_name("a.txt", max_length=7)
    save("a.txt", b"theirs")
    assert storage._save(name, ContentFile(b"mine")) == "a_1.txt"
    assert read(storage, "a.txt") == b"theirs"
    assert read(storage, "a_1.txt") == b"mine"


def test_a_subclass_may_choose_names_its_own_way(db):
    class Numbered(GridFSStorage):
        def get_available_name(self, name, max_length=None):
            return f"mine-{name}"

    storage = Numbered()
    names = [storage.save("a.txt", ContentFile(b"")) for _ in range(2)]
    assert names == ["mine-a.txt", "mine-a_1.txt"]


def test_a_subclass_may_have_its_own_alternatives(db):
    class Lettered(GridFSStorage):
        letters = iter("abcdef")

        def get_alternative_name(self, file_root, file_ext):
            return f"{file_root}-{next(self.letters)}{file_ext}"

    storage = Lettered()
    names = [storage.save("dir/x.tar.gz", ContentFile(b"")) for _ in range(3)]
    assert names == ["dir/x.tar.gz", "dir/x-a.tar.gz", "dir/x-b.tar.gz"]
    assert storage.save("dir/long.txt", ContentFile(b""), max_length=12) == "dir/long.txt"
    assert storage.save("dir/long.txt", ContentFile(b""), max_length=12) == "dir/lo-d.txt"
    # Also where the name was free and then was not.
    first = storage.get_available_name("free.txt")
    storage.save("free.txt", ContentFile(b"theirs"))
    assert storage._save(first, ContentFile(b"mine")) == "free-e.txt"
    assert read(storage, "free.txt") == b"theirs"
    assert pickle.loads(pickle.dumps(first)) == "free.txt"


def test_alternatives_that_are_never_free_come_to_an_end(db, monkeypatch):
    class Stubborn(GridFSStorage):
        def get_alternative_name(self, file_root, file_ext):
            return f"{file_root}{file_ext}"

        def is_name_available(self, name, max_length=None):
            return True

    monkeypatch.setattr("mongo_contrib.storage.names.MOST_CHOICES", 5)
    Stubborn().save("a.txt", ContentFile(b"1"))
    with pytest.raises(FileExistsError, match=r"There is a file 'a.txt' in the bucket 'fs'"):
        Stubborn().save("a.txt", ContentFile(b"2"))


def test_content_that_fails_leaves_nothing(storage, stored, monkeypatch):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 10)
    chunks = []

    class Failing(ContentFile):
        def chunks(self):
            yield b"x" * 100
            chunks.append(stored()[1])
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        storage.save("a.txt", Failing(b""))
    assert chunks[0] > 0  # it was on its way
    assert stored() == (0, 0)


def test_a_file_is_invisible_until_it_is_complete(storage, stored):
    seen = []

    class Watched(ContentFile):
        def chunks(self):
            yield b"x" * 100
            seen.append((storage.exists("a.txt"), storage.listdir("")))

    storage.save("a.txt", Watched(b""))
    assert seen == [(False, ([], []))]
    assert storage.exists("a.txt")


def test_open_of_what_is_not_there(call):
    with pytest.raises(FileNotFoundError, match=r"There is no file 'nope.txt' in bucket 'fs'"):
        call("open", "nope.txt")


def test_delete(call, save, stored):
    save("a.txt")
    call("delete", "a.txt")
    call("delete", "a.txt")
    assert stored() == (0, 0)


def test_deleting_a_folder_deletes_nothing(call, save, stored):
    save("a/b.txt")
    call("delete", "a")
    assert stored()[0] == 1


@pytest.mark.parametrize("name", ["", None])
def test_delete_wants_a_name(call, name):
    with pytest.raises(ValueError, match=r"The name must be given to delete\(\)"):
        call("delete", name)


def test_exists_for_files_and_folders(call, save):
    save("a/b/c.txt")
    assert call("exists", "a/b/c.txt")
    assert call("exists", Path("a/b"))
    assert call("exists", "a")
    assert not call("exists", "a/b/c")
    assert not call("exists", "b")


@pytest.mark.parametrize("name", ["..", "/etc/passwd", "a/../../b", "a\0b"])
@pytest.mark.parametrize("verb", ["exists", "size", "open", "delete", "listdir", "get_info"])
def test_no_verb_takes_a_name_that_leads_elsewhere(call, verb, name):
    with pytest.raises(SuspiciousFileOperation):
        call(verb, name)


def test_listdir(call, save):
    for name in ["z.txt", "a.txt", "dir/b.txt", "dir/sub/c.txt", "dir0.txt", "dirx/d.txt"]:
        save(name)
    save("größe/ü.txt")
    assert call("listdir", "") == (["dir", "dirx", "größe"], ["a.txt", "dir0.txt", "z.txt"])
    assert call("listdir", Path("")) == call("listdir", "")
    assert call("listdir", "dir") == (["sub"], ["b.txt"])
    assert call("listdir", "./dir/./sub/") == ([], ["c.txt"])
    assert call("listdir", "größe") == ([], ["ü.txt"])
    assert call("listdir", "nowhere") == ([], [])


def test_listdir_of_what_other_programs_have_stored(call, save, database):
    save("a.txt")
    bucket = GridFSBucket(database)
    for name in ("", "/b.txt", "dir/", "//", "dir/c.txt"):
        bucket.upload_from_stream(name, b"theirs")
    for number, name in enumerate((5, {"a": 1}, b"bytes", True)):
        document = {"_id": number, "length": 0, "chunkSize": 4, "uploadDate": datetime.now(UTC)}
        database["fs.files"].insert_one({**document, "filename": name})
    database["fs.files"].insert_one({**document, "_id": 9})
    assert call("listdir", "") == (["dir"], ["a.txt"])
    assert call("listdir", "dir") == ([], ["c.txt"])


@pytest.mark.parametrize("broken", [{"length": "12"}, {"chunkSize": 0}, {"uploadDate": None}])
def test_a_broken_record_of_another_program(call, save, database, stored, broken):
    name = save("a.txt")
    database["fs.files"].update_one({}, {"$set": broken})
    assert call("exists", name) is True
    assert call("listdir", "") == ([], ["a.txt"])
    for verb in ("open", "size", "get_modified_time", "get_info"):
        with pytest.raises(DamagedFile, match=r"The file 'a\.txt' .* is damaged: its "):
            call(verb, name)
    assert save("a.txt") != name
    call("delete", name)
    assert call("exists", name) is False
    assert stored()[0] == 1


def test_size_is_in_bytes(call, save):
    save("a.txt", "ü".encode())
    assert call("size", "a.txt") == 2
    with pytest.raises(FileNotFoundError):
        call("size", "b.txt")


@pytest.mark.parametrize("verb", ["get_created_time", "get_modified_time", "get_accessed_time"])
def test_times_are_aware_with_time_zones(call, save, verb):
    save("a.txt")
    moment = call(verb, "a.txt")
    assert moment.tzinfo is UTC
    assert abs(moment - timezone.now()) < timedelta(seconds=5)


@pytest.mark.parametrize("verb", ["get_created_time", "get_modified_time", "get_accessed_time"])
def test_times_are_naive_and_local_without(call, save, verb, settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    save("a.txt")
    with timezone.override("Europe/Berlin"):  # a visitor's, which is not what naive times are in
        moment = call(verb, "a.txt")
    assert moment.tzinfo is None
    assert abs(moment - datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=9)) < timedelta(
        seconds=5
    )


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a/b.txt", "/media/a/b.txt"),
        (
            r"~!*()'@#$%^&*abc`+ =.file",
            "/media/~!*()'%40%23%24%25%5E%26*abc%60%2B%20%3D.file",
        ),
        ("///evil.com", "/media/evil.com"),
        (r"\\evil.com", "/media/evil.com"),
        (None, "/media/"),
    ],
)
def test_url(name, url):
    assert GridFSStorage(base_url="/media").url(name) == url


def test_url_begins_with_media_url_as_it_is_now(settings):
    storage = GridFSStorage()
    settings.MEDIA_URL = "/files/"
    assert storage.url("a.txt") == "/files/a.txt"


def test_without_a_base_url_there_is_no_url():
    storage = GridFSStorage(base_url="/media/")
    storage.base_url = None
    with pytest.raises(ValueError, match="not accessible via a URL"):
        storage.url("a.txt")


def test_there_is_no_path(storage):
    with pytest.raises(NotImplementedError):
        storage.path("a.txt")


def test_a_location_is_a_world_of_its_own(db, save, stored):
    save("a.txt", b"outside")
    inside = GridFSStorage(location="tenants/1/", base_url="/t/")
    assert [inside.save("a.txt", ContentFile(b"inside")) for _ in range(2)] == [
        "a.txt",
        "a_1.txt",
    ]
    assert inside.listdir("") == ([], ["a.txt", "a_1.txt"])
    assert inside.url("a.txt") == "/t/a.txt"
    assert read(inside, "a.txt") == b"inside"
    with pytest.raises(SuspiciousFileOperation):
        inside.open("../../a.txt")
    inside.delete("a.txt")
    assert stored()[0] == 2


def test_buckets_are_apart(db, save, stored):
    save("a.txt")
    other = GridFSStorage(bucket="photos")
    assert not other.exists("a.txt")
    other.save("a.txt", ContentFile(b"1"))
    assert (stored(), stored("photos")) == ((1, 2), (1, 1))


def test_a_bucket_may_be_called_a_collection(db, stored):
    storage = GridFSStorage(collection="photos")
    assert storage.bucket == "photos"
    storage.save("a.txt", ContentFile(b"1"))
    assert stored("photos") == (1, 1)


def test_two_names_of_one_option_are_one_too_many():
    with pytest.raises(ValueError, match=r"were both given: 'a' and 'b'"):
        GridFSStorage(bucket="a", collection="b")
    with pytest.raises(ValueError, match=r"cannot be ''"):
        GridFSStorage(collection="")


def test_the_layout_is_gridfs_own(database, storage, save):
    save("a.txt", b"0123456789")
    bucket = GridFSBucket(database)
    assert bucket.open_download_stream_by_name("a.txt").read() == b"0123456789"
    document = database["fs.files"].find_one()
    assert (document["length"], document["chunkSize"]) == (10, 4)
    assert document["metadata"] == {
        "contentType": "text/plain",
        "originalName": "a.txt",
        "sha256": hashlib.sha256(b"0123456789").hexdigest(),
    }


def test_files_of_other_programs_are_read(database, storage):
    bucket = GridFSBucket(database, chunk_size_bytes=3)
    bucket.upload_from_stream_with_id({"any": "id"}, "a.txt", b"theirs")
    assert read(storage, "a.txt") == b"theirs"
    storage.delete("a.txt")
    assert not storage.exists("a.txt")


def test_the_core_takes_a_database_and_knows_no_settings(database):
    files = GridFSFiles(database, bucket="core", chunk_size=3)
    assert files.upload(["a", "b"], [b"12", b"345"]) == "a"
    assert files.upload(["a", "b"], [b"6"]) == "b"
    assert b"".join(files.read(files.find("a"), 1, 4)) == b"234"
    with pytest.raises(FileExistsError, match=r"There is a file 'b' in the bucket 'core'"):
        files.upload(["a", "b"], [b"7"])
    assert files.delete("a") is True
    assert files.delete("a") is False


def test_a_range_reads_its_chunks_alone(storage, save, capture_commands):
    save("a.bin", bytes(range(100)))
    info = storage.get_info("a.bin")
    before = len(list(capture_commands))
    assert b"".join(storage.files.read(info, 50, 57)) == bytes(range(50, 57))
    (command,) = list(capture_commands)[before:]
    assert command.name == "find"


def test_looking_for_names_uses_the_index(database, storage, save):
    from mongo_contrib.storage import layout

    for number in range(30):
        save(f"dir/{number}.txt", b"")
    for filter in (layout.named("dir/3.txt"), layout.inside("dir")):
        plan = database["fs.files"].find(filter).explain()["queryPlanner"]["winningPlan"]
        assert "IXSCAN" in repr(plan)
        assert "COLLSCAN" not in repr(plan)


def test_the_storage_can_be_written_into_a_migration():
    options = {"alias": "default", "bucket": "photos", "base_url": "/p/", "location": "a"}
    path, args, kwargs = GridFSStorage(**options).deconstruct()
    assert (path, args, kwargs) == ("mongo_contrib.storage.GridFSStorage", (), options)


def test_it_is_made_from_settings(settings, db):
    settings.STORAGES = {
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"bucket": "photos", "location": "a"},
        }
    }
    storage = storages["default"]
    assert (storage.bucket, storage.location, storage.alias) == ("photos", "a", "default")


def test_names_are_unique_also_after_somebody_dropped_the_index(storage, save, database):
    save("a.txt")
    database.drop_collection("fs.files")
    name = storage.get_available_name("a.txt")
    assert storage._save(name, ContentFile(b"")) == "a.txt"
    assert storage._save(name, ContentFile(b"")) == "a_1.txt"


def test_an_alias_that_is_not_ours(db):
    with pytest.raises(ImproperlyConfigured, match="'nowhere' is not an alias"):
        GridFSStorage(alias="nowhere").exists("a.txt")


def test_an_upload_is_sent_in_pieces(storage, monkeypatch, capture_commands):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 10)
    upload = storage.start_upload("a.bin")
    before = len(list(capture_commands))
    for _ in range(10):
        upload.write(b"0123456")
    assert len(list(capture_commands)) - before > 3
    upload.write(b"x" * 50)
    assert upload.publish(["a.bin"]) == "a.bin"
    assert read(storage, "a.bin") == b"0123456" * 10 + b"x" * 50


def test_another_unique_index_of_the_project_is_an_error_and_no_endless_search(storage, database):
    database["fs.files"].create_index([("metadata.contentType", 1)], unique=True)
    storage.save("a.txt", ContentFile(b"1"))
    with pytest.raises(IntegrityError, match=r"metadata\.contentType"):
        storage.save("b.txt", ContentFile(b"2"))
    assert storage.listdir("") == ([], ["a.txt"])
