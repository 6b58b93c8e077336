"""What was seen in one place of the sampled documents: pure, no server needed."""

from __future__ import annotations

import datetime
from collections import Counter
from typing import Any
from uuid import UUID

from bson import Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

#: Of one place, so many different values are kept, to look for them elsewhere as ids.
KEPT = 100

#: The names of BSON's types, as `$type` has them; a UUID is a binary of its own subtype.
_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Int64: "int",
    float: "double",
    str: "string",
    bytes: "binData",
    UUID: "uuid",
    ObjectId: "objectId",
    Decimal128: "decimal",
    datetime.datetime: "date",
    dict: "object",
    list: "array",
    type(None): "null",
    Regex: "regex",
    Code: "javascript",
    Timestamp: "timestamp",
    DBRef: "dbPointer",
    MinKey: "minKey",
    MaxKey: "maxKey",
}

#: What can be the key of a document elsewhere.
KEYS = frozenset({"objectId", "uuid", "string", "int"})

GEOMETRIES = frozenset(
    {
        "Point",
        "LineString",
        "Polygon",
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
    }
)


class Values:
    """The values of one key, wherever it occurred; of arrays, `items` are the elements."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        #: Texts: the lengths, and whether one has several lines.
        self.longest = 0
        self.shortest: int | None = None
        self.multiline = False
        #: Numbers.
        self.least: int | float = 0
        self.greatest: int | float = 0
        self.decimals = 0
        self.digits = 0
        #: Dates that are no midnight in UTC.
        self.moments = 0
        #: Embedded documents: their keys, and how many documents are of which geometry.
        self.keys: dict[str, Values] = {}
        self.geometries: Counter[str] = Counter()
        self.items: Values | None = None
        self.kept: set[Any] = set()

    @property
    def count(self) -> int:
        return self.types.total()

    @property
    def filled(self) -> dict[str, int]:
        """How often each type was seen, null left out."""
        return {name: number for name, number in self.types.items() if name != "null"}

    def add(self, value: Any) -> None:
        name = _NAMES.get(type(value)) or _name_of(value)
        self.types[name] += 1
        seen = getattr(self, f"_add_{name}", None)
        if seen is not None:
            seen(value)
        if name in KEYS and len(self.kept) < KEPT:
            self.kept.add(value)

    def _add_string(self, value: str) -> None:
        self.longest = max(self.longest, len(value))
        self.shortest = len(value) if self.shortest is None else min(self.shortest, len(value))
        self.multiline = self.multiline or "\n" in value

    def _add_int(self, value: int) -> None:
        self.least, self.greatest = min(self.least, value), max(self.greatest, value)

    def _add_decimal(self, value: Decimal128) -> None:
        number = value.to_decimal()
        if number.is_finite():
            _, digits, exponent = number.as_tuple()
            assert isinstance(exponent, int)
            self.decimals = max(self.decimals, -exponent)
            self.digits = max(self.digits, len(digits) + max(exponent, 0))

    def _add_date(self, value: datetime.datetime) -> None:
        if (value.hour, value.minute, value.second, value.microsecond) != (0, 0, 0, 0):
            self.moments += 1

    def _add_object(self, value: dict[str, Any]) -> None:
        if value.keys() == {"type", "coordinates"} and value["type"] in GEOMETRIES:
            self.geometries[value["type"]] += 1
        elif value.keys() == {"type", "geometries"}:
            self.geometries["GeometryCollection"] += 1
        for key, item in value.items():
            self.keys.setdefault(key, Values()).add(item)

    def _add_array(self, value: list[Any]) -> None:
        if self.items is None:
            self.items = Values()
        for item in value:
            self.items.add(item)

    def members(self) -> Values:
        """Return the values of all keys together."""
        merged = Values()
        for values in self.keys.values():
            merged.merge(values)
        return merged

    def merge(self, other: Values) -> None:
        """Add all that another place has seen."""
        self.types.update(other.types)
        self.geometries.update(other.geometries)
        self.longest = max(self.longest, other.longest)
        lengths = [each for each in (self.shortest, other.shortest) if each is not None]
        self.shortest = min(lengths, default=None)
        self.multiline = self.multiline or other.multiline
        self.least, self.greatest = (
            min(self.least, other.least),
            max(self.greatest, other.greatest),
        )
        self.decimals = max(self.decimals, other.decimals)
        self.digits = max(self.digits, other.digits)
        self.moments += other.moments
        for key, values in other.keys.items():
            self.keys.setdefault(key, Values()).merge(values)
        if other.items is not None:
            if self.items is None:
                self.items = Values()
            self.items.merge(other.items)
        self.kept.update(list(other.kept)[: KEPT - len(self.kept)])

    def shares(self, of: int) -> str:
        """Return the share of each type among `of` documents: "int 98 %, string 2 %"."""
        counted = Counter(self.types)
        if of > self.count:
            counted["missing"] = of - self.count
        return ", ".join(f"{name} {_percent(n, of)}" for name, n in counted.most_common())


def _name_of(value: Any) -> str:
    for kind, name in _NAMES.items():
        if kind is not type(None) and isinstance(value, kind):
            return name
    return type(value).__name__


def _percent(number: int, of: int) -> str:
    share = 100 * number / of
    if 0 < share < 1:
        return "<1 %"
    return f"{min(share, 99) if number < of else 100:.0f} %"
