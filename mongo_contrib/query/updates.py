"""From new values, some of them expressions, to an update that the server takes."""

from __future__ import annotations

from itertools import chain
from typing import Any, cast

from django.core.exceptions import FieldError
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable, CombinedExpression
from django.db.utils import NotSupportedError

from ..mapping.dynamic import UndeclaredField
from ..mapping.fields import stores_null
from ..mapping.plan import plan_of
from ..operators import Operator, Set
from .casting import WHOLE
from .conditions import NOTHING, Condition
from .elements import headed, inside, prefixed, some_element, value_conditions
from .expressions import compile_expression, kind_of, reference
from .operators import compile_operator, stored
from .paths import Path, kind, resolve


def update_of(model: Any, values: dict[str, Any]) -> Any:
    """Return the update of `QuerySet.update(**values)`; names may be paths into documents.

    Values are operators, expressions, or plain values to set. Raises FieldError for an unknown
    name, for one beyond the document and for the key.
    """
    update: dict[str, Any] = {}
    for name, value in values.items():
        path = _target(model, name)
        add_change(model, update, path, path.path, value)
    result = as_update(model, update)
    if isinstance(result, list):
        for path in chain.from_iterable(update.values()):
            _refuse_position(model, path)
    return result


def _refuse_position(model: Any, path: str) -> None:
    """Raise NotSupportedError for a position in a list: to a pipeline it is a key in each element.

    The keys of a map may look like positions, and are none.
    """
    parts = path.split(".")
    for number, part in enumerate(parts[1:], 1):
        if part.isdecimal() and kind(field_at(model, ".".join(parts[:number]))) != "MapField":
            raise NotSupportedError(
                f"Position {part} of {'.'.join(parts[:number])!r} can't be changed in one update "
                "with a computed value; use two, inside atomic() if they belong together, "
                "operators such as Inc, or save()."
            )


def add_change(model: Any, update: dict[str, Any], path: Path, at: str, value: Any) -> None:
    """Add to an update the change of what is stored `at` a place, whose field `path` tells."""
    if isinstance(value, Set):
        value = value.value
    if isinstance(value, Operator):
        name, operand = compile_operator(model, path, value)
        if operand is NOTHING:
            return
    elif hasattr(value, "resolve_expression"):
        name, operand = "$set", value
    elif value is None and not stores_null(path.field):
        name, operand = "$unset", ""
    else:
        name, operand = "$set", None if value is None else stored(path, value)
    update.setdefault(name, {})[at] = operand


def _target(model: Any, name: str) -> Path:
    path = resolve(model, name)
    if path.relation is not None or path.rest or path.list_path:
        raise FieldError(
            f"Cannot update {name!r} of {model._meta.label}: only fields of the document itself "
            "and of documents embedded in it can be; use update_elements() for what lies in "
            "lists, or .collection."
        )
    if path.path == "_id":
        raise FieldError(
            f"Cannot update {name!r}: the key of a document never changes in MongoDB."
        )
    return path


def element_update_of(
    model: Any, name: str, asked: Any, values: dict[str, Any]
) -> tuple[Condition, dict[str, Any], list[dict[str, Any]]]:
    """Return condition, update and array filters of a change in elements of the list `name`.

    `asked`, a `Q` or a dict of look-ups, tells of which elements; None means all. `values` are
    by fields of the embedded class; in a list of values, "" stands for the value itself.
    """
    path = resolve(model, name)
    if path.relation is not None or path.rest or path.list_path or not path.is_list:
        raise FieldError(f"{name!r} of {model._meta.label} is no list whose elements can change.")
    document = getattr(path.field, "alternatives", None)
    if isinstance(asked, dict):
        asked = Q(**asked)
    if asked is not None and not isinstance(asked, Q):
        raise TypeError(f"Elements of {name!r} are chosen by a Q or a dict, not by {asked!r}.")
    if not asked:
        asked = None
    place = f"{path.path}.$[]" if asked is None else f"{path.path}.$[element]"
    update: dict[str, Any] = {}
    for key, value in values.items():
        if hasattr(value, "resolve_expression"):
            raise NotSupportedError(
                f"{key or name!r} in a list can't be computed with {value!r}; use an operator."
            )
        if document is None:
            add_change(None, update, Path("", path.field.base_field), place, value)
        else:
            inner = _target(document, key)
            add_change(document, update, inner, f"{place}.{inner.path}", value)
    if asked is None:
        return {f"{path.path}.0": {"$exists": True}}, update, []
    if document is not None:
        condition = inside(path.path, document, asked)
        alternatives = [] if condition is NOTHING else [prefixed(headed(condition), "element")]
    else:
        alternatives = [
            {"element": each or {"$exists": True}} for each in value_conditions(path, asked)
        ]
    if not alternatives:
        return NOTHING, update, []
    filters = alternatives if len(alternatives) == 1 else [{"$or": alternatives}]
    # inside() has refused what is not known yet.
    return cast(Condition, some_element(path, asked)), update, filters


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
        increments |= update.get("$inc", {})
        result = {**update, "$set": plain, "$inc": increments}
        return {operator: values for operator, values in result.items() if values}
    if others := sorted(update.keys() - {"$set", "$unset"}):
        raise NotSupportedError(
            f"{', '.join(others)} can't stand in one update with a computed value; use two, "
            "inside atomic() if they belong together."
        )
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
    if stores_null(field) or (isinstance(value, Value) and value.value is not None):
        return computed
    # None is left out of documents, and a unique index takes any number that lack it.
    return {"$ifNull": [computed, "$$REMOVE"]}


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
    plan = plan_of(model)
    if column not in plan.by_column and getattr(model, "_is_dynamic", False):
        return UndeclaredField(model, column)
    field = plan.by_column[column].field
    while rest and hasattr(field, "value_field"):
        # A key of a map.
        rest, field = rest.partition(".")[2], field.value_field
    if not rest or not hasattr(field, "document"):
        return field
    inner = rest.lstrip("0123456789.").partition(".")[0]
    having = [each for each in field.documents if inner in plan_of(each).by_column]
    return field_at(having[0] if having else field.document, rest)


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
