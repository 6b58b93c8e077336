"""Places: the shapes that look-ups take, and the conditions that they make."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.utils import NotSupportedError

from .conditions import Condition, all_of, any_of, none_of
from .paths import Path, kind

#: In metres, as MongoDB has it: its spheres are this big.
EARTH_RADIUS = 6_378_100.0

GEO_KINDS = frozenset(
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

#: How deep the coordinates of each type are nested, without GeoJSON around.
_BY_DEPTH = {1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPolygon"}


@dataclass(frozen=True)
class Box:
    """What lies between two meridians and two parallels, in degrees.

    Where `west` is greater than `east`, it reaches across the date line.
    """

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Circle:
    """What lies within `radius` metres of `center`, (longitude, latitude)."""

    center: tuple[float, float]
    radius: float


def is_geo(path: Path) -> bool:
    """Tell whether places are stored at `path`."""
    return kind(path.field) in GEO_KINDS


def is_point(path: Path) -> bool:
    return kind(path.field) == "PointField"


# What comes with a look-up, checked


def _shapes() -> Any:
    # The fields are a floor above; what they know of coordinates is pure.
    from ..documents.fields import geometry

    return geometry


def _checked(path: Path, name: str, check: Any, value: Any) -> Any:
    """Return what `check` makes of a value; its ValidationError names path and look-up."""
    try:
        return check(value)
    except ValidationError as error:
        raise ValidationError(
            f"The look-up {name!r} on {path.path!r}: {' '.join(error.messages)}", code="invalid"
        ) from None


def position(path: Path, name: str, value: Any) -> list[float]:
    """Return the coordinates of a point: a pair, or GeoJSON."""
    if hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if isinstance(value, dict):
        if value.get("type") != "Point":
            raise ValidationError(
                f"The look-up {name!r} on {path.path!r} needs a point, not {value!r}."
            )
        value = value.get("coordinates")
    return list(_checked(path, name, _shapes().position, value))


def metres(path: Path, name: str, value: Any) -> float:
    """Return a distance that is a number of metres."""
    if isinstance(value, bool | str | bytes | timedelta) or not hasattr(value, "__float__"):
        raise ValueError(f"The look-up {name!r} on {path.path!r} needs metres, not {value!r}.")
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError(
            f"The look-up {name!r} on {path.path!r} needs a distance from zero on, not {value!r}."
        )
    return number


def geometry(path: Path, name: str, value: Any) -> dict[str, Any]:
    """Return GeoJSON of a geometry: GeoJSON itself, or coordinates by how deep they nest."""
    if hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if not isinstance(value, dict):
        value = {"type": _BY_DEPTH.get(_depth(value)), "coordinates": value}
    shapes = _shapes()
    checked = _checked(path, name, shapes.geometry, value)
    return {"type": checked["type"], "coordinates": shapes.as_stored(checked["coordinates"])}


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list | tuple) and value and depth < 5:
        value, depth = value[0], depth + 1
    return depth


# Conditions


def within(path: Path, value: Any) -> Condition:
    """Return the condition that what is stored lies wholly inside of a shape."""
    if isinstance(value, Box):
        boxes = [value]
        if value.west > value.east:
            boxes = [replace(value, east=180), replace(value, west=-180)]
        return any_of({path.path: {"$geoWithin": _box(path, each)}} for each in boxes)
    if isinstance(value, Circle):
        return around(path, "within", value.center, value.radius)
    shape = geometry(path, "within", value)
    if shape["type"] not in ("Polygon", "MultiPolygon"):
        raise ValidationError(
            f"The look-up 'within' on {path.path!r} needs a Polygon, a MultiPolygon, a Box or a "
            f"Circle; nothing lies within a {shape['type']}."
        )
    return {path.path: {"$geoWithin": {"$geometry": shape}}}


def _box(path: Path, box: Box) -> dict[str, Any]:
    if not is_point(path):
        raise NotSupportedError(
            f"{path.path!r} holds shapes, of which a Box knows nothing; use a Polygon."
        )
    low = position(path, "within", (box.west, box.south))
    high = position(path, "within", (box.east, box.north))
    if low[1] > high[1]:
        raise ValidationError(
            f"The look-up 'within' on {path.path!r}: the south of {box} lies north of its north."
        )
    return {"$box": [low, high]}


def around(
    path: Path, name: str, center: Any, radius: Any, *, strictly: bool = False
) -> Condition:
    """Return the condition that what is stored lies in a circle, or `strictly` in it."""
    point = position(path, name, center)
    radians = metres(path, name, radius) / EARTH_RADIUS
    if radians >= math.pi:
        # No place on Earth is farther.
        return {path.path: {"$ne": None}}
    if strictly:
        radians = math.nextafter(radians, -1)
        if radians < 0:
            return {path.path: {"$in": []}}
    return {path.path: {"$geoWithin": {"$centerSphere": [point, radians]}}}


def beyond(condition: Condition, path: Path) -> Condition:
    """Return the condition that there is a place which does not fulfil `condition`."""
    return all_of([{path.path: {"$ne": None}}, none_of(condition)])
