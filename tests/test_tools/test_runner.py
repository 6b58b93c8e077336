"""Django's own test runner on tests/runner_cases, in processes of its own."""

import os
import re
import subprocess
import sys

import pytest

CASES = ["test", "tests/runner_cases", "-t", ".", "--pattern", "cases.py", "--noinput"]


@pytest.fixture
def run(connection):
    """Run Django's runner on a real database of its own name; nothing may be left of it."""
    name = f"{connection.settings_dict['NAME']}_run"
    host, port = connection.client.address

    def run(*args):
        environment = {
            "MONGODB_URI": f"mongodb://{host}:{port}/",
            **os.environ,
            "MONGO_TEST_NAME": name,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": os.getcwd(),
        }
        done = subprocess.run(
            [sys.executable, "-m", "django", *CASES, *args],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def left():
        return {found for found in connection.client.list_database_names() if name in found}

    run.left = left
    yield run
    for found in left():
        connection.client.drop_database(found)


def ran(output):
    return int(re.search(r"Ran (\d+) tests", output)[1])


def test_in_one_process(run):
    output = run("-v", "2")
    assert ran(output) == 14
    assert "Creating test database for alias 'default'" in output
    assert "Destroying test database for alias 'default'" in output
    assert run.left() == set()


def test_in_parallel_processes(run):
    output = run("--parallel", "2")
    assert ran(output) == 14
    assert output.count("Cloning test database for alias 'default'") == 2
    assert run.left() == set()


def test_in_any_order_and_keeping_the_database(run):
    for _ in range(2):
        output = run("--keepdb", "--shuffle")
        assert "Preserving test database" in output
    assert len(run.left()) == 1
