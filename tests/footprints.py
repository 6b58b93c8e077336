"""What a test leaves in the test database, as the driver tells: only that is emptied after it.

To look through all declared collections takes the Python server longer than most tests do. Where
nobody can tell, as of what other processes write, all are looked through: what tests of every
project get. And who changes an index or an option of a declared collection has to undo it; a test
that does not is named here, before it is others that fail.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import TransactionTestCase
from pymongo import monitoring

WRITING = {"delete", "findAndModify", "insert", "update"}
SHAPING = {"collMod", "create", "createIndexes", "drop", "dropIndexes"}
# Any other may write, and anywhere.
READING = {
    *("abortTransaction", "buildInfo", "collStats", "commitTransaction", "configureFailPoint"),
    *("connectionStatus", "count", "dbStats", "distinct", "endSessions", "explain", "find"),
    *("getMore", "getParameter", "hello", "killCursors", "listCollections", "listDatabases"),
    *("listIndexes", "ping", "serverStatus"),
}
PROCESSES = {"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"}

# (database, collection)
Names = set[tuple[str, Any]]


class Footprints(monitoring.CommandListener):
    """What the clients of this process have written."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._written: Names = set()
        self._shaped: Names = set()
        self._untold = False
        #: Whether a process was started, which may be writing still.
        self.processes = False

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROCESSES:
            self.processes = True

    # Told of the beginning: what became of a command that was cut off, nobody knows.
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if getattr(self._own, "ignored", False):
            return
        name = event.command_name
        target = (event.database_name, event.command.get(name))
        if name in WRITING:
            self._written.add(target)
        elif name in SHAPING:
            self._written.add(target)
            self._shaped.add(target)
        elif name == "aggregate":
            stages = {stage for each in event.command["pipeline"][-1:] for stage in each}
            self._untold |= bool(stages & {"$out", "$merge"})
        elif name not in READING:
            self._untold = True

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def take(self, database: str) -> tuple[set[str] | None, set[str] | None]:
        """The collections written and those reshaped since the last time; None for any."""
        written, self._written = self._written, set()
        shaped, self._shaped = self._shaped, set()
        untold, self._untold = self._untold, False
        return (
            None if untold or self.processes else _in(database, written),
            None if untold else _in(database, shaped),
        )

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """What this thread does in the block is nobody's footprint."""
        self._own.ignored = True
        try:
            yield
        finally:
            self._own.ignored = False


def _in(database: str, names: Names) -> set[str]:
    return {collection for name, collection in names if name == database}


footprints = Footprints()
# At once: clients that are there already would tell nothing.
monitoring.register(footprints)
sys.addaudithook(footprints.audit)


class Cleaner:
    """Empties the test database after each test, and compares it with what was declared."""

    def __init__(self, connection: Any) -> None:
        from mongo_contrib.db.schema import declared

        # Now: in the tests, some settings and classes are others.
        self.specs = {spec.name: spec for spec in declared(connection.alias)}
        self.usual = TransactionTestCase._fixture_teardown
        # Of the server, as no test has changed them.
        self.features: dict[str, bool] = {}

    @contextmanager
    def at_work(self) -> Iterator[None]:
        def teardown(case: TransactionTestCase) -> None:
            self.clean(case)

        TransactionTestCase._fixture_teardown = teardown
        try:
            yield
        finally:
            TransactionTestCase._fixture_teardown = self.usual

    def clean(self, case: TransactionTestCase) -> None:
        from mongo_contrib.db import get_connection

        connection = get_connection()
        written, shaped = footprints.take(connection.database.name)
        if case._databases_names(include_mirrors=False) != [connection.alias]:
            written = None
        with footprints.ignored():
            with _flushing_only(connection, written):
                self.usual(case)
            self.compare(connection, shaped, "This test")

    def compare(self, connection: Any, names: set[str] | None, who: str) -> None:
        """Put right what is not as declared in these collections, or any, and say who it was."""
        from mongo_contrib.db.schema import Kind, plan

        specs = [spec for name, spec in self.specs.items() if names is None or name in names]
        if not specs:
            return
        known, connection.server.features = connection.server.features, self.features
        try:
            steps = plan(connection, specs, undeclared=False, prune=True)
        finally:
            connection.server.features = known
        # What this server lacks is an error from the beginning.
        wrong = [step for step in steps if step.kind is Kind.CHANGE]
        for step in wrong:
            step.apply()
        if wrong:
            lines = "\n".join(f"  {step.describe()}" for step in wrong)
            pytest.fail(f"{who} left this to be done for the next:\n{lines}", pytrace=False)


@contextmanager
def _flushing_only(connection: Any, names: set[str] | None) -> Iterator[None]:
    """Let Django's `flush` find these collections alone, unless they are None."""
    if names is None:
        yield
        return
    introspection = connection.introspection
    introspection.django_table_names = lambda **_: sorted(names)
    try:
        yield
    finally:
        del introspection.django_table_names
