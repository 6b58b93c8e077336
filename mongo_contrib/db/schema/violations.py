"""Which stored documents a validator would refuse, and why."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from mongo_contrib.exceptions import DocumentInvalid, translated_errors

__all__ = ["bson_type", "refuse_violations", "violations"]

# How many violating documents are counted, and how many an error shows.
COUNTED = 1000
SHOWN = 5

_TYPES: tuple[tuple[Any, str], ...] = (
    (bool, "bool"),
    (Int64, "long"),
    (float, "double"),
    (Decimal128, "decimal"),
    (Code, "javascript"),
    (str, "string"),
    (Mapping, "object"),
    (list | tuple, "array"),
    (bytes | Binary | uuid.UUID, "binData"),
    (ObjectId, "objectId"),
    (datetime.datetime, "date"),
    (Regex, "regex"),
    (Timestamp, "timestamp"),
    (MinKey, "minKey"),
    (MaxKey, "maxKey"),
)


def refuse_violations(collection: Any, validator: Mapping[str, Any]) -> None:
    """Raise DocumentInvalid if stored documents break ``validator``: the first are named.

    One scan on the server that ends at the thousandth; nothing but keys travels.
    """
    with translated_errors(collection=collection.name):
        cursor = collection.find({"$nor": [validator]}, {"_id": 1}).limit(COUNTED)
        keys = [document["_id"] for document in cursor]
        if not keys:
            return
        first = list(collection.find({"_id": {"$in": keys[:SHOWN]}}))
    schema = validator.get("$jsonSchema", {})
    told = []
    reasons: dict[str, str] = {}
    for document in first:
        found = dict(violations(schema, document))
        reasons = reasons or found
        why = "; ".join(f"{path}: {reason}" for path, reason in found.items())
        told.append(f"_id {document['_id']!r}" + (f" ({why})" if why else ""))
    count = f"{len(keys)} or more" if len(keys) == COUNTED else str(len(keys))
    more = ", ..." if len(keys) > len(first) else ""
    raise DocumentInvalid(
        f"The validator of collection {collection.name!r} is not applied, because it would refuse "
        f"{count} document(s) that are stored there: {', '.join(told)}{more}. Correct them and "
        'run migrate again, or begin with Meta.validation = "warn".',
        collection=collection.name,
        document_id=keys[0],
        reasons=reasons,
    )


def bson_type(value: Any) -> str:
    """The name that ``bsonType`` has for a value."""
    if value is None:
        return "null"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    if isinstance(value, int):
        return "int" if -(2**31) <= value < 2**31 else "long"
    return "unknown"


def violations(schema: Any, value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong) for a value; knows what our validators are made of."""
    if not isinstance(schema, Mapping):
        if schema is False:
            yield path, "not declared"
        return
    kind = bson_type(value)
    types = schema.get("bsonType")
    allowed = [types] if isinstance(types, str) else types
    if allowed and kind not in allowed:
        yield path, f"is {kind} ({_shown(value)}), should be {' or '.join(allowed)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield path, f"is {_shown(value)}, should be one of {_shown(schema['enum'])}"
    if "anyOf" in schema:
        found = [list(violations(each, value, path)) for each in schema["anyOf"]]
        if all(found):
            # Not of another class, nor null where something was given.
            meant = [each for each in found if not any(map(_means_another, each))]
            yield from min(meant or found, key=len)
    yield from _limits(schema, value, kind, path)
    prefix = f"{path}." if path else ""
    if kind == "object":
        yield from _keys(schema, value, prefix)
    if kind == "array" and "items" in schema:
        for position, item in enumerate(value):
            yield from violations(schema["items"], item, f"{prefix}{position}")


def _means_another(violation: tuple[str, str]) -> bool:
    path, why = violation
    return path.rpartition(".")[2] == "_cls" or why.endswith("should be null")


def _limits(
    schema: Mapping[str, Any], value: Any, kind: str, path: str
) -> Iterator[tuple[str, str]]:
    if kind in ("string", "array"):
        name = "Length" if kind == "string" else "Items"
        if len(value) < schema.get(f"min{name}", 0):
            yield path, f"has {len(value)}, should have {schema[f'min{name}']} at least"
        if f"max{name}" in schema and len(value) > schema[f"max{name}"]:
            yield path, f"has {len(value)}, should have {schema[f'max{name}']} at most"
    if kind in ("int", "long", "double", "decimal"):
        number = _number(value)
        if "minimum" in schema and number < _number(schema["minimum"]):
            yield path, f"is {value}, should be {schema['minimum']} at least"
        if "maximum" in schema and number > _number(schema["maximum"]):
            yield path, f"is {value}, should be {schema['maximum']} at most"


def _keys(
    schema: Mapping[str, Any], value: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{prefix}{name}", "is missing"
    for name, inner in value.items():
        rule = properties.get(name, schema.get("additionalProperties", True))
        yield from violations(rule, inner, f"{prefix}{name}")


def _number(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
