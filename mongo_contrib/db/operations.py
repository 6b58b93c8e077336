"""How Django's ORM and its values meet this engine, as far as they do."""

import datetime
import json
from collections.abc import Iterable, Sequence
from typing import Any

from bson import Decimal128
from django.conf import settings
from django.db.backends.base.operations import BaseDatabaseOperations

from mongo_contrib.db.compiler import COMPILERS, SQLRefused
from mongo_contrib.db.emptying import DeleteAll, empty

INT64 = (-(2**63), 2**63 - 1)


class DatabaseOperations(BaseDatabaseOperations):
    """No SQL: a compiler for the two queries of Django's deletion, a clear error for others."""

    compiler_module = "mongo_contrib.db.compiler"

    # BSON integers have 32 or 64 bits, whichever fits; the field's own range is kept.
    integer_field_ranges = {
        **BaseDatabaseOperations.integer_field_ranges,
        "BigAutoField": INT64,
    }

    def compiler(self, compiler_name: str) -> type[SQLRefused]:
        """Return the compiler of a query, which refuses it unless it is one of two."""
        return COMPILERS.get(compiler_name, SQLRefused)

    def max_name_length(self) -> int:
        # Asked while models are being made, so it must not ask the server. A namespace,
        # "database.collection", has at most 255 bytes, a database's name at most 63.
        return 191

    def quote_name(self, name: str) -> str:
        return name

    # Emptying: Django's `flush` and its TransactionTestCase.

    def sql_flush(
        self,
        style: Any,
        tables: Iterable[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[DeleteAll]:
        """Return a deletion per collection, readable for `sqlflush`."""
        return [DeleteAll(table) for table in tables]

    def execute_sql_flush(self, sql_list: Sequence[DeleteAll]) -> None:
        """Delete all documents of the collections; their indexes stay."""
        empty(self.connection, [deletion.collection for deletion in sql_list])

    def sequence_reset_sql(self, style: Any, model_list: Iterable[Any]) -> list[str]:
        """Let the classes' counters go on behind what is stored, as `loaddata` asks; no SQL."""
        for model in model_list:
            for field in model._meta.concrete_fields:
                if hasattr(field, "catch_up"):
                    field.catch_up(self.connection.alias)
        return []

    # Values, for fields of others that ask the connection. Ours do not: mongo_contrib.mapping
    # encodes documents, to the same forms. The base class would make text of most of them.

    def adapt_unknown_value(self, value: Any) -> Any:
        return value

    def adapt_integerfield_value(self, value: Any, internal_type: str) -> Any:
        return value

    def adapt_datefield_value(self, value: datetime.date | None) -> datetime.datetime | None:
        """Return the day's midnight in UTC: BSON has no date without a time."""
        if value is None or isinstance(value, datetime.datetime):
            return value
        utc = datetime.UTC if settings.USE_TZ else None
        return datetime.datetime(value.year, value.month, value.day, tzinfo=utc)

    def adapt_datetimefield_value(self, value: Any) -> Any:
        return value

    def adapt_timefield_value(self, value: datetime.time | None) -> str | None:
        """Return the time of day as text that sorts as it does: 08:30:00.000000."""
        return value.isoformat(timespec="microseconds") if value is not None else None

    def adapt_decimalfield_value(
        self, value: Any, max_digits: int | None = None, decimal_places: int | None = None
    ) -> Decimal128 | None:
        return None if value is None else Decimal128(value)

    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        """Return what JSON would make of the value, as BSON can hold it."""
        return json.loads(json.dumps(value, cls=encoder))
