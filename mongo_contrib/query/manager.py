"""Managers: Django's, over query sets of documents."""

from __future__ import annotations

from typing import Any

from django.db import models

from .queryset import DocumentQuerySet


class DocumentManager(models.Manager.from_queryset(DocumentQuerySet)):  # type: ignore[misc]
    """The manager of a document class; subclass it, or use `from_queryset()`, as in Django."""

    use_in_migrations = False

    @property
    def collection(self) -> Any:
        """The class's pymongo `Collection`, for everything this package has no word for."""
        return self.get_queryset().collection

    @property
    def acollection(self) -> Any:
        """See collection: pymongo's `AsyncCollection`, for the running event loop."""
        return self.get_queryset().acollection


class EmbeddedManager(DocumentManager):
    """The manager of an embedded class, which has no collection: it finds nothing."""

    def get_queryset(self) -> DocumentQuerySet:
        return super().get_queryset().none()
