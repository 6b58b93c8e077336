"""What writes of files wait for, and where files are read."""

import pytest
from django.core.files.base import ContentFile
from pymongo import ReadPreference
from pymongo.read_preferences import Nearest
from pymongo.write_concern import WriteConcern

from mongo_contrib.storage import GridFSFiles, GridFSStorage, checks
from mongo_contrib.storage.concerns import Concerns

BACKEND = "mongo_contrib.storage.GridFSStorage"


def test_by_default_files_are_read_from_the_primary_and_written_as_the_alias_has_it(database):
    files = GridFSFiles(
        database.with_options(
            read_preference=ReadPreference.NEAREST, write_concern=WriteConcern(1, j=True)
        )
    )
    for collection in (files.files, files.chunks, files.replaced, files.contents):
        assert collection.read_preference == ReadPreference.PRIMARY
        assert collection.write_concern.document == {"w": 1, "j": True}


def test_writes_that_nobody_confirms_would_lose_names(database):
    unconfirmed = database.with_options(write_concern=WriteConcern(0))
    files = GridFSFiles(unconfirmed)
    files.upload(["a.txt"], [b"1"])
    with pytest.raises(FileExistsError):
        files.upload(["a.txt"], [b"2"])


@pytest.mark.parametrize("option", ["majority", 1, WriteConcern("majority", wtimeout=5000)])
def test_every_write_has_the_write_concern(db, capture_commands, option):
    storage = GridFSStorage(
        write_concern=option, deduplicate=True, allow_overwrite=True, keep_replaced=0
    )
    wanted = storage.concerns.write.document
    for content in (b"1", b"2", b"2"):
        storage.save("a.txt", ContentFile(content))
    storage.set_metadata("a.txt", album="Prag")
    storage.delete("a.txt")
    writes = [
        each.command
        for each in capture_commands
        if (
            each.name in ("insert", "update", "delete", "findAndModify", "commitTransaction")
            and "autocommit" not in each.command
        )
        or each.name == "commitTransaction"
    ]
    assert len(writes) > 10
    assert [each.get("writeConcern") for each in writes] == [wanted] * len(writes)


def test_what_visitors_read_is_read_where_the_option_says(db, capture_commands):
    storage = GridFSStorage(write_concern=3, read_preference="nearest")
    assert storage.exists("a.txt") is False
    assert storage.listdir("") == ([], [])
    assert storage.files.find("a.txt") is None
    assert storage.files.set_metadata("a.txt", {"album": "Prag"}) is False
    found = [
        each.command.get("$readPreference", {"mode": "primary"})["mode"]
        for each in capture_commands
    ]
    # The driver asks a server without others for "primaryPreferred", whatever is wanted.
    if set(found) != {"primaryPreferred"}:
        assert found == ["nearest"] * 5 + ["primary"] * 2


async def test_reading_on_an_event_loop(transactional_db):
    storage = GridFSStorage(write_concern=3, read_preference="secondaryPreferred")
    files = await storage.afiles()
    for collection in (files.files, files.chunks):
        assert collection.read_preference == ReadPreference.SECONDARY_PREFERRED
    files = await GridFSStorage().afiles()
    assert files.files.read_preference == ReadPreference.PRIMARY


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"write_concern": 0}, "write_concern is 0; it must be acknowledged"),
        ({"write_concern": True}, 'write_concern is True; it must be "majority", a number'),
        ({"write_concern": [1]}, "write_concern is"),
        ({"read_preference": "nowhere"}, r"read_preference is 'nowhere'; it must be one of"),
        (
            {"read_preference": "nearest"},
            r"read_preference is 'nearest', but writes wait for what the alias has: on a member",
        ),
        (
            {"read_preference": "secondary", "write_concern": "majority"},
            r"'secondary', but writes wait for 'majority': .* must be the number of members",
        ),
        ({"read_preference": Nearest(), "write_concern": 1}, "'nearest', but writes wait for 1"),
    ],
)
def test_options_that_cannot_be(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        GridFSStorage(**options)


def test_good_options():
    assert Concerns.from_options(None, None) == Concerns.from_options(None, "primary")
    assert Concerns.from_options(2, "nearest").read.mode
    assert GridFSStorage(write_concern=2, read_preference="nearest").deconstruct()[2] == {
        "write_concern": 2,
        "read_preference": "nearest",
    }


def test_the_check_asks_the_server(db, settings, monkeypatch):
    options = {"write_concern": 2, "read_preference": "nearest"}
    settings.STORAGES = {
        "default": {"BACKEND": BACKEND, "OPTIONS": {"write_concern": 1}},
        "photos": {"BACKEND": BACKEND, "OPTIONS": options},
    }
    # There is no server of more members here; what it would say of them is.
    for number, id in ((1, "mongo_storage.E004"), (3, "mongo_storage.E003")):
        monkeypatch.setattr(checks, "members", lambda hello, number=number: number)
        (message,) = checks.check_members(None, databases=["default"])
        assert message.id == id
        assert message.msg.startswith("STORAGES['photos'] has a write_concern that waits for 2")
        assert f"DATABASES['default'] has {number} that hold data" in message.msg
        assert checks.check_members(None, databases=[]) == []
    for number in (0, 2):  # behind a mongos nobody says it
        monkeypatch.setattr(checks, "members", lambda hello, number=number: number)
        assert checks.check_members(None, databases=["default"]) == []
