"""Sessions that several processes use at once, one of which is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mongo_contrib.db import get_connection
from mongo_contrib.sessions.backends.mongo import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
MANY = 100_000
SOME = 80


class Writer:
    """A process that writes into a session under its name."""

    def __init__(self, key, name, number):
        connection = get_connection()
        host, port = connection.client.address
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "MONGODB_URI": f"mongodb://{host}:{port}/",
            "MONGO_TEST_NAME": connection.database.name,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sessions.writing", key, name, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def start(self):
        assert self.answer() == "ready"
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().strip()

    def rest(self):
        """What it says until it ends."""
        return self.process.stdout.read().split()


@pytest.fixture
def writer():
    """``writer(key, name, number)`` is a Writer, which ends with the test."""
    made = []

    def make(*args):
        made.append(Writer(*args))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.communicate()


def test_what_two_processes_write_is_all_there_though_one_is_killed(writer):
    session = SessionStore()
    session.save()
    survivor = writer(session.session_key, "survivor", SOME)
    killed = writer(session.session_key, "killed", MANY)
    survivor.start()
    killed.start()
    acknowledged = {"killed": [killed.answer() for _ in range(30)]}
    killed.process.kill()
    acknowledged["killed"] += killed.rest()
    acknowledged["survivor"] = survivor.rest()
    assert len(acknowledged["survivor"]) == SOME
    data = dict(SessionStore(session.session_key).items())
    for name, numbers in acknowledged.items():
        for number in numbers:
            assert data[f"{name} one {number}"] == data[f"{name} other {number}"] == int(number)
    # A save that nobody was told of is there, or is not there.
    halves = {key.replace("other", "one") for key in data}
    assert len(data) == 2 * len(halves)
    assert len(halves) - sum(map(len, acknowledged.values())) in (0, 1)


def test_a_log_out_here_ends_what_another_process_writes(writer):
    session = SessionStore()
    session.save()
    key = session.session_key
    other = writer(key, "other", MANY)
    other.start()
    assert [other.answer() for _ in range(5)] == ["0", "1", "2", "3", "4"]
    session.flush()
    assert other.rest()[-1] == "ended"
    assert not SessionStore().exists(key)
