"""System checks of the storage app; each id is explained in docs/checks.md."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.db import is_mongo

from .backend import GridFSStorage
from .configured import configured_storages, settings_storages
from .images import lacking

__all__ = ["check_storages"]


def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything that the settings and the models' fields alone can tell."""
    messages = [
        Error(f"{name} cannot be made: {problem}", id="mongo_storage.E002")
        for name, problem in settings_storages()
        if isinstance(problem, Exception)
    ]
    for name, storage in configured_storages():
        messages += _check_alias(name, storage)
        messages += _check_thumbnails(name, storage)
    return messages


def _check_thumbnails(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    reason = lacking() if storage.thumbnails else None
    if reason is None:
        return []
    return [
        Warning(
            f"{name} has thumbnails, which can't be made: {reason}",
            hint="pip install 'django-mongo-contrib[images]'",
            id="mongo_storage.W002",
        )
    ]


def _check_alias(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    try:
        alias = storage.alias
    except ImproperlyConfigured as exc:
        return [Error(f"{name}: {exc}", id="mongo_storage.E001")]
    if is_mongo(alias):
        return []
    if alias in settings.DATABASES:
        found = f"has the engine {settings.DATABASES[alias]['ENGINE']!r}"
    else:
        found = "is not in DATABASES"
    return [
        Error(
            f"{name} has the alias {alias!r}, which {found}.",
            hint='Name an alias in DATABASES with "ENGINE": "mongo_contrib.db".',
            id="mongo_storage.E001",
        )
    ]
