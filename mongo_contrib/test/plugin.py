"""A pytest plugin: capability marks and command counting for tests that use a real server.

It is on wherever the package is installed, and does nothing until one of its names is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

# user_properties travel from xdist's workers to the process that prints the summary.
_LACKING = "mongo_contrib_lacking"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(*capabilities, using=None): skip unless the MongoDB server has each of these "
        "capabilities (see connection.features), asked of the server once.",
    )


@pytest.fixture(autouse=True)
def _mongo_needs(request: pytest.FixtureRequest) -> None:
    """Skip a test marked ``needs(...)`` where the server lacks a capability."""
    marks = list(request.node.iter_markers("needs"))
    if not marks:
        return
    from mongo_contrib.db import get_connection

    # The probes write to the test database, so it has to be there first.
    request.getfixturevalue("django_db_setup")
    blocker = request.getfixturevalue("django_db_blocker")
    lacking = []
    with blocker.unblock():
        for mark in marks:
            features = get_connection(mark.kwargs.get("using")).features
            lacking += [name for name in mark.args if not features.has(name)]
    if lacking:
        request.node.user_properties.append((_LACKING, lacking))
        pytest.skip(f"needs {', '.join(lacking)}, which this server lacks")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        for key, value in getattr(report, "user_properties", ()):
            if key == _LACKING:
                counts.update(value)
    if counts:
        listed = ", ".join(f"{number} for {name}" for name, number in sorted(counts.items()))
        terminalreporter.write_line(f"Skipped because the MongoDB server lacks it: {listed}")


@pytest.fixture
def assert_num_commands() -> Callable[..., AbstractContextManager[Any]]:
    """``with assert_num_commands(2): ...`` fails unless exactly so many commands were sent."""
    from mongo_contrib.test import assert_num_commands

    return assert_num_commands


@pytest.fixture
def capture_commands(db: None) -> Iterator[Any]:
    """The commands sent so far in this test and in the fixtures after this one."""
    from mongo_contrib.test import CaptureCommands

    with CaptureCommands() as commands:
        yield commands
