"""Which GridFS storages a project has."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import storages
from django.db.models import FileField
from django.utils.module_loading import import_string

from .backend import GridFSStorage

__all__ = ["configured_storages", "settings_storages"]


def settings_storages() -> Iterator[tuple[str, GridFSStorage | Exception]]:
    """Each GridFSStorage in STORAGES with what names it, or why it cannot be made.

    The others are not made for this: a storage may need settings that a project has no use for.
    """
    for alias, entry in settings.STORAGES.items():
        try:
            backend = import_string(entry["BACKEND"])
        except (ImportError, KeyError):  # Django says it when the storage is used
            continue
        if isinstance(backend, type) and issubclass(backend, GridFSStorage):
            name = f"STORAGES[{alias!r}]"
            try:
                yield name, storages[alias]
            except (SuspiciousFileOperation, TypeError, ValueError) as exc:
                yield name, exc


def configured_storages() -> Iterator[tuple[str, GridFSStorage]]:
    """Each usable GridFSStorage in STORAGES and of a model's field, with what names it."""
    for name, storage in settings_storages():
        if isinstance(storage, GridFSStorage):
            yield name, storage
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if not isinstance(field, FileField):
                continue
            # By its type: isinstance() would make a lazy storage, which may need what a check or
            # a migration has not. The lazy one that counts, the default, is one of STORAGES.
            if issubclass(type(field.storage), GridFSStorage):
                yield f"the storage of {field}", field.storage
