"""Places, as GeoJSON."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.core import exceptions
from django.utils.translation import gettext_lazy as _

from .nested import NestedField


class PointField(NestedField):
    """A GeoJSON Point; the value is a tuple `(longitude, latitude)` in degrees.

    Stored as `{"type": "Point", "coordinates": [longitude, latitude]}` (RFC 7946), the shape
    that 2dsphere indexes take. Longitude lies in -180..180 and latitude in -90..90; anything
    else is a ValidationError.
    """

    description = _("Point")
    default_error_messages = {
        "invalid": _("“%(value)s” is not a point: (longitude, latitude) in degrees is."),
        "range": _(
            "(%(longitude)s, %(latitude)s) is not on Earth: the longitude lies in -180..180 and "
            "the latitude in -90..90."
        ),
    }

    def get_internal_type(self) -> str:
        return "PointField"

    def to_python(self, value: Any) -> tuple[float, float] | None:
        """Accept a pair, a GeoJSON Point, or text as `13.4, 52.5` or Extended JSON."""
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = self.parse_text(value) if value.lstrip()[:1] in "[{n" else value.split(",")
            if value is None:
                return None
        if isinstance(value, dict) and value.get("type") == "Point":
            value = value.get("coordinates")
        try:
            longitude, latitude = (float(number) for number in value)
        except (TypeError, ValueError):
            raise exceptions.ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": value}
            ) from None
        # A comparison with NaN is False, so this refuses it too.
        if not (math.fabs(longitude) <= 180 and math.fabs(latitude) <= 90):
            raise exceptions.ValidationError(
                self.error_messages["range"],
                code="range",
                params={"longitude": longitude, "latitude": latitude},
            )
        return longitude, latitude

    def to_bson(self, value: Any) -> dict[str, Any] | None:
        point = self.to_python(value)
        return None if point is None else {"type": "Point", "coordinates": list(point)}

    def from_bson(self, value: Any) -> tuple[float, float] | None:
        if type(value) is dict and value.get("type") == "Point":
            coordinates = value.get("coordinates")
            if type(coordinates) is list and list(map(type, coordinates)) == [float, float]:
                # As we write it; whether it is on Earth was checked then.
                return coordinates[0], coordinates[1]
        return self.to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": PointFormField, **kwargs})


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
