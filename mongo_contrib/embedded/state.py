"""What processes share about one directory: locks that the kernel releases, and a state file.

Whether somebody is alive is only ever asked of a lock. The state file says what he last
wrote about himself, and is believed only while his lock is held.

    start.lock        exclusive, by the process that joins or starts, and for the decision to stop
    users.lock        shared, by each process that uses the server, and its forked children
    supervisor.lock   exclusive, by the supervisor for as long as it lives; holds its process id
    server.lock       exclusive, by the server itself, which inherits it; holds its process id
    server.json       the state
    server.log        what the server and the supervisor print; the log of the start before is .1
    mongod/ rust/ python/    the data, one directory for each kind of server
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from time import monotonic, sleep

if sys.platform != "win32":
    import fcntl

POLL_SECONDS = 0.02


class Lock:
    """An advisory lock on a file, which belongs to the open file and not to a process.

    Whoever inherits the open file, by a fork or on purpose, holds the lock too; the kernel
    releases it when the last holder has closed the file or died, however he died.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Created with os.open(), so that children do not inherit it across an exec.
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        """Hold it together with others; wait while somebody has it for himself."""
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def wait(self) -> None:
        """Hold it alone; wait, without limit, for all others to leave."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def take(self, seconds: float = 0) -> bool:
        """Hold it alone, unless others still have it after this time."""
        return self._try(fcntl.LOCK_EX, seconds)

    def is_free(self) -> bool:
        """Whether nobody holds it alone; only for a lock that this object does not hold."""
        if free := self._try(fcntl.LOCK_SH, 0):
            self.unlock()
        return free

    def unlock(self) -> None:
        """Let go of it, also for those who inherited the open file."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of it here; who inherited the open file keeps it."""
        os.close(self.fd)

    def is_current(self) -> bool:
        """Whether the locked file is still the one at its path, and not a deleted one."""
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _try(self, operation: int, seconds: float) -> bool:
        deadline = monotonic() + seconds
        while True:
            try:
                fcntl.flock(self.fd, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() >= deadline:
                    return False
                sleep(POLL_SECONDS)
            else:
                return True


class Status(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class State:
    """What the last supervisor of a directory wrote about its server."""

    status: Status = Status.STOPPED
    kind: str = ""
    version: str = ""
    pid: int = 0
    port: int = 0
    error: str = ""

    @property
    def uri(self) -> str:
        # Direct, because the replica set names itself by an address that may be of an earlier
        # start; transactions and retryable writes work on a direct connection as well.
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    def but(self, **changes: object) -> "State":
        return replace(self, **changes)  # type: ignore[arg-type]


class DataDirectory:
    """The directory of one embedded server: its locks, its state and its log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "server.log"
        self._state = path / "server.json"

    def lock(self, name: str) -> Lock:
        return Lock(self.path / f"{name}.lock")

    @contextmanager
    def opened(self, name: str) -> Iterator[Lock]:
        lock = self.lock(name)
        try:
            yield lock
        finally:
            lock.close()

    def is_supervised(self) -> bool:
        """Whether a supervisor is alive; leaves nothing behind where there never was one."""
        if not (self.path / "supervisor.lock").exists():
            return False
        with self.opened("supervisor") as lock:
            return not lock.is_free()

    def read_state(self) -> State:
        """The last state written; the empty one where there is none, or none that is whole."""
        try:
            fields = json.loads(self._state.read_bytes())
            return State(**fields).but(status=Status(fields["status"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return State()

    def write_state(self, state: State) -> None:
        """Replace the state in one step; only for the one who holds the supervisor's lock."""
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps(asdict(state)))
        new.replace(self._state)

    def begin_log(self) -> int:
        """A file descriptor for a new log; the one before is kept as server.log.1."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log_tail(self, lines: int = 12) -> str:
        """The end of the log, to be put below an error message."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
                tail = log.read().decode(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return "(it has printed nothing)"
        return "\n".join(tail[-lines:]) or "(it has printed nothing)"
