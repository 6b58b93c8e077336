"""The kinds of server: where each is found, how it is started, and when it is ready."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from .wire import CommandError, command

logger = logging.getLogger("mongo_contrib.embedded")

REPLICA_SET = "embedded"
# In the environment of who starts a server: "no" for data that need not survive it.
SYNC = "MONGO_EMBEDDED_SYNC"
# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
ALREADY_INITIALIZED = 23


class ServerKind(StrEnum):
    """The kinds of server, the first choice first; each value names its data's directory."""

    MONGOD = "mongod"
    RUST = "rust"
    PYTHON = "python"

    @property
    def label(self) -> str:
        return {"mongod": "mongod", "rust": "Secantus (Rust)", "python": "Secantus (Python)"}[self]

    @property
    def cure(self) -> str:
        """What to do to have it, as the end of a sentence."""
        return {
            "mongod": "install MongoDB, or name its mongod in the environment variable MONGOD",
            "rust": 'run "make server", or put secantusd-rs on PATH',
            # secantusdb publishes no binaries for later ones yet, see the extra in pyproject.toml.
            "python": 'run, on Python before 3.14: pip install "django-mongo-contrib[embedded]"',
        }[self]

    def installed(self, environ: Mapping[str, str]) -> "Program | None":
        """The program of this kind on this machine, or None; imports nothing of it."""
        finder = {"mongod": _find_mongod, "rust": _find_rust, "python": _find_python}[self]
        path = finder(environ)
        return Program(self, str(path)) if path else None


@dataclass(frozen=True)
class Program:
    """A server that is installed on this machine."""

    kind: ServerKind
    path: str  # the executable; for Python the directory that holds the package

    def command(self, *, port: int, home: Path) -> list[str]:
        """The command line that serves the data below this directory on a local port."""
        storage = str(home / self.kind)
        sync = os.environ.get(SYNC) != "no"
        if self.kind is ServerKind.PYTHON:
            script = str(Path(__file__).with_name("python_server.py"))
            # -P: the modules beside that script are not to be found by their bare names.
            asked = [] if sync else ["--no-sync"]
            return [sys.executable, "-P", script, self.path, str(port), storage, *asked]
        if self.kind is ServerKind.RUST:
            options = [
                "--host=127.0.0.1",
                f"--port={port}",
                f"--storage-path={storage}",
                # An empty file of ours, or it would read one from the home directory or /etc.
                f"--config={home / 'secantusd.toml'}",
                # Without it a kill -9 loses about 1 % of the writes that were acknowledged.
                *(["--sync-on-commit"] if sync else []),
                # A log file is allocated in full: the size of an empty store.
                "--log-file-max=16MB",
                "--cache-size=256M",
                "--log-level=WARNING",
            ]
        else:
            options = [
                "--bind_ip=127.0.0.1",
                f"--port={port}",
                f"--dbpath={storage}",
                f"--replSet={REPLICA_SET}",
                "--nounixsocket",
                "--quiet",
                "--wiredTigerCacheSizeGB=0.25",
                "--setParameter=diagnosticDataCollectionEnabled=false",
                # It would wait for a secondary to take over, and there is none.
                "--setParameter=shutdownTimeoutMillisForSignaledShutdown=1000",
            ]
        return [self.path, *options]

    def is_ready(self, port: int) -> bool:
        """Whether it takes writes on this port; initiates a mongod's replica set if need be."""
        try:
            hello = command(port, {"hello": 1})
            if not hello.get("setName") and self.kind is ServerKind.MONGOD:
                _initiate(port)
                return False
        except (OSError, CommandError):
            return False
        return bool(hello.get("isWritablePrimary"))


def choose(home: Path, kind: ServerKind | None, environ: Mapping[str, str]) -> Program:
    """The server to start for this directory, or ImproperlyConfigured if there is none.

    That is the kind asked for; else, of those on this machine, the first that has data here;
    else the first. Data beats rank, because formats differ: a better server that somebody
    installs today must not show an empty database where there were documents yesterday.
    Whenever data stays unseen, a warning says so.
    """
    if kind is not None:
        program = kind.installed(environ)
        if program is None:
            raise ImproperlyConfigured(
                f"MONGO_EMBEDDED_SERVER asks for the server {kind.value!r}, which is not on this"
                f" machine; {kind.cure}."
            )
        found = [program]
    else:
        found = [program for each in ServerKind if (program := each.installed(environ))]
    if not found:
        raise ImproperlyConfigured(
            f"There is no server for embedded:{home}; {ServerKind.PYTHON.cure}"
            f' (or install a mongod, or run "make server", or set MONGODB_URI).'
        )
    stored = [each for each in ServerKind if _has_data(home / each)]
    program = next((each for each in found if each.kind in stored), found[0])
    if stored and program.kind not in stored:
        others = " and ".join(each.label for each in stored)
        logger.warning(
            "embedded:%s holds data of %s, which %s cannot read: it starts with an empty"
            " database of its own, and the other data stays where it is. To see that again, %s.",
            home,
            others,
            program.kind.label,
            "set MONGO_EMBEDDED_SERVER accordingly" if kind else stored[0].cure,
        )
    elif program is not found[0]:
        logger.warning(
            "embedded:%s stays on %s, which holds its data; %s is installed too. Set"
            " MONGO_EMBEDDED_SERVER=%s to begin anew on that, or =%s to stay without this remark.",
            home,
            program.kind.label,
            found[0].kind.label,
            found[0].kind.value,
            program.kind.value,
        )
    return program


def _has_data(storage: Path) -> bool:
    return storage.is_dir() and any(storage.iterdir())


def _find_mongod(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("MONGOD")
    path = shutil.which(named or "mongod", path=environ.get("PATH"))
    if named and path is None:
        raise ImproperlyConfigured(
            f"The environment variable MONGOD names {named!r}, which is no executable file;"
            " it should be the path of a mongod."
        )
    return Path(path).absolute() if path else None


def _find_rust(environ: Mapping[str, str]) -> Path | None:
    return next((path for path in _rust_candidates(environ) if _is_binary(path)), None)


def _rust_candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    names = ("secantusd-mdb", "secantusd-rs")
    for name in names:
        if path := shutil.which(name, path=environ.get("PATH")):
            yield Path(path).absolute()
    cargo = environ.get("CARGO_HOME") or Path(environ.get("HOME") or Path.home(), ".cargo")
    for name in names:
        yield Path(cargo, "bin", name)
    # Some releases on PyPI bundle the binary in a package of this name.
    spec = find_spec("secantusdb")
    for package in (spec and spec.submodule_search_locations) or ():
        for name in names:
            yield from sorted(Path(package).rglob(name))


def _is_binary(path: Path) -> bool:
    """Whether it is the server itself: a wheel's console script only starts it as a child."""
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    with path.open("rb") as file:
        return file.read(2) != b"#!"


def _find_python(environ: Mapping[str, str]) -> Path | None:
    spec = find_spec("secantus")
    return Path(spec.origin).parents[1] if spec and spec.origin else None


def _initiate(port: int) -> None:
    """Make a mongod the only member of a replica set, under the address that it has now."""
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    try:
        command(port, {"replSetInitiate": {"_id": REPLICA_SET, "members": members}})
    except CommandError as error:
        if error.code != ALREADY_INITIALIZED:
            raise
        # It was initiated on another port, and does not find itself among the members.
        config = command(port, {"replSetGetConfig": 1})["config"]
        config["members"][0]["host"] = members[0]["host"]
        config["version"] += 1
        command(port, {"replSetReconfig": config, "force": True})
