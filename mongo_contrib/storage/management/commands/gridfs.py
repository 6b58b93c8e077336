from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, storages
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.management.actions.base import Action
from mongo_contrib.storage.management.actions.cleaning import Clean
from mongo_contrib.storage.management.actions.describing import Stat
from mongo_contrib.storage.management.actions.getting import Get
from mongo_contrib.storage.management.actions.listing import List
from mongo_contrib.storage.management.actions.migrating import MigrateFrom
from mongo_contrib.storage.management.actions.putting import Put
from mongo_contrib.storage.management.actions.removing import Remove
from mongo_contrib.storage.management.actions.verifying import Verify

ACTIONS: tuple[type[Action], ...] = (List, Put, Get, Remove, Stat, Verify, Clean, MigrateFrom)

# As a shell has it for a program that SIGINT has ended.
INTERRUPTED = 130


class Formatter(argparse.RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's, which leaves the lines of the examples as they are."""


class Command(BaseCommand):
    """Files in GridFS from a shell; what can be done is in `management.actions`."""

    help = (
        "Files in GridFS: lists, stores, gets, deletes, verifies and cleans them, and takes them "
        "over from another storage. See 'gridfs ACTION --help'."
    )
    # They may need what is to be repaired with this.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_storage(parser, default=None)
        # Django's own, behind the action too; what is not given there is not set there.
        after = argparse.ArgumentParser(add_help=False)
        self.add_storage(after, default=argparse.SUPPRESS)
        after.add_argument(
            "-v", "--verbosity", type=int, choices=[0, 1, 2, 3], default=argparse.SUPPRESS,
            help="0: results only, 1: and how far it is (default), 2: and every step.",
        )  # fmt: skip
        after.add_argument("--traceback", action="store_true", default=argparse.SUPPRESS,
                           help="Raise errors with their traceback.")  # fmt: skip
        after.add_argument("--no-color", action="store_true", default=argparse.SUPPRESS,
                           help="Don't colorize the output.")  # fmt: skip
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action in ACTIONS:
            examples = "".join(
                f"  manage.py gridfs {line}\n      {what}\n"
                for line, what in action.examples.items()
            )
            action.add_arguments(
                actions.add_parser(
                    action.name,
                    help=action.help.split(":")[0].split(".")[0] + ".",
                    description=action.help,
                    epilog=f"examples:\n{examples}" if examples else None,
                    parents=[after],
                    formatter_class=Formatter,
                )
            )

    @staticmethod
    def add_storage(parser: argparse.ArgumentParser, default: Any) -> None:
        parser.add_argument(
            "--storage", default=default, metavar="ALIAS",
            help="Which of STORAGES (default: 'default').",
        )  # fmt: skip
        parser.add_argument(
            "--bucket", default=default, help="A bucket that need not be in STORAGES."
        )
        parser.add_argument(
            "--alias", default=default, help="Of DATABASES, for --bucket; by default our first."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = {action.name: action for action in ACTIONS}
        try:
            action = kinds[options["action"]](
                self.get_storage(options),
                stdout=self.stdout,
                stderr=self.stderr,
                verbosity=options["verbosity"],
            )
            action.run(options)
            self.stdout.flush()
        except (DatabaseError, ImproperlyConfigured, SuspiciousFileOperation) as exc:
            raise CommandError(str(exc)) from exc
        except BrokenPipeError:
            # Whoever read the results wants no more of them; nor does the interpreter's end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from None

    def get_storage(self, options: dict[str, Any]) -> GridFSStorage:
        """The storage that the options name, or CommandError."""
        alias, bucket = options["storage"], options["bucket"]
        if bucket is not None or options["alias"] is not None:
            if alias is not None:
                raise CommandError(
                    "--storage names a bucket of STORAGES, --bucket one of a database: "
                    "give one of the two.",
                    returncode=2,
                )
            try:
                return GridFSStorage(alias=options["alias"], bucket=bucket)
            except ValueError as exc:
                raise CommandError(str(exc), returncode=2) from exc
        alias = alias or "default"
        try:
            storage = storages[alias]
        except (InvalidStorageError, ValueError, TypeError) as exc:
            raise CommandError(f"STORAGES[{alias!r}]: {exc}", returncode=2) from exc
        if not isinstance(storage, GridFSStorage):
            raise CommandError(
                f"STORAGES[{alias!r}] is a {type(storage).__name__}, and this is for those that "
                "are a GridFSStorage; name another with --storage, or a bucket with --bucket.",
                returncode=2,
            )
        return storage
