from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.inspectdb import Command as DjangoCommand

from mongo_contrib.db import is_mongo


class Command(DjangoCommand):
    """Django's inspectdb; MongoDB has no columns to inspect."""

    def handle(self, *args: Any, **options: Any) -> Any:
        if is_mongo(options["database"]):
            raise CommandError(
                f"inspectdb is for SQL, and DATABASES[{options['database']!r}] is MongoDB: "
                "collections have no columns to make models of; use inspectmongo."
            )
        return super().handle(*args, **options)
