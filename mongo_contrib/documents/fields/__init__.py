"""Fields that Django lacks; everything scalar is Django's own `models.CharField` and friends."""

from .bson_values import BSONField
from .dicts import DictField, MapField
from .embedded import EmbeddedDocumentField, EmbeddedDocumentListField
from .geo import (
    GeoJSONField,
    GeometryCollectionField,
    LineStringField,
    MultiLineStringField,
    MultiPointField,
    MultiPolygonField,
    PointField,
    PolygonField,
)
from .lists import ListField
from .objectid import ObjectIdAutoField, ObjectIdField
from .ordered import SortedListField
from .sequence import SequenceField

__all__ = [
    "BSONField",
    "DictField",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GeoJSONField",
    "GeometryCollectionField",
    "LineStringField",
    "ListField",
    "MapField",
    "MultiLineStringField",
    "MultiPointField",
    "MultiPolygonField",
    "ObjectIdAutoField",
    "ObjectIdField",
    "PointField",
    "PolygonField",
    "SequenceField",
    "SortedListField",
]
