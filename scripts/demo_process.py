"""The demo as a process: started as `make demo` does, stopped as Ctrl-C does, and tidied up."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANAGE = ROOT / "example_project" / "manage.py"
PASSWORD = "only for this check"
# The Python server takes its time for 6,000 cities; nobody waits longer than this for a demo.
START_SECONDS = 600
STOP_SECONDS = 30


class Wrong(Exception):
    """What was found is not what should be."""


class Atlas:
    """The demo as a process, with data, port and password of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log: list[str] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.root = f"http://127.0.0.1:{self.port}/"
        self.environment = {
            **os.environ,
            "ATLAS_DATA_DIR": str(data),
            "MONGODB_NAME": f"atlas_check_{os.getpid()}",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "DJANGO_SETTINGS_MODULE": "atlas_site.settings",
            "PYTHONUNBUFFERED": "1",
        }
        self.process: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def running(self, how: str) -> Iterator[None]:
        """Start it, wait until it serves, and stop it as Ctrl-C does."""
        self.log.clear()
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, MANAGE, "demo", "--port", str(self.port)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own: the signal below must not reach us.
            start_new_session=True,
        )
        reader = threading.Thread(target=self.read, args=[self.process], daemon=True)
        reader.start()
        self.wait_until_serving(began)
        report(f"started {how}", began)
        for line in self.log:
            if line.startswith("Server:"):
                print(f"  {line}")
        yield
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong(f"Atlas still runs {STOP_SECONDS} s after Ctrl-C.") from None
        expect(code == 0, f"Atlas ended with code {code} after Ctrl-C.")
        report("stopped by Ctrl-C", began)

    def read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.log.append(line.rstrip())

    def wait_until_serving(self, began: float) -> None:
        while time.monotonic() - began < START_SECONDS:
            if self.process is None or self.process.poll() is not None:
                raise Wrong("Atlas ended instead of serving.")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.1)
        raise Wrong(f"Atlas does not serve after {START_SECONDS} s.")

    def check_nothing_runs(self) -> None:
        """Wait until no process names our data directory: the embedded server has gone too."""
        began = time.monotonic()
        while left := self.leftovers():
            if time.monotonic() - began > STOP_SECONDS:
                raise Wrong(f"Still running {STOP_SECONDS} s after the end: {left}")
            time.sleep(0.2)
        report("no process left", began)

    def leftovers(self) -> dict[int, str]:
        return {
            pid: command
            for pid, command in processes().items()
            if str(self.data) in command and pid != os.getpid()
        }

    def print_log(self) -> None:
        print("The last lines of its output:")
        for line in self.log[-40:]:
            print(f"  | {line}")

    def clean_up(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("MONGODB_URI"):
            self.drop_database()
        for pid in self.leftovers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.data, ignore_errors=True)

    def drop_database(self) -> None:
        code = (
            "from mongo_contrib.db import get_database; database = get_database(); "
            "database.client.drop_database(database.name)"
        )
        subprocess.run(
            [sys.executable, MANAGE, "shell", "--no-imports", "-c", code],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )


def processes() -> dict[int, str]:
    """Return `{pid: command line}`; from /proc where there is one, as small machines lack ps."""
    if Path("/proc/self/cmdline").exists():
        found = {}
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(entry.parent.name)] = command
        return found
    listing = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True)
    pairs = (line.split(None, 1) for line in listing.stdout.splitlines())
    return {int(pair[0]): pair[1] for pair in pairs if len(pair) == 2}


def report(name: str, began: float) -> None:
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Wrong(otherwise)
