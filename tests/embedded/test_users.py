"""One server for all who name its directory, for as long as one of them lives."""

import os
import shutil
import signal
import socket
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from pymongo import MongoClient

from mongo_contrib.embedded import acquire, describe, release
from mongo_contrib.embedded.state import DataDirectory, State, Status
from tests.embedded.processes import eventually, has_users, is_quiet, server_pid, supervisor_pid

# Forks, and leaves its child behind.
FORKING_USER = """
import json, os, sys
from mongo_contrib.embedded import acquire
acquire(sys.argv[1])
if child := os.fork():
    print(json.dumps(child), flush=True)
else:
    sys.stdin.read()
"""

RELEASING_CHILD = """
import json, os, sys
from mongo_contrib.embedded import acquire, release
acquire(sys.argv[1])
if child := os.fork():
    os.waitpid(child, 0)
    print(json.dumps("done"), flush=True)
    sys.stdin.read()
else:
    release()
"""


def test_processes_share_one_server_that_leaves_with_the_last(kind, home, user):
    first, second = user().go(), user().go()
    said = [first.said(), second.said()]
    uri = acquire(home)
    with MongoClient(uri) as client:
        client.atlas.cities.insert_one({"_id": "Aarau"})
    assert {each["uri"] for each in said} == {uri}
    assert {each["server"] for each in said} == {describe(home).pid}
    # Their licence forbids it: no user imports the server.
    assert not {"secantus", "secantusdb", "wiredtiger"} & {*said[0]["modules"]}
    first.kill()
    second.kill()
    assert has_users(home)
    release(home)
    assert not has_users(home)
    eventually(lambda: is_quiet(home))
    assert describe(home) is None
    assert DataDirectory(home).read_state().status is Status.STOPPED
    # The next one starts with the data, and on the same port.
    assert acquire(home) == uri
    with MongoClient(uri) as client:
        assert client.atlas.cities.find_one() == {"_id": "Aarau"}


def test_racing_starters_get_one_server(any_kind, home, user):
    users = [user() for _ in range(5)]
    for each in users:
        each.go()
    assert len({(said["uri"], said["server"]) for said in (each.said() for each in users)}) == 1
    # A second start would have put the log of the first aside.
    assert not (home / "server.log.1").exists()


def test_transactions_work_through_the_uri(kind, home):
    with MongoClient(acquire(home)) as client:
        client.atlas.cities.insert_one({"_id": "Aarau"})
        with client.start_session() as session:
            session.start_transaction()
            client.atlas.cities.insert_one({"_id": "Bern"}, session=session)
            assert client.atlas.cities.count_documents({}) == 1
            session.commit_transaction()
        assert client.atlas.cities.count_documents({}) == 2


def test_a_forked_child_is_a_user(any_kind, home, user):
    parent = user(FORKING_USER)
    child = parent.said()
    parent.process.wait()
    assert has_users(home)
    os.kill(child, signal.SIGKILL)
    eventually(lambda: not has_users(home))


def test_release_in_a_forked_child_leaves_the_parent_a_user(any_kind, home, user):
    assert user(RELEASING_CHILD).said() == "done"
    assert has_users(home)


def test_ctrl_c_in_the_terminal_of_the_starter_stops_nobody_else(any_kind, home, user):
    starter = user().go()
    said = starter.said()
    acquire(home)
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.process.wait(30)
    assert os.getsid(said["server"]) not in (os.getsid(0), starter.process.pid)
    assert describe(home).pid == said["server"]


def test_describe_names_what_is_running(any_kind, home):
    assert describe(home) is None
    assert not home.exists()
    home.mkdir()
    assert describe(home) is None
    assert not list(home.iterdir())
    uri = acquire(home)
    server = describe(home)
    assert (server.kind, server.uri, server.directory) == (any_kind, uri, home)
    assert server.pid == server_pid(home)
    assert server.version[0].isdigit()
    for part in (any_kind.label, server.version, uri, str(server.pid), str(home / any_kind)):
        assert part in str(server)


def test_only_this_machine_and_this_user_get_in(kind, home):
    port = int(acquire(home).split(":")[2].split("/")[0])
    socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", port), timeout=2)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home, home / kind)} == {0o700}
    assert not [path for path in home.iterdir() if path.stat().st_mode & 0o077]


def test_another_port_is_taken_if_somebody_has_ours(any_kind, home):
    uri = acquire(home)
    os.kill(supervisor_pid(home), signal.SIGTERM)
    eventually(lambda: is_quiet(home))
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", DataDirectory(home).read_state().port))
        squatter.listen()
        assert acquire(home) != uri


def test_what_the_dead_left_harms_nobody(any_kind, home):
    home.mkdir()
    state = State(Status.READY, "rust", "1.2", pid=os.getpid(), port=20_001)
    DataDirectory(home).write_state(state)
    # Believed only while it is locked; else this test would be killed for a server.
    (home / "server.lock").write_text(str(os.getpid()))
    assert acquire(home)
    assert describe(home).pid == server_pid(home) != os.getpid()


def test_a_directory_deleted_under_its_users_gets_a_new_server(any_kind, home):
    with MongoClient(acquire(home)) as client:
        client.atlas.cities.insert_one({"_id": "Aarau"})
    old = describe(home).pid
    shutil.rmtree(home)
    with MongoClient(acquire(home)) as client:
        assert client.atlas.cities.count_documents({}) == 0
    assert describe(home).pid != old
    # It has no user left: the open file by which we were one is closed.
    eventually(lambda: not is_running(old))
    # And it said so nowhere: the directory is no longer its own.
    assert describe(home).pid == server_pid(home)


def test_configuration_of_the_user_changes_nothing(any_kind, home, user, tmp_path):
    config = tmp_path / ".secantus" / "secantusd.toml"
    config.parent.mkdir()
    config.write_text("this is no TOML")
    cargo = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    assert user(HOME=str(tmp_path), CARGO_HOME=cargo, SECANTUS_CHECKPOINT_SECONDS="x").go().said()


def test_another_kind_waits_for_the_unused_and_refuses_the_used(home, user, monkeypatch):
    from tests.embedded.conftest import INSTALLED

    if len(INSTALLED) < 2:
        pytest.skip("needs two kinds of server on this machine")
    one, other = INSTALLED[:2]
    elsewhere = user(MONGO_EMBEDDED_SERVER=one.value).go()
    elsewhere.said()
    with pytest.raises(ImproperlyConfigured, match=f"'{other.value}', .*served by '{one.value}'"):
        acquire(home, kind=other)
    assert describe(home).kind == one
    elsewhere.kill()
    acquire(home, kind=other)
    assert describe(home).kind == other


def test_unknown_kind(home):
    with pytest.raises(ImproperlyConfigured, match="is 'sqlite'; it should be one of: mongod, ru"):
        acquire(home, kind="sqlite")


def test_a_server_that_cannot_start_says_why(home, tmp_path, monkeypatch):
    monkeypatch.setenv("MONGOD", str(broken_mongod(tmp_path)))
    with pytest.raises(OperationalError, match=r"ended at once, with 3;(.|\n)*no way: --port=\d"):
        acquire(home, kind="mongod")
    assert is_quiet(home)
    assert not has_users(home)


def test_a_file_where_the_data_belongs(any_kind, home):
    home.mkdir()
    (home / any_kind).touch()
    with pytest.raises(OperationalError, match=f"cannot be started: .*File exists.*/{any_kind}'"):
        acquire(home)
    assert not has_users(home)


def broken_mongod(directory: Path) -> Path:
    program = directory / "mongod"
    program.write_text('#!/bin/sh\necho "no way: $2"\nexit 3\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "without a directory"),
        ("file", "is a file, or lies below one"),
        ("file/below", "is a file, or lies below one"),
        ("x" * 300, "name too long"),
        ("nul\0byte", "null (byte|character)"),
        ("~no-such-user/x", "home directory"),
    ],
)
def test_a_bad_directory(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(ImproperlyConfigured, match=f"(?i){message}"):
        acquire(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_not_ours(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ImproperlyConfigured, match="Permission denied"):
        acquire(tmp_path / "mongodb")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
