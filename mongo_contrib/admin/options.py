"""`ModelAdmin` for documents."""

from __future__ import annotations

from django.contrib import admin

from .fields import EmbeddedFieldsMixin


class MongoModelAdmin(EmbeddedFieldsMixin, admin.ModelAdmin):
    """The stock `ModelAdmin`, with the admin's widgets in embedded documents."""
