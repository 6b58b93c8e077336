"""The field that describes the values of one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from .literals import literal
from .references import Reference
from .values import Values

_INT32 = 2**31
#: Texts up to these lengths are a CharField, longer ones a TextField.
_LENGTHS = (10, 20, 50, 100, 200, 500, 1000)
#: Dates are taken for days if so many were midnights, and none was not.
_DAYS = 10

#: An embedded document with more keys than this, and few in common, is a dictionary.
_MANY_KEYS = 25

_GEOMETRY_FIELDS = {
    "Point": "PointField",
    "LineString": "LineStringField",
    "Polygon": "PolygonField",
    "MultiPoint": "MultiPointField",
    "MultiLineString": "MultiLineStringField",
    "MultiPolygon": "MultiPolygonField",
    "GeometryCollection": "GeometryCollectionField",
}


@dataclass
class FieldSource:
    """A field as it is written: `name = kind(*arguments, **options)  # comment`."""

    name: str
    kind: str
    arguments: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    comment: str = ""

    @property
    def expression(self) -> str:
        given = [*self.arguments, *(f"{name}={value}" for name, value in self.options.items())]
        return f"{self.kind}({', '.join(given)})"


def is_map(values: Values) -> bool:
    """Tell whether embedded documents are dictionaries: their keys are data, not names."""
    documents = values.types["object"]
    keys = values.keys
    if not keys:
        return True
    if any(not key or key.startswith("$") or "." in key for key in keys):
        return True
    if any(not key[0].isalpha() and key[0] != "_" for key in keys):
        return True
    # Most keys are in few of the documents.
    seldom = sum(1 for inside in keys.values() if inside.count * 5 < documents)
    return len(keys) > _MANY_KEYS and seldom * 2 > len(keys)


def scalar(values: Values) -> tuple[str, dict[str, str]]:
    """Return class and options of the field of single values; `BSONField` for a mixture."""
    kinds = frozenset(values.filled)
    if kinds == {"string"}:
        return _text(values)
    if kinds == {"int"}:
        small = values.least >= -_INT32 and values.greatest < _INT32
        return ("models.IntegerField" if small else "models.BigIntegerField"), {}
    if kinds and kinds <= {"int", "double"}:
        return "models.FloatField", {}
    if kinds and kinds <= {"int", "decimal"} and "decimal" in kinds:
        places = str(min(values.decimals, 34))
        return "models.DecimalField", {"max_digits": "34", "decimal_places": places}
    if kinds == {"date"}:
        days = not values.moments and values.types["date"] >= _DAYS
        return ("models.DateField" if days else "models.DateTimeField"), {}
    plain = {
        "bool": "models.BooleanField",
        "binData": "models.BinaryField",
        "uuid": "models.UUIDField",
        "objectId": "ObjectIdField",
    }
    if len(kinds) == 1:
        return plain.get(next(iter(kinds)), "BSONField"), {}
    return "BSONField", {}


def _text(values: Values) -> tuple[str, dict[str, str]]:
    if values.multiline or values.longest > _LENGTHS[-1]:
        return "models.TextField", {}
    # Half as much again: what was not sampled may be a little longer.
    wanted = values.longest * 3 // 2
    length = next((each for each in _LENGTHS if each >= wanted), _LENGTHS[-1])
    return "models.CharField", {"max_length": str(length)}


def geometry(values: Values) -> str | None:
    """Return the field of GeoJSON if all documents are of one geometry."""
    documents = values.types["object"]
    if len(values.geometries) == 1 and values.geometries.total() == documents:
        return _GEOMETRY_FIELDS[next(iter(values.geometries))]
    return None


def reference(found: Reference, target: str, *, many: bool) -> FieldSource:
    """Return the field of a guessed reference, without a name; nothing is enforced by it."""
    if many:
        made = FieldSource("", "ReferenceListField", [literal(target)], {"db_index": "False"})
    else:
        options = {"on_delete": "models.DO_NOTHING", "db_index": "False"}
        made = FieldSource("", "models.ForeignKey", [literal(target)], options)
    if found.found < found.of:
        missing = found.of - found.found
        made.comment = f"{missing} of {found.of} sampled ids exist nowhere"
    return made
