"""Fields that Django lacks; everything scalar is Django's own `models.CharField` and friends."""

from .bson_values import BSONField
from .dicts import DictField, MapField
from .embedded import EmbeddedDocumentField, EmbeddedDocumentListField
from .generic_reference import GenericReferenceField, Reference
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
from .reference_list import ReferenceListField
from .sequence import SequenceField

__all__ = [
    "BSONField",
    "DictField",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GenericReferenceField",
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
    "Reference",
    "ReferenceListField",
    "SequenceField",
    "SortedListField",
]
