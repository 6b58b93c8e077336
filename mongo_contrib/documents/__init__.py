"""Documents: what is stored in MongoDB, as Django model classes."""

from ..query.manager import DocumentManager
from ..query.queryset import DocumentQuerySet
from .base import Document, EmbeddedDocument
from .fields import (
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    ListField,
    ObjectIdAutoField,
    ObjectIdField,
    PointField,
)
from .indexes import CollationIndex, GeoSphereIndex, HashedIndex, TextIndex, TTLIndex

__all__ = [
    "CollationIndex",
    "Document",
    "DocumentManager",
    "DocumentQuerySet",
    "EmbeddedDocument",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GeoSphereIndex",
    "HashedIndex",
    "ListField",
    "ObjectIdAutoField",
    "ObjectIdField",
    "PointField",
    "TTLIndex",
    "TextIndex",
]
