"""Files of other storages, also of such as break in the middle."""

import hashlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.db import OperationalError

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.maintenance import Migration, Outcome, Verification, clean, migrating
from mongo_contrib.storage.maintenance.sources import names_below

ROOT = Path(__file__).resolve().parents[3]
CONTENTS = {"a.txt": b"a text", "sub/b.bin": bytes(range(40)), "sub/deep/er/c": b""}


@pytest.fixture
def target(db):
    return GridFSStorage(chunk_size=4)


@pytest.fixture(params=["disk", "memory", "bucket"])
def source(request, tmp_path, db):
    """Another storage, with some files."""
    storage = {
        "disk": lambda: FileSystemStorage(tmp_path),
        "memory": InMemoryStorage,
        "bucket": lambda: GridFSStorage(bucket="other", chunk_size=7),
    }[request.param]()
    for name, content in CONTENTS.items():
        storage.save(name, ContentFile(content))
    return storage


def copy(source, target, names=None, **options):
    """What became of each file."""
    if names is None:
        names = list(names_below(source, "", pytest.fail))
    return {each.name: each for each in Migration(source, target, **options).run(names)}


def outcomes(copied):
    return {name: str(each.outcome) for name, each in copied.items()}


def contents(storage):
    found = {}
    for name in names_below(storage, "", pytest.fail):
        with storage.open(name) as file:
            found[name] = file.read()
    return found


class Reading:
    """A storage that counts what is opened."""

    def __init__(self, storage):
        self.storage, self.opened = storage, []

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def open(self, name, mode="rb"):
        self.opened.append(name)
        return self.storage.open(name, mode)


def test_everything_is_copied_and_what_is_there_is_not_read_again(source, target):
    assert outcomes(copy(source, target, dry_run=True)) == dict.fromkeys(CONTENTS, "copied")
    assert contents(target) == {}
    copied = copy(source, target)
    assert outcomes(copied) == dict.fromkeys(CONTENTS, "copied")
    assert {name: each.size for name, each in copied.items()} == {
        name: len(content) for name, content in CONTENTS.items()
    }
    assert contents(target) == CONTENTS
    for name, content in CONTENTS.items():
        assert target.get_info(name).sha256 == hashlib.sha256(content).hexdigest()
    assert list(Verification(target.files)) == []
    if isinstance(source, GridFSStorage):
        again = outcomes(copy(source, target))
    else:
        counting = Reading(source)
        again = outcomes(copy(counting, target, list(CONTENTS)))
        assert counting.opened == []
    assert again == dict.fromkeys(CONTENTS, "same")


def test_what_is_known_of_a_file_comes_along(source, target):
    if isinstance(source, GridFSStorage):
        source.set_metadata(
            "a.txt", content_type="text/x-own", original_name="o.txt", uploader=7, album="Prag"
        )
    copy(source, target)
    info = target.get_info("a.txt")
    kept = info.metadata["source"]
    assert kept["size"] == 6
    modified = source.get_modified_time("a.txt").astimezone(UTC)
    stored = kept["modified"].replace(tzinfo=UTC)
    assert abs((modified - stored).total_seconds()) < 0.001
    if isinstance(source, GridFSStorage):
        assert (info.content_type, info.original_name) == ("text/x-own", "o.txt")
        assert (info.uploader, info.fields["album"]) == (7, "Prag")
    else:
        assert (info.content_type, info.original_name) == ("text/plain", "a.txt")


def test_another_content_of_the_same_name_stays(source, target):
    target.save("a.txt", ContentFile(b"others"))  # as long as ours
    copied = copy(source, target)
    assert copied["a.txt"].outcome is Outcome.DIFFERS
    assert "another content" in copied["a.txt"].reason
    assert contents(target) == {**CONTENTS, "a.txt": b"others"}
    copied = copy(source, target, overwrite=True)
    assert outcomes(copied) == {**dict.fromkeys(CONTENTS, "same"), "a.txt": "replaced"}
    assert contents(target) == CONTENTS


def test_the_same_content_that_others_stored_is_read_once(tmp_path, target):
    source = Reading(FileSystemStorage(tmp_path))
    source.save("a.txt", ContentFile(b"a text"))
    target.save("a.txt", ContentFile(b"a text"))
    for expected in (["a.txt"], ["a.txt"]):  # then it is known by its size and time
        assert outcomes(copy(source, target, ["a.txt"])) == {"a.txt": "same"}
        assert source.opened == expected
    os.utime(tmp_path / "a.txt", (1, 1))
    assert outcomes(copy(source, target, ["a.txt"])) == {"a.txt": "same"}
    assert len(source.opened) == 2
    (tmp_path / "a.txt").write_bytes(b"A TEXT")
    assert outcomes(copy(source, target, ["a.txt"])) == {"a.txt": "differs"}


def test_the_source_is_deleted_only_when_asked_and_when_it_is_equal(source, target):
    copy(source, target)
    assert contents(source) == CONTENTS
    target.delete("a.txt")
    target.save("a.txt", ContentFile(b"others"))
    id = target.get_info("sub/b.bin").id
    target.files.chunks.update_one({"files_id": id, "n": 1}, {"$set": {"data": b"XXXX"}})
    copied = copy(source, target, delete_source=True)
    # A hash in a record is not believed here.
    assert outcomes(copied) == {
        "a.txt": "differs",
        "sub/b.bin": "differs",
        "sub/deep/er/c": "same",
    }
    assert list(contents(source)) == ["a.txt", "sub/b.bin"]
    with pytest.raises(ValueError, match="compared"):
        Migration(source, target, delete_source=True, verify=False)


# What goes wrong


class Failing(InMemoryStorage):
    """Breaks wherever its files are called so."""

    def _open(self, name, mode="rb"):
        if "unreadable" in name:
            raise ConnectionResetError("the service has hung up")
        file = super()._open(name, mode)
        if "breaks" in name:
            real = file.chunks

            def chunks(size=None):
                yield next(real(3))
                raise TimeoutError("in the middle")

            file.chunks = chunks
        return file

    def size(self, name):
        return super().size(name) + ("grows" in name)


def test_an_error_of_one_file_is_its_own(target):
    source = Failing()
    for name in ("1-unreadable", "2-breaks", "3-grows", "4.txt"):
        source.save(name, ContentFile(b"content"))
    copied = copy(source, target, ["0-missing", *source.listdir("")[1], "../up", "bad\nname"])
    assert outcomes(copied) == {
        **dict.fromkeys(["0-missing", "1-unreadable", "2-breaks", "3-grows"], "failed"),
        "4.txt": "copied",
        **dict.fromkeys(["../up", "bad\nname"], "failed"),
    }
    assert copied["1-unreadable"].reason == "ConnectionResetError: the service has hung up"
    assert "7 bytes were read of 8" in copied["3-grows"].reason
    assert contents(target) == {"4.txt": b"content"}
    assert target.files.chunks.count_documents({}) == 2  # and nothing of those that failed


def test_names_that_the_target_would_change(target):
    source = InMemoryStorage()
    copied = copy(source, target, ["a//b", "./a", "a\\b", "", "a/"])
    assert set(outcomes(copied).values()) == {"failed"}


def test_what_the_target_does_not_take(db):
    source, target = InMemoryStorage(), GridFSStorage(max_size=3)
    source.save("large.txt", ContentFile(b"1234"))
    source.save("small.txt", ContentFile(b"123"))
    copied = copy(source, target)
    assert outcomes(copied) == {"large.txt": "failed", "small.txt": "copied"}
    assert copied["large.txt"].reason.startswith("FileTooLarge: ")


@pytest.fixture
def damaged(monkeypatch, target):
    """Copies are damaged as soon as they are stored."""
    real = type(target.files).read

    def read(self, info, *args):
        if info.chunk_size == 4 and info.name == "a.txt":
            wanted = {"files_id": info.content_id, "n": 0}
            self.chunks.update_one(wanted, {"$set": {"data": b"XXXX"}})
        return real(self, info, *args)

    monkeypatch.setattr(type(target.files), "read", read)


def test_a_copy_that_differs_is_told_and_never_seen(source, target, damaged):
    for overwrite in (False, True):
        copied = copy(source, target, overwrite=overwrite)
        assert copied["a.txt"].outcome is Outcome.FAILED
        assert "the copy differs" in copied["a.txt"].reason
    assert not target.exists("a.txt")
    id = target.files.start("x").id
    target.files.upload(["a.txt"], [b"what was there"])
    old = target.get_info("a.txt").id
    assert copy(source, target, ["a.txt"], overwrite=True)["a.txt"].outcome is Outcome.FAILED
    assert target.get_info("a.txt").id == old
    assert target.files.replaced.count_documents({}) == 0
    assert target.files.chunks.distinct("files_id", {"files_id": {"$gt": id}}) == [old]


def test_content_that_others_have_stored_is_compared_as_well(target, tmp_path):
    sharing = GridFSStorage(chunk_size=4, deduplicate=True)
    sharing.save("b.txt", ContentFile(b"a text"))
    sharing.files.chunks.update_one({"n": 1}, {"$set": {"data": b"XX"}})
    (tmp_path / "a.txt").write_bytes(b"a text")
    copied = copy(FileSystemStorage(tmp_path), sharing, delete_source=True)
    assert "the copy differs and was deleted again" in copied["a.txt"].reason
    assert not sharing.exists("a.txt") and (tmp_path / "a.txt").exists()


# The source is deleted


class Second(GridFSStorage):
    """By another alias of the same database."""

    alias = "second"
    files = property(lambda self: GridFSStorage(bucket=self.bucket).files)


def test_the_target_itself_is_no_source(target):
    target.save("a.txt", ContentFile(b"the only one"))
    for source in (target, Second()):
        with pytest.raises(ValueError, match="the bucket 'fs' itself"):
            copy(source, target, ["a.txt"], delete_source=True)
    for other in (GridFSStorage(location="inner"), Second(bucket="other")):
        assert outcomes(copy(target, other, ["a.txt"])) == {"a.txt": "copied"}
    assert target.exists("a.txt")


def test_a_file_that_is_its_own_copy_stays(target, monkeypatch):
    monkeypatch.setattr(migrating, "is_same_place", lambda *args: False)
    target.save("a.txt", ContentFile(b"the only one"))
    copied = copy(GridFSStorage(), target, ["a.txt"], delete_source=True)
    assert copied["a.txt"].reason.startswith("its copy has the same _id")
    assert target.exists("a.txt")


@pytest.mark.parametrize("telling", [True, False])
def test_a_source_that_changes_meanwhile_stays(target, tmp_path, telling):
    class Changing(FileSystemStorage):
        def _open(self, name, mode="rb"):
            content = (tmp_path / name).read_bytes()
            (tmp_path / name).write_bytes(b"CONTENT")
            return ContentFile(content)

        def get_modified_time(self, name):
            if not telling:
                raise NotImplementedError
            return super().get_modified_time(name)

        get_created_time = Storage.get_created_time

    (tmp_path / "a.txt").write_bytes(b"content")
    os.utime(tmp_path / "a.txt", (1, 1))
    copied = copy(Changing(tmp_path), target, delete_source=True)
    assert copied["a.txt"].reason == "somebody has changed the source, which stays"
    assert contents(target) == {"a.txt": b"content"}
    assert (tmp_path / "a.txt").read_bytes() == b"CONTENT"
    target.delete("a.txt")
    if not telling:  # this time it only seems to be written to
        assert outcomes(copy(Changing(tmp_path), target, delete_source=True)) == {
            "a.txt": "copied"
        }
        assert not (tmp_path / "a.txt").exists()


def test_a_target_that_is_gone_ends_it(source, target, monkeypatch):
    def find(self, name):
        raise OperationalError("no server")

    monkeypatch.setattr(type(target.files), "find", find)
    with pytest.raises(OperationalError):
        copy(InMemoryStorage(), target, ["a"])
        copy(source, target)


def test_location_of_the_target(source, db):
    target = GridFSStorage(location="media", chunk_size=4)
    assert set(outcomes(copy(source, target)).values()) == {"copied"}
    assert contents(target) == CONTENTS
    assert GridFSStorage().exists("media/a.txt")


# Names


def test_folders_however_deep():
    class Deep(Storage):
        def listdir(self, path):
            return (["d"], []) if len(path) < 10_000 else ([], ["file"])

    [name] = names_below(Deep(), "", pytest.fail)
    assert len(name.split("/")) > 5_000


def test_links_that_lead_back(tmp_path):
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("")
    (tmp_path / "a" / "loop").symlink_to("..")
    (tmp_path / "b" / "to_c").symlink_to("../c")
    (tmp_path / "c" / "to_b").symlink_to("../b")
    failed = []
    names = names_below(FileSystemStorage(tmp_path), "", lambda *args: failed.append(args))
    files = ["a/file", "b/file", "b/to_c/file", "b/to_c/to_b/file"]
    assert list(names) == [*files, "c/file", "c/to_b/file", "c/to_b/to_c/file"]
    assert [path for path, _ in failed] == ["a/loop", "b/to_c/to_b/to_c", "c/to_b/to_c/to_b"]


def test_a_folder_that_cannot_be_listed(tmp_path):
    class Forbidding(FileSystemStorage):
        def listdir(self, path):
            if path == "b":
                raise PermissionError("not yours")
            return super().listdir(path)

    for name in ("a/1", "b/2", "c/3"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    failed = []
    source = Forbidding(tmp_path)
    assert list(names_below(source, "", lambda *args: failed.append(args))) == ["a/1", "c/3"]
    assert [path for path, _ in failed] == ["b"]
    with pytest.raises(NotImplementedError):
        list(names_below(Storage(), "", pytest.fail))


def test_names_of_a_folder(source):
    assert list(names_below(source, "sub", pytest.fail)) == ["sub/b.bin", "sub/deep/er/c"]
    assert list(names_below(source, "sub/deep/", pytest.fail)) == ["sub/deep/er/c"]


# Killed

KILLED = """
import os, sys
import django
django.setup()
from django.core.files.storage import FileSystemStorage
from mongo_contrib.storage import GridFSStorage, layout
from mongo_contrib.storage.maintenance import Migration
from mongo_contrib.storage.maintenance.sources import names_below

layout.WINDOW_BYTES = 8
target = GridFSStorage(chunk_size=4)
source = FileSystemStorage(sys.argv[1])
total = 0

def advance(count):
    global total
    total += count
    if total >= 50:
        print("copied", flush=True)
        sys.stdin.readline()

for copied in Migration(source, target, advance=advance).run(names_below(source, "", print)):
    print(copied.outcome, flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_is_killed_leaves_nothing_and_goes_on(
    target, tmp_path, connection, later
):
    for number in range(8):
        (tmp_path / f"{number}.bin").write_bytes(bytes([number]) * 20)
    host, port = connection.client.address
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "MONGODB_URI": f"mongodb://{host}:{port}/",
        "MONGO_TEST_NAME": connection.database.name,
    }
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        process.send_signal(signal.SIGKILL)
    assert lines == ["copied", "copied", "copied"]
    assert target.listdir("") == ([], ["0.bin", "1.bin"])  # the third was on its way
    assert not target.exists("2.bin")
    assert target.files.chunks.count_documents({}) == 14
    [note] = Verification(target.files)
    assert note.problem.is_note
    assert list(clean(target.files)) == []  # it may be alive
    [freed] = clean(target.files, now=later)
    assert (freed.what, freed.chunks) == ("chunks of no file", 4)
    assert target.files.chunks.count_documents({}) == 10
    source = Reading(FileSystemStorage(tmp_path))
    copied = copy(source, target, sorted(source.listdir("")[1]))
    assert list(outcomes(copied).values()) == ["same"] * 2 + ["copied"] * 6
    assert source.opened == [f"{number}.bin" for number in range(2, 8)]
    assert list(Verification(target.files)) == []
    assert contents(target) == {f"{n}.bin": bytes([n]) * 20 for n in range(8)}
    assert datetime.now(UTC) >= target.get_modified_time("0.bin")


def test_the_type_that_a_source_tells(target):
    class Typed(InMemoryStorage):
        """As files of S3 do, which have an `obj` of the service."""

        def _open(self, name, mode="rb"):
            file = super()._open(name, mode)
            told = name.removesuffix(".bin").replace("-", "/", 1)
            file.obj = type("Object", (), {"content_type": told})
            return file

    source = Typed()
    for name in ("application-x-own.bin", "none.bin"):
        source.save(name, ContentFile(b"\0\1"))
    copy(source, target, ["application-x-own.bin", "none.bin"])
    assert target.get_info("application-x-own.bin").content_type == "application/x-own"
    assert target.get_info("none.bin").content_type == "application/octet-stream"
