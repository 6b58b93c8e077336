"""How Django's ORM and its values meet this engine, as far as they do."""

import datetime
from typing import Any

from bson import Decimal128
from django.db.backends.base.operations import BaseDatabaseOperations

from mongo_contrib.db.compiler import COMPILERS, SQLRefused
from mongo_contrib.db.emptying import DeleteAll, empty


class DatabaseOperations(BaseDatabaseOperations):
    """No SQL: a compiler for the two queries of Django's deletion, a clear error for others."""

    compiler_module = "mongo_contrib.db.compiler"

    def compiler(self, compiler_name: str) -> Any:
        return COMPILERS.get(compiler_name, SQLRefused)

    def max_name_length(self) -> int:
        # Asked while models are made, so it must not ask the server. A namespace, "database.
        # collection", has at most 255 bytes and a database's name at most 63.
        return 191

    def quote_name(self, name: str) -> str:
        return name

    def bulk_batch_size(self, fields: Any, objs: Any) -> int:
        return len(objs)

    # Emptying: what `flush` does, and Django's test cases after each test.

    def sql_flush(
        self,
        style: Any,
        tables: Any,
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        """One deleteMany for each collection, as `sqlflush` prints it."""
        return [DeleteAll(name) for name in tables]

    def execute_sql_flush(self, sql_list: Any) -> None:
        """Run the statements of sql_flush(), sending as few commands as that takes."""
        empty(self.connection, [statement.collection for statement in sql_list])

    def sequence_reset_sql(self, style: Any, model_list: Any) -> list[str]:
        """None: an _id is made by the client."""
        return []

    # Values: BSON has types of its own for all that SQL engines keep as text.

    def adapt_unknown_value(self, value: Any) -> Any:
        return value

    def adapt_datefield_value(self, value: Any) -> Any:
        """A date is kept as its midnight in UTC: BSON has no date without a time."""
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
        return value

    def adapt_datetimefield_value(self, value: Any) -> Any:
        return value

    def adapt_timefield_value(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def adapt_decimalfield_value(
        self, value: Any, max_digits: int | None = None, decimal_places: int | None = None
    ) -> Any:
        return None if value is None else Decimal128(value)

    def adapt_ipaddressfield_value(self, value: Any) -> Any:
        return value or None

    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        return value

    def adapt_integerfield_value(self, value: Any, internal_type: Any) -> Any:
        return value
