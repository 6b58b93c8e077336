from typing import Any

from django.core.management import call_command
from django.core.management.commands.showmigrations import Command as DjangoCommand

from mongo_contrib.db import is_mongo


class Command(DjangoCommand):
    """Django's showmigrations; for MongoDB, what ``migrate --plan`` shows."""

    def handle(self, *args: Any, **options: Any) -> Any:
        if is_mongo(options["database"]):
            for labels in [[label] for label in options["app_label"]] or [[]]:
                call_command(
                    "migrate",
                    *labels,
                    database=options["database"],
                    plan=True,
                    verbosity=options["verbosity"],
                    stdout=self.stdout,
                    stderr=self.stderr,
                )
            return None
        return super().handle(*args, **options)
