"""One life of a server's process, from a program that is none to one that will not end."""

import signal
import socket

import pytest

from mongo_contrib.embedded import process
from mongo_contrib.embedded.process import PORTS, ServerProcess, StartFailed, free_port
from mongo_contrib.embedded.servers import Program, ServerKind
from mongo_contrib.embedded.state import DataDirectory
from tests.embedded.processes import eventually


@pytest.fixture
def start(tmp_path):
    """Start a shell script in a server's place."""
    started = []

    def do(script):
        # Of its own name: one that still runs can't be written.
        program = tmp_path / f"program{len(started)}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        server = ServerProcess(
            DataDirectory(tmp_path),
            Program(ServerKind.MONGOD, str(program)),
            free_port(tmp_path, 0),
        )
        started.append(server)
        return server

    yield do
    for server in started:
        server.kill()


def test_a_server_that_does_not_answer_is_ended(start, tmp_path):
    server = start("exec sleep 1000")
    with pytest.raises(StartFailed, match=r"did not answer within 0\.2 s; .*server\.log ends"):
        server.wait_ready(0.2)
    assert server.wait() == -signal.SIGKILL
    with DataDirectory(tmp_path).opened("server") as lock:
        assert lock.is_free()


def test_a_server_that_ends_is_not_ready(start):
    server = start("exit 4")
    assert not server.wait_ready(10)
    assert server.wait() == 4


def test_a_server_that_does_not_stop_is_killed(start, tmp_path, monkeypatch):
    server = start(f"trap '' TERM; touch {tmp_path}/deaf; while :; do sleep 0.1; done")
    eventually((tmp_path / "deaf").exists)
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    server.stop()
    assert server.wait() == -signal.SIGKILL


def test_the_lock_is_the_servers_and_says_so(start, tmp_path):
    server = start("exec sleep 1000")
    eventually(lambda: (tmp_path / "server.lock").read_text() == str(server.pid))
    with DataDirectory(tmp_path).opened("server") as lock:
        assert not lock.is_free()
        server.kill()
        assert lock.is_free()


def test_an_orphan_is_ended_before_the_next_one_starts(start, tmp_path):
    orphan = start("exec sleep 1000")
    eventually((tmp_path / "server.lock").read_text)
    start("exec sleep 1000")
    assert orphan.wait() == -signal.SIGKILL


def test_the_id_of_the_server_before_is_gone_before_the_next_one_lives(start, tmp_path):
    (tmp_path / "server.lock").write_text("stale")
    server = start("exec sleep 1000")
    assert (tmp_path / "server.lock").read_text() in ("", str(server.pid))


def test_a_holder_that_is_no_server_is_reported_and_not_killed(start, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    with DataDirectory(tmp_path).opened("server") as lock:
        lock.take()
        with pytest.raises(StartFailed, match=r"in use by process \(unknown\), which does not"):
            start("exit 0")


def test_settings_in_the_environment_do_not_reach_a_server(start, tmp_path, monkeypatch):
    monkeypatch.setenv("SECANTUS_CHECKPOINT_SECONDS", "1")
    start(f"env > {tmp_path}/env; exit 0").wait()
    assert "PATH=" in (tmp_path / "env").read_text()
    assert "SECANTUS_" not in (tmp_path / "env").read_text()


def test_the_last_port_comes_first_and_a_taken_one_never(tmp_path):
    first = free_port(tmp_path, 0)
    assert first in PORTS
    assert free_port(tmp_path, 0) == first
    last = free_port(tmp_path / "other", 0)
    assert free_port(tmp_path, last) == last
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", first))
        squatter.listen()
        assert free_port(tmp_path, 0) != first
        assert free_port(tmp_path, first) != first


def test_a_port_from_elsewhere_is_not_reused(tmp_path):
    assert free_port(tmp_path, 80) in PORTS
