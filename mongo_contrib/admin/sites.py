"""The admin site of a project without SQL."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models

from .managers import in_sql


class MongoAdminSite(admin.AdminSite):
    """The stock site, which leaves out models that no database of the project holds.

    As Django leaves out swapped models: `django.contrib.auth.admin` registers its `Group`
    whether there is a table for it or not.
    """

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if isinstance(model_or_iterable, type) and issubclass(model_or_iterable, models.Model):
            model_or_iterable = [model_or_iterable]
        kept = [model for model in model_or_iterable if is_kept(model)]
        super().register(kept, admin_class, **options)


def is_kept(model: Any) -> bool:
    """Whether some database of the project holds the model's objects."""
    return getattr(model, "_is_document", False) or model._meta.abstract or in_sql(model)
