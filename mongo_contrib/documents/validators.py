"""`$jsonSchema` validators, generated from the fields of document classes.

What the server checks is what `full_clean()` checks and JSON Schema can say: types, null and
missing, choices, lengths, numbers' limits, embedded documents and the elements of lists. What it
cannot say (regular expressions of e-mail addresses, limits of dates, validators of one's own) is
left to `full_clean()`. A field of a class of one's own says its schema by `bson_schema()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import validators as django_validators
from django.core.exceptions import ValidationError
from django.db import models

from ..mapping.encoding import encode_value
from ..mapping.families import CLASS_KEY, class_names
from ..mapping.plan import plan_of

Schema = dict[str, Any]

_INTEGER = ["int", "long"]
_TYPES: dict[str, Any] = {
    **dict.fromkeys(
        (
            "CharField",
            "TextField",
            "SlugField",
            "EmailField",
            "URLField",
            "FilePathField",
            "FileField",
            "ImageField",
            "GenericIPAddressField",
            "IPAddressField",
            "TimeField",
        ),
        "string",
    ),
    **dict.fromkeys(
        (
            "IntegerField",
            "BigIntegerField",
            "SmallIntegerField",
            "PositiveIntegerField",
            "PositiveSmallIntegerField",
            "PositiveBigIntegerField",
            "DurationField",
            "SequenceField",
        ),
        _INTEGER,
    ),
    "BooleanField": "bool",
    # A field that is read as a float whatever number another program wrote.
    "FloatField": ["double", *_INTEGER],
    "DecimalField": "decimal",
    "DateTimeField": "date",
    "DateField": "date",
    "UUIDField": "binData",
    "BinaryField": "binData",
    "ObjectIdField": "objectId",
    "DictField": "object",
}
_NUMBERS = frozenset({*_INTEGER, "double", "decimal"})
_GEOMETRIES = {
    "PointField": "Point",
    "LineStringField": "LineString",
    "PolygonField": "Polygon",
    "MultiPointField": "MultiPoint",
    "MultiLineStringField": "MultiLineString",
    "MultiPolygonField": "MultiPolygon",
}


def validator(family: Sequence[Any]) -> Schema:
    """Return the schema of the classes that share a collection, the first being the base."""
    root, *children = family
    schema = document_schema(root, ())
    if not (children or root._options.allow_inheritance):
        return schema
    # Each class's own keys depend on which class it is; the base's come first, for everybody.
    alternatives = [_alternative(member, schema) for member in family]
    schema.pop("additionalProperties", None)
    schema["properties"].setdefault(CLASS_KEY, {"bsonType": "string"})
    return {**schema, "anyOf": alternatives}


def _alternative(member: Any, base: Schema) -> Schema:
    own = document_schema(member, ())
    common = base["properties"]
    properties = {key: rule for key, rule in own["properties"].items() if common.get(key) != rule}
    required = [key for key in own.get("required", ()) if key not in base.get("required", ())]
    names = list(class_names(member))
    told: Schema = {"properties": {**properties, CLASS_KEY: {"enum": names}}}
    if required:
        told["required"] = required
    if own.get("additionalProperties") is False:
        told["properties"] = {**own["properties"], CLASS_KEY: {"enum": names}}
        told["additionalProperties"] = False
    return told


def document_schema(model: Any, seen: tuple[Any, ...]) -> Schema:
    """Return the schema of one class; classes in `seen` contain it and are not repeated."""
    if model in seen:
        # JSON Schema of MongoDB knows no references: a tree is checked to its first repetition.
        return {"bsonType": "object"}
    inside = (*seen, model)
    properties: Schema = {}
    required = []
    for each in plan_of(model).fields:
        field = each.field
        properties[each.column] = field_schema(field, inside)
        if not (field.null or field.blank or field.has_default() or each.column == "_id"):
            required.append(each.column)
    if not seen:
        properties.setdefault("_id", {})
    schema: Schema = {"bsonType": "object", "properties": properties}
    if required:
        schema["required"] = required
    if model._options.strict:
        schema["additionalProperties"] = False
    return schema


def field_schema(field: models.Field, seen: tuple[Any, ...] = ()) -> Schema:
    """Return the schema of one field's stored values, `{}` where any value will do."""
    schema = _value_schema(field, seen)
    if field.null:
        schema = _or_null(schema)
    return schema


def _value_schema(field: models.Field, seen: tuple[Any, ...]) -> Schema:
    if hasattr(field, "bson_schema"):
        own: Schema = field.bson_schema()
        return own
    of_key = field.remote_field is not None and hasattr(field, "target_field")
    if of_key and not hasattr(field, "base_field"):
        # A key, whatever the target's own rules are: nobody checks them of a reference.
        return _types_alone(_value_schema(field.target_field, seen))
    kind = field.get_internal_type()
    if kind in _GEOMETRIES:
        return _geometry(_GEOMETRIES[kind])
    if kind == "GeometryCollectionField":
        return _geometries()
    base_field = getattr(field, "base_field", None)
    document = getattr(field, "document", None)
    value_field = getattr(field, "value_field", None)
    if value_field is not None:
        return {"bsonType": "object", "additionalProperties": _item(value_field, seen)}
    if base_field is not None:
        return _array(field, _item(base_field, seen))
    if document is not None:
        schema = _embedded(field, seen)
        return _array(field, schema) if _is_list(kind) else schema
    if kind == "BSONField" and field.types:
        return {"bsonType": list(field.types)}
    if kind not in _TYPES or not _stores_as_told(field):
        return {}
    schema = {"bsonType": _TYPES[kind]}
    return {**schema, **_limits(field, schema)}


def _item(field: models.Field, seen: tuple[Any, ...]) -> Schema:
    """Return the schema of what a list or a map holds."""
    return field_schema(field, seen)


def _is_list(kind: str) -> bool:
    return "List" in kind


def _stores_as_told(field: models.Field) -> bool:
    """Tell whether values are stored as Django's field of this kind stores them."""
    return all(
        getattr(type(field), method).__module__.startswith(("django.", "mongo_contrib."))
        for method in ("get_prep_value", "get_db_prep_value", "get_db_prep_save")
    )


def _embedded(field: Any, seen: tuple[Any, ...]) -> Schema:
    family = list(field.documents)
    schemas = [document_schema(each, seen) for each in family]
    if not field.is_polymorphic:
        return schemas[0]
    if any(each in seen for each in family):
        return {"bsonType": "object"}
    for each, schema in zip(family, schemas, strict=True):
        schema["properties"][CLASS_KEY] = {"enum": list(class_names(each))}
    return {"bsonType": "object", "anyOf": schemas}


def _array(field: models.Field, items: Schema) -> Schema:
    schema: Schema = {"bsonType": "array"}
    if items:
        schema["items"] = items
    # Of a field that may be blank, full_clean() takes an empty list whatever its length must be.
    if getattr(field, "min_length", None) and not field.blank:
        schema["minItems"] = field.min_length
    if getattr(field, "max_length", None) is not None:
        schema["maxItems"] = field.max_length
    return schema


def _geometry(kind: str) -> Schema:
    coordinates: Schema = {"bsonType": "array"}
    if kind == "Point":
        coordinates.update(items={"bsonType": ["double", *_INTEGER]}, minItems=2, maxItems=2)
    return {
        "bsonType": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"enum": [kind]}, "coordinates": coordinates},
    }


def _geometries() -> Schema:
    return {
        "bsonType": "object",
        "required": ["type", "geometries"],
        "properties": {
            "type": {"enum": ["GeometryCollection"]},
            "geometries": {"bsonType": "array", "items": {"bsonType": "object"}},
        },
    }


def _limits(field: models.Field, schema: Schema) -> Schema:
    if field.flatchoices:
        return _choices(field)
    types = schema["bsonType"]
    if types == "string":
        return _lengths(field)
    if _NUMBERS.issuperset([types] if isinstance(types, str) else types):
        return _range(field)
    return {}


def _choices(field: models.Field) -> Schema:
    stored = []
    for value, _ in field.flatchoices:
        if value is not None:
            stored.append(encode_value(field, field.to_python(value)))
    if field.blank and field.empty_strings_allowed and "" not in stored:
        stored.append("")
    return {"enum": stored} if _countable(stored) else {}


def _countable(values: list[Any]) -> bool:
    # The server takes no list of choices that has a value twice.
    return bool(values) and all(value not in values[:at] for at, value in enumerate(values))


def _lengths(field: models.Field) -> Schema:
    limits: Schema = {}
    for validator in field.validators:
        limit = _limit(validator)
        if limit is None:
            continue
        if isinstance(validator, django_validators.MaxLengthValidator):
            limits["maxLength"] = min(limit, limits.get("maxLength", limit))
        elif isinstance(validator, django_validators.MinLengthValidator) and not field.blank:
            limits["minLength"] = max(limit, limits.get("minLength", limit))
    return limits


def _range(field: models.Field) -> Schema:
    limits: Schema = {}
    for validator in field.validators:
        limit = _limit(validator)
        if limit is None:
            continue
        if isinstance(validator, django_validators.MinValueValidator):
            limits["minimum"] = max(limit, limits.get("minimum", limit))
        elif isinstance(validator, django_validators.MaxValueValidator):
            limits["maximum"] = min(limit, limits.get("maximum", limit))
    try:
        return {name: encode_value(field, limit) for name, limit in limits.items()}
    except (ValidationError, TypeError, ValueError):
        return {}


def _limit(validator: Any) -> Any:
    """Return a validator's limit; None for one that is computed anew each time."""
    limit = getattr(validator, "limit_value", None)
    return None if callable(limit) else limit


def _or_null(schema: Schema) -> Schema:
    """Let the value be null too."""
    if not schema:
        return schema
    types = schema.get("bsonType")
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    if types is None or not schema.keys().isdisjoint(("anyOf", "oneOf", "allOf", "not")):
        return {"anyOf": [{"bsonType": "null"}, schema]}
    return {**schema, "bsonType": [*([types] if isinstance(types, str) else types), "null"]}


def _types_alone(schema: Schema) -> Schema:
    return {"bsonType": schema["bsonType"]} if "bsonType" in schema else {}
