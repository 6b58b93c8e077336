"""Places and shapes, as GeoJSON (RFC 7946)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import exceptions
from django.utils.translation import gettext_lazy as _

from . import geometry
from .extended_json import ExtendedJSONFormField
from .nested import NestedField


class GeoJSONField(NestedField):
    """Base of the fields of GeoJSON geometries.

    Values are coordinates in degrees, longitude first; GeoJSON is taken too, and stored:
    `{"type": ..., "coordinates": ...}`. What RFC 7946 forbids is a ValidationError; that lines
    don't cross is left to the server. `migrate` makes a `2dsphere` index of each,
    unless it says `geo_index=False`.
    """

    #: The `type` in GeoJSON.
    geojson_type: str
    #: What `db_index` means here.
    index_kind = "2dsphere"

    default_error_messages = {
        "other_type": _("This is a GeoJSON %(found)s, not a %(type)s."),
    }

    def __init__(self, *args: Any, geo_index: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **{"db_index": geo_index, **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_index", None)
        if not self.db_index:
            kwargs["geo_index"] = False
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return f"{self.geojson_type}Field"

    def to_python(self, value: Any) -> Any:
        """Return checked coordinates of GeoJSON, of coordinates, or of a text with either."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = self.parse_text(value)
            return None if value is None else self.to_python(value)
        return self.checked(self.coordinates(value))

    def checked(self, coordinates: Any) -> Any:
        """Return coordinates; ValidationError if RFC 7946 forbids them for this type."""
        return geometry.SHAPES[self.geojson_type](coordinates)

    def coordinates(self, value: Any) -> Any:
        """Return the coordinates of a GeoJSON geometry of this type; coordinates as they are."""
        if not isinstance(value, dict):
            return value
        if value.get("type") != self.geojson_type:
            raise exceptions.ValidationError(
                self.error_messages["other_type"],
                code="other_type",
                params={"found": value.get("type"), "type": self.geojson_type},
            )
        return value.get("coordinates")

    def to_bson(self, value: Any) -> Any:
        coordinates = self.to_python(value)
        if coordinates is None:
            return None
        return {"type": self.geojson_type, "coordinates": geometry.as_stored(coordinates)}

    def from_bson(self, value: Any) -> Any:
        return geometry.as_read(self.coordinates(value))

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{"form_class": ExtendedJSONFormField, "model_field": self, **kwargs}
        )


class PointField(GeoJSONField):
    """A GeoJSON Point; the value is a tuple `(longitude, latitude)` in degrees.

    Longitude lies in -180..180 and latitude in -90..90; anything else is a ValidationError.
    """

    description = _("Point")
    default_error_messages = {
        "invalid": _("“%(value)s” is not a point: (longitude, latitude) in degrees is."),
    }
    fits_in_a_line = True
    geojson_type = "Point"

    def to_python(self, value: Any) -> tuple[float, float] | None:
        """Accept a pair, a GeoJSON Point, or text as `13.4, 52.5` or Extended JSON."""
        try:
            point: tuple[float, float] | None = super().to_python(_pair(value))
        except exceptions.ValidationError as error:
            if getattr(error, "code", None) not in ("invalid", "other_type", "stored"):
                raise
            raise exceptions.ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": value}
            ) from None
        return point

    def from_bson(self, value: Any) -> tuple[float, float] | None:
        if type(value) is dict and value.get("type") == "Point":
            coordinates = value.get("coordinates")
            if type(coordinates) is list and len(coordinates) == 2:
                longitude, latitude = coordinates
                if isinstance(longitude, int | float) and isinstance(latitude, int | float):
                    # As we write it; whether it is on Earth was checked then.
                    return longitude, latitude
        return self.to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        # Not the text area of the other shapes.
        return NestedField.formfield(self, **{"form_class": PointFormField, **kwargs})


def _pair(value: Any) -> Any:
    """Return the numbers of a text such as `13.4, 52.5`; anything else as it is."""
    if not isinstance(value, str) or not value or value.lstrip()[:1] in "[{n":
        return value
    try:
        return [float(number) for number in value.split(",")]
    except ValueError:
        return [value]


class LineStringField(GeoJSONField):
    """A GeoJSON LineString; the value is a list of at least two positions."""

    description = _("Line")
    geojson_type = "LineString"


class PolygonField(GeoJSONField):
    """A GeoJSON Polygon; the value is a list of closed rings, the outer one first."""

    description = _("Polygon")
    geojson_type = "Polygon"


class MultiPointField(GeoJSONField):
    """A GeoJSON MultiPoint; the value is a list of positions."""

    description = _("Points")
    geojson_type = "MultiPoint"


class MultiLineStringField(GeoJSONField):
    """A GeoJSON MultiLineString; the value is a list of lines."""

    description = _("Lines")
    geojson_type = "MultiLineString"


class MultiPolygonField(GeoJSONField):
    """A GeoJSON MultiPolygon; the value is a list of polygons."""

    description = _("Polygons")
    geojson_type = "MultiPolygon"


class GeometryCollectionField(GeoJSONField):
    """A GeoJSON GeometryCollection; the value is a list of GeoJSON geometries, as dicts."""

    description = _("Geometries")
    geojson_type = "GeometryCollection"

    def checked(self, coordinates: Any) -> Any:
        if not isinstance(coordinates, list | tuple):
            raise exceptions.ValidationError(
                _("“%(value)s” is not a list of GeoJSON geometries."),
                code="invalid",
                params={"value": coordinates},
            )
        return [geometry.geometry(each) for each in coordinates]

    def coordinates(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("type") == self.geojson_type:
            return value.get("geometries")
        return super().coordinates(value)

    def to_bson(self, value: Any) -> Any:
        geometries = self.to_python(value)
        if geometries is None:
            return None
        stored = [
            {**each, "coordinates": geometry.as_stored(each["coordinates"])} for each in geometries
        ]
        return {"type": self.geojson_type, "geometries": stored}

    def from_bson(self, value: Any) -> Any:
        return [
            {**each, "coordinates": geometry.as_read(each["coordinates"])}
            for each in self.coordinates(value)
        ]


class PointFormField(forms.CharField):
    """A text input for `longitude, latitude`; the model field does the checking."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("Longitude, latitude in degrees."))
        kwargs.setdefault("empty_value", None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return ", ".join(str(number) for number in value)
        return value

    def to_python(self, value: Any) -> tuple[float, float] | None:
        return PointField().to_python(super().to_python(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != self.prepare_value(data) and super().has_changed(
            self.prepare_value(initial), self.prepare_value(data)
        )
