"""Serializer fields for what SQL has no columns for, and for what JSON can't carry."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

from bson import ObjectId, json_util
from django.core.exceptions import ValidationError
from django.db import DataError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import get_attribute
from rest_framework.relations import MANY_RELATION_KWARGS, PKOnlyObject

from mongo_contrib import documents
from mongo_contrib.documents.fields.extended_json import from_jsonable, jsonable

#: The server's own limit; deeper documents can't be stored.
MAX_DEPTH = 100


class ObjectIdField(serializers.Field):
    """An ObjectId, in JSON its 24 hexadecimal digits."""

    default_error_messages = {"invalid": _("Must be an ObjectId: 24 hexadecimal digits.")}

    def to_internal_value(self, data: Any) -> ObjectId:
        if not isinstance(data, str | ObjectId) or not ObjectId.is_valid(data):
            self.fail("invalid")
        return ObjectId(data)

    def to_representation(self, value: Any) -> str:
        return str(value)


class FloatField(serializers.FloatField):
    """A number that JSON can carry: 1e400 would be stored, and break every answer after."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        # Needless when the oldest Django REST framework supported is 3.18, which does it too.
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class BinaryField(serializers.Field):
    """Bytes, in JSON as base64."""

    default_error_messages = {"invalid": _("Must be base64.")}

    def to_internal_value(self, data: Any) -> bytes:
        try:
            value = base64.b64decode(data, validate=True)
        except (binascii.Error, TypeError, ValueError):
            self.fail("invalid")
        return value

    def to_representation(self, value: Any) -> str:
        return base64.b64encode(value).decode("ascii")


class JSONField(serializers.JSONField):
    """JSON that a document can hold; stored BSON types that JSON lacks are Extended JSON."""

    default_error_messages = {
        "too_deep": _("Nested more than {max_depth} levels deep."),
    }

    def to_internal_value(self, data: Any) -> Any:
        try:
            value = super().to_internal_value(data)
        except RecursionError:
            self.fail("too_deep", max_depth=MAX_DEPTH)
        if depth_exceeds(value, MAX_DEPTH):
            self.fail("too_deep", max_depth=MAX_DEPTH)
        return value

    def to_representation(self, value: Any) -> Any:
        value = super().to_representation(value)
        if value is None or isinstance(value, str | bool | int | float):
            return value
        return json_util._json_convert(value, json_util.RELAXED_JSON_OPTIONS)


class ExtendedJSONField(JSONField):
    """Any BSON value as Extended JSON, both ways: what was got can be put, types and all."""

    def __init__(self, *, model_field: Any, **kwargs: Any) -> None:
        self.model_field = model_field
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        try:
            value = from_jsonable(value)
        except ValueError:
            self.fail("invalid")
        value = self.model_field.to_value(value)
        if value is not None:
            try:
                self.model_field.to_bson(value)
            except (TypeError, ValueError, DataError) as error:
                raise serializers.ValidationError(str(error)) from error
        return value

    def to_representation(self, value: Any) -> Any:
        return jsonable(value)


class GeoJSONField(serializers.JSONField):
    """A shape of one kind: GeoJSON (RFC 7946) out, GeoJSON or its coordinates in."""

    def __init__(self, *, model_field: Any, **kwargs: Any) -> None:
        self.model_field = model_field
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return self.model_field.to_python(super().to_internal_value(data))

    def to_representation(self, value: Any) -> Any:
        return self.model_field.to_bson(value)


class PointField(serializers.JSONField):
    """A place: GeoJSON (RFC 7946) out, GeoJSON or `[longitude, latitude]` in."""

    default_error_messages = {
        "not_a_point": _(
            "Must be a GeoJSON Point or a pair of numbers, longitude and latitude in degrees."
        ),
    }

    def to_internal_value(self, data: Any) -> tuple[float, float] | None:
        value = super().to_internal_value(data)
        if isinstance(value, dict) and value.keys() == {"type", "coordinates"}:
            value = value["coordinates"] if value["type"] == "Point" else None
        if not isinstance(value, list) or [type(n) in (int, float) for n in value] != [True, True]:
            self.fail("not_a_point")
        return documents.PointField().to_python(value)

    def to_representation(self, value: Any) -> dict[str, Any]:
        return {"type": "Point", "coordinates": list(value)}


class KeysField(serializers.ManyRelatedField):
    """The keys of referenced documents."""

    def get_attribute(self, instance: Any) -> Any:
        """Return what the keys of a list of references stand for, without asking for them."""
        field = self.source_attrs[-1]
        owner = get_attribute(instance, self.source_attrs[:-1])
        reference = getattr(getattr(type(owner), field, None), "field", None)
        if not isinstance(reference, documents.ReferenceListField) or not isinstance(
            owner, reference.model
        ):
            return super().get_attribute(instance)
        return [PKOnlyObject(pk=key) for key in getattr(owner, reference.attname) or ()]


class PrimaryKeyRelatedField(serializers.PrimaryKeyRelatedField):
    """The key of a referenced document."""

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> Any:
        options = {name: kwargs[name] for name in MANY_RELATION_KWARGS if name in kwargs}
        return KeysField(child_relation=cls(*args, **kwargs), **options)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except (DataError, OverflowError):
            # No document has a key that can't be stored.
            self.fail("does_not_exist", pk_value=data)

    def to_representation(self, value: Any) -> Any:
        key = super().to_representation(value)
        return str(key) if isinstance(key, ObjectId) else key


class GenericReferenceField(serializers.Field):
    """A reference to a document of any class: `{"model": "atlas.city", "pk": key}`."""

    def __init__(self, *, model_field: Any, **kwargs: Any) -> None:
        self.model_field = model_field
        super().__init__(**kwargs)

    def get_attribute(self, instance: Any) -> Any:
        """Return the reference, without asking for the document."""
        owner = get_attribute(instance, self.source_attrs[:-1])
        return getattr(owner, self.model_field.attname)

    def to_internal_value(self, data: Any) -> Any:
        try:
            value = self.model_field.to_python(data)
            self.model_field.validate(value, None)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages, code="invalid") from error
        return value

    def to_representation(self, value: Any) -> dict[str, Any]:
        key = value.pk
        label = value.model._meta.label_lower
        return {"model": label, "pk": str(key) if isinstance(key, ObjectId) else key}


def depth_exceeds(value: Any, depth: int) -> bool:
    """Tell whether dicts and lists in `value` lie more than `depth` levels deep."""
    level = [value]
    for _level in range(depth + 1):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return False
    return True
