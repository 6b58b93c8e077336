"""Documents: what is stored in MongoDB, as Django model classes."""

from ..query.bulk import (
    BulkResult,
    DeleteMany,
    DeleteOne,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)
from ..query.changes import Change
from ..query.geo import Box, Circle
from ..query.manager import DocumentManager
from ..query.prefetching import afetch, fetch
from ..query.queryset import DocumentQuerySet
from .base import Document, EmbeddedDocument
from .deletion import PULL
from .dynamic import DynamicDocument, DynamicEmbeddedDocument
from .fields import (
    BSONField,
    DictField,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericReferenceField,
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
    Reference,
    ReferenceListField,
    SequenceField,
    SortedListField,
)
from .indexes import (
    CollationIndex,
    DocumentIndex,
    GeoSphereIndex,
    HashedIndex,
    TextIndex,
    TTLIndex,
    WildcardIndex,
)
from .search_indexes import SearchIndex, VectorSearchIndex

__all__ = [
    "PULL",
    "BSONField",
    "Box",
    "BulkResult",
    "Change",
    "Circle",
    "CollationIndex",
    "DeleteMany",
    "DeleteOne",
    "DictField",
    "Document",
    "DocumentIndex",
    "DocumentManager",
    "DocumentQuerySet",
    "DynamicDocument",
    "DynamicEmbeddedDocument",
    "EmbeddedDocument",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GenericReferenceField",
    "GeoJSONField",
    "GeoSphereIndex",
    "GeometryCollectionField",
    "HashedIndex",
    "InsertOne",
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
    "ReplaceOne",
    "SearchIndex",
    "SequenceField",
    "SortedListField",
    "TTLIndex",
    "TextIndex",
    "UpdateMany",
    "UpdateOne",
    "VectorSearchIndex",
    "WildcardIndex",
    "afetch",
    "fetch",
]
