"""One life of a server: its process, its lock, and the port it listens on."""

import os
import signal
import socket
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from .servers import Program
from .state import POLL_SECONDS, DataDirectory, Lock

STOP_SECONDS = 10
# Below the range of ephemeral ports (32768 on Linux, 49152 elsewhere): a client's outgoing
# connection could otherwise take the port while the server is down, or connect to itself.
PORTS = range(20_000, 32_000)


class StartFailed(Exception):
    """The server did not start; the message is for people."""


class ServerProcess:
    """A server that was started on a port, and holds the lock of its directory."""

    def __init__(self, home: DataDirectory, program: Program, port: int) -> None:
        self.home = home
        self.program = program
        self.port = port
        with home.opened("server") as lock:
            self._free(lock)
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", str(Path(__file__).with_name("launch.py"))),
                    *(str(lock.fd), str(os.getpid())),
                    *program.command(port=port, home=home.path),
                ],
                pass_fds=[lock.fd],
                env=_environment(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, seconds: float) -> bool:
        """Whether it takes writes; false if it ended instead, StartFailed if neither."""
        deadline = monotonic() + seconds
        while self._process.poll() is None:
            if self.program.is_ready(self.port):
                return True
            if monotonic() > deadline:
                self.kill()
                raise StartFailed(self.failure(f"did not answer within {seconds} s"))
            sleep(POLL_SECONDS)
        return False

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.wait()

    def stop(self) -> None:
        """End it in its own way, or by force if that takes too long."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it, if it has not ended, with whatever it was doing."""
        self._process.kill()
        self._process.wait()

    def failure(self, what: str) -> str:
        """The sentence for people, with what the server has to say."""
        return (
            f"The embedded server {self.program.kind.label} ({self.program.path}) {what};"
            f" {self.home.log} ends with:\n{self.home.log_tail()}"
        )

    def _free(self, lock: Lock) -> None:
        """Take the lock that this server will inherit; end the one who still has it.

        That is the server of a supervisor that was killed, where the kernel does not end it
        too. It wrote its id into the locked file, and as the file is locked it lives: that id
        is no other process's that came later.
        """
        if not lock.take():
            holder = (self.home.path / "server.lock").read_text()
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(holder), signal.SIGKILL)
            if not lock.take(STOP_SECONDS):
                raise StartFailed(
                    f"The data in {self.home.path} is in use by process {holder or '(unknown)'},"
                    " which does not end; kill it."
                )
        # So that no later reader takes the id of the server before for the new one's.
        os.ftruncate(lock.fd, 0)


def free_port(home: Path, last: int) -> int:
    """The last port, or if somebody has it, the first free one from where the path suggests."""
    first = zlib.crc32(os.fsencode(home)) % len(PORTS)
    ports: tuple[int, ...] = (last, *PORTS[first:], *PORTS[:first])
    for port in ports:
        if port in PORTS and port_is_free(port):
            return port
    raise StartFailed(f"All local ports from {PORTS.start} to {PORTS.stop} are taken.")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do; else the dying connections of the server before would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _environment() -> dict[str, str]:
    """The environment without what would configure a Secantus server past its command line."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SECANTUS_")}
