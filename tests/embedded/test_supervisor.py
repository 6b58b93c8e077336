"""Whatever is killed, and whenever: the next start works, and no acknowledged write is lost."""

import os
import signal
import sys

import pytest
from pymongo import MongoClient

from mongo_contrib.embedded import acquire, describe
from mongo_contrib.embedded.servers import Program, ServerKind
from mongo_contrib.embedded.state import DataDirectory, Status
from mongo_contrib.embedded.supervisor import Supervisor
from tests.embedded.processes import (
    eventually,
    is_quiet,
    kill,
    server_pid,
    supervisor_pid,
)

# Inserts for ever; says each _id once it is acknowledged, and acquires anew after an error.
WRITER = """
import itertools, os, sys
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from mongo_contrib.embedded import acquire
# w=1 waits for no other member: it is the server's own promise that counts here.
connect = lambda: MongoClient(acquire(sys.argv[1]), w=1, serverSelectionTimeoutMS=1000)
client = connect()
for number in itertools.count():
    key = os.getpid() * 1_000_000 + number
    try:
        client.atlas.writes.insert_one({"_id": key})
    except PyMongoError:
        client.close()
        client = connect()
    else:
        print(key, flush=True)
"""


def test_no_acknowledged_write_is_lost(kind, home, user):
    acquire(home)
    writers = [user(WRITER) for _ in range(4)]
    said = []
    # The server, its supervisor (which takes the server along), and the server again.
    for victim in (server_pid, supervisor_pid, server_pid):
        # Each has written since the last kill: the server is up, and busy.
        said += [writer.said() for writer in writers for _ in range(20)]
        kill(victim(home))
    said += [writer.said() for writer in writers]
    for writer in writers:
        said += [int(line) for line in writer.kill().splitlines() if line]
    with MongoClient(acquire(home)) as client:
        stored = {document["_id"] for document in client.atlas.writes.find()}
    assert len(said) > 4 * 60
    assert not set(said) - stored


def test_clients_find_a_killed_server_again_by_themselves(kind, home):
    with MongoClient(acquire(home)) as client:
        client.atlas.cities.insert_one({"_id": "Aarau"})
        supervisor, old = supervisor_pid(home), server_pid(home)
        kill(old)
        # Retried by the driver until the server is back.
        assert client.atlas.cities.find_one() == {"_id": "Aarau"}
    assert supervisor_pid(home) == supervisor
    assert server_pid(home) != old


def test_a_server_does_not_survive_its_supervisor(kind, home):
    uri = acquire(home)
    supervisor, old = supervisor_pid(home), server_pid(home)
    kill(supervisor)
    if sys.platform == "linux":
        eventually(lambda: is_quiet(home))
    assert acquire(home) == uri
    assert server_pid(home) != old
    assert describe(home).pid == server_pid(home)


def test_the_starter_is_killed_while_it_starts(any_kind, home, user):
    starter = user().go()
    eventually(lambda: DataDirectory(home).read_state().status is Status.STARTING)
    starter.kill()
    assert acquire(home)
    # Nobody started a second one: the supervisor went on without its starter.
    assert not (home / "server.log.1").exists()


def test_the_supervisor_is_killed_while_it_starts(any_kind, home, user):
    starter = user().go()
    eventually(lambda: (home / "server.lock").exists() and (home / "server.lock").read_text())
    kill(supervisor_pid(home))
    # The starter noticed, and started another one.
    assert starter.said()["server"] == server_pid(home)
    assert acquire(home)


def test_the_server_is_killed_while_it_starts(any_kind, home, user):
    starter = user().go()
    eventually(lambda: (home / "server.lock").exists() and (home / "server.lock").read_text())
    killed = server_pid(home)
    kill(killed)
    # The supervisor does not blame it, and starts another one on the same port.
    assert starter.said()["server"] == server_pid(home) != killed


def test_a_supervisor_that_is_told_to_stop_does(any_kind, home):
    acquire(home)
    os.kill(supervisor_pid(home), signal.SIGTERM)
    eventually(lambda: is_quiet(home))
    assert DataDirectory(home).read_state().status is Status.STOPPED
    assert acquire(home)


def test_a_server_that_dies_again_and_again_is_given_up(any_kind, home):
    acquire(home)
    for _ in range(3):
        eventually(lambda: describe(home))
        kill(server_pid(home))
        eventually(lambda: not describe(home))
    eventually(lambda: is_quiet(home))
    state = DataDirectory(home).read_state()
    assert state.status is Status.FAILED
    assert "ended 3 times in a row" in state.error
    # An attempt of its own for whoever comes next.
    assert acquire(home)


@pytest.mark.parametrize("name", ["users", "start"])
def test_it_stays_for_a_user_and_for_one_who_is_joining(name, home):
    home.mkdir()
    directory = DataDirectory(home)
    lock = directory.lock("supervisor")
    supervisor = Supervisor(directory, Program(ServerKind.MONGOD, "mongod"), lock)
    with directory.opened(name) as somebody:
        somebody.share() if name == "users" else somebody.wait()
        assert not supervisor.may_leave()
        assert directory.read_state().status is Status.STARTING
    assert supervisor.may_leave()
    assert directory.read_state().status is Status.STOPPING
    # Asking leaves nothing locked.
    with directory.opened("users") as users, directory.opened("start") as start:
        assert users.take()
        assert start.take()
    lock.close()
