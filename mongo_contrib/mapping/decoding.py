"""What Django's own fields make of stored values: the table that `encoding.decoder()` reads.

None is never asked. A field that is not in the table takes stored values as they are.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

from bson import Decimal128, ObjectId

_LEAVES = (
    str,
    int,
    float,
    bool,
    type(None),
    datetime.datetime,
    ObjectId,
    Decimal128,
    bytes,
)


def copy_json(value: Any, name: str) -> Any:
    """Return a deep copy of nested dicts and lists, so that neither side sees the other change.

    Raises TypeError naming the field for a key that is no string or a value BSON can't hold.
    """
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{name!r} has the key {key!r}; keys of documents are strings.")
        return {key: copy_json(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_json(item, name) for item in value]
    raise TypeError(
        f"{name!r} holds a {type(value).__name__}, which is neither JSON nor BSON: {value!r}."
    )


def _decode_decimal(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    return decimal.Decimal(str(value))


def _decode_date(value: Any) -> Any:
    return value.date() if isinstance(value, datetime.datetime) else _parsed(datetime.date, value)


def _decode_time(value: Any) -> Any:
    return value.time() if isinstance(value, datetime.datetime) else _parsed(datetime.time, value)


def _parsed(kind: Any, value: Any) -> Any:
    if isinstance(value, str):
        return kind.fromisoformat(value)
    raise TypeError(f"a {kind.__name__} cannot be made of {value!r}")


def _decode_duration(value: Any) -> Any:
    return datetime.timedelta(microseconds=value)


def _decode_float(value: Any) -> Any:
    return value if type(value) is float else float(value)


def _decode_json(value: Any) -> Any:
    return copy_json(value, "JSON")


DECODERS: dict[str, Callable[[Any], Any]] = {
    "DecimalField": _decode_decimal,
    "DateField": _decode_date,
    "TimeField": _decode_time,
    "DurationField": _decode_duration,
    "FloatField": _decode_float,
    "JSONField": _decode_json,
    "BinaryField": bytes,
}
