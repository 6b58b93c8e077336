"""The plugin and our conftest, in runs of pytest of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

TESTS = """
import pytest

@pytest.mark.needs("ttl_index")
def test_has(db): pass

@pytest.mark.needs("fail_points", "ttl_index")
@pytest.mark.needs("snapshot_sessions")
def test_two(db): pass

@pytest.mark.needs("snapshot_sessions")
class TestClass:
    def test_in_class(self, db): pass

@pytest.mark.needs("snapshot_sessions")
def test_without_a_database_fixture(): pass

def test_writes(database):
    assert database["made"].count_documents({}) == 0
    database["made"].insert_one({})

def test_writes_too(database):
    test_writes(database)
    assert database.name.startswith("test_")
"""


@pytest.fixture
def run_pytest(tmp_path, connection):
    """Run pytest on TESTS with our conftest; return (exit code, output)."""
    host, port = connection.client.address
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = tests.settings\naddopts = --strict-markers -ra\n"
    )

    def run(*args, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *args],
            cwd=tmp_path,
            env={
                **{name: value for name, value in os.environ.items() if name != "CI"},
                "MONGODB_URI": f"mongodb://{host}:{port}/",
                "MONGO_TEST_NAME": f"{connection.settings_dict['NAME']}_py",
                "PYTHONPATH": str(ROOT),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    yield run
    for name in connection.client.list_database_names():
        if f"{connection.settings_dict['NAME']}_py" in name:
            connection.client.drop_database(name)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_server_is_named_and_what_it_lacks_is_counted(run_pytest, connection, workers):
    lacking = [n for n in ("fail_points", "snapshot_sessions") if not connection.features.has(n)]
    code, output = run_pytest(*workers)
    assert code == 0, output
    [line] = [line for line in output.splitlines() if line.startswith("mongodb: ")]
    host, port = connection.client.address
    assert f"at {host}:{port}; supports " in line
    assert "as MongoDB" in line or line.startswith("mongodb: MongoDB")
    if lacking == ["fail_points", "snapshot_sessions"]:
        assert "needs snapshot_sessions, fail_points, which this server lacks" in output
        closing = "Skipped because the MongoDB server lacks it: 1 for fail_points, 3 for snapshot"
        assert closing in output
        assert "3 passed, 3 skipped" in output
    elif not lacking:
        assert "6 passed" in output


NOWHERE = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"


def test_without_a_server_tests_are_skipped_out_loud(run_pytest):
    code, output = run_pytest(MONGODB_URI=NOWHERE)
    assert code == 0, output
    assert "mongodb: NONE, so every test that needs one is SKIPPED" in output
    assert "6 skipped" in output


def test_without_a_server_ci_fails(run_pytest):
    code, output = run_pytest(MONGODB_URI=NOWHERE, CI="true")
    assert code == 1
    assert "no MongoDB server: " in output


def test_an_unknown_capability_is_an_error(run_pytest, tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import pytest\n\n@pytest.mark.needs('magic')\ndef test(db): pass\n"
    )
    code, output = run_pytest()
    assert code == 1
    assert "There is no capability 'magic'" in output
