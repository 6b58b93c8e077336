import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mongo_contrib.embedded import ServerKind, release
from tests.embedded.processes import User, eventually, is_quiet, kill, server_pid, supervisor_pid

INSTALLED = [kind for kind in ServerKind if kind.installed(os.environ)]
NONE = pytest.param(None, marks=pytest.mark.skip(reason="no embedded server on this machine"))


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill leaves is asked of servers as everybody has them."""
    monkeypatch.delenv("MONGO_EMBEDDED_SYNC", raising=False)


@pytest.fixture(params=INSTALLED or [NONE])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ServerKind:
    """Each kind of server on this machine in turn, asked for by the environment."""
    monkeypatch.setenv("MONGO_EMBEDDED_SERVER", request.param.value)
    return request.param


@pytest.fixture(params=INSTALLED[:1] or [NONE])
def any_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ServerKind:
    """The first kind on this machine, for what does not depend on the kind."""
    monkeypatch.setenv("MONGO_EMBEDDED_SERVER", request.param.value)
    return request.param


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A directory for a server, which is killed at the end to save the moments of grace."""
    path = tmp_path / "mongodb"
    yield path
    release(path)
    if path.is_dir():
        # Some tests leave nothing behind that could be killed.
        with suppress(FileNotFoundError, ValueError):
            if not is_quiet(path):
                kill(supervisor_pid(path))
                kill(server_pid(path))
        eventually(lambda: is_quiet(path))


@pytest.fixture
def user(home: Path) -> Iterator[Callable[..., User]]:
    """Start a process that becomes a user of the directory when told to go()."""
    users: list[User] = []

    def start(*args: str, **env: str) -> User:
        users.append(User(home, *args, **env))
        return users[-1]

    yield start
    for each in users:
        each.kill()
