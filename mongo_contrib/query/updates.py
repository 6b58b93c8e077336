"""From new values, some of them expressions, to an update that the server takes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db.models import F, Value
from django.db.models.expressions import Combinable, CombinedExpression
from django.db.utils import NotSupportedError

from ..mapping.encoding import encode_value
from ..mapping.fields import stores_null
from ..mapping.plan import plan_of
from .casting import WHOLE, cast
from .expressions import compile_expression, kind_of, reference
from .paths import Path, kind, resolve


def update_of(model: Any, values: dict[str, Any]) -> Any:
    """Return the update of `QuerySet.update(**values)`; names may be paths into documents.

    Raises FieldError for an unknown name, for one beyond the document and for the key.
    """
    to_set: dict[str, Any] = {}
    to_unset: dict[str, Any] = {}
    for name, value in values.items():
        path = resolve(model, name)
        if path.relation is not None or path.rest or path.list_path:
            raise FieldError(
                f"Cannot update {name!r} of {model._meta.label}: only fields of the document "
                "itself and of documents embedded in it can be; use .collection."
            )
        if path.path == "_id":
            raise FieldError(
                f"Cannot update {name!r}: the key of a document never changes in MongoDB."
            )
        if hasattr(value, "resolve_expression"):
            to_set[path.path] = value
        elif value is None and not stores_null(path.field):
            to_unset[path.path] = ""
        else:
            to_set[path.path] = None if value is None else _stored(path, value)
    update = {}
    if to_set:
        update["$set"] = to_set
    if to_unset:
        update["$unset"] = to_unset
    return as_update(model, update)


def _stored(path: Path, value: Any) -> Any:
    if path.field.is_relation:
        return cast(path, value)
    if hasattr(path.field, "prepared"):
        value = path.field.prepared(value)
    return encode_value(path.field, value)


def as_update(model: Any, update: dict[str, Any]) -> Any:
    """Return `update` with expressions compiled: to `$inc` where that says it, else a pipeline."""
    to_set = update.get("$set", {})
    expressions = {
        path: value for path, value in to_set.items() if hasattr(value, "resolve_expression")
    }
    if not expressions:
        return update
    increments = {path: _increment(model, path, value) for path, value in expressions.items()}
    if all(amount is not None for amount in increments.values()):
        plain = {path: value for path, value in to_set.items() if path not in expressions}
        result = {**update, "$set": plain, "$inc": increments}
        return {operator: values for operator, values in result.items() if values}
    stage = {
        path: _computed(model, path, value) if path in expressions else {"$literal": value}
        for path, value in to_set.items()
    }
    pipeline: list[dict[str, Any]] = [{"$set": stage}]
    if update.get("$unset"):
        pipeline.append({"$unset": list(update["$unset"])})
    return pipeline


def _computed(model: Any, path: str, value: Any) -> Any:
    """Return the aggregation expression of `value` in the form that its field stores."""
    field = field_at(model, path)
    computed = _in_type(model, path, field, value)
    if field.null and not stores_null(field):
        # None is left out of documents, and a unique index takes any number that lack it.
        return {"$ifNull": [computed, "$$REMOVE"]}
    return computed


def _in_type(model: Any, path: str, field: Any, value: Any) -> Any:
    computed = compile_expression(model, value)
    stored = kind(field)
    if stored == "DateField" and kind_of(model, value) == "DateTimeField":
        raise NotSupportedError(
            f"{path!r} holds days, and {value!r} is a moment; use .collection and $dateTrunc."
        )
    if stored in WHOLE or stored == "DurationField":
        # Of 7 / 2 a field of whole numbers holds 3, as Python's int() and SQL have it.
        return {"$toLong": {"$trunc": computed}}
    if stored == "DecimalField":
        number = {"$toDecimal": computed}
        places = field.decimal_places
        return number if places is None else {"$round": [number, places]}
    if stored == "FloatField":
        return {"$toDouble": computed}
    if stored == "DateField":
        return {"$dateTrunc": {"date": computed, "unit": "day"}}
    return computed


def field_at(model: Any, path: str) -> Any:
    """Return the field that a stored path leads to, through embedded documents."""
    column, _, rest = path.partition(".")
    if column.isdecimal():
        return field_at(model, rest)
    field = plan_of(model).by_column[column].field
    while rest and hasattr(field, "value_field"):
        # A key of a map.
        rest, field = rest.partition(".")[2], field.value_field
    return field_at(field.document, rest) if rest and hasattr(field, "document") else field


def _increment(model: Any, path: str, value: Any) -> Any:
    """Return the amount of `F(path) + number`; None for anything else.

    A field that may be null is left to the pipeline: null plus one is null in Django.
    """
    if not isinstance(value, CombinedExpression) or not isinstance(value.lhs, F):
        return None
    if value.connector not in (Combinable.ADD, Combinable.SUB) or not isinstance(value.rhs, Value):
        return None
    target = reference(model, value.lhs.name)
    amount = value.rhs.value
    if target.path != path or target.field.null or isinstance(amount, bool):
        return None
    if not isinstance(amount, int | float if kind(target.field) == "FloatField" else int):
        return None
    return amount if value.connector == Combinable.ADD else -amount


def refuse_expressions(model: Any, document: dict[str, Any]) -> None:
    """Raise NotSupportedError if a document to insert holds an expression."""
    for column, value in document.items():
        if hasattr(value, "resolve_expression"):
            raise NotSupportedError(
                f"{model._meta.label} can't be inserted with the expression {value!r} for "
                f"{column!r}: there is no stored value yet that it could compute with."
            )
