"""Which GridFS storages a project has."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import InvalidStorageError, storages
from django.db.models import FileField

from .backend import GridFSStorage

__all__ = ["configured_storages", "settings_storages"]


def settings_storages() -> Iterator[tuple[str, GridFSStorage | Exception]]:
    """Each GridFSStorage in STORAGES with what names it, or why it cannot be made."""
    for alias in settings.STORAGES:
        try:
            storage = storages[alias]
        except (InvalidStorageError, SuspiciousFileOperation, TypeError, ValueError) as exc:
            if "mongo_contrib" in str(settings.STORAGES[alias].get("BACKEND")):
                yield f"STORAGES[{alias!r}]", exc
        else:
            if isinstance(storage, GridFSStorage):
                yield f"STORAGES[{alias!r}]", storage


def configured_storages() -> Iterator[tuple[str, GridFSStorage]]:
    """Each usable GridFSStorage in STORAGES and of a model's field, with what names it."""
    for name, storage in settings_storages():
        if isinstance(storage, GridFSStorage):
            yield name, storage
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, FileField) and isinstance(field.storage, GridFSStorage):
                yield f"the storage of {field}", field.storage
