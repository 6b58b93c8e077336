"""Search indexes, on servers that have them: created, compared and, when pruning, dropped.

They are built and kept up to date beside the database, so that a new definition takes the place of
the old one when it is ready.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mongo_contrib.db.schema.definitions import contains, plain
from mongo_contrib.db.schema.diff import shown
from mongo_contrib.db.schema.specs import CollectionSpec, SearchIndexSpec
from mongo_contrib.db.schema.steps import CollectionStep, Kind, Message, Step
from mongo_contrib.exceptions import translated_errors

__all__ = ["SearchPlan"]


class SearchStep(CollectionStep):
    def __init__(self, connection: Any, spec: CollectionSpec, index: SearchIndexSpec) -> None:
        super().__init__(connection, spec)
        self.index = index

    def details(self) -> list[str]:
        return [f"+ search index {self.index.name} {shown(self.index.definition)}"]

    def send(self, command: str, /, **arguments: Any) -> None:
        with translated_errors(collection=self.spec.name):
            self.connection.database.command(command, self.spec.name, **arguments)


class CreateSearchIndex(SearchStep):
    def describe(self) -> str:
        return f"Create search index {self.index.name} on {self.spec.label}"

    def apply(self) -> None:
        index = {
            "name": self.index.name,
            "type": self.index.type,
            "definition": self.index.definition,
        }
        self.send("createSearchIndexes", indexes=[index])


class ChangeSearchIndex(SearchStep):
    def __init__(
        self,
        connection: Any,
        spec: CollectionSpec,
        index: SearchIndexSpec,
        real: Mapping[str, Any],
    ) -> None:
        super().__init__(connection, spec, index)
        self.real = real

    def describe(self) -> str:
        return f"Change search index {self.index.name} on {self.spec.label}"

    def details(self) -> list[str]:
        return [f"- search index {self.index.name} {shown(self.real)}", *super().details()]

    def apply(self) -> None:
        self.send("updateSearchIndex", name=self.index.name, definition=self.index.definition)


class DropSearchIndex(CollectionStep):
    drops = True

    def __init__(self, connection: Any, spec: CollectionSpec, name: str) -> None:
        super().__init__(connection, spec)
        self.name = name

    def describe(self) -> str:
        return f"Drop search index {self.name} of {self.spec.label}, which nothing declares"

    def apply(self) -> None:
        with translated_errors(collection=self.spec.name):
            self.connection.database.command("dropSearchIndex", self.spec.name, name=self.name)


class SearchPlan:
    """The plan of the search indexes of one collection."""

    def __init__(self, connection: Any, spec: CollectionSpec, *, prune: bool) -> None:
        self.connection = connection
        self.spec = spec
        self.prune = prune

    def steps(self) -> Iterator[Step]:
        if not self.connection.features.has("search_index"):
            names = ", ".join(index.name for index in self.spec.search_indexes)
            yield self.message(
                Kind.WARNING, f"is left without search indexes ({names}): this server lacks them"
            )
            return
        real = {
            found["name"]: found
            for found in self.connection.database[self.spec.name].list_search_indexes()
        }
        for index in self.spec.search_indexes:
            found = real.pop(index.name, None)
            if found is None:
                yield CreateSearchIndex(self.connection, self.spec, index)
            elif found.get("type", "search") != index.type:
                text = f"has the search index {index.name} as a {found['type']} one; drop it first"
                yield self.message(Kind.ERROR, text)
            elif not contains(plain(found["latestDefinition"]), plain(index.definition)):
                yield ChangeSearchIndex(
                    self.connection, self.spec, index, plain(found["latestDefinition"])
                )
        if self.prune:
            for name in sorted(real):
                yield DropSearchIndex(self.connection, self.spec, name)
        elif real:
            names = ", ".join(sorted(real))
            yield self.message(Kind.NOTE, f"has search indexes that nothing declares: {names}")

    def message(self, kind: Kind, text: str) -> Step:
        return Message(kind, f"Collection {self.spec.label} {text}")
