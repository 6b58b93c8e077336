"""`near()`, `text_search()`, `search()` and `vector_search()`: sets that bring an order along."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Q

from .geo import is_geo
from .near import Near
from .paths import has_field, resolve
from .searching import Search, TextSearch, VectorSearch
from .sources import Measured, Source


class Finding:
    """Mixed into `DocumentQuerySet`.

    Each of these can be filtered, sliced, counted and ordered otherwise, as any set. What it
    measures is an annotation: an attribute of instances, and a name in `values()` and filters.
    """

    def near(
        self: Any,
        name: str,
        point: Any,
        *,
        max_distance: float | None = None,
        min_distance: float | None = None,
        distance: str = "distance",
    ) -> Any:
        """Return what lies at field `name` by its distance from `point`, the nearest first.

        `point` is (longitude, latitude), or GeoJSON; distances are metres. Each document has the
        attribute `distance`. The field needs a 2dsphere index.
        """
        source = Near(self.model, name, point, max_distance, min_distance, distance)
        return self._found_by(source, distance, ordered=False)

    def text_search(
        self: Any,
        words: str,
        *,
        language: str | None = None,
        case_sensitive: bool = False,
        diacritic_sensitive: bool = False,
        score: str = "score",
    ) -> Any:
        """Return what holds any of the words, the best first; each document has a `score`.

        `'"two words" -without'` asks for a phrase and leaves documents out. It needs a
        `TextIndex`.
        """
        source = TextSearch(
            self.model, score, words, language, case_sensitive, diacritic_sensitive
        )
        return self._found_by(source, score, ordered=True)

    def search(
        self: Any,
        asked: Any,
        *fields: str,
        index: str = "default",
        fuzzy: Any = None,
        score: str = "score",
    ) -> Any:
        """Return what a search index finds, the best first; each document has a `score`.

        `asked` is words, to be found in `fields` or anywhere, or one of Atlas Search's operators
        as a dict, which is taken as it is: never build it of what came with a request. It needs
        a `SearchIndex`.
        """
        source = Search(self.model, score, asked, fields, index, fuzzy)
        return self._found_by(source, score, ordered=False)

    def vector_search(
        self: Any,
        name: str,
        vector: Any,
        *,
        limit: int = 10,
        filter: Q | None = None,
        index: str | None = None,
        candidates: int | None = None,
        exact: bool = False,
        score: str = "score",
    ) -> Any:
        """Return the `limit` documents whose vector at field `name` is nearest to `vector`.

        `filter` narrows what is searched, by fields that the index names; the set's own
        conditions narrow what was found. It needs a `VectorSearchIndex`.
        """
        source = VectorSearch(
            self.model, score, name, vector, limit, index, candidates, exact, filter
        )
        return self._found_by(source, score, ordered=False)

    def _found_by(self: Any, source: Source, name: str, *, ordered: bool) -> Any:
        query = self.query
        if query.is_sliced:
            raise TypeError("Cannot search once a slice has been taken.")
        if query.stages or query.grouping is not None:
            raise TypeError("Cannot search after pipeline() or in groups; search first.")
        if query.source is not None:
            raise TypeError("A set can't be searched twice: each search has to come first.")
        if has_field(self.model, name) or name in query.annotations:
            raise ValueError(
                f"{self.model._meta.label} has {name!r} already; give the result another name."
            )
        clone = self._chain()
        clone.query.source = source
        clone.query.add_annotation(Measured(name), name)
        if not query.order_by:
            # The source's own order; order_by() replaces it.
            clone.query.clear_ordering(force=True)
            if ordered:
                clone.query.add_ordering(f"-{name}")
        return clone

    def _filter_or_exclude(self: Any, negate: bool, args: Any, kwargs: Any) -> Any:
        """Take `location__near=point`, with `location__max_distance`, for `near()`."""
        names = [name for name in kwargs if name.endswith("__near")] if not negate else []
        queryset = self
        for name in names:
            field = name.removesuffix("__near")
            if not self._holds_places(field):
                continue
            kwargs = dict(kwargs)
            queryset = queryset.near(
                field,
                kwargs.pop(name),
                max_distance=kwargs.pop(f"{field}__max_distance", None),
                min_distance=kwargs.pop(f"{field}__min_distance", None),
            )
        return super(Finding, queryset)._filter_or_exclude(negate, args, kwargs)  # type: ignore[misc]

    def _holds_places(self: Any, name: str) -> bool:
        try:
            path = resolve(self.model, name)
        except FieldError:
            return False
        return path.relation is None and not path.rest and is_geo(path)

    def _explained(self: Any) -> Any:
        source = self.query.source
        return nullcontext() if source is None else source.explained(self.db)

    def count(self: Any) -> int:
        with self._explained():
            return super().count()  # type: ignore[misc]

    def exists(self: Any) -> bool:
        with self._explained():
            return super().exists()  # type: ignore[misc]
