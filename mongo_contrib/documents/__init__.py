"""Documents: what is stored in MongoDB, as Django model classes."""

from ..query.manager import DocumentManager
from ..query.queryset import DocumentQuerySet
from .base import Document, EmbeddedDocument
from .fields import (
    BSONField,
    DictField,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeoJSONField,
    GeometryCollectionField,
    LineStringField,
    ListField,
    MapField,
    MultiLineStringField,
    MultiPointField,
    MultiPolygonField,
    ObjectIdAutoField,
    ObjectIdField,
    PointField,
    PolygonField,
    SequenceField,
    SortedListField,
)
from .indexes import CollationIndex, GeoSphereIndex, HashedIndex, TextIndex, TTLIndex

__all__ = [
    "BSONField",
    "CollationIndex",
    "DictField",
    "Document",
    "DocumentManager",
    "DocumentQuerySet",
    "EmbeddedDocument",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GeoJSONField",
    "GeoSphereIndex",
    "GeometryCollectionField",
    "HashedIndex",
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
    "TTLIndex",
    "TextIndex",
]
