"""The table of expressions: Django's expressions as MongoDB's aggregation expressions.

An expression is resolved by Django's own `resolve_expression()`, in which `F()` becomes a
`Column` and each part knows its `output_field`. Then a `Scope` compiles it by this table.
Adding one is a function with the decorator `@expression(Class)`, which gets the scope and the
resolved expression and returns MQL.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Any

from bson import Decimal128
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import DurationExpression, Expression, ExpressionWrapper
from django.db.utils import NotSupportedError

from ..mapping.encoding import encode_value
from .joins import Joined, Joins
from .paths import Path, kind, resolve

Compiler = Callable[["Scope", Any], Any]

EXPRESSIONS: dict[type, Compiler] = {}

#: What does the work of an expression that there is not, by the expression's name.
STAGES = {
    "Window": "$setWindowFields",
    "Subquery": "$lookup",
    "Exists": "$lookup",
    "ResolvedOuterRef": "$lookup",
    "Query": "$lookup",
    "RawSQL": "$set",
    "StringAgg": "$group and $push",
    "AnyValue": "$group and $first",
}


def expression(*classes: type) -> Callable[[Compiler], Compiler]:
    """Register the compiler of expressions of exactly these classes."""

    def register(function: Compiler) -> Compiler:
        EXPRESSIONS.update(dict.fromkeys(classes, function))
        return function

    return register


class Scope:
    """Where expressions are computed: on the documents of `model`.

    `using` is the alias whose server is asked for what the look-ups of a condition need; without
    one, an expression is only looked over.
    """

    def __init__(self, model: Any, using: str | None = None) -> None:
        self.model = model
        self.using = using
        self.joins = Joins()

    def compile(self, value: Any) -> Any:
        """Return the aggregation expression of `value`, a resolved expression or a plain value."""
        if not hasattr(value, "resolve_expression"):
            return literal(value)
        function = EXPRESSIONS.get(type(value))
        if function is None:
            raise unsupported(value)
        return function(self, value)

    def column(self, column: Column) -> Any:
        return self.joins.value(column.join) if column.join else f"${column.path.path}"

    def aggregate(self, aggregate: Any) -> Any:
        """Return the value of an aggregate: over what refers to the document."""
        from .aggregates import backward_aggregate

        if any(isinstance(part, Backward) for part in parts(aggregate)):
            return backward_aggregate(self, aggregate)
        name = type(aggregate).__name__
        raise NotSupportedError(
            f"{name}() has nothing to aggregate in one document: put values(...) before it to "
            "group, or use .pipeline([...]) with $group. The length of a list is "
            "F('<list>__len')."
        )

    def all_of(self, values: Any) -> list[Any]:
        return [self.compile(value) for value in values]


def unsupported(value: Any) -> NotSupportedError:
    name = type(value).__name__
    return NotSupportedError(
        f"{name} has no counterpart here; use .pipeline([...]) with "
        f"{STAGES.get(name, 'the stage that does it, mostly $set')}, or .collection."
    )


def compile_expression(model: Any, value: Any, names: Any = None) -> Any:
    """Return the aggregation expression of `value`, an expression or a plain value.

    It is about one document of `model`; `names` are a query's, if it has annotations.
    """
    from .computed import is_deferred

    scope = Scope(model)
    expression = resolved(model, value, names)
    compiled = scope.compile(expression)
    if scope.joins or is_deferred(expression):
        raise NotSupportedError(
            f"{value} reaches beyond the document of {model._meta.label}; use .pipeline([...]) "
            "with $lookup."
        )
    return compiled


def resolved(model: Any, value: Any, names: Any = None, *, summarize: bool = False) -> Any:
    """Return an expression with its names resolved; FieldError for unknown ones.

    To `summarize` is to aggregate all documents: what is aggregated for each is a value then.
    """
    if not hasattr(value, "resolve_expression"):
        return value
    if names is None:
        from .names import Names

        names = Names(model)
    return value.resolve_expression(names, summarize=summarize)


class Column(Expression):
    """A value of the document, or of one that it refers to."""

    contains_column_references = True

    def __init__(self, path: Path, join: Joined | None = None) -> None:
        super().__init__(output_field=path.field)
        self.path = path
        self.join = join

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path.path})"

    def __hash__(self) -> int:
        return hash((self.path.path, self.join))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and (
            (self.path.path, self.join) == (other.path.path, other.join)
        )

    @property
    def target(self) -> Any:
        """The field, as Django calls it in columns."""
        return self.path.field


@expression(Column)
def _column(scope: Scope, column: Column) -> Any:
    return scope.column(column)


class Backward(Expression):
    """What refers to the document: it has a value in aggregates only.

    `name` is what leads there, with its underscores, and `remainder` what is asked beyond.
    """

    def __init__(self, relation: Any, name: str, inner: Any) -> None:
        super().__init__(output_field=inner.output_field)
        self.relation = relation
        self.name = name
        self.inner = inner


@expression(Backward)
def _backward(scope: Scope, value: Backward) -> Any:
    raise NotSupportedError(
        f"{value.name!r} may be many; aggregate it, as in annotate(n=Count({value.name!r})), or "
        "use .pipeline([...]) with $lookup."
    )


def parts(value: Any) -> Iterator[Any]:
    """Yield an expression and all that it is made of."""
    return value.flatten() if hasattr(value, "flatten") else iter((value,))


def reference(model: Any, name: str) -> Path:
    """Return the path that `F(name)` names; NotSupportedError if it leads to no single value."""
    path = resolve(model, name)
    if path.relation is not None or path.rest:
        raise NotSupportedError(
            f"F({name!r}) reaches beyond the document of {model._meta.label}; use "
            ".pipeline([...]) with $lookup."
        )
    return single(model, name, path)


def single(model: Any, name: str, path: Path) -> Path:
    """Return `path`; NotSupportedError if it leads into a list."""
    # Aggregation expressions make arrays of paths through arrays, and know no positions.
    position = any(part.isdecimal() for part in path.path.split("."))
    if path.list_path is not None or (position and kind(path.field) != "JSONField"):
        raise NotSupportedError(
            f"F({name!r}) reaches into a list of {model._meta.label}; use .pipeline([...]) with "
            "$unwind."
        )
    return path


def literal(value: Any) -> Any:
    """Return a plain value as aggregation expression, in which no text is a path."""
    if isinstance(value, decimal.Decimal):
        value = Decimal128(value)
    elif isinstance(value, datetime.timedelta):
        value = value // datetime.timedelta(microseconds=1)
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        utc = datetime.UTC if settings.USE_TZ else None
        value = datetime.datetime(value.year, value.month, value.day, tzinfo=utc)
    elif isinstance(value, datetime.time):
        value = value.isoformat(timespec="microseconds")
    elif isinstance(value, models.Model):
        value = value.pk
    elif isinstance(value, int | float | datetime.datetime | None):
        return value
    return {"$literal": value}


@expression(models.Value)
def _value(scope: Scope, value: Any) -> Any:
    field = output_field(value)
    if field is None or value.value is None or field.remote_field is not None:
        return literal(value.value)
    return literal(encode_value(field, value.value))


@expression(ExpressionWrapper)
def _wrapper(scope: Scope, value: Any) -> Any:
    return scope.compile(value.expression)


# Types


def output_field(value: Any) -> Any:
    """Return the field of what a resolved expression yields; None if nothing says it."""
    return value._output_field_or_none if hasattr(value, "_output_field_or_none") else None


def kind_of(model: Any, value: Any) -> str:
    """Return the internal type of the field that holds values such as `value` yields, or ""."""
    if not hasattr(value, "resolve_expression"):
        value = models.Value(value)
    value = resolved(model, value)
    if isinstance(value, DurationExpression):
        # A day that is moved is a moment to Django; here it stays midnight, and so a day.
        sides = {resolved_kind(value.lhs), resolved_kind(value.rhs)}
        if sides == {"DateField", "DurationField"}:
            return "DateField"
    return resolved_kind(value)


def resolved_kind(value: Any) -> str:
    """Return the internal type of what a resolved expression yields, or ""."""
    try:
        field = output_field(value)
    except FieldError:
        # The sides are of types that Django combines only where it is told what comes of it.
        return ""
    field = getattr(field, "target_field", field)
    return kind(field) if field is not None else ""
