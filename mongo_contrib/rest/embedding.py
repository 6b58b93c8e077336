"""From validated data, in which embedded documents are dicts, to what a document takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mongo_contrib.documents import EmbeddedDocumentField, EmbeddedDocumentListField
from mongo_contrib.exceptions import UnreadableValue


def nested_values(document: Any, values: Mapping[str, Any], into: Any = None) -> dict[str, Any]:
    """Return `values` with instances for dicts where `document` embeds documents.

    What is embedded in `into` already is changed in place and keeps what `values` don't name.
    """
    fields = {field.name: field for field in document._meta.concrete_fields}
    return {name: _nested(fields.get(name), value, into) for name, value in values.items()}


def _nested(field: Any, value: Any, into: Any) -> Any:
    if isinstance(field, EmbeddedDocumentField) and isinstance(value, Mapping):
        return _filled(field.document, value, _current(into, field))
    if isinstance(field, EmbeddedDocumentListField) and isinstance(value, list):
        return _listed(field.document, value, list(_current(into, field) or ()))
    return value


def _current(into: Any, field: Any) -> Any:
    """Return what is embedded already; None, too, if it can't be read: it is replaced whole."""
    try:
        return getattr(into, field.name, None)
    except UnreadableValue:
        return None


def _filled(document: Any, values: Mapping[str, Any], current: Any) -> Any:
    instance = document() if current is None else current
    for name, value in nested_values(document, values, into=current).items():
        setattr(instance, name, value)
    return instance


def _listed(document: Any, items: list[Any], current: list[Any]) -> list[Any]:
    """Return the elements, each with what the serializer doesn't show of the one it was.

    Elements have no key. One that says what an old one says is that one. One that differs is
    the old one at its position, changed, unless the list got shorter: then who is who is
    unknown, and it is new.
    """
    taken: dict[int, Any] = {}
    for position, item in enumerate(items):
        for old in current:
            if not any(old is each for each in taken.values()) and _says(old, item):
                taken[position] = old
                break
    if len(items) >= len(current):
        for position, old in enumerate(current):
            if position not in taken and not any(old is each for each in taken.values()):
                taken[position] = old
    return [
        _filled(document, item, taken.get(position)) if isinstance(item, Mapping) else item
        for position, item in enumerate(items)
    ]


def _says(instance: Any, values: Any) -> bool:
    """Tell whether all of `values` are the instance's own."""
    if not isinstance(values, Mapping):
        return instance == values
    return all(_says(getattr(instance, name, None), value) for name, value in values.items())
