"""`check --database ALIAS`: can the server be used, and does it hold what is declared?"""

from collections.abc import Iterable
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.backends.base.validation import BaseDatabaseValidation

from mongo_contrib.exceptions import ServerUnavailable

# How many models or differences a message names.
NAMED = 3


class DatabaseValidation(BaseDatabaseValidation):
    """Tells of a server that cannot be used, or whose atomic() protects nothing.

    Then of what differs from what documents and apps declare. All in one, for a check of its own
    would wait a second time for a server that does not answer.
    """

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        alias = self.connection.alias
        try:
            self.connection.ensure_connection()
            differences = compare(self.connection)
            transactions = self.connection.features.has("transactions")
        except (DatabaseError, ImproperlyConfigured) as exc:
            # Most name the setting and the cure themselves.
            name = f"DATABASES[{alias!r}]"
            waiting = isinstance(exc, ServerUnavailable)
            return [
                checks.Error(
                    str(exc) if str(exc).startswith(name) else f"{name} cannot be used: {exc}",
                    hint="`manage.py waitformongo` waits for one that is starting."
                    if waiting
                    else None,
                    id="mongo_contrib.E006",
                )
            ]
        if transactions:
            return differences
        return [
            checks.Warning(
                f"The server of DATABASES[{alias!r}] has no transactions: atomic() neither "
                f"isolates nor rolls back.",
                hint="Run it as a replica set; one node suffices (`--replSet rs0`, then "
                "`rs.initiate()`).",
                id="mongo_contrib.W001",
            ),
            *differences,
        ]


def compare(connection: Any) -> list[checks.CheckMessage]:
    """What the server lacks of what is declared, and what it cannot have."""
    # Imported late: what is declared is known when all engines and apps are loaded.
    from mongo_contrib.db.schema import Kind, declared, plan

    problems: list[checks.CheckMessage] = []
    alias = connection.alias
    steps = plan(connection, declared(alias))
    missing = [step.describe() for step in steps if step.kind is Kind.CHANGE]
    if missing:
        problems.append(
            checks.Warning(
                f"DATABASES[{alias!r}] is not as declared: {named(missing, '; ')}.",
                hint=f"Run `manage.py migrate --database {alias}`.",
                id="mongo_contrib.W002",
            )
        )
    for step in steps:
        if step.kind is Kind.WARNING:
            problems.append(checks.Warning(f"{step.describe()}.", id="mongo_contrib.W003"))
        elif step.kind is Kind.ERROR:
            problems.append(checks.Error(f"{step.describe()}.", id="mongo_contrib.E007"))
    return problems


def named(labels: Iterable[str], separator: str = ", ") -> str:
    """The first few, and how many more there are."""
    some = list(labels)
    more = f"{separator}and {len(some) - NAMED} more" if len(some) > NAMED else ""
    return separator.join(some[:NAMED]) + more
