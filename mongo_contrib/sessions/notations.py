"""How values that JSON lacks are written in it: `{"$oid": "65a..."}`, and back.

MongoDB Extended JSON v2 where it has a notation that loses nothing. It has none for what only
Python knows, and none for a moment's microseconds or its offset: these have names of their own.
"""

import base64
import datetime
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError

__all__ = ["PAIRS", "READERS", "WRITERS", "read"]

#: A dict whose keys look like a notation's, as the list of its pairs.
PAIRS = "$pairs"

# What the functions below raise where the text inside of a notation is not what they write;
# warnings are here for those who make them errors, `re` has some.
_NOT_OF_ITS_NOTATION = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
    *(BSONError, RecursionError, re.error, struct.error, Warning),
)
# The flags that Extended JSON has letters for, in their order.
_LETTERS = {"i": re.I, "l": re.L, "m": re.M, "s": re.S, "u": re.U, "x": re.X}
_WITH_LETTERS = int(re.I | re.L | re.M | re.S | re.U | re.X)
# What a pattern can be compiled with again. DEBUG prints, so it is not kept.
_COMPILING = _WITH_LETTERS | int(re.A)
_UTC_OFFSET = datetime.timedelta(0)


def read(document: dict[str, Any]) -> Any:
    """Return the value that `document` is the notation of, or itself where it is none.

    What is inside has been read before. ValueError where a notation has the wrong contents.
    """
    reader = READERS.get(tuple(document))
    try:
        if reader is not None:
            return reader(*document.values())
        if "$ref" in document and "$id" in document:
            return _dbref(document)
    except _NOT_OF_ITS_NOTATION as error:
        raise ValueError(
            f"{', '.join(document)} with contents that this notation does not have: {error}"
        ) from error
    return document


# -- writing: a notation as a dict, whose values are written in their turn --


def _datetime(value: datetime.datetime) -> dict[str, Any]:
    # Of the class itself: pandas, pendulum and freezegun derive theirs from it.
    text = datetime.datetime.isoformat(value)
    offset = value.utcoffset()
    # Extended JSON counts milliseconds, of moments since 1970.
    if offset == _UTC_OFFSET and value.microsecond % 1000 == 0 and value.year >= 1970:
        whole = datetime.datetime.isoformat(value, timespec="seconds")[:19]
        milliseconds = value.microsecond // 1000
        return {"$date": f"{whole}.{milliseconds:03d}Z" if milliseconds else f"{whole}Z"}
    if offset is None and value.fold:
        return {"$datetime": text, "$fold": 1}
    return {"$datetime": text}


def _time(value: datetime.time) -> dict[str, Any]:
    text = datetime.time.isoformat(value)
    if value.utcoffset() is None and value.fold:
        return {"$time": text, "$fold": 1}
    return {"$time": text}


def _code(value: Code) -> dict[str, Any]:
    text = str.__str__(value)
    return {"$code": text} if value.scope is None else {"$code": text, "$scope": value.scope}


def _decimal128(value: Decimal128) -> dict[str, Any]:
    text = str(value)
    # Not every 128 bits have a text: NaN can carry something, zero can be written twice.
    if Decimal128(text).bid == value.bid:
        return {"$numberDecimal": text}
    return {"$numberDecimalBits": value.bid}


def _bson_regex(value: Regex[Any]) -> dict[str, Any]:
    if isinstance(value.pattern, bytes) or value.flags & ~_WITH_LETTERS:
        return {"$regexFlags": [value.pattern, int(value.flags)]}
    options = "".join(letter for letter, flag in _LETTERS.items() if value.flags & flag)
    return {"$regularExpression": {"pattern": value.pattern, "options": options}}


def _binary(value: bytes, subtype: str) -> dict[str, Any]:
    return {"$binary": {"base64": base64.b64encode(value).decode(), "subType": subtype}}


def _tagged(value: Binary) -> dict[str, Any]:
    # The specification allows one digit or two: 0 tells a Binary from bytes, which are 00.
    return _binary(value, f"{value.subtype:02x}" if value.subtype else "0")


#: What a value of a type is written as. Subclasses are written like the nearest of these.
WRITERS: dict[type, Callable[[Any], Mapping[str, Any]]] = {
    bytes: lambda value: _binary(value, "00"),
    datetime.date: lambda value: {"$day": datetime.date.isoformat(value)},
    datetime.datetime: _datetime,
    datetime.time: _time,
    datetime.timedelta: lambda value: {
        "$duration": [value.days, value.seconds, value.microseconds]
    },
    re.Pattern: lambda value: {"$pattern": [value.pattern, value.flags & _COMPILING]},
    Decimal: lambda value: {"$decimal": str(value)},
    UUID: lambda value: {"$uuid": str(value)},
    Binary: _tagged,
    Code: _code,
    DatetimeMS: lambda value: {"$date": Int64(int(value))},
    DBRef: lambda value: value.as_doc(),
    Decimal128: _decimal128,
    Int64: lambda value: {"$numberLong": str(value)},
    MaxKey: lambda value: {"$maxKey": 1},
    MinKey: lambda value: {"$minKey": 1},
    ObjectId: lambda value: {"$oid": str(value)},
    Regex: _bson_regex,
    Timestamp: lambda value: {"$timestamp": {"t": value.time, "i": value.inc}},
}


# -- reading --


def _of_text(made: Callable[[str], Any]) -> Callable[[Any], Any]:
    def reader(text: Any) -> Any:
        # Some of the types make something of what is no text: an ObjectId of None is a new one.
        if type(text) is not str:
            raise TypeError(f"a {type(text).__name__} where a text should be")
        return made(text)

    return reader


def _moment(value: Any) -> Any:
    if isinstance(value, Int64):
        return DatetimeMS(int(value))
    return _of_text(datetime.datetime.fromisoformat)(value)


def _bytes(parts: Any) -> bytes:
    data = base64.b64decode(parts["base64"], validate=True)
    subtype = parts["subType"]
    return data if subtype == "00" else Binary(data, int(subtype, 16))


def _of_list(made: Callable[..., Any]) -> Callable[[Any], Any]:
    def reader(parts: Any) -> Any:
        if type(parts) is not list:
            raise TypeError(f"a {type(parts).__name__} where a list should be")
        return made(*parts)

    return reader


def _pattern(pattern: Any, flags: Any) -> re.Pattern[Any]:
    if flags & ~_COMPILING:
        raise ValueError(f"the flags {flags}")
    return re.compile(pattern, flags)


def _scoped(text: Any, scope: Any) -> Code:
    return Code(_of_text(str)(text), scope)


def _dbref(document: dict[str, Any]) -> DBRef:
    extra = dict(document)
    return DBRef(extra.pop("$ref"), extra.pop("$id"), extra.pop("$db", None), extra)


def _one(made: type) -> Callable[[Any], Any]:
    def reader(value: Any) -> Any:
        if value != 1:
            raise ValueError(f"{value!r} where 1 should be")
        return made()

    return reader


def _unescaped(*pairs: Any) -> dict[str, Any]:
    return {_of_text(str)(key): value for key, value in pairs}


_folded_datetime = _of_text(lambda text: datetime.datetime.fromisoformat(text).replace(fold=1))
_folded_time = _of_text(lambda text: datetime.time.fromisoformat(text).replace(fold=1))

#: What makes a value of a notation with these keys, in this order.
READERS: dict[tuple[str, ...], Callable[..., Any]] = {
    (PAIRS,): _of_list(_unescaped),
    ("$binary",): _bytes,
    ("$code",): _of_text(Code),
    ("$code", "$scope"): _scoped,
    ("$date",): _moment,
    ("$datetime",): _of_text(datetime.datetime.fromisoformat),
    ("$datetime", "$fold"): lambda text, _: _folded_datetime(text),
    ("$day",): _of_text(datetime.date.fromisoformat),
    ("$decimal",): _of_text(Decimal),
    ("$duration",): _of_list(datetime.timedelta),
    ("$maxKey",): _one(MaxKey),
    ("$minKey",): _one(MinKey),
    ("$numberDecimal",): _of_text(Decimal128),
    ("$numberDecimalBits",): Decimal128.from_bid,
    ("$numberLong",): _of_text(Int64),
    ("$oid",): _of_text(ObjectId),
    ("$pattern",): _of_list(_pattern),
    ("$regexFlags",): _of_list(Regex),
    ("$regularExpression",): lambda parts: Regex(
        _of_text(str)(parts["pattern"]), _of_text(str)(parts["options"])
    ),
    ("$time",): _of_text(datetime.time.fromisoformat),
    ("$time", "$fold"): lambda text, _: _folded_time(text),
    ("$timestamp",): lambda parts: Timestamp(parts["t"], parts["i"]),
    ("$uuid",): _of_text(UUID),
}
