"""Locks that the kernel releases, and a state file that may be anything."""

import os
import subprocess
import sys

import pytest

from mongo_contrib.embedded.state import DataDirectory, State, Status


@pytest.fixture
def directory(tmp_path):
    return DataDirectory(tmp_path)


def test_a_lock_is_shared_or_alone(directory):
    with directory.opened("users") as one, directory.opened("users") as other:
        one.share()
        assert other.is_free()  # of one who has it alone
        assert not other.take()
        one.unlock()
        assert other.take()
        assert not one.is_free()
        assert not one.take(0.05)


def test_a_lock_belongs_to_all_who_inherit_the_file(directory):
    with directory.opened("server") as lock:
        assert lock.take()
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock.fd]
        )
    with directory.opened("server") as other:
        assert not other.is_free()
        child.kill()
        child.communicate()
        assert other.is_free()


def test_no_other_child_inherits_a_lock(directory):
    with directory.opened("users") as lock:
        assert not os.get_inheritable(lock.fd)


def test_a_lock_knows_that_its_file_was_replaced(directory):
    with directory.opened("users") as lock:
        assert lock.is_current()
        lock.path.unlink()
        assert not lock.is_current()
        lock.path.touch()
        assert not lock.is_current()


def test_state_is_what_was_written(directory):
    assert directory.read_state() == State()
    state = State(Status.READY, "rust", "1.2", pid=3, port=20_001)
    directory.write_state(state)
    assert directory.read_state() == state
    assert isinstance(directory.read_state().status, Status)
    assert state.but(port=20_002).uri == "mongodb://127.0.0.1:20002/?directConnection=true"


@pytest.mark.parametrize("rest", [b"", b"{", b"[]", b"\xff", b'{"status": "no"}', b'{"no": 1}'])
def test_a_state_file_that_is_none_is_no_state(directory, rest):
    (directory.path / "server.json").write_bytes(rest)
    assert directory.read_state() == State()


def test_the_log_of_the_start_before_is_kept(directory):
    assert "nothing" in directory.log_tail()
    for text in (b"one\n", b"two\n" * 5000 + b"three\n"):
        log = directory.begin_log()
        os.write(log, text)
        os.close(log)
    assert directory.log_tail().splitlines() == ["two"] * 11 + ["three"]
    assert (directory.path / "server.log.1").read_bytes() == b"one\n"
