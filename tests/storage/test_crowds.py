"""Many processes at once, and processes that die: nothing is lost, mixed up or left over.

MONGO_STORAGE_SAVERS says how many files of one name are saved at once; 1000 in .ci/run.
"""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mongo_contrib.storage import GridFSFiles, GridFSStorage
from mongo_contrib.storage.maintenance import clean
from tests.storage import crowd

pytestmark = pytest.mark.django_db(transaction=True)

SAVERS = int(os.environ.get("MONGO_STORAGE_SAVERS", "24"))
PROCESSES = 2
OVERWRITES = 10


@contextmanager
def started(connection, what, *arguments):
    """A process of the crowd."""
    script = Path(crowd.__file__)
    root = str(script.parents[2])
    address = "mongodb://{}:{}/".format(*connection.client.address)
    database = connection.settings_dict["NAME"]
    process = subprocess.Popen(
        [sys.executable, script, what, address, database, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def contents(database):
    """The ids under which chunks lie, with their number."""
    groups = database["fs.chunks"].aggregate([{"$group": {"_id": "$files_id", "n": {"$sum": 1}}}])
    return {each["_id"]: each["n"] for each in groups}


def test_as_many_saves_of_one_name_are_as_many_files(connection, database):
    with (
        started(connection, "save", SAVERS // PROCESSES) as one,
        started(connection, "save", SAVERS - SAVERS // PROCESSES) as other,
    ):
        for process in (one, other):
            assert process.stdout.readline() == "ready\n"
        for process in (one, other):
            go(process)
        names = [json.loads(process.stdout.readline()) for process in (one, other)]
    saved = names[0] | names[1]
    assert len(saved) == len(names[0]) + len(names[1]) == SAVERS
    assert crowd.NAME in saved
    storage = GridFSStorage()
    folders, files = storage.listdir("crowd")
    assert (folders, sorted(files)) == ([], sorted(name.removeprefix("crowd/") for name in saved))
    hashes = {}
    for name in saved:
        with storage.open(name) as file:
            hashes[name] = hashlib.sha256(file.read()).hexdigest()
    assert hashes == saved
    ids = {each["_id"] for each in database["fs.files"].find({}, {"_id": 1})}
    assert contents(database) == dict.fromkeys(ids, 3)


@pytest.mark.parametrize(
    "transactions", [pytest.param(True, marks=pytest.mark.needs("transactions")), False]
)
def test_other_processes_read_one_whole_version_while_it_is_overwritten(
    connection, database, transactions
):
    files = GridFSFiles(database, chunk_size=crowd.CHUNK, transactions=transactions)
    files.upload([crowd.NAME], [crowd.content(0)])
    with started(connection, "read", "transactions" if transactions else "steps") as reader:
        assert reader.stdout.readline() == "ready\n"
        for number in range(1, OVERWRITES):
            files.upload([crowd.NAME], [crowd.content(number)], replace=True)
        reader.stdin.close()
        seen = json.loads(reader.stdout.readline())
        reader.stdin = None
    assert seen["torn"] == []
    assert seen["reads"] >= 1
    assert b"".join(files.read(files.find(crowd.NAME))) == crowd.content(OVERWRITES - 1)


def test_a_killed_upload_is_invisible_and_clean_leaves_nothing_of_it(connection, database):
    files = GridFSFiles(database, chunk_size=crowd.CHUNK)
    files.ensure_indexes()
    later = datetime.now(UTC) + timedelta(hours=2)
    deaths, leftovers, whole = 0, 0, {}
    with started(connection, "die") as process:
        while True:
            number, state = process.stdout.readline().split()
            if number == "session":  # of the one that is about to die
                continue
            leftovers += len(contents(database)) - len(whole)
            info = files.find(f"{number}.txt")
            assert files.exists(f"{number}.txt") == (info is not None)
            if info is not None:  # it died when all was done but a look
                whole[info.id] = 3
                assert b"".join(files.read(info)) == crowd.content(int(number))
            list(clean(files, age=timedelta(hours=1), now=later))
            assert contents(database) == whole
            assert database["fs.files"].count_documents({}) == len(whole)
            if state == "done":
                break
            deaths += 1
            go(process)
    assert info is not None
    assert deaths - len(whole) + 1 >= 3
    assert leftovers >= 3
