"""Places, as GeoJSON."""

from __future__ import annotations

from typing import Any

from .. import geo
from ..conditions import Condition
from ..paths import Path
from .table import lookup


@lookup("within", of=geo.is_geo)
def within(path: Path, value: Any) -> Condition:
    """It lies wholly inside of a Polygon, a MultiPolygon, a `Box` or a `Circle`."""
    return geo.within(path, value)


@lookup("intersects", of=geo.is_geo)
def intersects(path: Path, value: Any) -> Condition:
    """It has a place in common with a geometry."""
    return {path.path: {"$geoIntersects": {"$geometry": geo.geometry(path, "intersects", value)}}}


# As Django's GIS has them: the value is (point, metres)


def _around(path: Path, name: str, value: Any, *, strictly: bool = False) -> Condition:
    try:
        point, distance = value
    except (TypeError, ValueError):
        raise ValueError(
            f"The look-up {name!r} on {path.path!r} needs (point, metres), not {value!r}."
        ) from None
    return geo.around(path, name, point, distance, strictly=strictly)


@lookup("distance_lte", "dwithin", of=geo.is_point)
def distance_lte(path: Path, value: Any) -> Condition:
    return _around(path, "distance_lte", value)


@lookup("distance_lt", of=geo.is_point)
def distance_lt(path: Path, value: Any) -> Condition:
    return _around(path, "distance_lt", value, strictly=True)


@lookup("distance_gt", of=geo.is_point)
def distance_gt(path: Path, value: Any) -> Condition:
    return geo.beyond(_around(path, "distance_gt", value), path)


@lookup("distance_gte", of=geo.is_point)
def distance_gte(path: Path, value: Any) -> Condition:
    return geo.beyond(_around(path, "distance_gte", value, strictly=True), path)
