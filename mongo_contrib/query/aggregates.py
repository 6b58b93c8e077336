"""`aggregate()`: Count, Sum, Avg, Min and Max as one `$group`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bson import Decimal128
from django.core.exceptions import FieldError
from django.db.models import Aggregate, Avg, Count, F, Max, Min, Q, Sum, Value
from django.db.models.expressions import Star
from django.db.utils import NotSupportedError

from ..mapping.encoding import decode_value
from .casting import WHOLE
from .conditions import NOTHING
from .expressions import compile_expression, reference
from .filters import build
from .nodes import evaluate
from .paths import kind

_NUMBERS = WHOLE | {"FloatField", "DecimalField", "DurationField", "JSONField"}

#: What stands before Null in BSON's order: nothing but a missing field, so this asks for a value.
_HAS_VALUE = "$gt"


class Accumulator:
    """One aggregate: the accumulators it needs and how its result is made of theirs.

    `name` is safe as a stored key, whatever the alias is.
    """

    def __init__(self, model: Any, name: str, aggregate: Any) -> None:
        if not isinstance(aggregate, Aggregate) or type(aggregate) not in _KINDS:
            raise NotSupportedError(
                f"{type(aggregate).__name__} can't be aggregated here; use .pipeline([...]) with "
                "$group."
            )
        if getattr(aggregate, "order_by", None):
            raise NotSupportedError("An aggregate here has no order_by; use .pipeline([...]).")
        self.model = model
        self.name = name
        self.aggregate = aggregate
        self.source = aggregate.source_expressions[0]
        self.distinct = getattr(aggregate, "distinct", False)
        self.default = _plain_default(aggregate)
        self.field = self._field()
        self.accumulators, self.result = _KINDS[type(aggregate)](self)

    def _field(self) -> Any:
        """Return the field that is aggregated, if it is one and not a computation."""
        if not isinstance(self.source, F):
            return None
        field = reference(self.model, self.source.name).field
        if isinstance(self.aggregate, Sum | Avg) and kind(field) not in _NUMBERS:
            # MongoDB passes over what is no number, and says 0.
            raise FieldError(
                f"{type(self.aggregate).__name__}({self.source.name!r}) needs numbers, and "
                f"{self.source.name!r} is a {type(field).__name__}."
            )
        return field

    @property
    def operand(self) -> Any:
        if isinstance(self.source, Star):
            return 1
        return compile_expression(self.model, self.source)

    @property
    def condition(self) -> Q | None:
        # Django 6.1 wraps the Q in an expression of its own.
        return getattr(self.aggregate.filter, "condition", self.aggregate.filter)

    def value(self, row: dict[str, Any]) -> Any:
        """Return the aggregate's value from the `$group` result, `{}` for no documents."""
        value = self.result(row)
        return self.default if value is None else value


def _plain_default(aggregate: Any) -> Any:
    default = getattr(aggregate, "default", None)
    if isinstance(default, Value):
        return default.value
    if hasattr(default, "resolve_expression"):
        raise NotSupportedError("The default of an aggregate is a plain value here.")
    return default


def aggregate(query: Any, using: str, expressions: dict[str, Any]) -> dict[str, Any]:
    """Return `{alias: value}` for all `expressions`, by one command."""
    accumulators = {
        alias: Accumulator(query.model, f"a{number}", each)
        for number, (alias, each) in enumerate(expressions.items())
    }
    if not accumulators:
        return {}
    if query.distinct and query.values_select:
        raise NotSupportedError(
            "aggregate() after values().distinct() would have to count rows, not documents; use "
            "Count(..., distinct=True), or .pipeline([...])."
        )
    stages = query.leading_stages(using)
    if stages is None:
        return {alias: each.value({}) for alias, each in accumulators.items()}
    filtered = [each for each in accumulators.values() if each.condition is not None]
    if filtered:
        facets = {
            each.name: [*_filter_stages(each, using), _group([each])]
            for each in accumulators.values()
        }
        row: dict[str, Any] = _first(query.run_pipeline(using, [*stages, {"$facet": facets}]))
        rows = {name: found[0] for name, found in row.items() if found}
        return {alias: each.value(rows.get(each.name, {})) for alias, each in accumulators.items()}
    row = _first(query.run_pipeline(using, [*stages, _group(accumulators.values())]))
    return {alias: each.value(row) for alias, each in accumulators.items()}


def _first(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return next(iter(rows), {})


def _filter_stages(accumulator: Accumulator, using: str) -> list[dict[str, Any]]:
    if accumulator.condition is None:
        return []
    condition = evaluate(build(accumulator.model, accumulator.condition), using)
    return [{"$match": {"_id": {"$in": []}} if condition is NOTHING else condition}]


def _group(accumulators: Any) -> dict[str, Any]:
    group: dict[str, Any] = {"_id": None}
    for each in accumulators:
        group.update(each.accumulators)
    return {"$group": group}


Kind = tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]


def _values(each: Accumulator) -> dict[str, Any]:
    """Count what is not null: a sum of nothing is None in Django, 0 in MongoDB."""
    return {"$sum": {"$cond": [{_HAS_VALUE: [each.operand, None]}, 1, 0]}}


def _count(each: Accumulator) -> Kind:
    name = each.name
    if isinstance(each.source, Star):
        if each.distinct:
            raise FieldError("Star cannot be used with distinct; name a field.")
        return {name: {"$sum": 1}}, lambda row: row.get(name, 0)
    if each.distinct:
        return _set(each), lambda row: len(_distinct(row, name))
    return {name: _values(each)}, lambda row: row.get(name, 0)


def _set(each: Accumulator) -> dict[str, Any]:
    return {each.name: {"$addToSet": each.operand}}


def _distinct(row: dict[str, Any], name: str) -> list[Any]:
    return [value for value in row.get(name, ()) if value is not None]


def _plain(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


def _numbers(each: Accumulator, row: dict[str, Any]) -> list[Any]:
    return [_plain(value) for value in _distinct(row, each.name)]


def _sum(each: Accumulator) -> Kind:
    name, counted = each.name, f"{each.name}n"
    if each.distinct:
        return _set(each), lambda row: _as_field(each, sum(_numbers(each, row)) or None)
    return (
        {name: {"$sum": each.operand}, counted: _values(each)},
        lambda row: _as_field(each, row[name]) if row.get(counted) else None,
    )


def _avg(each: Accumulator) -> Kind:
    name = each.name
    if each.distinct:

        def mean(row: dict[str, Any]) -> Any:
            numbers = _numbers(each, row)
            return _as_mean(each, sum(numbers) / len(numbers)) if numbers else None

        return _set(each), mean
    return {name: {"$avg": each.operand}}, lambda row: _as_mean(each, row.get(name))


def _min(each: Accumulator) -> Kind:
    return {each.name: {"$min": each.operand}}, lambda row: _as_field(each, row.get(each.name))


def _max(each: Accumulator) -> Kind:
    return {each.name: {"$max": each.operand}}, lambda row: _as_field(each, row.get(each.name))


def _as_field(each: Accumulator, value: Any) -> Any:
    """Return a minimum, maximum or sum as the field's own type."""
    if value is None:
        return None
    return _plain(value) if each.field is None else decode_value(each.field, value)


def _as_mean(each: Accumulator, value: Any) -> Any:
    if value is None:
        return None
    if each.field is not None and kind(each.field) == "DurationField":
        return decode_value(each.field, float(_plain(value)))
    value = _plain(value)
    return float(value) if isinstance(value, int) else value


_KINDS: dict[type, Callable[[Accumulator], Kind]] = {
    Count: _count,
    Sum: _sum,
    Avg: _avg,
    Min: _min,
    Max: _max,
}
