from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


class Manage:
    """Runs a management command in a process of its own, with warnings as errors."""

    def __init__(self, settings: str, **environment: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            **environment,
        }

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "django", *args],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, *args: str, code: int = 0) -> str:
        """What the command wrote; its exit code must be ``code``."""
        process = self.start(*args)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == code, output
        return output


@pytest.fixture
def address(connection: Any) -> str:
    """A URI of the server in use, also where that is embedded."""
    host, port = connection.client.address
    return os.environ.get("MONGODB_URI") or f"mongodb://{host}:{port}/"


@pytest.fixture
def mixed(connection: Any, address: str, tmp_path: Path) -> Any:
    """A mixed project with databases of its own; call it with the environment to add."""
    name = f"{connection.settings_dict['NAME']}_x"

    def mixed(**environment: str) -> Manage:
        return Manage(
            "tests.settings_mixed",
            MONGODB_URI=address,
            MONGO_TEST_NAME=name,
            MIXED_SQLITE=str(tmp_path / "mixed.sqlite3"),
            **environment,
        )

    yield mixed
    connection.client.drop_database(f"{name}_mixed")


@pytest.fixture
def alone(connection: Any, address: str) -> Callable[..., Manage]:
    """The suite's own settings, on the test database of this worker."""

    def alone(**environment: str) -> Manage:
        return Manage(
            "tests.settings",
            **{
                "MONGODB_URI": address,
                "MONGO_TEST_NAME": connection.settings_dict["NAME"],
                **environment,
            },
        )

    return alone


@pytest.fixture
def as_declared(connection: Any) -> Any:
    """Restore what a test takes away from the schema of the test database."""
    yield
    for name in connection.introspection.table_names(include_views=True):
        connection.database.drop_collection(name)
    connection.creation.apply_schema(verbosity=0)
