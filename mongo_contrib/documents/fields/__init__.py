"""Fields that Django lacks; everything scalar is Django's own `models.CharField` and friends."""

from .embedded import EmbeddedDocumentField, EmbeddedDocumentListField
from .geo import PointField
from .lists import ListField
from .objectid import ObjectIdAutoField, ObjectIdField

__all__ = [
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "ListField",
    "ObjectIdAutoField",
    "ObjectIdField",
    "PointField",
]
