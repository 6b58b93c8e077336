"""Whole projects of their own, each in a process: the settings of one are made only once."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(source, connection):
    """Run a project's code, which prints JSON last; return that.

    Its entry in DATABASES, a database of its own, is in the environment: MONGO_ENTRY.
    """
    entry = {
        "ENGINE": "mongo_contrib.db",
        "HOST": connection.settings_dict["HOST"],
        "NAME": f"{connection.settings_dict['NAME']}_mixed",
    }
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MONGO_ENTRY": json.dumps(entry)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])
