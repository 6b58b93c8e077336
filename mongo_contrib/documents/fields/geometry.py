"""The coordinates of GeoJSON geometries, checked by RFC 7946: pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Position = tuple[float, float]

#: A linear ring is a line that ends where it began, around some area (RFC 7946, 3.1.6).
_FEWEST_IN_RING = 4
_FEWEST_IN_LINE = 2

_NUMBERS = (int, float)


def position(value: Any) -> Position:
    """Return (longitude, latitude) in degrees; ValidationError if it is none, or not on Earth."""
    try:
        longitude, latitude = (_number(number) for number in value)
    except (TypeError, ValueError):
        raise _not_a_position(value) from None
    # A comparison with NaN is False, so this refuses it too.
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise ValidationError(
            _(
                "(%(longitude)s, %(latitude)s) is not on Earth: the longitude lies in -180..180 "
                "and the latitude in -90..90."
            ),
            code="range",
            params={"longitude": longitude, "latitude": latitude},
        )
    return longitude, latitude


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | bool):
        raise TypeError(f"{value!r} is no number")
    return value if isinstance(value, _NUMBERS) else float(value)


def _not_a_position(value: Any) -> ValidationError:
    return ValidationError(
        _("“%(value)s” is not a position: (longitude, latitude) in degrees is."),
        code="invalid",
        params={"value": value},
    )


def line(value: Any) -> list[Position]:
    """Return the positions of a line, two at least."""
    positions = points(value)
    if len(positions) < _FEWEST_IN_LINE:
        raise ValidationError(
            _("A line has at least %(fewest)d positions; this one has %(count)d."),
            code="short_line",
            params={"fewest": _FEWEST_IN_LINE, "count": len(positions)},
        )
    return positions


def points(value: Any) -> list[Position]:
    return [position(each) for each in _sequence(value)]


def ring(value: Any) -> list[Position]:
    """Return the positions of a closed ring, four at least, whatever its direction."""
    positions = points(value)
    if len(positions) < _FEWEST_IN_RING:
        raise ValidationError(
            _(
                "A ring has at least %(fewest)d positions, the first and the last one being the "
                "same; this one has %(count)d."
            ),
            code="short_ring",
            params={"fewest": _FEWEST_IN_RING, "count": len(positions)},
        )
    if positions[0] != positions[-1]:
        raise ValidationError(
            _("A ring ends where it begins; this one begins at %(first)s and ends at %(last)s."),
            code="open_ring",
            params={"first": positions[0], "last": positions[-1]},
        )
    return positions


def polygon(value: Any) -> list[list[Position]]:
    """Return the rings of a polygon: the outer one, then those of its holes."""
    rings = [ring(each) for each in _sequence(value)]
    if not rings:
        raise ValidationError(_("A polygon has at least one ring."), code="no_ring")
    return rings


def lines(value: Any) -> list[list[Position]]:
    return [line(each) for each in _sequence(value)]


def polygons(value: Any) -> list[list[list[Position]]]:
    return [polygon(each) for each in _sequence(value)]


def _sequence(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    raise ValidationError(
        _("“%(value)s” is not a list of coordinates."), code="invalid", params={"value": value}
    )


#: What checks the coordinates of each type.
SHAPES: dict[str, Callable[[Any], Any]] = {
    "Point": position,
    "LineString": line,
    "Polygon": polygon,
    "MultiPoint": points,
    "MultiLineString": lines,
    "MultiPolygon": polygons,
}


def geometry(value: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry of any type but a collection, its coordinates checked."""
    kind = value.get("type") if isinstance(value, dict) else None
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise ValidationError(
            _("“%(value)s” is not a GeoJSON geometry of type %(types)s."),
            code="invalid",
            params={"value": value, "types": ", ".join(SHAPES)},
        )
    return {"type": kind, "coordinates": shape(value.get("coordinates"))}


def as_stored(coordinates: Any) -> Any:
    """Return coordinates as BSON has them: arrays in arrays."""
    if isinstance(coordinates, list | tuple):
        return [as_stored(each) for each in coordinates]
    return coordinates


def as_read(coordinates: Any) -> Any:
    """Return stored coordinates with positions as tuples; TypeError if they are no coordinates.

    Where they lie was checked when they were written; the types of numbers stay.
    """
    if type(coordinates) is not list:
        raise TypeError(f"{coordinates!r} are no coordinates")
    if len(coordinates) == 2 and isinstance(coordinates[0], _NUMBERS):
        longitude, latitude = coordinates
        if isinstance(latitude, _NUMBERS):
            return longitude, latitude
    return [as_read(each) for each in coordinates]
