"""Django REST framework over documents: serializers, view sets and a router.

Needs the extra `rest`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .filters import DocumentFilterSet
    from .routers import MongoRouter
    from .serializers import (
        DocumentSerializer,
        EmbeddedDocumentSerializer,
        HyperlinkedDocumentSerializer,
    )
    from .viewsets import DocumentViewSet

__all__ = [
    "DocumentFilterSet",
    "DocumentSerializer",
    "DocumentViewSet",
    "EmbeddedDocumentSerializer",
    "HyperlinkedDocumentSerializer",
    "MongoRouter",
]

_MODULES = {
    "DocumentFilterSet": "filters",
    "DocumentSerializer": "serializers",
    "DocumentViewSet": "viewsets",
    "EmbeddedDocumentSerializer": "serializers",
    "HyperlinkedDocumentSerializer": "serializers",
    "MongoRouter": "routers",
}


def __getattr__(name: str) -> Any:
    # INSTALLED_APPS imports this package before there can be any model classes, which the
    # modules need.
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
