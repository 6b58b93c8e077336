"""Conditions as aggregation expressions: what `$match` asks, where `$cond` and `$switch` ask it.

A look-up is written once, as a condition on a path; this makes an expression of it, which means
the same: a comparison with null or with another type is never true, and of a list one element
that fulfils it is enough.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any, Protocol

from bson import Decimal128, ObjectId, Regex
from django.db.utils import NotSupportedError

from .conditions import NOTHING, Condition

#: The path of a look-up on what is computed: `f"${LHS}"` in an expression is replaced by it.
LHS = "$lhs"


class Source(Protocol):
    """Where the values come from that a condition asks for by stored paths."""

    def value(self, path: str) -> Any:
        """Return the expression of the value at `path`."""

    def list_of(self, path: str) -> str | None:
        """Return the part of `path` that leads to a list, "" if none does; None if unknown."""

    def container(self, path: str) -> str:
        """Return the part of `path` that leads to what may have any shape; "" if none does."""


class Stored:
    """The stored values of a class's documents."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def value(self, path: str) -> Any:
        return f"${path}"

    def list_of(self, path: str) -> str | None:
        from ..mapping.plan import plan_of

        model, taken = self.model, ""
        parts = path.split(".")
        for position, part in enumerate(parts):
            found = plan_of(model).by_column.get(part) if model is not None else None
            if found is None:
                return None
            taken = ".".join(parts[: position + 1])
            kind = found.field.get_internal_type()
            if hasattr(found.field, "base_field") or kind == "EmbeddedDocumentListField":
                return taken
            if kind == "JSONField" or (position + 1 < len(parts) and kind == "ForeignKey"):
                return None
            model = getattr(found.field, "document", None)
        return ""

    def container(self, path: str) -> str:
        from ..mapping.plan import plan_of

        column, _, rest = path.partition(".")
        found = plan_of(self.model).by_column.get(column)
        any_shape = found is not None and found.field.get_internal_type() == "JSONField"
        return column if rest and any_shape else ""


class Computed:
    """The value of an expression, as the only path that there is."""

    def __init__(self, expression: Any, *, is_list: bool = False) -> None:
        self.expression = expression
        self.is_list = is_list

    def value(self, path: str) -> Any:
        if path == LHS:
            return self.expression
        inner = path.removeprefix(f"{LHS}.")
        value = self.expression
        for part in inner.split("."):
            if part.isdecimal():
                value = {"$arrayElemAt": [_array(value), int(part)]}
            else:
                value = {"$getField": {"field": part, "input": value}}
        return value

    def list_of(self, path: str) -> str | None:
        return LHS if self.is_list and path == LHS else ""

    def container(self, path: str) -> str:
        return ""


class _Element:
    """The values of one element of a list."""

    def value(self, path: str) -> Any:
        return f"$$element.{path}" if path else "$$element"

    def list_of(self, path: str) -> str | None:
        return ""

    def container(self, path: str) -> str:
        return ""


def as_expression(condition: Condition, source: Source) -> Any:
    """Return the aggregation expression that is true where `condition` is fulfilled."""
    if condition is NOTHING:
        return False
    return _all([_clause(key, asked, source) for key, asked in condition.items()])


def _all(tests: list[Any]) -> Any:
    return tests[0] if len(tests) == 1 else ({"$and": tests} if tests else True)


def _clause(key: str, asked: Any, source: Source) -> Any:
    if key in ("$and", "$or"):
        return {key: [as_expression(each, source) for each in asked]}
    if key == "$nor":
        return {"$not": [{"$or": [as_expression(each, source) for each in asked]}]}
    if key == "$expr":
        return _replaced(asked, source)
    if key.startswith("$") and not key.startswith(LHS):
        raise _unsupported(key)
    return _at(key, asked, source)


def _unsupported(operator: str) -> NotSupportedError:
    return NotSupportedError(
        f"{operator} has no counterpart inside of an expression; ask it in filter(), or use "
        ".pipeline([...]) with $match."
    )


def _replaced(asked: Any, source: Source) -> Any:
    """Return an expression with what is computed in the place of its name."""
    if asked == f"${LHS}":
        return source.value(LHS)
    if isinstance(asked, dict):
        if "$literal" in asked:
            return asked
        return {key: _replaced(value, source) for key, value in asked.items()}
    return [_replaced(each, source) for each in asked] if isinstance(asked, list) else asked


def _at(path: str, asked: Any, source: Source) -> Any:
    """Return the test of the value at a path."""
    if not (isinstance(asked, dict) and asked and next(iter(asked)).startswith("$")):
        asked = {"$regex": asked} if isinstance(asked, re.Pattern | Regex) else {"$eq": asked}
    options = asked.get("$options", "")
    tests = []
    for operator, operand in asked.items():
        if operator == "$options":
            continue
        if operator == "$not":
            tests.append({"$not": [_at(path, operand, source)]})
        elif operator in ("$ne", "$nin"):
            positive = {"$ne": "$eq", "$nin": "$in"}[operator]
            tests.append({"$not": [_at(path, {positive: operand}, source)]})
        else:
            tests.append(_test(path, operator, operand, options, source))
    return _all(tests)


def _test(path: str, operator: str, operand: Any, options: str, source: Source) -> Any:
    place = source.list_of(path)
    if place and place != path:
        inner = path[len(place) + 1 :]
        position, _, rest = inner.partition(".")
        if position.isdecimal():
            # Expressions know no positions in paths.
            array = _array(source.value(place))
            if operator == "$exists" and not rest:
                longer = {"$gt": [{"$size": array}, int(position)]}
                return longer if operand else {"$not": [longer]}
            found = Computed({"$arrayElemAt": [array, int(position)]})
            return _at(f"{LHS}.{rest}" if rest else LHS, {operator: operand}, found)
        return _some(source.value(place), _at(inner, {operator: operand}, _Element()))
    single = _single(path, operator, operand, options, source, is_list=place != "")
    container = source.container(path)
    if not container:
        return single
    # What a JSONField holds may be a list of documents, whose elements are meant then.
    inner = path[len(container) + 1 :]
    holder = source.value(container)
    documents = {"$eq": [{"$type": "$$element"}, "object"]}
    elements = {"$filter": {"input": holder, "as": "element", "cond": documents}}
    some = _some(elements, _at(inner, {operator: operand}, _Element()))
    return {"$cond": [{"$isArray": [holder]}, some, single]}


def _single(
    path: str, operator: str, operand: Any, options: str, source: Source, *, is_list: bool
) -> Any:
    value = source.value(path)
    if operator in _WHOLE:
        return _WHOLE[operator](value, operand)
    if operator == "$elemMatch":
        plain = next(iter(operand)).startswith("$") and next(iter(operand)) not in _CONNECTORS
        test = _at("", operand, _Element()) if plain else as_expression(operand, _Element())
        return _some(value, test)
    if operator not in _TESTS:
        raise _unsupported(operator)
    test = _TESTS[operator]
    single = test(value, operand, options)
    if not is_list or (operator == "$type" and operand == "array"):
        return single
    return {"$or": [single, _some(value, test("$$element", operand, options))]}


_CONNECTORS = frozenset({"$and", "$or", "$nor", "$expr"})


def _some(array: Any, test: Any) -> dict[str, Any]:
    each = {"$map": {"input": _array(array), "as": "element", "in": test}}
    return {"$anyElementTrue": [each]}


def _array(value: Any) -> dict[str, Any]:
    return {"$cond": [{"$isArray": [value]}, value, []]}


# Tests of one value


def _equal(value: Any, operand: Any, options: str) -> Any:
    if operand is None:
        return {"$eq": [{"$ifNull": [value, None]}, None]}
    return {"$eq": [value, {"$literal": operand}]}


def _one_of(value: Any, operand: Any, options: str) -> Any:
    test: Any = {"$in": [value, {"$literal": list(operand)}]}
    return {"$or": [test, _equal(value, None, "")]} if None in operand else test


def _compare(operator: str) -> Callable[[Any, Any, str], Any]:
    def test(value: Any, operand: Any, options: str) -> Any:
        return {"$and": [_comparable(value, operand), {operator: [value, {"$literal": operand}]}]}

    return test


def _comparable(value: Any, operand: Any) -> Any:
    """Ask whether a value is of the type of `operand`: to `$match`, no other compares with it."""
    if isinstance(operand, bool):
        return {"$eq": [{"$type": value}, "bool"]}
    if isinstance(operand, int | float | Decimal128):
        return {"$isNumber": value}
    for types, name in _TYPES:
        if isinstance(operand, types):
            return {"$eq": [{"$type": value}, name]}
    return {"$gt": [value, None]}


_TYPES: tuple[tuple[Any, str], ...] = (
    (str, "string"),
    (datetime.datetime, "date"),
    (ObjectId, "objectId"),
    (bytes, "binData"),
)


def _matches(value: Any, operand: Any, options: str) -> Any:
    if isinstance(operand, Regex | re.Pattern):
        if operand.flags & ~(re.IGNORECASE | re.UNICODE):
            raise _unsupported("A regular expression with flags")
        options = "i" if operand.flags & re.IGNORECASE else ""
        operand = operand.pattern
    text = {"$cond": [{"$eq": [{"$type": value}, "string"]}, value, None]}
    arguments: dict[str, Any] = {"input": text, "regex": {"$literal": operand}}
    if options:
        arguments["options"] = options
    return {"$regexMatch": arguments}


def _is_of(value: Any, operand: Any, options: str) -> Any:
    if isinstance(operand, list):
        return {"$or": [_is_of(value, each, options) for each in operand]}
    if not isinstance(operand, str):
        raise _unsupported("$type with a number")
    if operand == "number":
        return {"$isNumber": value}
    return {"$eq": [{"$type": value}, operand]}


_TESTS: dict[str, Callable[[Any, Any, str], Any]] = {
    "$eq": _equal,
    "$in": _one_of,
    "$regex": _matches,
    "$type": _is_of,
    **{operator: _compare(operator) for operator in ("$gt", "$gte", "$lt", "$lte")},
}

#: These look at a list as one value.
_WHOLE: dict[str, Callable[[Any, Any], Any]] = {
    "$exists": lambda value, wanted: {"$ne" if wanted else "$eq": [{"$type": value}, "missing"]},
    "$size": lambda value, size: {
        "$and": [{"$isArray": [value]}, {"$eq": [{"$size": _array(value)}, size]}]
    },
    "$all": lambda value, items: {
        "$and": [
            {"$isArray": [value]},
            {"$setIsSubset": [{"$literal": list(items)}, _array(value)]},
        ]
    },
}
