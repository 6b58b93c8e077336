"""`order_by()`: by fields, across one reference, by what is computed, and at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.expressions import OrderBy
from django.db.models.functions import Random
from django.db.utils import NotSupportedError

from .expressions import Scope, resolved
from .paths import Path, resolve

#: Where what is sorted by lies in a document, while it is sorted.
SORT = "__sort"


@dataclass(slots=True)
class SortPath(Path):
    """What documents are sorted by: a stored path, or an expression.

    `nulls` is where null comes if not where the server puts it: 1 for last, -1 for first.
    """

    expression: Any = None
    nulls: int = 0


class Ordered:
    """The part of a query that orders."""

    model: Any
    order_by: tuple[Any, ...]
    default_ordering: bool
    standard_ordering: bool
    grouping: tuple[str, ...] | None

    def sort_key(self, item: Any) -> tuple[SortPath, int]:
        """Return path and direction of one item of `order_by()`; FieldError for unknown names."""
        direction, nulls = 1, 0
        if isinstance(item, OrderBy):
            direction = -1 if item.descending else 1
            nulls = 1 if item.nulls_last else -1 if item.nulls_first else 0
            item = item.expression
        if isinstance(item, F):
            item = item.name
        if isinstance(item, str):
            if item.startswith("-"):
                direction, item = -direction, item[1:]
            item = item.removeprefix("+")
            key = self._by_name(item)
        else:
            key = self._by_expression(item)
        # Null comes before all values by itself.
        key.nulls = nulls if nulls == direction else 0
        return key, direction

    def _by_name(self, name: str) -> SortPath:
        if name == "?":
            return self._by_expression(Random())
        if self.annotation(name) is not None:  # type: ignore[attr-defined]
            return self._by_expression(F(name))
        path = resolve(self.model, name)
        if path.relation is None and not path.rest:
            return SortPath(path.path, path.field, list_path=path.list_path)
        return self._by_expression(F(name))

    def _by_expression(self, item: Any) -> SortPath:
        if not hasattr(item, "resolve_expression"):
            raise NotSupportedError(
                f"Can't order by {item!r}; give the name of a field or an expression, or use "
                ".pipeline([...]) with $sort."
            )
        value = resolved(self.model, item, self)
        if self.grouping is None:
            Scope(self.model).compile(value)
        return SortPath(f"{value!r}", None, expression=value)

    def sort(self) -> list[tuple[SortPath, int]]:
        """Return what documents are sorted by, in order."""
        ordering = self.order_by
        if not ordering and self.default_ordering and self.grouping is None:
            ordering = self.model._meta.ordering
        sign = 1 if self.standard_ordering else -1
        keys: dict[str, tuple[SortPath, int]] = {}
        for item in ordering:
            path, direction = self.sort_key(item)
            if sign < 0:
                path.nulls = _reversed_nulls(item, path, direction)
            # Of one path, the first direction decides; the driver would take the last.
            keys.setdefault(path.path, (path, direction * sign))
        return list(keys.values())

    @property
    def sorts_plainly(self) -> bool:
        """Whether `find()` can sort so."""
        return all(path.expression is None and not path.nulls for path, _ in self.sort())


def _reversed_nulls(item: Any, path: SortPath, direction: int) -> int:
    """Return where null comes in the reversed order: at the other end than was asked for."""
    asked = 0
    if isinstance(item, OrderBy):
        asked = 1 if item.nulls_last else -1 if item.nulls_first else 0
    return -asked if asked and -asked == -direction else 0


def sort_stages(
    keys: list[tuple[SortPath, int]], scope: Scope, places: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the stages that sort so; what they compute lies under `SORT` then.

    `places` says where annotations are that have been computed already.
    """
    computed: dict[str, Any] = {}
    sort: dict[str, int] = {}
    for number, (path, direction) in enumerate(keys):
        value = _value(path, scope, places or {})
        if path.nulls:
            is_null = {"$eq": [{"$ifNull": [value, None]}, None]}
            computed[f"n{number}"] = {"$cond": [is_null, 1, 0]}
            sort[f"{SORT}.n{number}"] = path.nulls
        if isinstance(value, str) and not value.startswith("$$"):
            sort.setdefault(value[1:], direction)
        else:
            computed[f"k{number}"] = value
            sort[f"{SORT}.k{number}"] = direction
    if not sort:
        return []
    stages: list[dict[str, Any]] = [{"$set": {SORT: computed}}] if computed else []
    return [*stages, {"$sort": sort}]


def _value(path: SortPath, scope: Scope, places: dict[str, str]) -> Any:
    if path.expression is None:
        from .expressions import Column

        return scope.compile(Column(path))
    place = places.get(getattr(path.expression, "_alias", None) or "")
    return place or scope.compile(path.expression)


def is_random(keys: list[tuple[SortPath, int]]) -> bool:
    """Tell whether the order is random alone."""
    return len(keys) == 1 and type(keys[0][0].expression) is Random
