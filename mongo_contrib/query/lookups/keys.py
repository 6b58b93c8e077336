"""Keys of documents that no class describes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError

from ..conditions import Condition, all_of, any_of
from ..paths import Path, kind
from .table import lookup


def _is_document(path: Path) -> bool:
    return kind(path.field) in ("JSONField", "DictField", "MapField")


def _key(path: Path, name: Any) -> str:
    name = str(name)
    if not name or name.startswith("$") or "." in name or "\0" in name:
        raise FieldError(f"{name!r} is no key that a look-up into {path.path!r} can name.")
    return f"{path.path}.{name}"


@lookup("has_key", of=_is_document)
def has_key(path: Path, value: Any) -> Condition:
    return {_key(path, value): {"$exists": True}}


@lookup("has_keys", of=_is_document)
def has_keys(path: Path, value: Any) -> Condition:
    return all_of(has_key(path, name) for name in value)


@lookup("has_any_keys", of=_is_document)
def has_any_keys(path: Path, value: Any) -> Condition:
    return any_of(has_key(path, name) for name in value)
