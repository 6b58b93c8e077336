"""The command as it is typed: arguments, results, exit codes."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from mongo_contrib.storage import GridFSFiles
from tests.testapp.models import Folder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def storage(settings, tmp_path, db):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"chunk_size": 4, "base_url": "/media/"},
        },
        "located": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"location": "inner/most"},
        },
        "disk": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "disk"},
        },
    }
    return storages["default"]


@pytest.fixture
def put(storage):
    def put(*names, content=b"content"):
        for name in names:
            storage.save(name, ContentFile(content))

    return put


@pytest.fixture
def files(database):
    """The bucket, for names that no storage takes."""
    return GridFSFiles(database, chunk_size=4)


class Ran:
    """What a command wrote, and how it ended."""

    def __init__(self, *args):
        binary = io.BytesIO()
        out, err = io.TextIOWrapper(binary, "utf-8", write_through=True), io.StringIO()
        self.code, self.error = 0, ""
        try:
            call_command("gridfs", *args, stdout=out, stderr=err)
        except CommandError as exc:
            self.code, self.error = exc.returncode, str(exc)
        out.flush()
        self.bytes = binary.getvalue()
        self.err = err.getvalue()

    @property
    def lines(self):
        return self.bytes.decode().splitlines()

    @property
    def records(self):
        return [json.loads(line) for line in self.lines]


def gridfs(*args, code=0):
    ran = Ran(*map(str, args))
    assert ran.code == code, (ran.error, ran.err)
    assert "\x1b" not in ran.err  # there is no terminal
    return ran


# list and stat


def test_list(put, storage):
    put("a.txt", "photos/1.jpg", "photos/2024/2.jpg", "z")
    assert gridfs("list").lines == ["a.txt", "photos/", "z"]
    assert gridfs("list", "photos/").lines == ["photos/1.jpg", "photos/2024/"]
    assert gridfs("list", "-R").lines == ["a.txt", "photos/1.jpg", "photos/2024/2.jpg", "z"]
    assert gridfs("list", "a.txt").lines == ["a.txt"]
    line, folder = gridfs("list", "photos", "-l").lines
    assert folder.split() == ["photos/2024/"]
    size, day, time, kind, hash, name = line.split()
    info = storage.get_info("photos/1.jpg")
    assert (size, kind, hash, name) == ("7", "text/plain", info.sha256[:8], "photos/1.jpg")
    assert f"{day} {time}" == f"{info.uploaded:%Y-%m-%d %H:%M:%S}"
    assert folder.index("photos") == line.index("photos")
    records = gridfs("list", "photos", "--json").records
    assert records[1] == {"type": "folder", "name": "photos/2024"}
    assert records[0]["name"] == "photos/1.jpg"
    assert (records[0]["sha256"], records[0]["id"]) == (info.sha256, str(info.id))
    assert gridfs("list", "nothing", code=1).error == "There is no file and no folder 'nothing'."


def test_names_of_others_do_nothing_to_a_terminal(files):
    hostile = "a\x1b[2J\n\u202eb\x7f\ud7ff"
    files.upload([hostile], [b"1"])
    shown = "a\\x1b[2J\\x0a\\u202eb\\x7f\ud7ff"
    assert gridfs("list").lines == [shown]
    assert gridfs("stat", hostile).lines[0].split() == ["name", shown]
    assert gridfs("list", "--json").records[0]["name"] == hostile
    assert "\x1b" not in gridfs("list", "--json").bytes.decode()
    files.chunks.drop()
    found = gridfs("verify", code=1)
    assert found.lines[0] == f"missing     {shown}: 1 chunk of 1 missing: 0"
    assert gridfs("rm", hostile + "x", code=1).error.count("\x1b") == 0
    assert gridfs("rm", "--noinput", hostile).lines == []
    assert not files.exists(hostile)


def test_stat(put, storage):
    put("a.txt")
    storage.set_metadata("a.txt", album="Prag", uploader=7)
    lines = dict(line.split(None, 1) for line in gridfs("stat", "a.txt").lines if line)
    assert (lines["name"], lines["size"], lines["uploader"]) == ("a.txt", "7 (7 B)", "7")
    assert lines["fields"] == '{"album": "Prag"}'
    assert lines["url"] == "/media/a.txt"
    ran = gridfs("stat", "a.txt", "nothing", "--json", code=1)
    [record] = ran.records
    assert (record["chunks"], record["chunks_expected"], record["fields"]) == (
        2,
        2,
        {"album": "Prag"},
    )
    assert ran.err == "nothing: There is no such file.\n"


def test_which_bucket(put, storage):
    storages["located"].save("a.txt", ContentFile(b"1"))
    assert gridfs("list", "--storage", "located").lines == ["a.txt"]
    assert gridfs("--storage", "located", "list").lines == ["a.txt"]
    assert gridfs("list", "-R").lines == ["inner/most/a.txt"]
    assert gridfs("list", "--bucket", "other").lines == []
    assert gridfs("stat", "a.txt", "--storage", "located", "--json").records[0]["name"] == "a.txt"
    for args, text in {
        ("--storage", "nothing"): "STORAGES['nothing']: ",
        ("--storage", "disk"): "STORAGES['disk'] is a FileSystemStorage",
        ("--storage", "default", "--bucket", "b"): "give one of the two",
        ("--bucket", "a$b"): "A bucket is the start of",
    }.items():
        assert text in gridfs("list", *args, code=2).error


# put and get


def test_there_and_back(tmp_path, storage):
    local, out = tmp_path / "in", tmp_path / "out"
    (local / "sub").mkdir(parents=True)
    (local / "a.txt").write_bytes(b"a text")
    (local / "sub" / "b.bin").write_bytes(bytes(range(100)))
    (local / "link").symlink_to("/etc/passwd")
    ran = gridfs("put", "-r", local)
    assert "in/a.txt: 6 B of 6 B in " in ran.err
    assert gridfs("list", "-R").lines == ["in/a.txt", "in/sub/b.bin"]
    assert storage.get_info("in/sub/b.bin").original_name == "b.bin"
    gridfs("get", "-r", "in", out, "-v", "0")
    assert (out / "in" / "sub" / "b.bin").read_bytes() == bytes(range(100))
    assert sorted(path.name for path in (out / "in").iterdir()) == ["a.txt", "sub"]
    assert (out / "in" / "a.txt").stat().st_mode & 0o777 == 0o666 & ~umask()
    # Another time it is there already.
    assert gridfs("put", "-r", local, code=1).err.count("There is a file 'in/") == 2
    assert gridfs("get", "-r", "in", out, code=1).err.count("already") == 2
    (local / "a.txt").write_bytes(b"another text")
    gridfs("put", local / "a.txt", "in/a.txt", "--overwrite", "--content-type", "text/x-own")
    assert storage.get_info("in/a.txt").content_type == "text/x-own"
    gridfs("get", "in/a.txt", out / "in", "--force")
    assert (out / "in" / "a.txt").read_bytes() == b"another text"
    assert gridfs("get", "in/a.txt", "-").bytes == b"another text"
    gridfs("get", "-r", "/", out / "all")
    assert (out / "all" / "in" / "a.txt").exists()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_put_cannot_store(tmp_path, put, storage):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    a, b = tmp_path / "a", tmp_path / "b"
    for args in (["-"], [a, b, "c"], ["-", a, "c/"], [a, b, "c/", "--original-name", "x"]):
        assert gridfs("put", *args, code=2).error
    ran = gridfs("put", a, tmp_path / "missing", tmp_path, b, "dir/", code=1)
    assert "No such file" in ran.err and "a folder; with -r" in ran.err
    assert ran.error == "2 file(s) could not be stored."
    assert gridfs("list", "-R").lines == ["dir/a", "dir/b"]
    assert "path traversal" in gridfs("put", a, "../a", code=1).err
    with pytest.raises(CommandError, match="a type in lower case like"):
        call_command("gridfs", "put", str(a), "--content-type", "Text")


def test_a_get_that_fails_leaves_nothing_and_touches_nothing(tmp_path, put, files):
    put("a.txt")
    target = tmp_path / "a.txt"
    files.chunks.update_one({"n": 1}, {"$set": {"data": b"abc"}})
    assert "is damaged" in gridfs("get", "a.txt", target, code=1).err
    assert list(tmp_path.iterdir()) == []
    target.write_text("mine")
    assert gridfs("get", "a.txt", target, "--force", code=1)
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert "There is no such file" in gridfs("get", "b.txt", target, code=1).err
    assert gridfs("get", "a.txt", "-", code=1).bytes == b"contabc"


def test_names_of_others_lead_nowhere(tmp_path, files, put):
    out = tmp_path / "out"
    put("fine.txt")
    hostile = ["../up.txt", "/abs.txt", "a/../../up.txt", "a\\..\\up.txt", "link/x", "a//b", "."]
    for name in hostile:
        files.upload([name], [b"hostile"])
    out.mkdir()
    (out / "link").symlink_to(tmp_path)
    ran = gridfs("get", "-r", "/", out, code=1)
    assert ran.error == f"{len(hostile)} file(s) could not be got."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["fine.txt", "link"]
    # A link at the target's place is replaced and not written through.
    (tmp_path / "victim").write_text("mine")
    (out / "to").symlink_to(tmp_path / "victim")
    assert gridfs("get", "fine.txt", out / "to", code=1)
    gridfs("get", "fine.txt", out / "to", "--force")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (out / "to").read_text() == "content"


# rm


def test_rm_shows_and_asks(put, monkeypatch, storage):
    put("a", "b", "dir/1", "dir/2", *(f"many/{n:02}" for n in range(12)))
    asked = []

    def answer(text):
        def ask(prompt):
            asked.append(prompt)
            return text

        return ask

    monkeypatch.setattr("builtins.input", answer("y"))
    assert "Nothing was deleted" in gridfs("rm", "a", code=1).error
    assert gridfs("rm", "-r", "many", code=1).err.endswith("  many/09\n  ... and 2 more\n")
    assert asked == [
        "Delete 1 file(s), 7 B? Type 'yes' to continue: ",
        "Delete 12 file(s), 84 B? Type 'yes' to continue: ",
    ]
    monkeypatch.setattr("builtins.input", answer("yes"))
    gridfs("rm", "a", "b")
    assert gridfs("list").lines == ["dir/", "many/"]
    assert "folders need -r" in gridfs("rm", "dir", code=1).error
    assert "'x'" in gridfs("rm", "-r", "dir", "x", code=1).error
    assert storage.exists("dir/1")
    gridfs("rm", "-r", "dir", "--noinput")
    gridfs("rm", "-r", "/", "--noinput")
    assert gridfs("list").lines == []


# verify and clean


def test_verify(put, files):
    put("a.txt", "dir/b.txt")
    ran = gridfs("verify")
    assert ran.lines == []
    assert "Looked at 2 file(s), 14 B: no finding(s).\n" in ran.err
    files.chunks.delete_many({"files_id": files.find("dir/b.txt").id})
    ran = gridfs("verify", "--quick", "-v", "0", code=1)
    assert ran.lines == ["missing     dir/b.txt: 2 chunks of 2 missing: 0-1"]
    assert (ran.err, ran.error) == ("", "1 finding(s); 1 damaged file(s).")
    assert gridfs("verify", "a.txt").code == 0
    finding, summary = gridfs("verify", "dir", "--json", code=1).records
    assert (finding["finding"], finding["name"]) == ("missing", "dir/b.txt")
    assert summary["summary"]["files"] == summary["summary"]["findings"] == 1
    assert gridfs("verify", "nothing", code=1).error.startswith("There is no file")
    assert "not with --quick" in gridfs("verify", "--quick", "--add-hashes", code=1).error


def test_clean(put, files):
    put("a.txt")
    files.chunks.insert_one({"files_id": 1, "n": 0, "data": b"1234"})
    assert gridfs("clean").lines == ["Freed 0 chunk(s), 0 B."]
    ran = gridfs("clean", "--older-than", "0", "--dry-run", "-v", "2")
    assert ran.lines[0] == "chunks of no file 1: 1 chunk(s), 4 B"
    assert ran.lines[-1] == "Would free 1 chunk(s), 4 B."
    assert gridfs("clean", "--older-than", "0").lines == [
        "chunks of no file: 1",
        "Freed 1 chunk(s), 4 B.",
    ]
    for hours in ("-1", "nan", "soon"):
        with pytest.raises(CommandError, match="a number of hours from 0 on"):
            call_command("gridfs", "clean", f"--older-than={hours}")


# migrate-from


def test_migrate_from(put, storage):
    disk = storages["disk"]
    for name in ("a.txt", "dir/b.txt", "dir/c.txt"):
        disk.save(name, ContentFile(b"of a disk"))
    put("dir/c.txt")
    ran = gridfs("migrate-from", "disk", "--prefix", "dir", "-v", "2", code=1)
    assert ran.lines == ["copied   dir/b.txt", "1 copied, 1 differs; 9 B."]
    assert "differs  dir/c.txt: there is a file of this name with another content" in ran.err
    assert "Run the same command again" in ran.error
    gridfs("migrate-from", "disk", "--overwrite")
    assert storage.open("dir/c.txt").read() == b"of a disk"
    assert gridfs("migrate-from", "disk").lines == ["3 same; 0 B."]
    path = "django.core.files.storage.FileSystemStorage"
    options = json.dumps({"location": disk.location})
    assert gridfs("migrate-from", path, "--options", options).lines == ["3 same; 0 B."]
    for args, text in {
        ("nothing",): "There is no storage 'nothing'",
        ("a.b",): "There is no storage 'a.b'",
        ("default",): "is the bucket 'fs' itself",
        ("django.core.files.base.File", "--options", '{"file": null}'): "is no storage",
        ("disk", "--options", "{}"): None,
        ("disk", "--options", '{"a": 1}'): "--options are for a dotted path",
        ("disk", "--delete-source", "--no-verify"): "needs the comparison",
    }.items():
        if text:
            assert text in gridfs("migrate-from", *args, code=2).error


def test_migrate_from_a_storage_that_cannot_list(storage):
    path = "django.core.files.storage.Storage"
    assert "--from-models" in gridfs("migrate-from", path, code=1).error


def test_migrate_what_models_know(storage):
    disk = storages["disk"]
    for name in ("files/a.txt", "files/unused.txt"):
        disk.save(name, ContentFile(b"of a disk"))
    Folder.objects.create(file="files/a.txt")
    Folder.objects.create(file="files/missing.txt")
    Folder.objects.create()
    ran = gridfs("migrate-from", "disk", "--from-models", code=1)
    assert ran.lines == ["1 copied, 1 failed; 9 B."]
    assert "failed   files/missing.txt: FileNotFoundError" in ran.err
    assert gridfs("list", "-R").lines == ["files/a.txt"]


# In a process of its own


@pytest.fixture
def manage(connection, tmp_path):
    """The environment and the start of a command line."""
    host, port = connection.client.address
    (tmp_path / "gridfs_settings.py").write_text(
        "from tests.settings import *\n"
        "INSTALLED_APPS = ['mongo_contrib', 'mongo_contrib.storage']\n"
        "STORAGES = {'default': {'BACKEND': 'mongo_contrib.storage.GridFSStorage'},\n"
        "    'disk': {'BACKEND': 'django.core.files.storage.FileSystemStorage',\n"
        f"        'OPTIONS': {{'location': {str(tmp_path / 'disk')!r}}}}}}}\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "DJANGO_SETTINGS_MODULE": "gridfs_settings",
        "MONGODB_URI": f"mongodb://{host}:{port}/",
        "MONGO_TEST_NAME": connection.database.name,
        "COLUMNS": "80",
    }
    return {"args": [sys.executable, "-W", "error", "-m", "django", "gridfs"], "env": environment}


@pytest.mark.django_db(transaction=True)
def test_pipes(manage, settings, monkeypatch):
    settings.STORAGES = {"default": {"BACKEND": "mongo_contrib.storage.GridFSStorage"}}
    content = os.urandom(600_000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    ran = gridfs("put", "-", "dir/piped.bin")
    assert ran.bytes == b""
    assert ran.err.startswith("dir/piped.bin: 585.9 KiB in ") and "\r" not in ran.err
    assert gridfs("get", "dir/piped.bin", "-").bytes == content
    # Who reads only a part is no reason for a traceback.
    with subprocess.Popen(
        [*manage["args"], "get", "dir/piped.bin", "-"], env=manage["env"], stdout=-1, stderr=-1
    ) as reader:
        assert reader.stdout.read(10) == content[:10]
        reader.stdout.close()
        assert reader.stderr.read() == b""
    assert reader.returncode == 1


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_is_interrupted_says_how_to_go_on(manage, tmp_path):
    """At a terminal, which has a bar."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.txt").write_text("first")
    os.mkfifo(tmp_path / "disk" / "b.pipe")  # which nobody writes to
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*manage["args"], "migrate-from", "disk", "-v", "2"],
        env={**manage["env"], "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        assert process.stdout.readline() == "copied   a.txt\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    os.close(theirs)
    err = os.read(ours, 100_000).decode()
    os.close(ours)
    assert process.returncode == 130
    assert out == "1 copied; 5 B.\n"
    assert err.startswith("\r\x1b[KCopying from disk 0 B")
    bar, _, end = err.partition("\r\x1b[KCopying from disk: 5 B broken off after ")
    assert bar and "CommandError: Interrupted. Run the same command again to go on" in end
    assert "Traceback" not in err


def test_every_action_has_its_help(capsys):
    for action in ("list", "put", "get", "rm", "stat", "verify", "clean", "migrate-from"):
        with pytest.raises(SystemExit) as ended:
            call_command("gridfs", action, "--help")
        assert ended.value.code == 0
        assert f"\n  manage.py gridfs {action} " in capsys.readouterr().out
    with pytest.raises(CommandError, match="invalid choice: 'lsit'"):
        call_command("gridfs", "lsit")
