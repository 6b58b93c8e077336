"""What each option of `Meta` may be: one function for each, which returns the value to keep."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pymongo.collation import Collation

from ..db.concerns import WrongOption, listed, read_concern, read_preference, write_concern
from ..db.names import is_collection_name

_GRANULARITIES = ("seconds", "minutes", "hours")
_COLLATION: dict[str, type | tuple[type, ...]] = {
    "locale": str,
    "strength": int,
    "caseLevel": bool,
    "caseFirst": str,
    "numericOrdering": bool,
    "alternate": str,
    "maxVariable": str,
    "backwards": bool,
    "normalization": bool,
}
_TIME_SERIES: dict[str, type | tuple[type, ...]] = {
    "time_field": str,
    "meta_field": str,
    "granularity": str,
    "expire_after": datetime.timedelta,
    "bucket_max_span": datetime.timedelta,
    "bucket_rounding": datetime.timedelta,
}


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongOption(value, "True or False")
    return value


def class_name(value: Any) -> tuple[str, ...]:
    """Return the names, the one to write first."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) and n for n in names):
        raise WrongOption(value, "a name, or a list of names of which the first is written")
    return tuple(names)


def collection(value: Any) -> Any:
    if not is_collection_name(value):
        raise WrongOption(
            value,
            "the name of a collection: a string without '$', that neither begins with "
            "'system.' nor has empty parts between dots",
        )
    return value


def validation(value: Any) -> str | None:
    if value not in ("error", "warn", None):
        raise WrongOption(value, '"error", "warn" or None')
    result: str | None = value
    return result


def capped(value: Any) -> Mapping[str, int] | None:
    if value is None:
        return None
    right = 'a dict like {"size": bytes, "max": documents} of positive numbers ("max" is optional)'
    if not isinstance(value, Mapping) or not {"size"} <= value.keys() <= {"size", "max"}:
        raise WrongOption(value, right)
    for number in value.values():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise WrongOption(value, right)
    return MappingProxyType(dict(value))


def time_series(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    options = _known(
        value,
        _TIME_SERIES,
        'a dict with "time_field" and perhaps "meta_field", "granularity", "expire_after", '
        '"bucket_max_span", "bucket_rounding" (the last three are timedeltas)',
        needed="time_field",
    )
    if "granularity" in options and options["granularity"] not in _GRANULARITIES:
        raise WrongOption(value, f"a dict whose granularity is one of {listed(_GRANULARITIES)}")
    for name, time in options.items():
        if isinstance(time, datetime.timedelta) and time < datetime.timedelta(seconds=1):
            raise WrongOption(value, f"a dict whose {name} is a second or longer")
    spans = {"bucket_max_span", "bucket_rounding"} & options.keys()
    if spans and (
        len(spans) == 1
        or "granularity" in options
        or options["bucket_max_span"] != options["bucket_rounding"]
    ):
        raise WrongOption(
            value,
            "a dict with either a granularity, or bucket_max_span and bucket_rounding, which "
            "must be equal",
        )
    return options


def collation(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, Collation):
        value = value.document
    options = _known(
        value,
        _COLLATION,
        'a dict with a "locale", as {"locale": "en", "strength": 2}, or pymongo\'s Collation',
        needed="locale",
    )
    if options.get("strength", 3) not in range(1, 6):
        raise WrongOption(value, "a collation whose strength is a number from 1 to 5")
    return options


def shard_key(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    right = (
        'a dict of field names with 1 or "hashed" (one at most), as {"country": 1, "id": "hashed"}'
    )
    if (
        not isinstance(value, Mapping)
        or not value
        or not all(isinstance(name, str) and name for name in value)
        or not all(kind == "hashed" or _is_one(kind) for kind in value.values())
        or list(value.values()).count("hashed") > 1
    ):
        raise WrongOption(value, right)
    return MappingProxyType(dict(value))


VALIDATORS: Mapping[str, Callable[[Any], Any]] = {
    "collection": collection,
    "allow_inheritance": flag,
    "class_name": class_name,
    "strict": flag,
    "validation": validation,
    "capped": capped,
    "time_series": time_series,
    "collation": collation,
    "shard_key": shard_key,
    "read_preference": read_preference,
    "read_concern": read_concern,
    "write_concern": write_concern,
}


def _known(
    value: Any, known: Mapping[str, type | tuple[type, ...]], right: str, *, needed: str
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or needed not in value or not value.keys() <= known.keys():
        raise WrongOption(value, right)
    for name, option in value.items():
        if not isinstance(option, known[name]) or option == "":
            kinds = known[name]
            kind = kinds.__name__ if isinstance(kinds, type) else " or ".join(map(str, kinds))
            raise WrongOption(value, f"a dict whose {name!r} is a {kind}")
    return MappingProxyType(dict(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_one(value: Any) -> bool:
    return _is_number(value) and value == 1
