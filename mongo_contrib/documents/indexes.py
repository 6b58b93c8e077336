"""Indexes: Django's `Index` and `UniqueConstraint`, and the kinds that only MongoDB has.

Fields may be paths into embedded documents (`"stats__population"`), with `-` for descending.
An index without a name gets the driver's (`population_-1_name_1`), so that one that was made
by hand is recognised.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.utils import NotSupportedError

from ..query.conditions import NOTHING
from ..query.filters import build
from ..query.nodes import Deferred
from ..query.paths import resolve

Keys = tuple[tuple[str, int | str], ...]


class MongoIndex(models.Index):
    """Base of the kinds that SQL has not; `kind` stands in the place of the direction."""

    kind: str | None = None
    needs: str | None = None

    def options(self) -> dict[str, Any]:
        """Return what the driver's `IndexModel` takes beside the keys."""
        return {}

    def deconstruct(self) -> Any:
        path, expressions, kwargs = super().deconstruct()
        return path, expressions, {**kwargs, **self.arguments()}

    def arguments(self) -> dict[str, Any]:
        return {}


class TTLIndex(MongoIndex):
    """Let the server delete documents once `expire_after` has passed since the date in `field`.

    The server sweeps about once a minute, so documents linger: queries that must not see
    expired ones have to say so.
    """

    needs = "ttl_index"

    def __init__(
        self, field: str | None = None, *, expire_after: datetime.timedelta, **kwargs: Any
    ) -> None:
        self.expire_after = expire_after
        if field is not None:
            kwargs["fields"] = [field]
        super().__init__(**kwargs)

    def options(self) -> dict[str, Any]:
        return {"expireAfterSeconds": int(self.expire_after.total_seconds())}

    def arguments(self) -> dict[str, Any]:
        return {"expire_after": self.expire_after}


class TextIndex(MongoIndex):
    """Let `$text` search the words of these fields; MongoDB allows one to a collection."""

    kind = "text"
    needs = "text_index"

    def __init__(
        self,
        *,
        weights: Mapping[str, int] | None = None,
        default_language: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.weights = dict(weights or {})
        self.default_language = default_language
        super().__init__(**kwargs)

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.weights:
            options["weights"] = self.weights
        if self.default_language:
            options["default_language"] = self.default_language
        return options

    def arguments(self) -> dict[str, Any]:
        arguments = {"weights": self.weights, "default_language": self.default_language}
        return {name: value for name, value in arguments.items() if value}


class GeoSphereIndex(MongoIndex):
    """A `2dsphere` index over GeoJSON fields, which geographic queries need."""

    kind = "2dsphere"
    needs = "2dsphere"


class HashedIndex(MongoIndex):
    """A hashed index of one field, as shard keys use; it serves equality only."""

    kind = "hashed"
    needs = "hashed_index"


class CollationIndex(MongoIndex):
    """An index whose order and equality are a language's; strength 2 ignores case.

    Queries use it only if they ask for the same collation. Not every server has collations,
    so uniqueness that protects data belongs into a `UniqueConstraint` on a normalised field.
    """

    needs = "index_collation"

    def __init__(
        self, *, locale: str, strength: int = 3, unique: bool = False, **kwargs: Any
    ) -> None:
        self.locale = locale
        self.strength = strength
        self.unique = unique
        super().__init__(**kwargs)

    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"collation": {"locale": self.locale, "strength": self.strength}}
        if self.unique:
            options["unique"] = True
        return options

    def arguments(self) -> dict[str, Any]:
        return {"locale": self.locale, "strength": self.strength, "unique": self.unique}


def keys_of(model: Any, fields: Sequence[str], kind: str | None = None) -> Keys:
    """Return stored paths with their directions; FieldError for unknown names."""
    keys: list[tuple[str, int | str]] = []
    for name in fields:
        path = resolve(model, name.removeprefix("-"))
        if path.relation is not None or path.rest:
            raise NotSupportedError(
                f"An index of {model._meta.label} can't hold {name!r}: it is beyond the document."
            )
        keys.append((path.path, kind or (-1 if name.startswith("-") else 1)))
    return tuple(keys)


def index_keys(model: Any, index: models.Index) -> Keys:
    """Return the keys of one of `Meta.indexes`."""
    if index.expressions:
        raise NotSupportedError(
            f"The index {index.name!r} of {model._meta.label} is on an expression; MongoDB "
            "indexes stored values. Store the value in a field, or use CollationIndex."
        )
    return keys_of(model, index.fields, getattr(index, "kind", None))


def default_name(keys: Keys) -> str:
    """Return the name that the driver gives to an index of these keys."""
    return "_".join(f"{path}_{direction}" for path, direction in keys)


def name_index(model: Any, index: models.Index) -> None:
    """Give an index without a name the driver's."""
    index.name = default_name(
        tuple(
            (_stored_name(model, name.removeprefix("-")), _direction(index, name))
            for name in index.fields
        )
    )


def _stored_name(model: Any, name: str) -> str:
    # While the class is being made, embedded classes named by a string may not exist yet.
    try:
        return resolve(model, name).path
    except LookupError:
        return name.replace("__", ".")


def _direction(index: models.Index, name: str) -> int | str:
    return getattr(index, "kind", None) or (-1 if name.startswith("-") else 1)


#: What the server takes in a partial index's condition (manual: "Partial Indexes").
_PARTIAL = {"$eq", "$exists", "$gt", "$gte", "$lt", "$lte", "$type", "$and", "$or", "$in"}


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
