"""Any BSON value, kept as it is: checked and copied on its way in, copied on its way out.

The copies are of documents and arrays, so that nobody's later change reaches what a save
compares with; what they hold is passed on, type and all.
"""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Mapping
from typing import Any

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from django.conf import settings
from django.db.utils import DataError
from django.utils import timezone
from django.utils.functional import Promise

#: How deep documents and arrays may lie in each other: the server refuses more.
DEEPEST = 180

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1

#: What the driver writes, and gives back, without a question.
_AS_THEY_ARE = frozenset(
    {
        *(str, bool, type(None), float, bytes, uuid.UUID),
        *(Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex),
        Timestamp,
    }
)

_INSTEAD: dict[type, str] = {
    decimal.Decimal: "bson.Decimal128(value)",
    datetime.date: "a datetime",
    datetime.time: "a text",
    datetime.timedelta: "a number",
    complex: "two numbers",
    set: "a list",
    frozenset: "a list",
}


class _Refused(Exception):
    """What is wrong with a value, raised as an error of class `kind` once its path is known."""

    def __init__(self, kind: type[Exception], found: str, reason: str) -> None:
        self.kind, self.found, self.reason = kind, found, reason
        self.path: list[str] = []


def storable(value: Any, name: str) -> Any:
    """Return a copy of `value` that BSON can hold: dicts, lists and what the driver takes.

    A subclass of str, int or dict becomes the plain one, a tuple a list, a datetime loses what
    is below a millisecond. Raises TypeError, ValueError or DataError naming the field, the path
    within it and what was found.
    """
    try:
        return _checked(value, 0)
    except _Refused as error:
        path = ".".join(reversed(error.path))
        where = f" at {path!r}" if path else ""
        raise error.kind(f"{name!r} {error.found}{where}{error.reason}") from None


def detached(value: Any) -> Any:
    """Return a copy of the dicts and lists of a stored value."""
    kind = type(value)
    if kind is dict:
        return {
            key: item if type(item) in _AS_THEY_ARE else detached(item)
            for key, item in value.items()
        }
    if kind is list:
        return [item if type(item) in _AS_THEY_ARE else detached(item) for item in value]
    return value


def _checked(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return _document(value, depth + 1)
    if isinstance(value, list | tuple):
        return _array(value, depth + 1)
    if kind is not int and isinstance(value, Mapping):
        return _document(value, depth + 1)
    return _scalar(value)


def _document(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    _bounded(depth)
    copied: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _Refused(TypeError, f"has the key {key!r}", "; keys of documents are strings.")
        if "\0" in key:
            raise _Refused(DataError, f"has the key {key!r}", "; no key holds a NUL.")
        try:
            copied[str.__str__(key)] = _checked(item, depth)
        except _Refused as error:
            error.path.append(key)
            raise
    return copied


def _array(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    _bounded(depth)
    copied = []
    for position, item in enumerate(value):
        try:
            copied.append(_checked(item, depth))
        except _Refused as error:
            error.path.append(str(position))
            raise
    return copied


def _bounded(depth: int) -> None:
    if depth > DEEPEST:
        deep = f"is nested more than {DEEPEST} levels deep"
        refused = _Refused(DataError, deep, ", or holds itself.")
        # A path of so many steps says nothing.
        refused.path = _Nowhere()
        raise refused


class _Nowhere(list[str]):
    def append(self, step: str) -> None:
        pass


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        # Of a subclass, such as an enumeration's, only the text is stored.
        return str.__str__(value)
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _INT64_MAX:
            raise _Refused(DataError, f"holds {value}", ", which is not a 64-bit integer.")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, datetime.datetime):
        return _moment(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, re.Pattern):
        return Regex.from_native(value)
    if isinstance(value, Promise):
        return str(value)
    instead = next((name for kind, name in _INSTEAD.items() if isinstance(value, kind)), "")
    raise _Refused(
        TypeError,
        f"holds a {type(value).__name__}",
        f", which is neither JSON nor BSON: {value!r}"
        + (f"; store {instead}." if instead else "."),
    )


def _moment(value: datetime.datetime) -> datetime.datetime:
    if timezone.is_aware(value) != settings.USE_TZ:
        kind = "aware" if timezone.is_aware(value) else "naive"
        raise _Refused(
            ValueError,
            f"holds the {kind} datetime {value}",
            f", but settings.USE_TZ is {settings.USE_TZ}.",
        )
    # BSON counts milliseconds; cutting here lets a saved value equal the one read back.
    return value.replace(microsecond=value.microsecond // 1000 * 1000)
