"""Whether a value, as it is read or set, is one of its field."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from ..exceptions.classes import UnreadableValue
from .loaded import NOT_ENCODED


def misfit(field: Any, value: Any) -> Exception | None:
    """Return why a value is none of the field's, by its type; None if it is."""
    target = getattr(field, "target_field", field) if field.is_relation else field
    try:
        made = target.to_python(value)
    except NOT_ENCODED as error:
        return error
    if isinstance(value, type(made)) and isinstance(value, bool) == isinstance(made, bool):
        return None
    return TypeError(f"it takes {type(made).__name__}")


def is_key(field: Any, value: Any) -> bool:
    """Tell whether a value, of a reference or in a list of them, can be asked for."""
    if type(value) is ObjectId and field.get_internal_type() == "ObjectIdField":
        return True
    return misfit(field, value) is None


def readable(instance: Any, attname: str) -> Any:
    """Return the value of an attribute; None if what is stored can't be read."""
    try:
        return getattr(instance, attname)
    except UnreadableValue:
        return None


def as_shown(instance: Any, attname: str) -> Any:
    """Return the value of an attribute; what is stored if that can't be read."""
    try:
        return getattr(instance, attname)
    except UnreadableValue as error:
        return error.value
