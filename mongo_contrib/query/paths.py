"""Names with double underscores, resolved into stored paths.

`home__city__icontains` becomes the path `home.city`, the field `city` and the look-up
`icontains`; a name that crosses a reference says where, and what is left for the other
collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from django.utils import tree  # noqa: F401

#: Transforms of dates, and the unit each yields.
DATE_PARTS = frozenset(
    {
        "year",
        "iso_year",
        "month",
        "day",
        "week",
        "week_day",
        "iso_week_day",
        "quarter",
        "hour",
        "minute",
        "second",
    }
)
DATE_TRANSFORMS = DATE_PARTS | {"date", "time"}


#: The kinds of fields that hold values of any type, so that look-ups lead into their keys.
FREE = frozenset({"BSONField", "DictField", "JSONField"})


@dataclass(slots=True)
class Path:
    """Where a name leads.

    `rest` is what no field took: transforms and the look-up. With `relation` set, the name
    crosses a reference there, and `remainder` is what to ask of the other class.
    """

    path: str
    field: Any
    rest: list[str] = field(default_factory=list)
    #: The stored path of the innermost list of embedded documents that was crossed, if any.
    list_path: str | None = None
    relation: Any = None
    remainder: str = ""

    @property
    def is_list(self) -> bool:
        """Whether the field itself is an array."""
        return hasattr(self.field, "base_field") or kind(self.field) == "EmbeddedDocumentListField"


def kind(field: Any) -> str:
    return field.get_internal_type() if hasattr(field, "get_internal_type") else ""


def resolve(model: Any, name: str) -> Path:
    """Return the path of `name` in `model`; FieldError naming the choices if there is none."""
    parts = name.split(LOOKUP_SEP)
    field = get_field(model, parts[0])
    position = 1
    column, list_path = "", None
    key: str | None = None
    while True:
        if not getattr(field, "concrete", False):
            return _cross(field, column, list_path, parts[position:])
        column = f"{column}.{key or field.column}" if column else field.column
        key = None
        rest = parts[position:]
        if not rest:
            return Path(column, field, [], list_path)
        if field.is_relation:
            # A key that is itself a reference leads on from the value that is stored here.
            while _names_target(field, rest[0]) and field.target_field.is_relation:
                field, rest = field.target_field, rest[1:]
                if not rest:
                    return Path(column, field, [], list_path)
            if _names_target(field, rest[0]):
                return Path(column, field, rest[1:], list_path)
            if _is_lookup(field, rest):
                return Path(column, field, rest, list_path)
            return _cross(field, column, list_path, rest)
        if hasattr(field, "document"):
            if kind(field) == "EmbeddedDocumentListField":
                if rest[0].isdecimal():
                    column, position = f"{column}.{rest[0]}", position + 1
                    rest = rest[1:]
                    if not rest:
                        return Path(column, field, [], list_path)
                elif has_field(field.document, rest[0]):
                    list_path = column
            if has_field(field.document, rest[0]):
                field = get_field(field.document, rest[0])
                position += 1
                continue
            return Path(column, field, rest, list_path)
        if hasattr(field, "base_field") and rest[0].isdecimal():
            while rest and rest[0].isdecimal() and hasattr(field, "base_field"):
                column, rest, field = f"{column}.{rest[0]}", rest[1:], field.base_field
            if not rest:
                return Path(column, field, rest, list_path)
            position = len(parts) - len(rest)
        if hasattr(field, "value_field") and not (len(rest) == 1 and names_lookup(rest[0])):
            key, field, position = named_key(field, rest[0]), field.value_field, position + 1
            continue
        if kind(field) in FREE:
            return _json_path(column, field, rest, list_path)
        return Path(column, field, rest, list_path)


def get_field(model: Any, name: str) -> Any:
    """Return the field of that name; FieldError naming the choices."""
    opts = model._meta
    if name == "pk":
        return opts.pk
    try:
        return opts.get_field(name)
    except FieldDoesNotExist:
        # Reverse references answer to their query name, which get_field() does not know.
        for relation in opts.related_objects:
            if relation.field.related_query_name() == name:
                return relation
        raise FieldError(
            f"Cannot resolve keyword {name!r} into field of {opts.label}. Choices are: "
            f"{', '.join(sorted(_choices(opts)))}{did_you_mean(name, _choices(opts))}"
        ) from None


def _choices(opts: Any) -> set[str]:
    names = {relation.field.related_query_name() for relation in opts.related_objects}
    return names | {field.name for field in opts.concrete_fields}


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return what to add to an error about a name that is unknown but close to known ones."""
    close = get_close_matches(name, sorted(choices), n=2)
    return f". Did you mean {' or '.join(map(repr, close))}?" if close else ""


def has_field(model: Any, name: str) -> bool:
    try:
        get_field(model, name)
    except FieldError:
        return False
    return True


def _names_target(field: Any, name: str) -> bool:
    """Tell whether `name` is the referenced key, which lies on this side already."""
    target = field.target_field
    return name in (target.name, target.attname) or (name == "pk" and target.primary_key)


def _is_lookup(field: Any, rest: list[str]) -> bool:
    """Tell whether what follows a reference is a look-up on its key rather than a field."""
    return not has_field(field.remote_field.model, rest[0])


def _cross(field: Any, column: str, list_path: str | None, rest: list[str]) -> Path:
    return Path(column, field, [], list_path, relation=field, remainder=LOOKUP_SEP.join(rest))


def _json_path(column: str, field: Any, rest: list[str], list_path: str | None) -> Path:
    """Keys are whatever no look-up is called: Django's rule for its JSONField."""
    keys = list(rest)
    lookup: list[str] = []
    if names_lookup(keys[-1]):
        lookup = [keys.pop()]
    for key in keys:
        column = f"{column}.{named_key(field, key)}"
    return Path(column, _JSON_VALUE if keys else field, lookup, list_path)


def named_key(field: Any, key: str) -> str:
    """Return `key`; FieldError for one that can be stored, but not stand in a path."""
    if not key or key.startswith("$") or "." in key or "\0" in key:
        raise FieldError(
            f"{key!r} is no key that a look-up into {field.name!r} can name; use .pipeline([...]) "
            "with $getField."
        )
    return key


#: Look-ups of MongoDB's that are more often meant as keys, where keys have any names.
_KEYS_FIRST = frozenset({"all", "intersects", "mod", "size", "type", "within"})


def names_lookup(name: str) -> bool:
    """Tell whether a name is a look-up rather than a key, in documents that no class describes."""
    from .lookups import LOOKUPS

    return name in LOOKUPS and name not in _KEYS_FIRST


class _JSONValue(models.Field):
    """A value inside a JSONField: whatever it is, it is stored as it is."""

    encoder = decoder = None

    def get_internal_type(self) -> str:
        return "JSONField"


_JSON_VALUE = _JSONValue()
