"""System checks of the storage app; each id is explained in docs/checks.md."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from mongo_contrib.db import get_connection, is_mongo
from mongo_contrib.db.concerns import members

from .backend import GridFSStorage
from .configured import configured_storages, settings_storages
from .exposure import exposing, not_served_by, run_by
from .images import lacking

__all__ = ["check_members", "check_storages"]


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
        messages += _check_permission(name, storage)
        messages += _check_exposure(name, storage)
        messages += _check_static(name, storage)
        messages += _check_buckets(name, storage)
    return messages


def _check_permission(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    try:
        _ = storage.access.hook
    except ImproperlyConfigured as exc:
        return [
            Error(f"{name}: {exc}", hint="Nobody is let in by it.", id="mongo_storage.E005"),
        ]
    return []


def _check_exposure(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    if not storage.access.is_private or _check_alias(name, storage):
        return []
    messages: list[CheckMessage] = []
    sound = (each for each in configured_storages() if not _check_alias(*each))
    if (other := exposing(storage, sound)) is not None:
        messages.append(
            Error(
                f"The files of {name} are private, and those of {other}, which has them too, are "
                "for everybody.",
                hint="Give it a bucket of its own, or a location that is not in the other's.",
                id="mongo_storage.E006",
            )
        )
    if (found := not_served_by(storage)) is not None:
        messages.append(
            Warning(
                f"The files of {name} are private, but at {storage.base_url!r} there is {found}: "
                "who may see them is decided by the view of the storage app alone.",
                hint=(
                    "Serve that path by FileView.as_view(storage=...) of mongo_contrib.storage."
                    "views, or set base_url to where that is."
                ),
                id="mongo_storage.W001",
            )
        )
    return messages


def _check_static(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    if _check_alias(name, storage):
        return []
    sound = (each for each in configured_storages() if not _check_alias(*each))
    if (other := run_by(storage, sound)) is None:
        return []
    return [
        Error(
            f"Files of {name} are among those of {other}, which serves static files: browsers run "
            "them as the site's own.",
            hint="Give static files a bucket of their own.",
            id="mongo_storage.E007",
        )
    ]


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


def _check_buckets(name: str, storage: GridFSStorage) -> list[CheckMessage]:
    bucket = storage.bucket.removesuffix(".thumbnails")
    if bucket == storage.bucket or _check_alias(name, storage):
        return []
    wanted = storage.alias, bucket
    for other, originals in configured_storages():
        if _check_alias(other, originals) or (originals.alias, originals.bucket) != wanted:
            continue
        return [
            Error(
                f"{name} has the bucket {storage.bucket!r}, in which the thumbnails of {other} "
                "are.",
                hint="Give it a bucket of another name.",
                id="mongo_storage.E013",
            )
        ]
    return []


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


def check_members(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """With --database: there are the members that files are written to and read from."""
    asked = set(databases or ())
    messages = []
    numbers: dict[str, int] = {}
    for name, storage in configured_storages():
        concern = storage.concerns.write
        waits_for = None if concern is None else concern.document.get("w")
        if not isinstance(waits_for, int) or storage.alias not in asked:
            continue
        if storage.alias not in numbers:
            numbers[storage.alias] = _members(storage.alias)
        messages += _check_number(name, storage, waits_for, numbers[storage.alias])
    return messages


def _members(alias: str) -> int:
    connection = get_connection(alias)
    try:
        connection.ensure_connection()
    except DatabaseError:
        return 0  # mongo_contrib.E006 says so
    return members(connection.client.admin.command("hello"))


def _check_number(
    name: str, storage: GridFSStorage, waits_for: int, number: int
) -> list[CheckMessage]:
    found = (
        f"{name} has a write_concern that waits for {waits_for} members, and DATABASES"
        f"[{storage.alias!r}] has {number} that hold data"
    )
    if number and waits_for > number:
        return [
            Error(
                f"{found}: nobody could store a file.",
                hint=f"Set it to {number} or less.",
                id="mongo_storage.E004",
            )
        ]
    if storage.concerns.read.mode and waits_for < number:
        return [
            Error(
                f"{found} and that its read_preference may read from: a file that was saved might "
                "not be found.",
                hint=f"Set it to {number}, or read from the primary.",
                id="mongo_storage.E003",
            )
        ]
    return []
