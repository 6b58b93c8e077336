"""The process that owns a server: starts it, restarts it, and stops it after its last user.

`python -m mongo_contrib.embedded.supervisor DIRECTORY KIND PATH`, started by the first user,
in a session of its own so that Ctrl-C in the user's terminal does not reach it. It returns to
the starter as soon as the supervisor, a fork of it, holds its lock.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep, strftime

from .servers import Program, ServerKind
from .state import POLL_SECONDS, DataDirectory, State, Status
from .wire import CommandError, command

START_SECONDS = 20
STOP_SECONDS = 10
# One command after the other (migrate, createsuperuser, runserver) shares one server.
GRACE_SECONDS = 1.5
# A server that lived longer than this is restarted as often as it dies.
STABLE_SECONDS = 5
QUICK_DEATHS = 3
# Below the range of ephemeral ports (32768 on Linux, 49152 elsewhere): a client's outgoing
# connection could otherwise take the port while the server is down, or connect to itself.
PORTS = range(20_000, 32_000)

EXIT_LOCKED = 3


class StartFailed(Exception):
    """The server did not start; the message is for people."""


class Event(Enum):
    UNUSED = auto()
    SERVER_ENDED = auto()
    TERMINATED = auto()


class Supervisor:
    """The keeper of one server; whoever runs it holds the supervisor's lock."""

    def __init__(self, home: DataDirectory, program: Program) -> None:
        self.home = home
        self.program = program
        self.state = home.read_state().but(
            status=Status.STARTING, kind=program.kind.value, version="", pid=0, error=""
        )
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.users = home.lock("users")
        self.starting = home.lock("start")
        self.own = home.lock("supervisor")

    def run(self) -> None:
        """Serve until the last user has left, or the server cannot be kept alive."""
        signal.signal(signal.SIGTERM, lambda *_: self.events.put(Event.TERMINATED))
        try:
            self.serve()
        except StartFailed as error:
            self.write(status=Status.FAILED, pid=0, error=str(error))
        except OSError as error:
            self.write(status=Status.FAILED, pid=0, error=f"The supervisor failed: {error}.")
        else:
            self.write(status=Status.STOPPED, pid=0)

    def serve(self) -> None:
        self.begin()
        self.watch_users()
        quick_deaths = 0
        while True:
            match self.events.get():
                case Event.UNUSED:
                    if self.may_leave():
                        return self.stop()
                    self.watch_users()
                case Event.TERMINATED:
                    self.write(status=Status.STOPPING)
                    return self.stop()
                case Event.SERVER_ENDED:
                    code = self.process.returncode
                    self.say(f"The server, process {self.process.pid}, ended with {code}.")
                    stable = monotonic() - self.started > STABLE_SECONDS
                    quick_deaths = 0 if stable else quick_deaths + 1
                    if quick_deaths == QUICK_DEATHS:
                        raise StartFailed(self.describe(f"ended by itself {QUICK_DEATHS} times"))
                    # Its users' clients find it again on the same port, by themselves.
                    self.write(status=Status.STARTING, pid=0)
                    self.begin()

    def begin(self) -> None:
        """Start the server on its last port, or on another one if that is taken."""
        deadline = monotonic() + START_SECONDS
        ports = self.free_ports()
        while not self.launch(next(ports), deadline):
            if self.port_is_free(self.state.port):
                raise StartFailed(self.describe(f"ended at once ({self.process.returncode})"))
            self.say(f"Port {self.state.port} was taken meanwhile.")
        info = self.ask({"buildInfo": 1})
        version = str(info.get("secantusVersion") or info.get("version") or "?")
        if self.program.kind is ServerKind.PYTHON:
            version = str(info.get("secantusVersion") or _python_version(self.program))
        self.started = monotonic()
        threading.Thread(target=self.watch_server, args=[self.process], daemon=True).start()
        self.write(status=Status.READY, pid=self.process.pid, version=version)

    def launch(self, port: int, deadline: float) -> bool:
        """Whether a server on this port became ready; it ended by itself if not."""
        self.write(port=port)
        with self.home.opened("server") as lock:
            if not lock.take():
                self.end_orphan()
                if not lock.take(STOP_SECONDS):
                    raise StartFailed(
                        f"The data in {self.home.path} is in use by process"
                        f" {os.pread(lock.fd, 20, 0).decode()}, which does not end; kill it."
                    )
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-I", str(Path(__file__).with_name("launch.py"))),
                    *(str(lock.fd), str(os.getpid())),
                    *self.program.command(port=port, home=self.home.path),
                ],
                pass_fds=[lock.fd],
                env=_environment(),
            )
        while self.process.poll() is None:
            if self.program.is_ready(port):
                return True
            if monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise StartFailed(self.describe(f"did not answer within {START_SECONDS} s"))
            sleep(POLL_SECONDS)
        return False

    def end_orphan(self) -> None:
        """Kill the server of a supervisor that was killed before it could.

        The lock is held, and the one who inherited it wrote his process id into its file: the
        process of that id is the server, and not a later one that happens to have its number.
        """
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            os.kill(int((self.home.path / "server.lock").read_text()), signal.SIGKILL)

    def stop(self) -> None:
        """End the server in its own way, or by force if that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.say(f"The server did not stop within {STOP_SECONDS} s; killing it.")
            self.process.kill()
            self.process.wait()

    def may_leave(self) -> bool:
        """Whether there is no user, and none just joining; announces the end if so."""
        if not self.starting.take():
            return False
        try:
            if not self.users.take():
                return False
            self.users.unlock()
            self.write(status=Status.STOPPING)
            return True
        finally:
            self.starting.unlock()

    def watch_users(self) -> None:
        """Send UNUSED once, a moment after the last user has left."""

        def watch() -> None:
            self.users.wait()
            self.users.unlock()
            sleep(GRACE_SECONDS)
            self.events.put(Event.UNUSED)

        threading.Thread(target=watch, daemon=True).start()

    def watch_server(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self.events.put(Event.SERVER_ENDED)

    def free_ports(self) -> Iterator[int]:
        """Ports that nobody listens on: the last one, then from one that the path suggests."""
        first = zlib.crc32(os.fsencode(self.home.path)) % len(PORTS)
        order = [self.state.port, *PORTS[first:], *PORTS[:first]]
        yield from (port for port in order if port in PORTS and self.port_is_free(port))
        raise StartFailed(f"All ports from {PORTS.start} to {PORTS.stop} are taken.")

    def port_is_free(self, port: int) -> bool:
        with socket.socket() as probe:
            # As servers do; else connections of the server before would count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    def ask(self, document: dict[str, int]) -> dict[str, object]:
        try:
            return command(self.state.port, document)
        except (OSError, CommandError):
            return {}

    def write(self, **changes: object) -> None:
        """Publish a change of the state, unless the directory was deleted under us."""
        self.state = self.state.but(**changes)
        if self.own.is_current():
            with suppress(FileNotFoundError):
                self.home.write_state(self.state)

    def describe(self, what: str) -> str:
        return (
            f"The embedded server {self.program.kind.label} ({self.program.path}) {what};"
            f" {self.home.log} ends with:\n{self.home.log_tail()}"
        )

    def say(self, sentence: str) -> None:
        """A line in the server's log, which is our standard error."""
        print(f"[{strftime('%Y-%m-%dT%H:%M:%S')} supervisor] {sentence}", file=sys.stderr)


def _environment() -> dict[str, str]:
    """The environment without what would configure a Secantus server past its command line."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SECANTUS_")}


def _python_version(program: Program) -> str:
    from importlib.metadata import distributions

    for each in distributions(name="secantusdb", path=[program.path]):
        return each.version
    return "?"


def main(directory: str, kind: str, path: str) -> None:
    home = DataDirectory(Path(directory))
    program = Program(ServerKind(kind), path)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    lock = home.lock("supervisor")
    # A moment's patience: others ask whether the lock is free by taking it for an instant.
    if not lock.take(1):
        sys.exit(EXIT_LOCKED)
    supervisor = Supervisor(home, program)
    supervisor.write()
    if os.fork():
        # To the starter this was a short command: he has no child left, and no zombie later.
        os._exit(0)
    supervisor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
