"""The table of look-ups: from a path and a value to MQL.

Adding one is a function with the decorator `@lookup(name)`, which gets the resolved `Path`
and the value and returns a condition. Values are cast by their field here, so that nothing
from outside can become an operator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import FieldError

from ..mapping.encoding import encode_value
from .casting import WHOLE, all_fulfil, cast, element, required, rounded
from .conditions import NOTHING, Condition, all_of, any_of, none_of
from .paths import Path, kind

Lookup = Callable[[Path, Any], Condition]

LOOKUPS: dict[str, Lookup] = {}

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


def lookup(*names: str) -> Callable[[Lookup], Lookup]:
    """Register a look-up under its names."""

    def register(function: Lookup) -> Lookup:
        LOOKUPS.update(dict.fromkeys(names, function))
        return function

    return register


# Equality and order


def _ordered(path: Path, bounds: dict[str, Any]) -> Condition:
    """Ask for values within bounds; in an array, for one element within all of them."""
    operators = {}
    for name, value in bounds.items():
        bound = required(path, rounded(path, name, value))
        if bound is not NOTHING:
            operators[name] = bound
        elif not all_fulfil(path, name, value):
            return NOTHING
    if not operators:
        return isnull(path, False)
    if len(operators) > 1 and kind(path.field) == "ListField":
        return {path.path: {"$elemMatch": operators}}
    return {path.path: operators}


@lookup("exact")
def exact(path: Path, value: Any) -> Condition:
    if value is None:
        return _json_null(path) or isnull(path, True)
    value = cast(path, value)
    if value is NOTHING:
        return NOTHING
    # A stored document is compared whole: bare, its keys would be read as operators.
    return {path.path: {"$eq": value} if isinstance(value, dict) else value}


def _json_null(path: Path) -> Condition:
    """Inside a JSONField null is a value, and no key is another thing: Django's rule."""
    inside = kind(path.field) == "JSONField" and "." in path.path
    return {path.path: {"$type": "null"}} if inside else {}


@lookup("isnull")
def isnull(path: Path, value: Any) -> Condition:
    if not isinstance(value, bool):
        raise ValueError("The QuerySet value for an isnull lookup must be True or False.")
    if kind(path.field) == "JSONField" and "." in path.path:
        return {path.path: {"$exists": not value}}
    if path.is_list:
        # Null inside of a list is not the list's.
        is_array = {"$type": "array"}
        return {path.path: {"$not": is_array} if value else is_array}
    return {path.path: None if value else {"$ne": None}}


@lookup("in")
def is_in(path: Path, value: Any) -> Condition:
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise TypeError(f"The 'in' look-up on {path.path!r} needs a list, not {value!r}.")
    values = [cast(path, item) for item in value if item is not None]
    values = [item for item in values if item is not NOTHING]
    return {path.path: {"$in": values}} if values else NOTHING


@lookup("gt")
def gt(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$gt": value})


@lookup("gte")
def gte(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$gte": value})


@lookup("lt")
def lt(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$lt": value})


@lookup("lte")
def lte(path: Path, value: Any) -> Condition:
    return _ordered(path, {"$lte": value})


@lookup("range")
def between(path: Path, value: Any) -> Condition:
    try:
        low, high = value
    except (TypeError, ValueError):
        raise ValueError(
            f"The 'range' look-up on {path.path!r} needs two values, not {value!r}."
        ) from None
    return _ordered(path, {"$gte": low, "$lte": high})


# Text


def pattern(text: Any, *, before: str = "", after: str = "") -> str:
    """Return a regular expression that finds `text` literally."""
    # The server's expressions are C strings: a NUL has to be written out.
    return before + re.escape(str(text)).replace("\\\0", "\\x00").replace("\0", "\\x00") + after


def _matches(path: Path, expression: str, options: str = "") -> Condition:
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


@lookup("iexact")
def iexact(path: Path, value: Any) -> Condition:
    if value is None:
        return isnull(path, True)
    return _matches(path, pattern(_text(path, value), before="^", after=_END), "i")


#: `$` would also match before a last line break.
_END = r"\z"


@lookup("contains")
def contains(path: Path, value: Any) -> Condition:
    if kind(path.field) == "ListField":
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        values = [cast(path, item) for item in values]
        if any(item is NOTHING for item in values):
            return NOTHING
        return {path.path: {"$all": values}} if values else isnull(path, False)
    if kind(path.field) == "JSONField" and not isinstance(value, str):
        return _json_contains(path.path, encode_value(path.field, value))
    return _matches(path, pattern(_text(path, value)))


def _json_contains(path: str, value: Any) -> Condition:
    if isinstance(value, dict):
        return all_of(_json_contains(f"{path}.{key}", item) for key, item in value.items())
    if isinstance(value, list):
        return {path: {"$all": value}}
    return {path: value}


@lookup("icontains")
def icontains(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value)), "i")


@lookup("startswith")
def startswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), before="^"))


@lookup("istartswith")
def istartswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), before="^"), "i")


@lookup("endswith")
def endswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), after=_END))


@lookup("iendswith")
def iendswith(path: Path, value: Any) -> Condition:
    return _matches(path, pattern(_text(path, value), after=_END), "i")


@lookup("regex")
def regex(path: Path, value: Any) -> Condition:
    return _matches(path, str(_text(path, value)))


@lookup("iregex")
def iregex(path: Path, value: Any) -> Condition:
    return _matches(path, str(_text(path, value)), "i")


# Arrays


@lookup("overlap")
def overlap(path: Path, value: Any) -> Condition:
    return is_in(path, value)


@lookup("contained_by")
def contained_by(path: Path, value: Any) -> Condition:
    values = [item for each in value if (item := cast(path, each)) is not NOTHING]
    return all_of(
        [{path.path: {"$type": "array"}}, {path.path: {"$not": {"$elemMatch": {"$nin": values}}}}]
    )


#: An element takes two bytes at least, and a document may have 16 MB.
_LONGEST = 2**23


@lookup("len")
def length(path: Path, value: Any) -> Condition:
    size = _whole(path, value)
    return {path.path: {"$size": size}} if size >= 0 else NOTHING


def _longer(path: Path, count: int) -> Condition:
    """Lists longer than `count` are those that have an element at that position."""
    return {f"{path.path}.{count}": {"$exists": True}} if count >= 0 else isnull(path, False)


def _not_longer(path: Path, count: int) -> Condition:
    return all_of([isnull(path, False), none_of(_longer(path, count))])


LENGTHS: dict[str, Lookup] = {
    "exact": length,
    "gt": lambda path, value: _longer(path, _whole(path, value)),
    "gte": lambda path, value: _longer(path, _whole(path, value) - 1),
    "lt": lambda path, value: _not_longer(path, _whole(path, value) - 1),
    "lte": lambda path, value: _not_longer(path, _whole(path, value)),
    "in": lambda path, value: any_of(length(path, item) for item in value),
}


def _whole(path: Path, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ValueError(f"The length of {path.path!r} is a number, not {value!r}.") from None
    # No list is longer, as no document is, and none shorter than none.
    return max(-1, min(number, _LONGEST))


# Keys of documents


def _key(path: Path, name: Any) -> str:
    name = str(name)
    if not name or name.startswith("$") or "." in name or "\0" in name:
        raise FieldError(f"{name!r} is no key that a look-up into {path.path!r} can name.")
    return f"{path.path}.{name}"


@lookup("has_key")
def has_key(path: Path, value: Any) -> Condition:
    return {_key(path, value): {"$exists": True}}


@lookup("has_keys")
def has_keys(path: Path, value: Any) -> Condition:
    return all_of(has_key(path, name) for name in value)


@lookup("has_any_keys")
def has_any_keys(path: Path, value: Any) -> Condition:
    return any_of(has_key(path, name) for name in value)


# What applies to what

_LIST_LOOKUPS = frozenset({"overlap", "contained_by", "len"})
_KEY_LOOKUPS = frozenset({"has_key", "has_keys", "has_any_keys"})
_TEXT_LOOKUPS = frozenset(
    {
        *("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith"),
        *("iexact", "regex", "iregex"),
    }
)
#: What no text stands for that a server could search.
_WITHOUT_TEXT = frozenset(
    {
        *("BinaryField", "BooleanField", "UUIDField", "PointField"),
        *("EmbeddedDocumentField", "EmbeddedDocumentListField"),
    }
)


def applies(name: str, path: Path) -> bool:
    """Tell whether a look-up has a meaning at `path`, where it else would find nothing."""
    if name in _LIST_LOOKUPS:
        return path.is_list
    if name in _KEY_LOOKUPS:
        return kind(path.field) == "JSONField"
    if name not in _TEXT_LOOKUPS or (name == "contains" and kind(path.field) == "ListField"):
        return True
    field = element(path)
    if field is not path.field:
        # The server turns single values into text, not those of a list.
        return kind(field) in _TEXT
    return kind(field) not in _WITHOUT_TEXT
