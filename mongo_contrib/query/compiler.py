"""Running one query on one alias: a `find`, or a pipeline where it must be one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from ..mapping.encoding import decode_value, decoder_of
from ..mapping.fitting import is_key
from ..mapping.lazy import unreadable_at
from .aggregates import decoder
from .conditions import all_of
from .crossing import beyond, keys_in
from .expressions import Scope
from .grouping import row_stages
from .paths import Path, value_at, within
from .stages import ANNOTATED, annotated_stages, document_stages

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
        """Yield the stored documents, without the deferred fields; annotations are in one key."""
        query = self.query
        if not query.is_find:
            return self._run(annotated_stages(query, self._scope()), batch_size)
        options = query.find_options(self.using)
        if options is None:
            return iter(())
        if query.deferred_loading[0]:
            options["projection"] = query.plan().projection
        if batch_size:
            options["batch_size"] = batch_size
        return query.repository(self.using).find(**options)

    def _scope(self) -> Scope:
        return Scope(self.query.model, self.using)

    def _run(
        self, stages: list[dict[str, Any]] | None, batch_size: int = 0
    ) -> Iterator[dict[str, Any]]:
        if stages is None:
            return iter(())
        options = {"batchSize": batch_size} if batch_size else {}
        return self.query.run_pipeline(self.using, stages, **options)

    def results_iter(
        self,
        results: Any = None,
        tuple_expected: bool = False,
        chunked_fetch: bool = False,
        chunk_size: int = 0,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield a tuple for each row of `values()` and `values_list()`."""
        batch_size = chunk_size if chunked_fetch else 0
        if self.query.is_rows:
            return self._grouped_rows(batch_size)
        query = self.query
        names = list(query.selected or ())
        paths = {
            position: query.value_path(name)
            for position, name in enumerate(names)
            if name not in query.annotations
        }
        rows = self._rows(names, paths, batch_size)
        beyond = {position: path for position, path in paths.items() if path.relation is not None}
        return self._with_related(beyond, rows) if beyond else rows

    def _rows(
        self, names: list[str], paths: dict[int, Path], batch_size: int
    ) -> Iterator[tuple[Any, ...]]:
        query = self.query
        projection = _projection(path.path for path in paths.values())
        found: Iterator[dict[str, Any]]
        if query.is_find:
            options = query.find_options(self.using)
            if options is None:
                return iter(())
            options["projection"] = projection
            if batch_size:
                options["batch_size"] = batch_size
            found = query.repository(self.using).find(**options)
        else:
            found = self._run(annotated_stages(query, self._scope(), projection), batch_size)
        if len(paths) == len(names):
            plain = _plain_row(list(paths.values()))
            if plain is not None:
                return map(plain, found)
        getters = [
            _getter(paths[position]) if position in paths else self._annotation_getter(name)
            for position, name in enumerate(names)
        ]
        return self._naming(tuple([get(document) for get in getters]) for document in found)

    def _naming(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows; a value that can't be read is told with its document's key."""
        try:
            yield from rows
        except _Unreadable as found:
            # The rows came without: which one it is has to be asked for.
            path, key = found.path, None
            if self.query.is_find:
                options = self.query.find_options(self.using) or {"filter": {}}
                same = {path.path: {"$eq": found.value}}
                options["filter"] = all_of([options["filter"], same])
                document = self.query.repository(self.using).find_one(
                    projection={"_id": 1}, **options
                )
                key = document and document["_id"]
            label, error = self.query.model._meta.label, cast(Exception, found.__cause__)
            raise unreadable_at(label, key, path.path, path.field, found.value, error) from error

    def _annotation_getter(self, name: str) -> Callable[[dict[str, Any]], Any]:
        decode = decoder(self.query.annotations[name])

        def get(document: dict[str, Any]) -> Any:
            value = document.get(ANNOTATED, {}).get(name)
            return value if value is None or decode is None else decode(value)

        return get

    def _grouped_rows(self, batch_size: int) -> Iterator[tuple[Any, ...]]:
        columns = [
            (f"v{position}", decoder(value))
            for position, (_, value) in enumerate(self.query.row_values())
        ]
        for row in self._run(row_stages(self.query, self.using), batch_size):
            values = [(row.get(column), decode) for column, decode in columns]
            yield tuple(
                [
                    value if value is None or decode is None else decode(value)
                    for value, decode in values
                ]
            )

    def count(self, limit: int | None = None) -> int:
        """Return how many rows or documents there are, counted up to `limit` if given."""
        query = self.query
        if query.is_rows:
            stages = row_stages(query, self.using)
        else:
            stages = document_stages(query, self._scope())
        if stages is None:
            return 0
        if limit is not None:
            stages.append({"$limit": limit})
        row = next(iter(self._run([*stages, {"$count": "n"}])), None)
        return row["n"] if row else 0

    def stored_values(self, column: str, limit: int) -> list[Any]:
        """Return the values of rows of one value, or those under `column`; null is left out."""
        query = self.query
        if query.is_rows:
            stages, path = row_stages(query, self.using), ["v0"]
        else:
            stages, path = annotated_stages(query, self._scope(), {column: 1}), column.split(".")
            if query.annotation_mask:
                path = [ANNOTATED, query.annotation_mask[0]]
        if stages is None:
            return []
        values = []
        for document in self._run([*stages, {"$limit": limit}]):
            value = value_at(document, ".".join(path))
            if value is not None:
                values.append(value)
        return values

    def _with_related(
        self, paths: dict[int, Path], rows: Iterator[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        """Replace keys by the values beyond them, by one query for each batch and reference."""
        while batch := [list(row) for row in islice(rows, _BATCH)]:
            for position, path in paths.items():
                target = path.relation.target_field.name
                manager = path.relation.remote_field.model._base_manager.using(self.using)
                field = path.relation.target_field
                keys = {
                    key for row in batch for key in keys_in(row[position]) if is_key(field, key)
                }
                found = manager.filter(**{f"{target}__in": keys})
                values = dict(found.values_list(target, path.remainder)) if keys else {}
                for row in batch:
                    row[position] = beyond(row[position], values)
            yield from map(tuple, batch)

    def explain(self, verbosity: str = "executionStats") -> dict[str, Any]:
        query = self.query
        nothing = {"ok": 1.0, "queryPlanner": {"winningPlan": {"stage": "EOF"}}}
        if query.is_rows or not query.is_find:
            if query.is_rows:
                stages = row_stages(query, self.using)
            else:
                stages = annotated_stages(query, self._scope())
            if stages is None:
                return nothing
            return query.repository(self.using).explain_pipeline(stages, verbosity=verbosity)
        options = query.find_options(self.using)
        if options is None:
            return nothing
        if query.deferred_loading[0]:
            options["projection"] = query.plan().projection
        if "sort" in options:
            options["sort"] = dict(options["sort"])
        if "allow_disk_use" in options:
            options["allowDiskUse"] = options.pop("allow_disk_use")
        if "max_time_ms" in options:
            options["maxTimeMS"] = options.pop("max_time_ms")
        return query.repository(self.using).explain(**options, verbosity=verbosity)


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


def _plain_row(paths: list[Path]) -> Any:
    """Return the function that makes a row of a document's own values, None if some aren't so."""
    columns = [path.path for path in paths]
    decoders = [decoder_of(path.field) for path in paths]
    if len(columns) < 2 or any("." in column for column in columns) or any(decoders):
        return None
    take = itemgetter(*columns)

    def row(document: dict[str, Any]) -> Any:
        try:
            return take(document)
        except KeyError:
            return tuple(map(document.get, columns))

    return row


def _getter(path: Path) -> Any:
    """Return the function that takes a path's value out of a stored document."""
    parts = path.path.split(".")
    column = parts[0]
    if len(parts) == 1:
        return lambda document: _decoded(path, document.get(column))
    return lambda document: within(document, parts, partial(_decoded, path))


class _Unreadable(Exception):
    """A value can't be read, of a row that does not say whose it is."""

    def __init__(self, path: Path, value: Any) -> None:
        super().__init__(path, value)
        self.path = path
        self.value = value


def _decoded(path: Path, value: Any) -> Any:
    try:
        return None if value is None else decode_value(path.field, value)
    except Exception as error:
        raise _Unreadable(path, value) from error
