"""Text, and numbers, dates and ids as their text."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import FieldError, ValidationError

from ...mapping.encoding import encode_value
from ..casting import WHOLE, element, holds_values
from ..conditions import Condition, all_of
from ..paths import FREE, Path, kind
from .arrays import has_all
from .comparisons import equal, equal_all, isnull
from .table import lookup

_TEXT = frozenset(
    {
        "CharField",
        "TextField",
        "SlugField",
        "EmailField",
        "URLField",
        "FileField",
        "FilePathField",
        "GenericIPAddressField",
        "JSONField",
    }
)

#: What no text stands for that a server could search.
_WITHOUT_TEXT = frozenset(
    {
        *("BinaryField", "BooleanField", "UUIDField"),
        *("PointField", "LineStringField", "PolygonField", "GeometryCollectionField"),
        *("MultiPointField", "MultiLineStringField", "MultiPolygonField"),
        *("EmbeddedDocumentField", "EmbeddedDocumentListField", "DictField", "MapField"),
        "GenericReferenceField",
    }
)

#: The longest pattern in bytes that the server's library of regular expressions takes.
_LONGEST = 32_764


def _has_text(path: Path) -> bool:
    field = element(path)
    if field is not path.field:
        # The server turns single values into text, not those of a list.
        return kind(field) in _TEXT
    return kind(field) not in _WITHOUT_TEXT


def pattern(text: Any, *, before: str = "", after: str = "") -> str:
    """Return a regular expression that finds `text` literally."""
    # The server's expressions are C strings: a NUL has to be written out.
    return before + re.escape(str(text)).replace("\\\0", "\\x00").replace("\0", "\\x00") + after


def _matches(path: Path, expression: str, options: str = "") -> Condition:
    if len(expression) > _LONGEST // 4 and len(expression.encode()) > _LONGEST:
        # No ValueError: it may be what a visitor has searched for.
        raise ValidationError(
            f"A text look-up on {path.path!r} makes a pattern of at most {_LONGEST:,} bytes; this "
            f"has {len(expression.encode()):,}."
        )
    field = element(path)
    if field.is_relation:
        raise FieldError(
            f"Related field {field.name!r} got a text look-up; name a field of "
            f"{field.remote_field.model._meta.object_name}, as {field.name}__name."
        )
    if kind(field) in _TEXT or kind(field) not in _SCALARS:
        condition: dict[str, Any] = {"$regex": expression}
        if options:
            condition["$options"] = options
        return {path.path: condition}
    # Numbers, dates and ids are searched as their text, as Django casts them.
    source = f"${path.path}"
    if kind(field) in _DATE_FORMATS:
        text: dict[str, Any] = {
            "$dateToString": {"date": source, "format": _DATE_FORMATS[kind(field)]}
        }
    else:
        text = {"$toString": source}
    arguments = {"input": text, "regex": expression}
    if options:
        arguments["options"] = options
    return {"$expr": {"$regexMatch": arguments}}


_DATE_FORMATS = {"DateField": "%Y-%m-%d", "DateTimeField": "%Y-%m-%d %H:%M:%S.%L"}

_SCALARS = WHOLE | frozenset(
    {
        "FloatField",
        "DecimalField",
        "BooleanField",
        "DateField",
        "DateTimeField",
        "DurationField",
        "ObjectIdField",
    }
)


def _text(path: Path, value: Any) -> Any:
    if value is None or isinstance(value, dict | list | tuple | set):
        raise ValueError(f"A text look-up on {path.path!r} needs a text, not {value!r}.")
    return value


@lookup("iexact", of=_has_text)
def iexact(path: Path, value: Any) -> Condition:
    if value is None:
        return isnull(path, True)
    return _matches(path, pattern(_text(path, value), before="^", after=_END), "i")


#: `$` would also match before a last line break.
_END = r"\z"


def _contains_or_has_text(path: Path) -> bool:
    return holds_values(path.field) or kind(path.field) in FREE or _has_text(path)


@lookup("contains", of=_contains_or_has_text)
def contains(path: Path, value: Any) -> Condition:
    if holds_values(path.field):
        return has_all(path, value if isinstance(value, list | tuple | set) else [value])
    if kind(path.field) == "DictField" or (
        kind(path.field) in FREE and not isinstance(value, str)
    ):
        return _json_contains(path.path, encode_value(path.field, value))
    return _matches(path, pattern(_text(path, value)))


def _json_contains(path: str, value: Any) -> Condition:
    if value in ({}, []):
        return {path: {"$type": "array" if value == [] else "object"}}
    if isinstance(value, dict):
        return all_of(_json_contains(f"{path}.{key}", item) for key, item in value.items())
    if isinstance(value, list):
        return equal_all(path, value)
    # A bare null would also find where there is no such key.
    return {path: {"$type": "null"}} if value is None else equal(path, value)


@lookup("icontains", of=_has_text)
def icontains(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value)), "i")


@lookup("startswith", of=_has_text)
def startswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), before="^"))


@lookup("istartswith", of=_has_text)
def istartswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), before="^"), "i")


@lookup("endswith", of=_has_text)
def endswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), after=_END))


@lookup("iendswith", of=_has_text)
def iendswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), after=_END), "i")


@lookup("regex", of=_has_text)
def regex(path: Path, value: Any) -> Condition:
    return _matches(path, str(_text(path, value)))


@lookup("iregex", of=_has_text)
def iregex(path: Path, value: Any) -> Condition:
    return _matches(path, str(_text(path, value)), "i")
