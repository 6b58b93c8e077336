"""What a database holds, where Django asks for tables, columns and constraints."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError
from django.db.backends.base.introspection import BaseDatabaseIntrospection, TableInfo

from mongo_contrib.db.schema import declared


class DatabaseIntrospection(BaseDatabaseIntrospection):
    """Collections for tables, indexes for constraints; sequences and columns there are none."""

    def get_table_list(self, cursor: Any) -> list[TableInfo]:
        """All collections ("t") and views ("v") but the server's own."""
        with self.connection.wrap_database_errors:
            listed = list(self.connection.database.list_collections(nameOnly=True))
        return [
            TableInfo(info["name"], "v" if info.get("type") == "view" else "t")
            for info in listed
            if not info["name"].startswith("system.")
        ]

    def table_names(self, cursor: Any = None, include_views: bool = False) -> list[str]:
        """The names of all collections, sorted.

        With a cursor it is Django's record of migrations that asks. There is none, and exactly
        this exception keeps runserver and createsuperuser from announcing that all migrations
        of the project's SQL apps are still to be applied here.
        """
        if cursor is not None:
            raise ImproperlyConfigured(
                f"DATABASES[{self.connection.alias!r}] is MongoDB, which has no tables and no "
                "record of migrations; `migrate` compares collections and indexes instead."
            )
        return sorted(
            info.name for info in self.get_table_list(None) if include_views or info.type == "t"
        )

    def django_table_names(
        self, only_existing: bool = False, include_views: bool = True
    ) -> list[str]:
        """The declared collections; of a test database, all that exist.

        Django's `flush` deletes from what this returns, and between tests nothing may remain,
        declared or not.
        """
        if not only_existing:
            return [spec.name for spec in declared(self.connection.alias)]
        is_test_database = self.connection.creation.is_test_database
        existing = self.table_names(include_views=include_views or is_test_database)
        if is_test_database:
            return existing
        names = {spec.name for spec in declared(self.connection.alias)}
        return [name for name in existing if name in names]

    def get_sequences(
        self, cursor: Any, table_name: str, table_fields: Any = ()
    ) -> list[dict[str, Any]]:
        """None: an _id is made by the client."""
        return []

    def sequence_list(self) -> list[dict[str, Any]]:
        """See get_sequences()."""
        return []

    def get_relations(self, cursor: Any, table_name: str) -> dict[str, Any]:
        """None: the server knows of no references."""
        return {}

    def get_table_description(self, cursor: Any, table_name: str) -> list[Any]:
        raise NotSupportedError(
            f"The collection {table_name!r} of DATABASES[{self.connection.alias!r}] has no "
            "columns that could be read: each document of MongoDB has its own fields."
        )

    def get_constraints(self, cursor: Any, table_name: str) -> dict[str, dict[str, Any]]:
        """The indexes of a collection in Django's shape; `_id_` is the primary key."""
        with self.connection.wrap_database_errors:
            indexes = list(self.connection.database[table_name].list_indexes())
        return {index["name"]: _constraint(index) for index in indexes}


def _constraint(index: Any) -> dict[str, Any]:
    primary = list(index["key"]) == ["_id"]
    orders = list(index["key"].values())
    special = next((order for order in orders if isinstance(order, str)), None)
    return {
        "columns": list(index["key"]),
        "primary_key": primary,
        "unique": primary or bool(index.get("unique")),
        "foreign_key": None,
        "check": False,
        "index": True,
        "orders": ["DESC" if order == -1 else "ASC" for order in orders],
        "type": special or "btree",
    }
