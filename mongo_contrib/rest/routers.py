"""A router that takes document classes as it takes view sets."""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework.routers import DefaultRouter

from .viewsets import DocumentViewSet


class MongoRouter(DefaultRouter):
    """Django REST framework's `DefaultRouter`, for which a document class is enough:

    router.register("cities", City, search_fields=["name"], filterset_fields=["country"])
    """

    def register(
        self, prefix: str, viewset: Any, basename: str | None = None, **attributes: Any
    ) -> None:
        """Register a view set, or a document class with the attributes of its view set."""
        if isinstance(viewset, type) and issubclass(viewset, models.Model):
            viewset = DocumentViewSet.of(viewset, **attributes)
        elif attributes:
            raise TypeError(
                f"{viewset.__name__} is a view set: set {', '.join(attributes)} on the class."
            )
        super().register(prefix, viewset, basename)
