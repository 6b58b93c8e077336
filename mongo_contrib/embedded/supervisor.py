"""The process that owns a server: starts it, restarts it, and stops it after its last user.

`python -m mongo_contrib.embedded.supervisor DIRECTORY KIND PATH`, run by the first user, in a
session of its own so that Ctrl-C in the user's terminal does not reach it. The command returns
as soon as the supervisor, a fork of it, holds its lock.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep, strftime

from .process import ServerProcess, StartFailed, free_port, port_is_free
from .servers import Program, ServerKind
from .state import DataDirectory, Lock, Status
from .wire import CommandError, command

START_SECONDS = 20
# So that one command after the other (migrate, createsuperuser, runserver) finds it running.
GRACE_SECONDS = 1.5
# A server that lived longer than this is restarted however often it dies.
STABLE_SECONDS = 5
QUICK_DEATHS = 3
# One that was killed before it was ready, or whose port somebody took meanwhile, is not to blame.
ATTEMPTS = 3

EXIT_LOCKED = 3


class Event(Enum):
    UNUSED = auto()
    SERVER_ENDED = auto()
    TERMINATED = auto()


class Supervisor:
    """The keeper of one server; only for the process that holds the supervisor's lock."""

    def __init__(self, home: DataDirectory, program: Program, lock: Lock) -> None:
        self.home = home
        self.program = program
        self.lock = lock
        self.users = home.lock("users")
        self.joining = home.lock("start")
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.server: ServerProcess | None = None
        # The port is the one of the last time, so that clients find the server again.
        self.state = home.read_state().but(
            status=Status.STARTING, kind=program.kind.value, version="", pid=0, error=""
        )
        self.publish()

    def run(self) -> None:
        """Keep the server up until the last user has left, or until that proves impossible."""
        signal.signal(signal.SIGTERM, lambda *_: self.events.put(Event.TERMINATED))
        try:
            self.serve()
        except StartFailed as error:
            self.publish(status=Status.FAILED, error=str(error))
        except OSError as error:
            self.publish(status=Status.FAILED, error=f"The server's supervisor failed: {error}.")
        else:
            self.publish(status=Status.STOPPED)
        finally:
            if self.server:
                self.server.kill()

    def serve(self) -> None:
        server = self.start()
        self.watch_users()
        quick_deaths = 0
        while True:
            match self.events.get():
                case Event.UNUSED if not self.may_leave():
                    self.watch_users()
                case Event.UNUSED | Event.TERMINATED:
                    self.publish(status=Status.STOPPING)
                    return server.stop()
                case Event.SERVER_ENDED:
                    self.log(f"The server, process {server.pid}, ended with {server.wait()}.")
                    stable = monotonic() - self.started > STABLE_SECONDS
                    quick_deaths = 0 if stable else quick_deaths + 1
                    if quick_deaths == QUICK_DEATHS:
                        raise StartFailed(server.failure(f"ended {QUICK_DEATHS} times in a row"))
                    self.publish(status=Status.STARTING)
                    server = self.start()

    def start(self) -> ServerProcess:
        """A server that takes writes, on its last port unless somebody else has that."""
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port(self.home.path, self.state.port)
            server = self.server = ServerProcess(self.home, self.program, port)
            if server.wait_ready(START_SECONDS):
                break
            code = server.wait()
            blameless = code == -signal.SIGKILL or not port_is_free(port)
            if attempt == ATTEMPTS or not blameless:
                raise StartFailed(server.failure(f"ended at once, with {code}"))
            self.log(f"The server was killed, or lost port {port} to another; trying again.")
        self.started = monotonic()
        threading.Thread(target=self.watch_server, args=[server], daemon=True).start()
        self.publish(
            status=Status.READY, pid=server.pid, port=server.port, version=_version(server.port)
        )
        return server

    def watch_server(self, server: ServerProcess) -> None:
        server.wait()
        self.events.put(Event.SERVER_ENDED)

    def watch_users(self) -> None:
        """Send UNUSED once, a moment after the last user has left."""

        def watch() -> None:
            self.users.wait()
            self.users.unlock()
            sleep(GRACE_SECONDS)
            self.events.put(Event.UNUSED)

        threading.Thread(target=watch, daemon=True).start()

    def may_leave(self) -> bool:
        """Whether there is no user and none is just joining; announces the end if so."""
        if not self.joining.take():
            return False
        try:
            if not self.users.take():
                return False
            self.users.unlock()
            # In their turn, so that whoever joins next waits for the end of this server.
            self.publish(status=Status.STOPPING)
            return True
        finally:
            self.joining.unlock()

    def publish(self, **changes: object) -> None:
        """Change the state, for all to see unless the directory was deleted under us."""
        self.state = self.state.but(**changes)
        if self.lock.is_current():
            with suppress(FileNotFoundError):
                self.home.write_state(self.state)

    def log(self, sentence: str) -> None:
        """A line in the server's log, which is our standard error too."""
        print(f"[{strftime('%Y-%m-%dT%H:%M:%S')} supervisor] {sentence}", file=sys.stderr)


def _version(port: int) -> str:
    try:
        info = command(port, {"buildInfo": 1})
    except (OSError, CommandError):
        return "(unknown version)"
    return str(info.get("secantusVersion") or info.get("version"))


def main(directory: str, kind: str, path: str) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    home = DataDirectory(Path(directory))
    lock = home.lock("supervisor")
    # A moment's patience: others ask whether the lock is free by taking it for an instant.
    if not lock.take(1):
        sys.exit(EXIT_LOCKED)
    supervisor = Supervisor(home, Program(ServerKind(kind), path), lock)
    if os.fork():
        # To the starter this was a short command: he has no child left, and no zombie later.
        os._exit(0)
    # For people who want to end it; we ourselves only ask whether it is locked.
    os.ftruncate(lock.fd, 0)
    os.pwrite(lock.fd, str(os.getpid()).encode(), 0)
    supervisor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
