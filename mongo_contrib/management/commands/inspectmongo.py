from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

import mongo_contrib
from mongo_contrib.db import default_alias, is_mongo
from mongo_contrib.inspection import inspect, module_source


class Command(BaseCommand):
    """Prints document classes for collections that exist already."""

    help = (
        "Samples collections and prints the document classes that describe them. They are a "
        "start: references are guessed, and what no sampled document has is not known."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "collection",
            nargs="*",
            help="The collections; by default all that no installed app describes.",
        )
        parser.add_argument(
            "--database",
            choices=[alias for alias in connections if is_mongo(alias)],
            help="The alias to inspect; by default the first that is MongoDB.",
        )
        parser.add_argument(
            "--sample",
            type=int,
            default=1_000,
            metavar="DOCUMENTS",
            help="How many documents of each collection to look at (default: %(default)s).",
        )
        parser.add_argument(
            "--all",
            action="store_true",
            help="Also the collections that installed apps describe.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sample"] < 1:
            raise CommandError(f"--sample must be at least 1, not {options['sample']}.")
        alias = options["database"] or default_alias()
        self.verbosity = options["verbosity"]
        try:
            found = inspect(
                connections[alias],
                options["collection"],
                sample=options["sample"],
                everything=options["all"],
                progress=self.progress,
            )
        except LookupError as exc:
            self.clear()
            raise CommandError(exc.args[0]) from exc
        except DatabaseError as exc:
            self.clear()
            raise CommandError(str(exc)) from exc
        self.clear()
        for name, reason in found.left_out.items():
            self.stderr.write(f"Left out {name}: {reason}.")
        if not found.classes:
            raise CommandError(
                f"There is nothing to describe on {alias!r}; name the collections, or use --all."
            )
        database = connections[alias].database.name
        header = (
            f'"""Documents of the database {database!r}.\n\n'
            f"Made by `manage.py inspectmongo` of mongo_contrib {mongo_contrib.__version__} from "
            f"{options['sample']:,}\ndocuments of each collection at most: look it over before "
            'use.\n"""\n'
        )
        self.stdout.write(module_source(found.classes, header), ending="")

    def progress(self, what: str, done: int, of: int) -> None:
        if self.verbosity and self.stderr.isatty():
            self.stderr.write(f"\r\033[K{what} ({done + 1} of {of})"[:120], ending="")
            self.stderr.flush()

    def clear(self) -> None:
        if self.verbosity and self.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
