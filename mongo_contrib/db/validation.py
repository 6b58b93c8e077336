"""`check --database ALIAS` for the engine itself; documents and apps have checks of their own."""

from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.db.backends.base.validation import BaseDatabaseValidation


class DatabaseValidation(BaseDatabaseValidation):
    """Tells of a server that cannot be used, or whose atomic() protects nothing."""

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        alias = self.connection.alias
        try:
            self.connection.ensure_connection()
            transactions = self.connection.features.has("transactions")
        except (DatabaseError, ImproperlyConfigured) as exc:
            return [
                checks.Error(
                    f"DATABASES[{alias!r}] cannot be used: {exc}",
                    hint="Is the server running, and do HOST, USER and PASSWORD belong to it? "
                    "`manage.py waitformongo` waits for one that is starting.",
                    id="mongo_contrib.E006",
                )
            ]
        if transactions:
            return []
        return [
            checks.Warning(
                f"The server of DATABASES[{alias!r}] has no transactions: atomic() neither "
                f"isolates nor rolls back.",
                hint="Run it as a replica set; one node suffices (`--replSet rs0`, then "
                "`rs.initiate()`).",
                id="mongo_contrib.W001",
            )
        ]
