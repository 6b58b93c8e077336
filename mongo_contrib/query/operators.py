"""The table of update operators: from an operator and the path it is given to, to MQL.

Adding one is a class in `mongo_contrib/operators.py` and a function here with the decorator
`@operator(Class)`, which gets the model, the path and the operator, and returns what stands
after the server's operator and the path; NOTHING if there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bson import Decimal128
from django.db.utils import NotSupportedError

from .. import operators as op
from ..mapping.encoding import encode_value
from .casting import WHOLE, cast, holds_values
from .conditions import NOTHING
from .elements import headed, inside, value_conditions
from .paths import Path, kind, resolve

Compiler = Callable[[Any, Path, Any], Any]

OPERATORS: dict[type, Compiler] = {}


def operator(*classes: type) -> Callable[[Compiler], Compiler]:
    """Register the compiler of operators of these classes."""

    def register(function: Compiler) -> Compiler:
        OPERATORS.update(dict.fromkeys(classes, function))
        return function

    return register


def compile_operator(model: Any, path: Path, value: op.Operator) -> tuple[str, Any]:
    """Return the server's operator, and what stands after the path; NOTHING for nothing to do."""
    for each in type(value).__mro__:
        if each in OPERATORS:
            operand = OPERATORS[each](model, path, value)
            return ("$pullAll" if isinstance(operand, _Values) else value.name), operand
    raise TypeError(f"{value!r} is no operator that {path.path!r} can be updated by.")


def stored(path: Path, value: Any) -> Any:
    """Return a new value at `path` as it is stored."""
    if path.field.is_relation:
        return cast(path, value)
    if hasattr(path.field, "prepared"):
        value = path.field.prepared(value)
    return encode_value(path.field, value)


def _wrong(path: Path, value: op.Operator, wanted: str) -> TypeError:
    return TypeError(
        f"{type(value).__name__}() is for {wanted}; {path.path!r} is a "
        f"{type(path.field).__name__}."
    )


# Any value


@operator(op.SetOnInsert, op.Min, op.Max)
def _value(model: Any, path: Path, value: Any) -> Any:
    if value.value is None:
        raise ValueError(f"{type(value).__name__}() of {path.path!r} needs a value, not None.")
    return stored(path, value.value)


@operator(op.Unset)
def _unset(model: Any, path: Path, value: Any) -> Any:
    return ""


@operator(op.Rename)
def _rename(model: Any, path: Path, value: Any) -> Any:
    if not isinstance(value.value, str):
        raise TypeError(f"Rename() of {path.path!r} needs a field's name, not {value.value!r}.")
    other = resolve(model, value.value)
    if other.relation is not None or other.rest or other.list_path or other.path == "_id":
        raise ValueError(f"{path.path!r} can't be renamed to {value.value!r}.")
    if kind(other.field) != kind(path.field):
        raise ValueError(
            f"{path.path!r} is a {type(path.field).__name__}, and {value.value!r} is a "
            f"{type(other.field).__name__}."
        )
    return other.path


@operator(op.CurrentDate)
def _current_date(model: Any, path: Path, value: Any) -> Any:
    if kind(path.field) != "DateTimeField":
        raise _wrong(path, value, "a DateTimeField")
    return True


# Numbers


@operator(op.Inc)
def _inc(model: Any, path: Path, value: Any) -> Any:
    stored_as, amount = kind(path.field), value.value
    if amount is None or isinstance(amount, bool):
        raise ValueError(f"Inc() of {path.path!r} needs a number, not {amount!r}.")
    if stored_as == "DurationField":
        return stored(path, amount)
    if stored_as == "DecimalField":
        exact = Decimal128(path.field.to_python(amount))
        rounded = encode_value(path.field, amount)
        if exact.to_decimal() != rounded.to_decimal():
            raise ValueError(
                f"{path.path!r} has {path.field.decimal_places} decimal places, and Inc() is to "
                f"add {amount}."
            )
        return rounded
    return _number(path, value, amount)


@operator(op.Mul)
def _mul(model: Any, path: Path, value: Any) -> Any:
    if kind(path.field) == "DecimalField":
        raise NotSupportedError(
            f"Mul() would store more decimal places than {path.path!r} has; use F(), which rounds."
        )
    return _number(path, value, value.value)


def _number(path: Path, value: op.Operator, amount: Any) -> Any:
    stored_as = kind(path.field)
    if stored_as in WHOLE:
        if isinstance(amount, float | Decimal) and amount != int(amount):
            raise ValueError(f"{path.path!r} holds whole numbers; {amount} is none.")
        return encode_value(path.field, amount)
    if stored_as == "FloatField":
        return encode_value(path.field, amount)
    if stored_as in ("JSONField", "DurationField"):
        wanted = (int,) if stored_as == "DurationField" else (int, float, Decimal128)
        if isinstance(amount, wanted) and not isinstance(amount, bool):
            return amount
        raise ValueError(f"{path.path!r} can't be changed by {amount!r}.")
    raise _wrong(path, value, "numbers")


@operator(op.Bit)
def _bit(model: Any, path: Path, value: Any) -> Any:
    if kind(path.field) not in WHOLE | {"JSONField"}:
        raise _wrong(path, value, "whole numbers")
    return {name: _mask(path, mask) for name, mask in value.masks.items()}


def _mask(path: Path, mask: Any) -> int:
    if isinstance(mask, bool) or not isinstance(mask, int) or not -(2**63) <= mask < 2**63:
        raise ValueError(f"The bits of {path.path!r} are changed by a whole number, not {mask!r}.")
    return mask


# Lists


class _Values(list):
    """Values to take out of a list, which another operator does than conditions."""


@operator(op.Push)
def _push(model: Any, path: Path, value: Any) -> Any:
    pushed: dict[str, Any] = {"$each": _elements(path, value)}
    for name in ("position", "slice"):
        number = getattr(value, name)
        if number is not None:
            if isinstance(number, bool) or not isinstance(number, int):
                raise ValueError(f"The {name} in Push() is a whole number, not {number!r}.")
            pushed[f"${name}"] = number
    if value.sort is not None:
        pushed["$sort"] = _sort(path, value.sort)
    if len(pushed) == 1 and not value.values:
        return NOTHING
    return pushed


def _sort(path: Path, sort: Any) -> Any:
    if sort in (1, -1) and not isinstance(sort, bool):
        return sort
    document = getattr(path.field, "document", None)
    names = [sort] if isinstance(sort, str) else sort
    if document is None or not isinstance(names, list | tuple) or not names:
        raise ValueError(
            f"The sort in Push() on {path.path!r} is 1 or -1"
            f"{', or names of fields' if document is not None else ''}, not {sort!r}."
        )
    return {
        resolve(document, name.removeprefix("-")).path: -1 if name.startswith("-") else 1
        for name in names
    }


@operator(op.AddToSet)
def _add_to_set(model: Any, path: Path, value: Any) -> Any:
    values = _elements(path, value)
    return {"$each": values} if values else NOTHING


@operator(op.Pull)
def _pull(model: Any, path: Path, value: Any) -> Any:
    if value.asked is None:
        values = _Values(_elements(path, value))
        return values or NOTHING
    if kind(path.field) == "EmbeddedDocumentListField":
        condition = inside(path.path, path.field.alternatives, value.asked)
        if condition is not NOTHING and not condition:
            raise ValueError(f"Pull() from {path.path!r} asks for nothing; set it to [] instead.")
        return condition if condition is NOTHING else headed(condition)
    if not holds_values(path.field):
        raise _wrong(path, value, "lists, and of other documents takes values alone")
    alternatives = value_conditions(path, value.asked)
    if len(alternatives) > 1 or {} in alternatives:
        raise NotSupportedError(
            f"Pull() from {path.path!r} needs one condition; {value.asked} is "
            f"{len(alternatives) if alternatives != [{}] else 'none'}. Use an update for each."
        )
    return alternatives[0] if alternatives else NOTHING


@operator(op.Pop)
def _pop(model: Any, path: Path, value: Any) -> Any:
    _elements(path, op.Push())
    return -1 if value.first else 1


def _elements(path: Path, value: Any) -> list[Any]:
    """Return the values of an operator as elements of the list are stored."""
    if path.is_list:
        return stored(path, list(value.values))
    if kind(path.field) == "JSONField":
        return [encode_value(path.field, each) for each in value.values]
    raise _wrong(path, value, "lists")
