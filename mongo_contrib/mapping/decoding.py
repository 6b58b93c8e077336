"""What Django's own fields make of stored values: the table that `encoding.decoder()` reads.

None is never asked. A field that is not in the table takes stored values as they are.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Any

from bson import Decimal128

from .values import detached


def _decode_decimal(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    try:
        return decimal.Decimal(str(value))
    except decimal.InvalidOperation:
        raise TypeError(f"a Decimal cannot be made of {value!r}") from None


def _decode_datetime(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value
    # What lies beyond year 9999 the driver gives as a DatetimeMS, which Python has no date for.
    raise TypeError(f"a datetime cannot be made of {value!r}")


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


def _decode_uuid(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value
    # Those of old drivers (binary subtype 3) have their bytes in orders that nothing tells apart.
    raise TypeError(f"a UUID cannot be made of {value!r}")


def _decode_binary(value: Any) -> Any:
    # Of another subtype than 0 the driver makes a subclass of bytes, which a save must find again.
    if isinstance(value, bytes):
        return value
    raise TypeError(f"bytes cannot be made of {value!r}")


def _decode_float(value: Any) -> Any:
    return value if type(value) is float else float(value)


DECODERS: dict[str, Callable[[Any], Any]] = {
    "DecimalField": _decode_decimal,
    "DateTimeField": _decode_datetime,
    "DateField": _decode_date,
    "TimeField": _decode_time,
    "DurationField": _decode_duration,
    "FloatField": _decode_float,
    "JSONField": detached,
    "BinaryField": _decode_binary,
    "UUIDField": _decode_uuid,
}
