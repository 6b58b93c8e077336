"""Rows of groups: `values(...).annotate(...)`, `values(...).distinct()` and `aggregate()`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db.utils import NotSupportedError

from .aggregates import accumulate, check_numbers, decoder, empty_value, is_backward
from .annotations import named
from .conditional import condition_in
from .conditions import NOTHING
from .expressions import Column, Scope, resolved
from .names import Names
from .ordering import sort_stages
from .paths import Path
from .stages import document_stages

#: Where the values of a row lie before they are put into their order.
_KEY = "_id"


class RowScope(Scope):
    """The rows that a `$group` makes of the documents of `documents`."""

    def __init__(self, documents: Scope, keys: list[tuple[str, Any]]) -> None:
        super().__init__(documents.model, documents.using)
        self.documents = documents
        self.joins = documents.joins
        self.names: dict[str, str] = {}
        self.columns: dict[Any, str] = {}
        self.key: dict[str, Any] = {}
        self.accumulators: dict[str, Any] = {}
        self._results: dict[Any, Any] = {}
        for position, (name, value) in enumerate(keys):
            place = f"k{position}"
            self.key[place] = {"$ifNull": [documents.compile(value), None]}
            self.names[name] = f"${_KEY}.{place}"
            if isinstance(value, Column):
                self.columns[(value.path.path, value.join)] = f"${_KEY}.{place}"

    def compile(self, value: Any) -> Any:
        place = self.names.get(getattr(value, "_alias", None) or "")
        return place or super().compile(value)

    def column(self, column: Column) -> Any:
        place = self.columns.get((column.path.path, column.join))
        if place is None:
            raise NotSupportedError(
                f"{column.path.path!r} is none of what rows are grouped by; name it in values(), "
                "or use .pipeline([...]) with $group."
            )
        return place

    def aggregate(self, aggregate: Any) -> Any:
        if is_backward(aggregate):
            raise NotSupportedError(
                f"{aggregate} is over what refers to each document; aggregate that class instead, "
                "or use .pipeline([...]) with $lookup and $group."
            )
        key = getattr(aggregate, "_key", None) or id(aggregate)
        if key not in self._results:
            name = f"a{len(self._results)}"
            made, self._results[key] = accumulate(self.documents, name, aggregate)
            self.accumulators.update(made)
        return self._results[key]

    def stage(self) -> dict[str, Any]:
        return {"$group": {_KEY: self.key or None, **self.accumulators}}


def row_stages(query: Any, using: str) -> list[dict[str, Any]] | None:
    """Return the stages that yield the rows of a query, their values as `v0`, `v1`...

    None if there can be no rows.
    """
    scope = Scope(query.model, using)
    stages = document_stages(query, scope, sort=False)
    if stages is None:
        return None
    rows = _rows(query, scope)
    having = condition_in(rows, query.having_node())
    if having is NOTHING:
        return None
    result = {f"v{n}": rows.compile(value) for n, (_, value) in enumerate(query.row_values())}
    sorting = sort_stages(query.sort(), rows)
    stages += [*scope.joins.stages(), rows.stage()]
    if having:
        stages.append({"$match": having})
    stages += sorting
    if query.low_mark:
        stages.append({"$skip": query.low_mark})
    if query.limit:
        stages.append({"$limit": query.limit})
    return [*stages, {"$replaceWith": result}]


def _rows(query: Any, scope: Scope) -> RowScope:
    values = query.row_values()
    if query.grouping is not None:
        if query.distinct and set(query.grouping) - query.selected.keys():
            raise NotSupportedError(
                "distinct() rows of groups would have to be grouped again; name all that is "
                "grouped by, or use .pipeline([...]) with $group."
            )
        return RowScope(scope, [(name, query.name_value(name)) for name in query.grouping])
    # Distinct rows; what is sorted by counts as one of the values, as in SQL.
    keys = list(values)
    known = {(value.path.path, value.join) for _, value in values if isinstance(value, Column)}
    for number, (path, _) in enumerate(query.sort()):
        value = path.expression if path.expression is not None else Column(path)
        if isinstance(value, Column) and (value.path.path, value.join) in known:
            continue
        if getattr(value, "_alias", None) in dict(values):
            continue
        keys.append((f"sort {number}", named(value, f"sort {number}")))
    return RowScope(scope, keys)


# aggregate()


class _RowNames(Names):
    """The names of the rows that a query yields: their values are `v0`, `v1`..."""

    def __init__(self, query: Any) -> None:
        super().__init__(query.model)
        self.annotations = {
            name: Column(Path(f"v{n}", value.output_field))
            for n, (name, value) in enumerate(query.row_values())
        }

    def resolve_ref(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.annotation(name) is None:
            raise FieldError(
                f"Cannot resolve keyword {name!r} into a value of the rows. Choices are: "
                f"{', '.join(sorted(self.annotations))}"
            )
        return super().resolve_ref(name, *args, **kwargs)


def aggregate(query: Any, using: str, expressions: dict[str, Any]) -> dict[str, Any]:
    """Return `{alias: value}` for all `expressions`, by one command."""
    if not expressions:
        return {}
    of_rows = query.grouping is not None or (query.distinct and query.selected)
    names = _RowNames(query) if of_rows else query
    values = {}
    for number, (alias, each) in enumerate(expressions.items()):
        value = resolved(query.model, each, names, summarize=True)
        if not value.contains_aggregate:
            raise TypeError(f"{alias} is not an aggregate expression")
        check_numbers(value)
        values[alias] = named(value, f"result {number}")
    scope = Scope(query.model, using)
    rows = RowScope(scope, [])
    result = {f"r{n}": rows.compile(value) for n, value in enumerate(values.values())}
    stages = row_stages(query, using) if of_rows else document_stages(query, scope)
    empty = {alias: empty_value(value) for alias, value in values.items()}
    ask = any(value is NotImplemented for value in empty.values())
    if stages is None:
        if not ask:
            return empty
        stages = [{"$match": {"_id": {"$in": []}}}]
    if not of_rows:
        stages += scope.joins.stages()
    if ask:
        # $facet yields a document even where there are none to group, in which all is missing.
        stages += [
            {"$facet": {"rows": [rows.stage()]}},
            {"$replaceWith": {"$ifNull": [{"$arrayElemAt": ["$rows", 0]}, _nothing(rows)]}},
        ]
    else:
        stages.append(rows.stage())
    stages.append({"$replaceWith": result})
    row = next(iter(query.run_pipeline(using, stages)), None)
    if row is None:
        return empty
    return {
        alias: _decoded(value, row.get(f"r{n}")) for n, (alias, value) in enumerate(values.items())
    }


def _nothing(rows: RowScope) -> dict[str, Any]:
    """Return what `$group` would say of no documents."""
    values: dict[str, Any] = {}
    for name, made in rows.accumulators.items():
        operator = next(iter(made))
        values[name] = {"$sum": 0, "$addToSet": []}.get(operator)
    return {"$literal": values}


def _decoded(value: Any, stored: Any) -> Any:
    decode = decoder(value)
    return stored if stored is None or decode is None else decode(stored)
