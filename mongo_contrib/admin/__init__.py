"""Django's admin over documents."""

from .inlines import EmbeddedDocumentInline, EmbeddedStackedInline, EmbeddedTabularInline
from .options import MongoModelAdmin
from .sites import MongoAdminSite

__all__ = [
    "EmbeddedDocumentInline",
    "EmbeddedStackedInline",
    "EmbeddedTabularInline",
    "MongoAdminSite",
    "MongoModelAdmin",
]
