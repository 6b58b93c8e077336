"""Processes that use an embedded server, and questions about who is alive."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from mongo_contrib.embedded.state import DataDirectory

ROOT = Path(__file__).parents[2]

# Waits for the word, acquires, says so in one line of JSON, and stays until its input ends.
# A shell that runs us in the background has Ctrl-C ignored, and children inherit that.
USER = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from mongo_contrib.embedded import acquire, describe
sys.stdin.readline()
uri = acquire(sys.argv[1])
server = describe(sys.argv[1])
print(json.dumps({"uri": uri, "server": server.pid, "modules": sorted(sys.modules)}), flush=True)
sys.stdin.read()
"""


class User:
    """A process that uses the server of a directory."""

    def __init__(self, home: Path, script: str = USER, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | env,
            text=True,
            start_new_session=True,
        )

    def go(self) -> "User":
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self

    def said(self) -> Any:
        """What it said in its next line; fails if it ended instead."""
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def kill(self) -> str:
        """Kill it, and return what it had said since."""
        self.process.kill()
        return self.process.communicate()[0]


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is so; fail if it never is."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, f"not so within {seconds} s"
        sleep(0.02)


def is_quiet(home: Path) -> bool:
    """Whether neither a supervisor nor a server is alive there: their locks are free."""
    directory = DataDirectory(home)
    with directory.opened("server") as lock:
        return lock.is_free() and not directory.is_supervised()


def has_users(home: Path) -> bool:
    with DataDirectory(home).opened("users") as lock:
        # A moment's patience, for the supervisor who has it to himself for an instant.
        return not lock.take(0.1)


def server_pid(home: Path) -> int:
    return int((home / "server.lock").read_text())


def supervisor_pid(home: Path) -> int:
    return int((home / "supervisor.lock").read_text())


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
