"""Indexes and collection options in one normal form, declared or read from a server.

Pure functions. A server lists more than was declared (defaults, versions, a whole collation for a
locale, two artificial keys for a text index); the normal form is what both sides mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from mongo_contrib.db.schema.specs import IndexSpec

__all__ = ["Definition", "contains", "from_server", "from_spec", "plain"]

_STANDARD: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, uuid_representation=UuidRepresentation.STANDARD
)

# Not options: what identifies an index, and what the server adds to each of some kind.
_NOT_OPTIONS = frozenset(
    {
        "v",
        "ns",
        "key",
        "name",
        "background",
        "prepareUnique",
        "textIndexVersion",
        "2dsphereIndexVersion",
    }
)
# What a server adds to a text index.
_TEXT_DEFAULTS = {"default_language": "english", "language_override": "language"}
_COLLATION_DEFAULTS = {
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 3,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
}
# What some languages have instead (manual: "Collation Locales and Default Parameters").
_LOCALE_DEFAULTS: dict[Any, dict[str, Any]] = {
    "da": {"caseFirst": "upper"},
    "fr_CA": {"backwards": True},
    "mt": {"caseFirst": "upper"},
    "th": {"alternate": "shifted"},
}


@dataclass(frozen=True)
class Definition:
    """What an index is, whatever its name."""

    keys: tuple[tuple[str, Any], ...]
    collation: Mapping[str, Any] | None
    options: Mapping[str, Any]

    @property
    def same_entries(self) -> tuple[Any, ...]:
        """Equal for two indexes that differ only in what they enforce (unique, TTL, hidden)."""
        rest = {name: self.options[name] for name in self.options if name not in ENFORCED}
        return (self.keys, self.collation, rest)

    @property
    def is_text(self) -> bool:
        return any(order == "text" for _, order in self.keys)

    def differences(self, other: Definition) -> dict[str, tuple[Any, Any]]:
        """Each differing part as (mine, the other's); None for a part that one does not have."""
        mine = {"keys": list(self.keys), "collation": self.collation, **self.options}
        others = {"keys": list(other.keys), "collation": other.collation, **other.options}
        return {
            name: (mine.get(name), others.get(name))
            for name in sorted({*mine, *others})
            if mine.get(name) != others.get(name)
        }


# Options that do not change which entries an index has, only what follows from them.
ENFORCED = frozenset({"unique", "expireAfterSeconds", "hidden"})


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as a server would give it back, with plain dicts, lists and numbers."""
    data = bson.encode(document, codec_options=_STANDARD)
    return bson.decode(data, codec_options=_STANDARD)


def from_spec(spec: IndexSpec, collection_collation: Mapping[str, Any] | None) -> Definition:
    """The definition of a declared index in a collection with this default collation."""
    document = plain(spec.model().document)
    if "collation" not in document and collection_collation is not None:
        document["collation"] = dict(collection_collation)
    return _definition(document)


def from_server(document: Mapping[str, Any]) -> Definition:
    """The definition of an index as ``listIndexes`` describes it."""
    return _definition(plain(document))


def _definition(document: Mapping[str, Any]) -> Definition:
    options = {
        name: value
        for name, value in document.items()
        if name not in _NOT_OPTIONS and value is not False and value is not None
    }
    collation = _collation(options.pop("collation", None))
    keys = [(path, _order(order)) for path, order in document["key"].items()]
    if any(order == "text" for _, order in keys):
        keys, weights = _text(keys, options.pop("weights", {}))
        options = {**_TEXT_DEFAULTS, **options, "weights": weights}
    return Definition(tuple(keys), collation, options)


def _order(order: Any) -> Any:
    # 1, 1.0, Int64(1) and, in very old indexes, any positive number mean ascending.
    if isinstance(order, (int, float)) and not isinstance(order, bool):
        return 1 if order > 0 else -1
    return order


def _text(
    keys: list[tuple[str, Any]], weights: Mapping[str, Any]
) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """Keys with one ("$text", "text") for all text fields, and every field's weight."""
    fields = {path: 1 for path, order in keys if order == "text" and path != "_fts"}
    normal: list[tuple[str, Any]] = []
    for path, order in keys:
        if path == "_ftsx":
            continue
        if order != "text":
            normal.append((path, order))
        elif ("$text", "text") not in normal:
            normal.append(("$text", "text"))
    return normal, {**fields, **weights}


def _collation(collation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if collation is None or collation.get("locale") == "simple":
        return None
    given = {name: value for name, value in collation.items() if name != "version"}
    if not given.get("backwards"):
        given.pop("backwards", None)
    # Nobody declares what comes with the locale; servers tell it, as far as they know of it.
    for name, value in _LOCALE_DEFAULTS.get(given["locale"], {}).items():
        if given.get(name) == value:
            del given[name]
    return {**_COLLATION_DEFAULTS, **given}


def declared_collation(collation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be declared of a collation that a server tells in full."""
    filled = {
        **_COLLATION_DEFAULTS,
        "backwards": False,
        **_LOCALE_DEFAULTS.get(collation["locale"], {}),
    }
    return {
        name: value
        for name, value in collation.items()
        if name != "version" and (name not in filled or filled[name] != value)
    }


def contains(real: Any, wanted: Any) -> bool:
    """Whether ``real`` is ``wanted``, give or take fields that a server adds to documents."""
    if isinstance(wanted, Mapping) and isinstance(real, Mapping):
        return all(name in real and contains(real[name], wanted[name]) for name in wanted)
    return bool(real == wanted)
