from __future__ import annotations

import time
from typing import Any

import pymongo
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from mongo_contrib.db import default_alias, is_mongo
from mongo_contrib.exceptions import AccessDenied, ServerTooOld

# How long one attempt may take: progress is shown as often.
ATTEMPT = 2.0
PAUSE = 0.25


class Command(BaseCommand):
    """Waits for a server to answer; in a container, between starting it and ``migrate``."""

    help = "Waits until the MongoDB server answers, or exits with 1 when the time is up."
    # The checks may need the server that this waits for.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database",
            choices=[alias for alias in connections if is_mongo(alias)],
            help="The alias to wait for; by default the first that is MongoDB.",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=60,
            metavar="SECONDS",
            help="How long to wait (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["timeout"] <= 0:
            raise CommandError(f"--timeout must be over 0 seconds, not {options['timeout']:g}.")
        alias = options["database"] or default_alias()
        self.verbosity = options["verbosity"]
        connection = connections[alias]
        start = time.monotonic()
        self.write(f"Waiting for MongoDB ({alias!r})...")
        while True:
            left = start + options["timeout"] - time.monotonic()
            try:
                self.ping(connection, max(0.05, min(ATTEMPT, left)))
            except (AccessDenied, ServerTooOld, ImproperlyConfigured) as exc:
                # It answers, or never will: waiting changes nothing.
                raise CommandError(str(exc)) from exc
            except DatabaseError as exc:
                waited = time.monotonic() - start
                if waited + PAUSE >= options["timeout"]:
                    raise CommandError(
                        f"MongoDB ({alias!r}) did not answer within {options['timeout']:g} "
                        f"seconds: {exc}"
                    ) from exc
                self.write(f"  {waited:.1f} s: {exc}")
                time.sleep(PAUSE)
            else:
                self.write(f"MongoDB answered after {time.monotonic() - start:.1f} s.")
                return

    @staticmethod
    def ping(connection: Any, seconds: float) -> None:
        """Connect anew, which selects a writable server and checks its version."""
        connection.close()
        with pymongo.timeout(seconds), connection.wrap_database_errors:
            connection.ensure_connection()
            connection.client.admin.command("ping")

    def write(self, text: str) -> None:
        if self.verbosity >= 1:
            self.stdout.write(text)
            self.stdout.flush()
