"""Names with double underscores, resolved into stored paths.

`home__city__icontains` becomes the path `home.city`, the field `city` and the look-up
`icontains`; a name that crosses a reference says where, and what is left for the other
collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from ..mapping.dynamic import UndeclaredField, is_odd
from ..mapping.families import heirs

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


def value_at(document: Any, path: str) -> Any:
    """Return what a stored document holds at a path, None for nothing.

    Of a list on the way, that is a list with what each element holds.
    """
    return within(document, path.split("."), lambda value: value)


def within(value: Any, parts: list[str], read: Callable[[Any], Any]) -> Any:
    """Return what `read` makes of what lies at the end of a stored path, in each list on it."""
    for position, part in enumerate(parts):
        if isinstance(value, list):
            if not part.isdecimal():
                return [within(item, parts[position:], read) for item in value]
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return read(value)


def resolve(model: Any, name: str) -> Path:
    """Return the path of `name` in `model`; FieldError naming the choices if there is none."""
    parts = name.split(LOOKUP_SEP)
    field = get_field(model, parts[0])
    position = 1
    column, list_path = "", None
    key: str | None = None
    while True:
        if hasattr(field, "keys_follow"):
            field, position = undeclared_field(field.model, parts[position:]), position + 1
        if not getattr(field, "concrete", False):
            return _cross(field, column, list_path, parts[position:])
        column = f"{column}.{key or field.column}" if column else field.column
        key = None
        rest = parts[position:]
        if not rest:
            return Path(column, field, [], list_path)
        if field.is_relation and not (hasattr(field, "base_field") and rest[0].isdecimal()):
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
        if rest[0] in getattr(field, "stored_parts", ()):
            field, position = field.stored_parts[rest[0]], position + 1
            continue
        if hasattr(field, "document"):
            if kind(field) == "EmbeddedDocumentListField":
                if rest[0].isdecimal():
                    column, position = f"{column}.{rest[0]}", position + 1
                    rest = rest[1:]
                    if not rest:
                        return Path(column, field, [], list_path)
                elif has_field(field.alternatives, rest[0]):
                    list_path = column
            if has_field(field.alternatives, rest[0]):
                field = get_field(field.alternatives, rest[0])
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
        if getattr(model, "_is_dynamic", False) and not names_lookup(name):
            return undeclared_field(model, [name])
        raise unknown_field(model, name) from None


def undeclared_field(model: Any, names: list[str]) -> Any:
    """Return what stands for the undeclared key that `names` begin with; or FieldError."""
    label = model._meta.label
    if not names:
        raise FieldError(
            f"'dynamic' of {label} is all that is undeclared; name a key, as dynamic__key."
        )
    key = names[0]
    if is_odd(key):
        raise FieldError(f"{key!r} is no key that a look-up into {label} can name.")
    for declared in model._meta.concrete_fields:
        if declared.column == key and declared.name != key:
            raise FieldError(f"Under {key!r}, {label} stores {declared.name!r}; name that.")
    return UndeclaredField(model, key)


def unknown_field(model: Any, name: str) -> FieldError:
    """Return the error of a name that is no field of `model`, naming the choices."""
    choices = _choices(model._meta)
    return FieldError(
        f"Cannot resolve keyword {name!r} into field of {model._meta.label}. Choices are: "
        f"{', '.join(sorted(choices))}{did_you_mean(name, choices)}{_who_has(model, name)}"
    )


def _choices(opts: Any) -> set[str]:
    names = {relation.field.related_query_name() for relation in opts.related_objects}
    return names | {field.name for field in opts.concrete_fields}


def _who_has(model: Any, name: str) -> str:
    """Return what to add where subclasses have the field: they are asked, not the base."""
    having = [heir._meta for heir in heirs(model)[1:] if has_field(heir, name)]
    if not having:
        return ""
    labels = " and ".join(meta.label for meta in having)
    return f" But {labels} has it; ask {having[0].object_name}.objects."


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
    return Path(column, _value_inside(field) if keys else field, lookup, list_path)


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


def _value_inside(field: Any) -> _JSONValue:
    """Return what stands for the values inside of a field, by its name."""
    value = field.__dict__.get("_value_inside")
    if value is None or value.name != field.name:
        value = field.__dict__["_value_inside"] = _JSONValue()
        value.set_attributes_from_name(field.name)
    return value
