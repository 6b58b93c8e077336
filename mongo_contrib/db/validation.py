"""System checks of the engine; those of documents are with the documents."""

from django.db.backends.base.validation import BaseDatabaseValidation


class DatabaseValidation(BaseDatabaseValidation):
    """`check --database ALIAS`."""
