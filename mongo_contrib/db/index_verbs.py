"""What a repository does beside reading and writing documents: indexes, and plans of queries."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel

from mongo_contrib.bridge import native
from mongo_contrib.db.access import CollectionAccess
from mongo_contrib.db.options import Filter, driver_spelling

__all__ = ["IndexVerbs"]

Document = dict[str, Any]


class IndexVerbs(CollectionAccess):
    """Verbs that the server refuses inside a transaction, so they join none."""

    def create_indexes(self, indexes: Sequence[IndexModel], **options: Any) -> list[str]:
        """Build indexes and return their names; one that is there already costs nothing."""
        with self._errors:
            collection, _ = self._open()
            return collection.create_indexes(list(indexes), **options)

    async def acreate_indexes(self, indexes: Sequence[IndexModel], **options: Any) -> list[str]:
        """See create_indexes()."""
        return await native(self.create_indexes, indexes, **options)

    def list_indexes(self) -> list[Document]:
        """Return the indexes as the server describes them; none for a missing collection."""
        with self._errors:
            collection, _ = self._open()
            return [dict(index) for index in collection.list_indexes()]

    async def alist_indexes(self) -> list[Document]:
        """See list_indexes()."""
        return await native(self.list_indexes)

    def drop_index(self, name: str) -> None:
        """Drop an index; ProgrammingError if there is none of that name."""
        with self._errors:
            collection, _ = self._open()
            collection.drop_index(name)

    async def adrop_index(self, name: str) -> None:
        """See drop_index()."""
        await native(self.drop_index, name)

    def explain(
        self, filter: Filter | None = None, *, verbosity: str = "queryPlanner", **options: Any
    ) -> Document:
        """Return the server's plan for a find().

        Options are those of the server's `find` command (sort, limit, hint, ...). Verbosity:
        "queryPlanner", "executionStats" or "allPlansExecution".
        """
        with self._errors:
            collection, _ = self._open()
            return collection.database.command(self._explain(filter, verbosity, options))

    def explain_pipeline(
        self, pipeline: Sequence[Mapping[str, Any]], *, verbosity: str = "queryPlanner"
    ) -> Document:
        """Return the server's plan for an aggregate()."""
        command = {"aggregate": self.name, "pipeline": list(pipeline), "cursor": {}}
        with self._errors:
            collection, _ = self._open()
            return collection.database.command({"explain": command, "verbosity": verbosity})

    async def aexplain_pipeline(
        self, pipeline: Sequence[Mapping[str, Any]], *, verbosity: str = "queryPlanner"
    ) -> Document:
        """See explain_pipeline()."""
        return await native(self.explain_pipeline, pipeline, verbosity=verbosity)

    async def aexplain(
        self, filter: Filter | None = None, *, verbosity: str = "queryPlanner", **options: Any
    ) -> Document:
        """See explain()."""
        return await native(self.explain, filter, verbosity=verbosity, **options)

    def _explain(
        self, filter: Filter | None, verbosity: str, options: Mapping[str, Any]
    ) -> Document:
        command = {"find": self.name, "filter": filter or {}, **driver_spelling(options)}
        if not isinstance(command.get("sort", {}), Mapping):
            command["sort"] = dict(command["sort"])
        return {"explain": command, "verbosity": verbosity}
