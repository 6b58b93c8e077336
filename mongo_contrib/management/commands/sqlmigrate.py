from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.sqlmigrate import Command as DjangoCommand

from mongo_contrib.db import is_mongo


class Command(DjangoCommand):
    """Django's sqlmigrate; MongoDB has no migrations to print."""

    def handle(self, *args: Any, **options: Any) -> Any:
        if is_mongo(options["database"]):
            raise CommandError(
                f"sqlmigrate is for SQL, and DATABASES[{options['database']!r}] is MongoDB: "
                "its collections need no migrations; `migrate --plan` shows what would change."
            )
        return super().handle(*args, **options)
