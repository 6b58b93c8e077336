"""A file passes in pieces, however large it is: measured in a process of its own.

MONGO_STORAGE_LARGE says how many bytes it has; `make bench` measures one of 1 GB.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIZE = int(os.environ.get("MONGO_STORAGE_LARGE", 32 * 1024 * 1024))

#: MB over what the process has anyway.
BOUND = 20 if SIZE < 2**30 else 64


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the peak of the memory")
def test_memory_is_constant_in_and_out(connection):
    address = "mongodb://{}:{}/".format(*connection.client.address)
    database = f"{connection.settings_dict['NAME']}_large"
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.sides.large", address, database, str(SIZE)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    finally:
        connection.client.drop_database(f"{database}_ours")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["bytes"] == SIZE
    assert set(found["memory_mb"]) == {"in", "out", "view", "async view"}
    assert all(mb < BOUND for mb in found["memory_mb"].values()), found
