"""What an update that may insert puts into a new document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models.constants import LOOKUP_SEP
from django.db.utils import NotSupportedError

from ..mapping.plan import plan_of
from .conditions import NOTHING


def on_insert(
    queryset: Any, params: Mapping[str, Any], condition: Any, update: Any, *, stamped: bool = False
) -> tuple[dict[str, Any], Any]:
    """Return the update with the rest of a new document in `$setOnInsert`, and the new key.

    The rest is what saving an instance made of `params` would store: defaults and a key. What
    the update changes itself, and what the condition tells of the document, is left to them.
    With `stamped`, fields with `auto_now` are set in any case.
    """
    model = queryset.model
    if condition is NOTHING:
        raise ValueError(f"No {model._meta.label} can match, so there is nothing to upsert.")
    if isinstance(update, list):
        raise NotSupportedError(
            "An update that computes can't insert; use operators (Inc, ...), or "
            "update_or_create()."
        )
    plain = {name: value for name, value in params.items() if LOOKUP_SEP not in name}
    instance = model(**plain)
    pk = instance._meta.pk
    if not instance._is_pk_set():
        setattr(instance, pk.attname, pk.get_pk_value_on_save(instance))
    plan = plan_of(model)
    document = plan.encode(instance, add=True)
    changed = {path for paths in update.values() for path in paths}
    update = {name: dict(paths) for name, paths in update.items()}
    if stamped:
        for field in plan.fields:
            column = field.column
            if getattr(field.field, "auto_now", False) and column not in changed:
                update.setdefault("$set", {})[column] = document[column]
                changed.add(column)
    key = document.get("_id")
    if "_id" in condition:
        document.pop("_id", None)
    elif key is None:
        raise ValueError(f"{model._meta.label} needs a value for its key to be inserted.")
    told = set(_told(condition))
    update.setdefault("$setOnInsert", {}).update(_rest(document, changed | told))
    if not update["$setOnInsert"]:
        del update["$setOnInsert"]
    return update, key


def _told(condition: dict[str, Any]) -> Iterator[str]:
    """Yield the paths of which a condition tells the value: the server puts that in."""
    for path, asked in condition.items():
        if path == "$and":
            for each in asked:
                yield from _told(each)
        elif not path.startswith("$") and (not isinstance(asked, dict) or "$eq" in asked):
            yield path


def _rest(document: dict[str, Any], taken: set[str], prefix: str = "") -> dict[str, Any]:
    """Return what of a document may be set beside the paths that are taken."""
    rest: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if path in taken:
            continue
        if any(each.startswith(f"{path}.") for each in taken):
            if isinstance(value, dict):
                rest.update(_rest(value, taken, f"{path}."))
            continue
        rest[path] = value
    return rest
