"""Keys of documents that no class describes."""

from __future__ import annotations

from typing import Any

from ..conditions import Condition, all_of, any_of
from ..paths import FREE, Path, kind, named_key
from .table import lookup


def _is_document(path: Path) -> bool:
    return kind(path.field) in FREE or kind(path.field) == "MapField"


def _key(path: Path, name: Any) -> str:
    return f"{path.path}.{named_key(path.field, str(name))}"


@lookup("has_key", of=_is_document)
def has_key(path: Path, value: Any) -> Condition:
    return {_key(path, value): {"$exists": True}}


@lookup("has_keys", of=_is_document)
def has_keys(path: Path, value: Any) -> Condition:
    return all_of(has_key(path, name) for name in value)


@lookup("has_any_keys", of=_is_document)
def has_any_keys(path: Path, value: Any) -> Condition:
    return any_of(has_key(path, name) for name in value)
