"""Atlas as a project of its own: other processes with its own settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def manage(tmp_path):
    """Run a command of Atlas's, with data of its own and without a server's address."""

    def run(*arguments, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MONGO", "DJANGO"))}
        return subprocess.run(
            [sys.executable, "-W", "error", ROOT / "example_project" / "manage.py", *arguments],
            env={**kept, "PYTHONPATH": str(ROOT), "ATLAS_DATA_DIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    return run


def test_checks_are_silent_and_start_no_server(manage, tmp_path):
    done = manage("check")
    assert (done.stdout, done.stderr) == ("System check identified no issues (0 silenced).\n", "")
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_migrate_for_django(manage):
    assert "No changes detected" in manage("makemigrations", "--check", "--dry-run").stdout


def test_deployment_asks_for_a_secret_key(manage):
    done = manage("check", "--deploy", "--fail-level", "WARNING", DJANGO_DEBUG="0")
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr
