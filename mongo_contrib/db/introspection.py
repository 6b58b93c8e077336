"""What is there, in Django's words."""

from typing import Any

from django.db.backends.base.introspection import BaseDatabaseIntrospection, TableInfo


class DatabaseIntrospection(BaseDatabaseIntrospection):
    """Collections, where Django asks for tables."""

    def get_table_list(self, cursor: Any) -> list[TableInfo]:
        return [TableInfo(name, "t") for name in self.connection.database.list_collection_names()]
