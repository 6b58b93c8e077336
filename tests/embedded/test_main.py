"""`python -m mongo_contrib.embedded DIR`"""

import signal
import subprocess
import sys

from mongo_contrib.embedded import describe
from tests.embedded.processes import ROOT, has_users


def test_it_names_the_server_and_keeps_it_until_it_is_told_to_go(any_kind, home):
    with subprocess.Popen(
        [sys.executable, "-m", "mongo_contrib.embedded", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == f"{describe(home)}\n"
        assert has_users(home)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not has_users(home)
