"""What is known without a database, asked as if it were a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.db.utils import NotSupportedError

from mongo_contrib.documents.matching import matches

Stored = dict[str, Any]


class RegistryRepository:
    """The reading verbs of a `Repository`, over dicts that a function yields."""

    def __init__(self, name: str, documents: Callable[[], Iterable[Stored]]) -> None:
        self.name = name
        self.documents = documents

    def find(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Any = None,
        *,
        sort: Iterable[tuple[str, int]] = (),
        skip: int = 0,
        limit: int = 0,
        **options: Any,
    ) -> Iterator[Stored]:
        """Yield the documents that match; the projection may as well be all of them."""
        found = [document for document in self.documents() if self._matches(filter, document)]
        for path, direction in reversed(list(sort)):
            found.sort(key=lambda document: document[path], reverse=direction < 0)
        return iter(found[skip : skip + limit if limit else None])

    def count(self, filter: Mapping[str, Any] | None = None, **options: Any) -> int:
        return len(list(self.find(filter, **options)))

    def exists(self, filter: Mapping[str, Any] | None = None, **options: Any) -> bool:
        return any(True for _ in self.find(filter, **options))

    def estimated_count(self) -> int:
        return self.count()

    def __getattr__(self, verb: str) -> Any:
        raise NotSupportedError(
            f"{self.name} has no table and no collection here, so {verb}() can't be done: its "
            "objects are made of the installed apps, and are only read."
        )

    def _matches(self, condition: Mapping[str, Any] | None, document: Stored) -> bool:
        condition = dict(condition or {})
        refused = condition.pop("$nor", ())
        if any(self._matches(each, document) for each in refused):
            return False
        try:
            return matches(condition, document)
        except KeyError as error:
            raise NotSupportedError(
                f"{self.name} can't be filtered by {error}; use 'exact' or 'in'."
            ) from error
