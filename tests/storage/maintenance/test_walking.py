"""Names in their order, in pages, and folders that are passed over."""

from datetime import UTC, datetime

import pytest
from gridfs import GridFSBucket

from mongo_contrib.storage import FileInfo, GridFSFiles, layout
from mongo_contrib.storage.maintenance import Folder, entries, newest, totals, walk, walking

NAMES = ["a", "a-b", "a/b", "a/c/d", "a/c/e", "a0", "b/1", "b/2", "b/3", "b/4", "b/5", "c", "ä/x"]


@pytest.fixture
def names(put, monkeypatch):
    monkeypatch.setattr(walking, "PAGE", 3)
    for name in reversed(NAMES):
        put(name, b"12345")


def test_all_names_in_their_order(names, files):
    assert [document["filename"] for document in walk(files)] == sorted(NAMES)
    assert [info.name for info in newest(walk(files))] == sorted(NAMES)
    assert [info.name for info in newest(walk(files, "a"))] == ["a", "a/b", "a/c/d", "a/c/e"]
    assert [info.name for info in newest(walk(files, "b/3"))] == ["b/3"]
    assert list(walk(files, "nothing")) == []


def test_the_entries_of_a_folder(names, files):
    def listed(folder=""):
        return [f"{each.name}/" if isinstance(each, Folder) else each.name for each in found]

    for folder, expected in {
        "": ["a", "a-b", "a/", "a0", "b/", "c", "ä/"],
        "a": ["a/b", "a/c/"],
        "b": ["b/1", "b/2", "b/3", "b/4", "b/5"],
        "nothing": [],
    }.items():
        found = list(entries(files, folder))
        assert listed() == expected


def test_what_lies_deeper_is_passed_over(put, files, monkeypatch, capture_commands):
    monkeypatch.setattr(walking, "PAGE", 5)
    for number in range(60):
        put(f"deep/{number:03}")
    put("last")
    with type(capture_commands)() as commands:
        assert [entry.name for entry in entries(files)] == ["deep", "last"]
    # A page of what is deep, all revisions of its last name, and one from behind it on.
    assert len(commands.commands) == 3


def test_revisions_and_what_is_being_replaced(database, monkeypatch):
    monkeypatch.setattr(walking, "PAGE", 3)
    bucket = GridFSBucket(database, bucket_name="revised")
    for number in range(8):
        bucket.upload_from_stream("b", b"%d" % number)
    bucket.upload_from_stream("a", b"")
    bucket.upload_from_stream("c", b"")
    files = GridFSFiles(database, bucket="revised")
    files.files.insert_many(
        {"filename": name, "length": 1, "chunkSize": 4, "uploadDate": datetime.now(UTC)}
        for name in (layout.staged("a", 1), layout.staged("d", 2), layout.removed(3))
    )
    assert len(list(walk(files))) == 13
    found = list(newest(walk(files)))
    assert [info.name for info in found] == ["a", "b", "c", "d"]
    assert found[1].id == files.find("b").id
    assert found[0].length == 0
    assert [entry.name for entry in entries(files)] == ["a", "b", "c", "d"]


def test_documents_that_are_none(put, files):
    put("a")
    files.files.insert_many([{"filename": "b"}, {}, {"filename": "c", "length": "x"}])
    assert [info.name for info in newest(walk(files))] == ["a"]
    assert len(list(walk(files))) == 4
    assert totals(files) == (4, 10)


def test_totals(names, files):
    assert totals(files) == (13, 65)
    assert totals(files, "a") == (4, 20)
    assert totals(files, "nothing") == (0, 0)


def test_every_page_is_by_the_index(names, files, capture_commands):
    with type(capture_commands)() as commands:
        infos = list(newest(walk(files, "b")))
        assert [type(info) for info in infos] == [FileInfo] * 5
    for event in commands.commands:
        find = event.command
        plan = repr(files.files.find(find["filter"]).sort("filename", 1).explain())
        assert "IXSCAN" in plan and "COLLSCAN" not in plan
