"""What stands where Django's migrations ask for DDL."""

from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class DatabaseSchemaEditor(BaseDatabaseSchemaEditor):
    """Refuses every change of a table by name; can be opened, as RunPython needs no more."""

    def __enter__(self) -> "DatabaseSchemaEditor":
        self.deferred_sql: list[Any] = []
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        pass

    def _refuse(self, model: Any = None, *args: Any, **kwargs: Any) -> NoReturn:
        what = getattr(getattr(model, "_meta", None), "label", None)
        subject = f"The model {what}" if what else "An SQL migration"
        raise ImproperlyConfigured(
            f"{subject} asks DATABASES[{self.connection.alias!r}], which is MongoDB, for a table; "
            f"make it a mongo_contrib.documents.Document, or route it to an SQL database."
        )

    execute = create_model = delete_model = alter_field = add_field = remove_field = _refuse
    add_index = remove_index = rename_index = add_constraint = remove_constraint = _refuse
    alter_unique_together = alter_index_together = alter_db_table = _refuse
    alter_db_table_comment = alter_db_tablespace = _refuse
