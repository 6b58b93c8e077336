"""The two queries of Django's own deletion that reach a Document, and the refusal of others."""

from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db.models.lookups import In


class SQLRefused:
    """Stands for any SQL compiler: refuses by naming the model and the cure."""

    def __init__(
        self, query: Any, connection: Any, using: str | None, elide_empty: bool = True
    ) -> None:
        self.query = query
        self.connection = connection
        self.using = using or connection.alias
        if not getattr(query.model, "_is_document", False):
            self.refuse()

    def refuse(self) -> NoReturn:
        model = self.query.model
        name = model._meta.label
        where = f"DATABASES[{self.using!r}], which is MongoDB and knows no SQL"
        if getattr(model, "_is_document", False):
            raise ImproperlyConfigured(
                f"An SQL query for the document {name} reached {where}: give it a "
                f"DocumentManager in place of a plain models.Manager."
            )
        raise ImproperlyConfigured(
            f"The model {name} reached {where}: make it a mongo_contrib.documents.Document, or "
            f"route it to an SQL database."
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse()


class SQLDeleteCompiler(SQLRefused):
    """`DeleteQuery.delete_batch()` of django.db.models.deletion, for documents."""

    def execute_sql(self, result_type: Any = None, **kwargs: Any) -> int:
        """Delete the documents and return how many there were."""
        filter = self.filter()
        return self.repository().delete_many(filter)

    def repository(self) -> Any:
        return self.query.model._repository(self.using)

    def filter(self) -> dict[str, Any]:
        """Return MQL for the single condition `pk IN [...]` that the Collector makes."""
        model, where = self.query.model, self.query.where
        if len(where.children) != 1 or where.negated or not isinstance(where.children[0], In):
            self.refuse()
        lookup = where.children[0]
        field = lookup.lhs.target
        values = [model._encode_value(field, value) for value in lookup.rhs]
        return {field.column: {"$in": values}}


class SQLUpdateCompiler(SQLDeleteCompiler):
    """`UpdateQuery.update_batch()`: the SET_NULL and SET_DEFAULT of Django's deletion."""

    def execute_sql(self, result_type: Any = None, **kwargs: Any) -> int:
        """Set the values in all documents of the batch and return how many matched."""
        wanted: dict[str, Any] = {}
        gone: dict[str, Any] = {}
        for field, _, value in self.query.values:
            if hasattr(value, "resolve_expression"):
                self.refuse()
            if value is None:
                # A missing path and null read the same; documents keep None out of the store.
                gone[field.column] = ""
            else:
                wanted[field.column] = self.query.model._encode_value(field, value)
        update = {"$set": wanted, "$unset": gone}
        filter = self.filter()
        result = self.repository().update_many(
            filter, {name: changes for name, changes in update.items() if changes}
        )
        return int(result.matched_count)


COMPILERS = {"SQLDeleteCompiler": SQLDeleteCompiler, "SQLUpdateCompiler": SQLUpdateCompiler}
