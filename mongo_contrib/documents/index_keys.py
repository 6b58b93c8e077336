"""What an index holds: stored paths with directions; its name; a partial one's condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.utils import NotSupportedError

from ..query.conditions import NOTHING
from ..query.filters import build
from ..query.nodes import Deferred
from ..query.paths import Path, kind, resolve

Keys = tuple[tuple[str, int | str], ...]

#: What the server takes in a partial index's condition (manual: "Partial Indexes").
_PARTIAL = {"$eq", "$exists", "$gt", "$gte", "$lt", "$lte", "$type", "$and", "$or", "$in"}

GEO = frozenset(
    {
        "PointField",
        "LineStringField",
        "PolygonField",
        "MultiPointField",
        "MultiLineStringField",
        "MultiPolygonField",
        "GeometryCollectionField",
    }
)
_OPEN = frozenset({"JSONField", "DictField", "MapField"})


def keys_of(model: Any, fields: Sequence[str], kind: str | None = None) -> Keys:
    """Return stored paths with their directions; FieldError for unknown names."""
    keys: list[tuple[str, int | str]] = []
    for name in fields:
        path = _resolved(model, name.removeprefix("-"))
        keys.append((path.path, kind or (-1 if name.startswith("-") else 1)))
    return tuple(keys)


def _resolved(model: Any, name: str) -> Path:
    path = resolve(model, name)
    if path.relation is None and path.rest and kind(path.field) in _OPEN:
        # Keys of a document whose keys the class does not know.
        return Path(".".join([path.path, *path.rest]), path.field, [], path.list_path)
    if path.relation is not None or path.rest:
        raise NotSupportedError(
            f"An index of {model._meta.label} can't hold {name!r}: it is beyond the document."
        )
    return path


def kind_of(model: Any, name: str) -> str:
    """Return "geo", "date", "list", "document", "open" or "" for what a name leads to."""
    path = _resolved(model, name.removeprefix("-"))
    found = kind(path.field)
    if found in GEO:
        return "geo"
    if found in _OPEN:
        return "open"
    if path.is_list or path.list_path is not None:
        return "list"
    if found in ("DateTimeField", "DateField"):
        return "date"
    return "document" if hasattr(path.field, "document") else ""


def index_keys(model: Any, index: models.Index) -> Keys:
    """Return the keys of one of `Meta.indexes`."""
    if index.expressions:
        raise NotSupportedError(
            f"The index {index.name!r} of {model._meta.label} is on an expression; MongoDB "
            "indexes stored values. Store the value in a field, or use CollationIndex."
        )
    if hasattr(index, "keys"):
        keys: Keys = index.keys(model)
        return keys
    return keys_of(model, index.fields)


def default_name(keys: Keys) -> str:
    """Return the name that the driver gives to an index of these keys."""
    return "_".join(f"{path}_{direction}" for path, direction in keys)


def name_index(model: Any, index: models.Index) -> None:
    """Give an index without a name the driver's."""
    try:
        index.name = default_name(index_keys(model, index))
    except (LookupError, FieldError, NotSupportedError):
        # While the class is being made, embedded classes named by a string may not exist yet;
        # what can't be is told by a check.
        index.name = default_name(
            tuple(
                (name.removeprefix("-").replace("__", "."), _direction(index, name))
                for name in index.fields
            )
        )


def _direction(index: models.Index, name: str) -> int | str:
    return getattr(index, "kind", None) or (-1 if name.startswith("-") else 1)


def partial_filter(model: Any, condition: Any, name: str) -> dict[str, Any]:
    """Return a partial index's condition; NotSupportedError for what the server doesn't take."""
    node = build(model, condition)
    if isinstance(node, Deferred) or node is NOTHING:
        raise NotSupportedError(
            f"The condition of {name!r} on {model._meta.label} must be about its own fields."
        )
    found = _existing(node)
    if unknown := _operators(found) - _PARTIAL:
        raise NotSupportedError(
            f"The condition of {name!r} on {model._meta.label} needs {_listed(unknown)}; partial "
            f"indexes know only {_listed(_PARTIAL)}."
        )
    return found


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _existing(condition: Any) -> Any:
    """Say "is not null" as partial indexes can: null is left out of documents here."""
    if isinstance(condition, dict):
        return {
            key: {"$exists": True} if value == {"$ne": None} else _existing(value)
            for key, value in condition.items()
        }
    if isinstance(condition, list):
        return [_existing(item) for item in condition]
    return condition


def _operators(condition: Any) -> set[str]:
    if isinstance(condition, dict):
        found = {key for key in condition if key.startswith("$")}
        return found.union(*map(_operators, condition.values()))
    if isinstance(condition, list):
        return set().union(*map(_operators, condition))
    return set()
