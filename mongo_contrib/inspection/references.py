"""References, guessed from values that are the ids of documents elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mongo_contrib.repository import Repository

from .naming import stem
from .values import KEYS, Values

#: Ids of these types are unique everywhere; that others occur elsewhere may be chance.
_UNIQUE = frozenset({"objectId", "uuid"})
#: The share of the sampled values that must be ids of documents there.
_ENOUGH = 0.8


@dataclass
class Reference:
    """Where a place refers to: a collection, and how many sampled values exist there."""

    collection: str
    found: int
    of: int


@dataclass
class Place:
    """Values that may refer to something: their key, and what the place is."""

    key: str
    values: Values
    kinds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = frozenset(self.values.filled)


def places(values: Values) -> Iterator[Place]:
    """Yield the places of a collection that may hold references, those inside documents too."""
    for key, found in values.keys.items():
        yield from _places(key, found)


def _places(key: str, values: Values) -> Iterator[Place]:
    kinds = values.filled.keys()
    if kinds and kinds <= KEYS and len(kinds) == 1:
        if key != "_id":
            yield Place(key, values)
    elif kinds == {"array"} and values.items is not None:
        yield from _places(key, values.items)
    elif kinds == {"object"} and not values.geometries:
        for name, inside in values.keys.items():
            yield from _places(name, inside)


def guess(
    place: Place,
    keys: dict[str, frozenset[str]],
    repository: Callable[[str], Repository],
) -> Reference | None:
    """Return where `place` refers to, or None.

    `keys` are the types of `_id` in each collection. An ObjectId or UUID that exists as an id
    elsewhere is a reference; a text or a number only if the key is also called like the
    collection, because small numbers and short texts are ids of many things.
    """
    named = stem(place.key)
    best: Reference | None = None
    for collection, types in keys.items():
        if not place.kinds <= types:
            continue
        if not place.kinds <= _UNIQUE and not _called_like(named, collection):
            continue
        found = repository(collection).count({"_id": {"$in": list(place.values.kept)}})
        if found < _ENOUGH * len(place.values.kept):
            continue
        if best is None or found > best.found or _called_like(named, collection):
            best = Reference(collection, found, len(place.values.kept))
    return best


def _called_like(named: str, collection: str) -> bool:
    """Tell whether `country` may mean the collection `atlas_country`, or `countries`."""
    last = stem(collection.rpartition("_")[2].rpartition(".")[2])
    return bool(named) and named in (last, stem(collection))
