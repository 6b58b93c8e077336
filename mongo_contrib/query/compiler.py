"""Running one query on one alias: a `find`, or a pipeline where it must be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db.utils import NotSupportedError

from ..mapping.encoding import decode_value
from .paths import Path

if TYPE_CHECKING:
    from .query import DocumentQuery

#: How many rows are looked at together where a value lies in another collection.
_BATCH = 1_000


class DocumentCompiler:
    """What Django's iterables ask for the results of a query."""

    def __init__(self, query: DocumentQuery, using: str) -> None:
        self.query = query
        self.using = using

    def documents(self, *, batch_size: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the stored documents, without the deferred fields."""
        query = self.query
        if query.stages:
            stages = query.leading_stages(self.using)
            return iter(()) if stages is None else query.run_pipeline(self.using, stages)
        options = query.find_options(self.using)
        if options is None:
            return iter(())
        if query.deferred_loading[0]:
            options["projection"] = dict.fromkeys(query.plan().columns, 1)
        if batch_size:
            options["batch_size"] = batch_size
        return query.repository(self.using).find(**options)

    def results_iter(
        self,
        results: Any = None,
        tuple_expected: bool = False,
        chunked_fetch: bool = False,
        chunk_size: int = 0,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield a tuple for each row of `values()` and `values_list()`."""
        query = self.query
        paths = [query.value_path(name) for name in query.values_select]
        if query.distinct:
            rows = self._distinct_rows(paths)
        else:
            rows = self._rows(paths, chunk_size if chunked_fetch else 0)
        if any(path.relation is not None for path in paths):
            return self._with_related(paths, rows)
        return rows

    def _rows(self, paths: list[Path], batch_size: int) -> Iterator[tuple[Any, ...]]:
        options = self.query.find_options(self.using)
        if options is None:
            return iter(())
        options["projection"] = _projection(path.path for path in paths)
        if batch_size:
            options["batch_size"] = batch_size
        getters = [_getter(path) for path in paths]
        found = self.query.repository(self.using).find(**options)
        return (tuple([get(document) for get in getters]) for document in found)

    def _distinct_rows(self, paths: list[Path]) -> Iterator[tuple[Any, ...]]:
        stages = self._distinct_stages(paths)
        if stages is None:
            return iter(())
        found = self.query.run_pipeline(self.using, stages)
        return (
            tuple(
                [
                    _decoded(path, row["_id"].get(f"v{position}"))
                    for position, path in enumerate(paths)
                ]
            )
            for row in found
        )

    def _distinct_stages(self, paths: list[Path]) -> list[dict[str, Any]] | None:
        """Group by the values; what is sorted by counts as one of them, as in SQL."""
        query = self.query
        if any(path.relation is not None for path in paths):
            raise NotSupportedError(
                f"values({', '.join(query.values_select)}).distinct() reaches into another "
                "collection; make rows distinct there, or use .pipeline([...]) with $lookup."
            )
        plain = query.clone()
        plain.clear_limits()
        stages = plain.leading_stages(self.using)
        if stages is None:
            return None
        columns = [path.path for path in paths]
        sort = [(path.path, direction) for path, direction in query.sort()]
        columns += [column for column, _ in sort if column not in columns]
        key = {
            f"v{position}": {"$ifNull": [f"${column}", None]}
            for position, column in enumerate(columns)
        }
        stages.append({"$group": {"_id": key}})
        if sort:
            stages.append(
                {"$sort": {f"_id.v{columns.index(column)}": each for column, each in sort}}
            )
        if query.low_mark:
            stages.append({"$skip": query.low_mark})
        if query.limit:
            stages.append({"$limit": query.limit})
        return stages

    def count(self) -> int:
        """Return how many rows a distinct query or a pipeline yields."""
        query = self.query
        if query.values_select and query.distinct:
            stages = self._distinct_stages([query.value_path(n) for n in query.values_select])
        else:
            stages = query.leading_stages(self.using)
        if stages is None:
            return 0
        row = next(iter(query.run_pipeline(self.using, [*stages, {"$count": "n"}])), None)
        return row["n"] if row else 0

    def _with_related(
        self, paths: list[Path], rows: Iterator[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        """Replace keys by the values beyond them, by one query for each batch and reference."""
        while batch := [list(row) for row in islice(rows, _BATCH)]:
            for position, path in enumerate(paths):
                if path.relation is None:
                    continue
                target = path.relation.target_field.name
                manager = path.relation.remote_field.model._base_manager.using(self.using)
                keys = {row[position] for row in batch} - {None}
                found = manager.filter(**{f"{target}__in": keys})
                values = dict(found.values_list(target, path.remainder)) if keys else {}
                for row in batch:
                    row[position] = values.get(row[position])
            yield from map(tuple, batch)

    def explain(self, verbosity: str = "executionStats") -> dict[str, Any]:
        options = self.query.find_options(self.using)
        if options is None:
            return {"ok": 1.0, "queryPlanner": {"winningPlan": {"stage": "EOF"}}}
        if self.query.deferred_loading[0]:
            options["projection"] = dict.fromkeys(self.query.plan().columns, 1)
        if "sort" in options:
            options["sort"] = dict(options["sort"])
        if "max_time_ms" in options:
            options["maxTimeMS"] = options.pop("max_time_ms")
        return self.query.repository(self.using).explain(**options, verbosity=verbosity)


def _projection(paths: Iterable[str]) -> dict[str, int]:
    """Return a projection in which no path lies inside another, which servers refuse."""
    chosen: dict[str, int] = {}
    for path in sorted(set(paths)):
        # A position in an array can't be projected: its array is.
        path = _without_positions(path)
        if not any(path == each or path.startswith(f"{each}.") for each in chosen):
            chosen[path] = 1
    if "_id" not in chosen:
        chosen["_id"] = 0
    return chosen


def _without_positions(path: str) -> str:
    parts = path.split(".")
    for position, part in enumerate(parts):
        if part.isdecimal():
            return ".".join(parts[:position])
    return path


def _getter(path: Path) -> Any:
    """Return the function that takes a path's value out of a stored document."""
    parts = path.path.split(".")
    column = parts[0]
    if len(parts) == 1:
        return lambda document: _decoded(path, document.get(column))
    return lambda document: _decoded_within(path, document, parts)


def _decoded_within(path: Path, value: Any, parts: list[str]) -> Any:
    for position, part in enumerate(parts):
        if isinstance(value, list):
            if part.isdecimal():
                value = value[int(part)] if int(part) < len(value) else None
                continue
            return [_decoded_within(path, item, parts[position:]) for item in value]
        value = value.get(part) if isinstance(value, dict) else None
    return _decoded(path, value)


def _decoded(path: Path, value: Any) -> Any:
    return None if value is None else decode_value(path.field, value)
