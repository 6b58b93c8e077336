"""Declared collections and indexes, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import IndexModel

__all__ = ["CollectionSpec", "IndexSpec", "SearchIndexSpec"]

#: What an option of an index needs of a server. Partial and unique ones are everywhere.
NEEDED_BY_OPTIONS = {
    "collation": "index_collation",
    "hidden": "hidden_index",
    "wildcardProjection": "wildcard_index",
}


@dataclass(frozen=True)
class IndexSpec:
    """One declared index; ``needs`` names the feature without which it cannot be built."""

    keys: tuple[tuple[str, int | str], ...]
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: str | None = None

    @property
    def unique(self) -> bool:
        return bool(self.options.get("unique"))

    @property
    def needed(self) -> tuple[str, ...]:
        """The features without which it cannot be built as declared."""
        by_option = [NEEDED_BY_OPTIONS[name] for name in self.options if name in NEEDED_BY_OPTIONS]
        return tuple(dict.fromkeys([*([self.needs] if self.needs else []), *by_option]))

    @property
    def paths(self) -> tuple[str, ...]:
        """The stored paths, in the order of the index."""
        return tuple(path for path, _ in self.keys)

    def model(self) -> IndexModel:
        """The index as pymongo takes it."""
        return IndexModel(list(self.keys), name=self.name, **self.options)

    def describe(self) -> str:
        keys = ", ".join(path if order == 1 else f"{path}: {order}" for path, order in self.keys)
        return f"{'unique ' if self.unique else ''}index {self.name} ({keys})"


@dataclass(frozen=True)
class SearchIndexSpec:
    """One declared search index; ``type`` is "search" or "vectorSearch"."""

    name: str
    type: str
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class CollectionSpec:
    """One declared collection; ``source`` says in messages who declares it.

    ``options`` are those of the server's ``create``.
    """

    name: str
    indexes: tuple[IndexSpec, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    shard_key: tuple[tuple[str, Any], ...] | None = None
    search_indexes: tuple[SearchIndexSpec, ...] = ()

    @property
    def label(self) -> str:
        """The collection with what declares it, for messages."""
        return f"{self.name} ({self.source})" if self.source else self.name

    @property
    def app_labels(self) -> set[str]:
        """The apps that declare it, by the part of ``source`` before the class."""
        return {source.partition(".")[0] for source in self.source.split(", ")}

    def merged(self, other: CollectionSpec) -> CollectionSpec:
        """Both declarations of one collection in one; a repeated index counts once."""
        added = tuple(index for index in other.indexes if index not in self.indexes)
        sources = [source for source in (self.source, other.source) if source]
        return CollectionSpec(
            self.name,
            self.indexes + added,
            {**self.options, **other.options},
            ", ".join(dict.fromkeys(sources)),
            self.shard_key or other.shard_key,
            self.search_indexes + other.search_indexes,
        )
