"""Content types without a table: one for each model class that there is.

`ContentType` stays Django's; only its manager finds them in the app registry, under ids that
are the same in every process and after every deployment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentTypeManager

from mongo_contrib.documents import DocumentQuerySet
from mongo_contrib.query.query import DocumentQuery

from .registry import RegistryRepository


def content_type_id(app_label: str, model: str) -> int:
    """Return the id of a content type: 31 bits of a hash of its name."""
    digest = hashlib.sha256(f"{app_label}.{model}".encode()).digest()
    # Positive and 32 bits: what an AutoField holds, in case it moves to a table one day.
    return int.from_bytes(digest[:4]) & 0x7FFFFFFF


def content_types() -> Iterator[dict[str, Any]]:
    """Yield all content types as they would be stored."""
    for model in apps.get_models():
        options = model._meta
        yield {
            "id": content_type_id(options.app_label, options.model_name),
            "app_label": options.app_label,
            "model": options.model_name,
        }


class ContentTypeQuery(DocumentQuery):
    """Asks the app registry instead of a collection."""

    def repository(self, using: str) -> Any:
        return RegistryRepository(self.model._meta.label, content_types)


class ContentTypeQuerySet(DocumentQuerySet):
    """Finds content types in the app registry."""

    def __init__(
        self, model: Any = None, query: Any = None, using: str | None = None, hints: Any = None
    ) -> None:
        super().__init__(model, query or ContentTypeQuery(model), using, hints)


class VirtualContentTypeManager(ContentTypeManager.from_queryset(ContentTypeQuerySet)):  # type: ignore[misc]
    """Django's manager over `ContentTypeQuerySet`."""

    use_in_migrations = False
