"""The table of aggregates: Count, Sum and their kin as accumulators of `$group`.

Adding one is a function with the decorator `@accumulator(Class)`, which gets the name under
which the group keeps its values, the aggregate and what it aggregates, and returns accumulators
and the expression of its result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import (
    Aggregate,
    Avg,
    Count,
    Max,
    Min,
    Q,
    StdDev,
    Sum,
    Variance,
)
from django.db.models.expressions import Expression, Star
from django.db.utils import NotSupportedError

from ..exceptions.classes import UnreadableValue
from ..mapping.encoding import decode_value
from ..mapping.loaded import NOT_ENCODED
from .casting import WHOLE
from .conditional import Truth
from .expressions import (
    EXPRESSIONS,
    Backward,
    Column,
    Scope,
    expression,
    output_field,
    parts,
    resolved_kind,
    unsupported,
)
from .filters import build
from .joins import Grouped
from .nodes import evaluate
from .paths import kind

#: Accumulators by their names in the group, and the result that is made of them.
Made = tuple[dict[str, Any], Any]
Maker = Callable[[str, Any, Any], Made]

ACCUMULATORS: dict[type, Maker] = {}

_NUMBERS = WHOLE | {"FloatField", "DecimalField", "DurationField", "JSONField", ""}


def accumulator(*classes: type) -> Callable[[Maker], Maker]:
    """Register what makes accumulators of aggregates of exactly these classes."""

    def register(function: Maker) -> Maker:
        ACCUMULATORS.update(dict.fromkeys(classes, function))
        EXPRESSIONS.update(dict.fromkeys(classes, _aggregate))
        return function

    return register


def _aggregate(scope: Scope, value: Any) -> Any:
    return scope.aggregate(value)


def accumulate(scope: Scope, name: str, aggregate: Any, condition: Any = None) -> Made:
    """Return accumulators and result of an aggregate of what `scope` computes."""
    if getattr(aggregate, "order_by", None):
        raise NotSupportedError("An aggregate here has no order_by; use .pipeline([...]).")
    source = aggregate.source_expressions[0]
    if isinstance(source, Star):
        if aggregate.distinct:
            raise FieldError("Star cannot be used with distinct; name a field.")
        operand: Any = {"$literal": 1}
    else:
        operand = scope.compile(source)
    if condition is None and aggregate.filter is not None:
        condition = scope.compile(asked_of(aggregate))
    if condition is not None:
        operand = {"$cond": [condition, operand, None]}
    return ACCUMULATORS[type(aggregate)](name, aggregate, operand)


def asked_of(aggregate: Any) -> Any:
    """Return the condition of an aggregate's `filter`; Django 6.1 wraps it."""
    return getattr(aggregate.filter, "condition", aggregate.filter)


def check_numbers(value: Any) -> None:
    """Raise FieldError for a sum or mean of what is no number: the server would say 0."""
    for part in parts(value):
        if not isinstance(part, Sum | Avg | StdDev | Variance):
            continue
        source = part.source_expressions[0]
        if resolved_kind(source) not in _NUMBERS:
            field = output_field(source)
            name = getattr(field, "name", None) or source
            raise FieldError(
                f"{type(part).__name__}({name!r}) needs numbers, and {name!r} is a "
                f"{type(field).__name__}."
            )


def _present(value: Any) -> dict[str, Any]:
    # Null stands before all values in BSON's order, and what is missing before it.
    return {"$gt": [value, None]}


def _counted(operand: Any) -> dict[str, Any]:
    return {"$sum": {"$cond": [_present(operand), 1, 0]}}


def _distinct(name: str) -> dict[str, Any]:
    return {"$setDifference": [f"${name}", [None]]}


@accumulator(Count)
def _count(name: str, aggregate: Any, operand: Any) -> Made:
    if aggregate.distinct:
        return {name: {"$addToSet": operand}}, {"$size": _distinct(name)}
    if isinstance(aggregate.source_expressions[0], Star) and aggregate.filter is None:
        return {name: {"$sum": 1}}, f"${name}"
    return {name: _counted(operand)}, f"${name}"


@accumulator(Sum)
def _sum(name: str, aggregate: Any, operand: Any) -> Made:
    # A sum of nothing is None in Django, 0 in MongoDB.
    if aggregate.distinct:
        values = _distinct(name)
        return {name: {"$addToSet": operand}}, {
            "$cond": [{"$eq": [{"$size": values}, 0]}, None, {"$sum": values}]
        }
    counted = f"{name}n"
    return {name: {"$sum": operand}, counted: _counted(operand)}, {
        "$cond": [{"$gt": [f"${counted}", 0]}, f"${name}", None]
    }


@accumulator(Avg)
def _avg(name: str, aggregate: Any, operand: Any) -> Made:
    if aggregate.distinct:
        return {name: {"$addToSet": operand}}, {"$avg": _distinct(name)}
    return {name: {"$avg": operand}}, f"${name}"


@accumulator(Min)
def _min(name: str, aggregate: Any, operand: Any) -> Made:
    return {name: {"$min": operand}}, f"${name}"


@accumulator(Max)
def _max(name: str, aggregate: Any, operand: Any) -> Made:
    return {name: {"$max": operand}}, f"${name}"


@accumulator(StdDev, Variance)
def _deviation(name: str, aggregate: Any, operand: Any) -> Made:
    sample = aggregate.function.endswith("_SAMP")
    made = {name: {"$stdDevSamp" if sample else "$stdDevPop": operand}}
    squared = isinstance(aggregate, Variance)
    return made, {"$pow": [f"${name}", 2]} if squared else f"${name}"


# What refers to the document


class _Beyond(Scope):
    """The documents that refer to one: what `Backward` is about."""

    def compile(self, value: Any) -> Any:
        if isinstance(value, Backward):
            return super().compile(value.inner)
        if isinstance(value, Column) and value.join is None:
            raise NotSupportedError(
                f"{value} can't be mixed with what refers to the document; use .pipeline([...]) "
                "with $lookup."
            )
        return super().compile(value)


def backward_aggregate(scope: Scope, aggregate: Any) -> Any:
    """Return the value of an aggregate over a reverse reference: one `$lookup` that groups."""
    found = [part for part in parts(aggregate.source_expressions[0]) if isinstance(part, Backward)]
    relation, name = found[0].relation, found[0].name
    if any(each.relation is not relation for each in found):
        raise NotSupportedError(
            f"{aggregate} is about two references; use .pipeline([...]) with $lookup."
        )
    model = relation.related_model
    beyond = _Beyond(model, scope.using)
    conditions = [model._base_manager.all().query.condition(scope.using or "default")]
    if aggregate.filter is not None:
        asked = _asked_beyond(asked_of(aggregate), name)
        node = build(model, asked)
        conditions.append(evaluate(node, scope.using) if scope.using else {})
    made, result = _without_filter(beyond, aggregate)
    stages: list[dict[str, Any]] = [{"$match": each} for each in conditions if each != {}]
    stages = [_never(stage) for stage in stages]
    stages += [{"$group": {"_id": None, **made}}, {"$project": {"_id": 0, "value": result}}]
    key = getattr(aggregate, "_key", None) or f"{name.rstrip('_')}_{id(aggregate)}"
    local = relation.field.target_field.column
    value = scope.joins.grouped(
        Grouped(key, model._meta.db_table, local, relation.field.column, tuple(stages))
    )
    return {"$ifNull": [value, 0]} if isinstance(aggregate, Count) else value


def _without_filter(scope: Scope, aggregate: Any) -> Made:
    plain = aggregate.copy()
    plain.filter = None
    return accumulate(scope, "a", plain)


def _never(stage: dict[str, Any]) -> dict[str, Any]:
    return stage if isinstance(stage["$match"], dict) else {"$match": {"_id": {"$in": []}}}


def _asked_beyond(condition: Any, prefix: str) -> Q:
    """Return the filter of an aggregate as one about the class that refers."""
    if not isinstance(condition, Truth):
        raise NotSupportedError(f"The filter of an aggregate has to be a Q, not {condition!r}.")
    return _tree_beyond(condition.q, prefix)


def _tree_beyond(q: Any, prefix: str) -> Q:
    start = f"{prefix}__" if not prefix.endswith("__") else prefix
    children: list[Any] = []
    for child in q.children:
        if isinstance(child, Q):
            children.append(_tree_beyond(child, prefix))
        elif isinstance(child, tuple) and child[0].startswith(start):
            children.append((child[0].removeprefix(start), child[1]))
        else:
            raise NotSupportedError(
                f"The filter of an aggregate over {start.rstrip('_')!r} is about that alone; use "
                ".pipeline([...]) with $lookup."
            )
    return Q(*children, _connector=q.connector, _negated=q.negated)


# Results


def decoder(value: Any) -> Callable[[Any], Any] | None:
    """Return what makes Python values of those that an expression yields; None for none."""
    from .functions.dates import local_moments

    local, field = local_moments(value), output_field(value)
    if field is None:
        return local
    whole = kind(field) in WHOLE

    def decode(stored: Any) -> Any:
        try:
            if local is not None:
                return local(stored)
            return int(stored) if whole else decode_value(field, stored)
        except NOT_ENCODED as error:
            raise _unreadable(value, field, stored, error) from error

    return decode


def _unreadable(value: Any, field: Any, stored: Any, error: Exception) -> UnreadableValue:
    """Return the error of a result that a wrong value has led to, in whichever document."""
    name = getattr(field, "name", None) or ""
    model = getattr(field, "model", None)
    label = model._meta.label if model is not None else ""
    of = f"{label}, {type(value).__name__} of {name!r}" if label else type(value).__name__
    return UnreadableValue(
        f"{of}: the server gave {stored!r} ({type(stored).__name__}), which is no value of "
        f"{type(field).__name__}: {'; '.join(getattr(error, 'messages', [str(error)]))}. Some "
        "stored value is of a wrong type.",
        document=label,
        field=name,
        value=stored,
    )


def empty_value(value: Any) -> Any:
    """Return what an aggregate is of no documents; NotImplemented if the server has to say."""
    return value.empty_result_set_value if isinstance(value, Expression) else NotImplemented


def is_aggregate(value: Any) -> bool:
    return isinstance(value, Aggregate)


def is_backward(aggregate: Any) -> bool:
    """Tell whether an aggregate is over what refers to each document."""
    return any(isinstance(part, Backward) for part in parts(aggregate))


@expression(Star)
def _star(scope: Scope, value: Any) -> Any:
    raise unsupported(value)
