"""A process as one of the users of the server of a directory."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

from .servers import Program, ServerKind, choose
from .state import POLL_SECONDS, DataDirectory, Lock, State, Status
from .wire import CommandError, command

logger = logging.getLogger("mongo_contrib.embedded")

# Longer than a supervisor gives its server to start, or to stop.
JOIN_SECONDS = 30
# A supervisor that is killed while it starts is replaced, but not for ever.
ATTEMPTS = 3


@dataclass(frozen=True)
class Server:
    """A running embedded server, as one line of output would name it."""

    kind: ServerKind
    version: str
    pid: int
    uri: str
    directory: Path

    def __str__(self) -> str:
        return (
            f"{self.kind.label} {self.version} at {self.uri}"
            f" (embedded, process {self.pid}, data in {self.directory / self.kind})"
        )


# What this process and its forked children hold: they are users while the file is open.
_held: dict[Path, Lock] = {}


def acquire(directory: str | os.PathLike[str], *, kind: str | None = None) -> str:
    """The URI of the server of this directory, started if none is running.

    From now on this process is a user of that server for as long as it lives, and so is each
    child that it forks; the server stops after its last user. To call it again is cheap, and
    brings a server that has died back. `kind` is "mongod", "rust" or "python"; if it is not
    given, the environment variable MONGO_EMBEDDED_SERVER says it; if that is not set either,
    choose() does.
    """
    wanted = _wanted_kind(kind)
    home = _open_directory(directory)
    deadline = monotonic() + JOIN_SECONDS
    if (lock := _held.get(home.path)) and lock.is_current() and (state := _answering(home)):
        _refuse_other_kind(home, state, wanted)
        return state.uri
    joining = _Joining(home, wanted, deadline)
    try:
        while (state := joining.try_once()) is None:
            if monotonic() > deadline:
                _fail(
                    f"The embedded server of {home.path} did not become ready within"
                    f" {JOIN_SECONDS} s; {home.log} ends with:\n{home.log_tail()}"
                )
            sleep(POLL_SECONDS)
    except BaseException as error:
        if lock is None:
            release(home.path)
        if isinstance(error, OSError):
            _fail(f"The server of embedded:{home.path} cannot be started: {error}.", error)
        raise
    return state.uri


def release(directory: str | os.PathLike[str] | None = None) -> None:
    """Stop being a user of this directory's server (of all): it ends soon, if it has no other.

    Forked children stay users. A process need not call this before it ends.
    """
    paths = list(_held) if directory is None else [_absolute(directory)]
    for path in paths:
        if lock := _held.pop(path, None):
            lock.close()


def describe(directory: str | os.PathLike[str]) -> Server | None:
    """The server that is running for this directory, or None; does not make us a user of it."""
    home = DataDirectory(_absolute(directory))
    if not home.is_supervised():
        return None
    state = home.read_state()
    if state.status is not Status.READY:
        return None
    return Server(ServerKind(state.kind), state.version, state.pid, state.uri, home.path)


class _Joining:
    """The steps of one acquire() that found no server, or is not yet a user of it."""

    def __init__(self, home: DataDirectory, wanted: ServerKind | None, deadline: float) -> None:
        self.home = home
        self.wanted = wanted
        self.deadline = deadline
        self.attempts = 0

    def try_once(self) -> State | None:
        """The state of a server that answers and that we now use, or None to try again."""
        with self.turn():
            if not self.home.is_supervised():
                state = self.home.read_state()
                if self.attempts and state.status is Status.FAILED:
                    _fail(state.error)
                self.hold()
                self.start()
            elif self.has_unused_other_kind():
                # It ends in a moment, if we let it: not as a user, and not in our turn.
                return None
            self.hold()
            return self.wait_ready()

    def wait_ready(self) -> State | None:
        """As try_once(), in our turn: nobody else starts a server, and ours does not stop."""
        while monotonic() < self.deadline and self.home.is_supervised():
            if state := _answering(self.home):
                _refuse_other_kind(self.home, state, self.wanted)
                return state
            if self.home.read_state().status is Status.STOPPING:
                break
            sleep(POLL_SECONDS)
        return None

    def start(self) -> None:
        self.attempts += 1
        if self.attempts > ATTEMPTS:
            _fail(
                f"The embedded server of {self.home.path} was killed {ATTEMPTS} times while it"
                f" started; {self.home.log} ends with:\n{self.home.log_tail()}"
            )
        program = choose(self.home.path, self.wanted, os.environ)
        (self.home.path / program.kind).mkdir(mode=0o700, exist_ok=True)
        (self.home.path / "secantusd.toml").touch(mode=0o600)
        logger.info("Starting %s for embedded:%s", program.kind.label, self.home.path)
        _start_supervisor(self.home, program)

    def hold(self) -> None:
        """Become a user, if we are not, and of the directory that is there now."""
        lock = _held.get(self.home.path)
        if lock is not None and lock.is_current():
            return
        new = self.home.lock("users")
        new.share()
        _held[self.home.path] = new
        if lock is not None:
            lock.close()

    def has_unused_other_kind(self) -> bool:
        state = self.home.read_state()
        if self.wanted in (None, state.kind) or self.home.path in _held:
            return False
        with self.home.opened("users") as users:
            # A moment's patience, for the supervisor who has it to himself for an instant.
            return users.take(0.1)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who joins or starts here."""
        with self.home.opened("start") as lock:
            if not lock.take(max(0, self.deadline - monotonic())):
                _fail(
                    f"Another process has been starting the embedded server of {self.home.path}"
                    f" for {JOIN_SECONDS} s."
                )
            try:
                yield
            finally:
                # Not only closed: another thread may have forked, and its child has the file.
                lock.unlock()


def _answering(home: DataDirectory) -> State | None:
    """The state of a server that is there and answers, or None."""
    state = home.read_state()
    if state.status is not Status.READY or not home.is_supervised():
        return None
    try:
        command(state.port, {"hello": 1})
    except (OSError, CommandError):
        return None
    return state


def _start_supervisor(home: DataDirectory, program: Program) -> None:
    """Start one; return when it holds its lock, or has failed to get it."""
    package = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    log = home.begin_log()
    try:
        done = subprocess.run(
            [
                # -P: nothing in the current directory is to be imported.
                *(sys.executable, "-P", "-m", f"{__package__}.supervisor"),
                *(str(home.path), program.kind.value, program.path),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env=os.environ | {"PYTHONPATH": path},
            umask=0o077,
            start_new_session=True,
            timeout=JOIN_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _fail(f"The supervisor of embedded:{home.path} did not start: {error}.", error)
    finally:
        os.close(log)
    if done.returncode == 1:
        _fail(f"The supervisor of embedded:{home.path} did not start:\n{home.log_tail()}")


def _wanted_kind(kind: str | None) -> ServerKind | None:
    name = os.environ.get("MONGO_EMBEDDED_SERVER") if kind is None else kind
    if not name:
        return None
    try:
        return ServerKind(name)
    except ValueError:
        known = ", ".join(each.value for each in ServerKind)
        raise ImproperlyConfigured(
            f"The kind of embedded server (MONGO_EMBEDDED_SERVER) is {name!r}; it should be one"
            f" of: {known}."
        ) from None


def _refuse_other_kind(home: DataDirectory, state: State, wanted: ServerKind | None) -> None:
    if wanted is not None and wanted != state.kind:
        raise ImproperlyConfigured(
            f"MONGO_EMBEDDED_SERVER asks for {wanted.value!r}, but embedded:{home.path} is served"
            f" by {state.kind!r} (process {state.pid}) to other processes; end those first."
        )


def _absolute(directory: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(Path(directory).expanduser()))


def _open_directory(directory: str | os.PathLike[str]) -> DataDirectory:
    if sys.platform == "win32":
        raise ImproperlyConfigured(
            "An embedded: host needs Linux or macOS; on Windows, set HOST to the URI of a"
            " MongoDB server (or work in WSL)."
        )
    if not os.fspath(directory):
        raise ImproperlyConfigured("HOST is 'embedded:' without a directory; say embedded:DIR.")
    try:
        home = DataDirectory(_absolute(directory))
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The first file that is written there, and a file system's answer to locks.
        with home.opened("start") as lock:
            lock.is_free()
    except (FileExistsError, NotADirectoryError) as error:
        raise ImproperlyConfigured(
            f"embedded:{os.fspath(directory)} is a file, or lies below one; name a directory."
        ) from error
    # RuntimeError: there is no such user as in "~user".
    except (OSError, ValueError, RuntimeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ImproperlyConfigured(
            f"embedded:{os.fspath(directory):.200} cannot hold a database ({reason}); name a"
            " directory, or one that can be made, in which you may write."
        ) from error
    return home


def _fail(message: str, cause: BaseException | None = None) -> NoReturn:
    # Here, because a supervisor imports this package too, and has no use for django.db.
    from django.db import OperationalError

    raise OperationalError(message) from cause
