"""System checks of classes of files; each id is explained in docs/checks.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError

from .repository import METADATA

if TYPE_CHECKING:
    from .models import AbstractFileDocument

__all__ = ["check_files_class"]

#: How the names of the collections end that have files.
FILES = ".files"

COLLECTION = "mongo_storage.E011"


def check_files_class(model: type[AbstractFileDocument]) -> list[CheckMessage]:
    """What is wrong with where a class's files, and the fields that it adds, are to be found."""
    return [*_check_collection(model), *_check_fields(model)]


def _check_collection(model: type[AbstractFileDocument]) -> list[CheckMessage]:
    collection = model._options.collection
    if collection is not None and not collection.endswith(FILES):
        problem = f"is of the collection {collection!r}, which is of no bucket's files"
        return [_error(model, problem, COLLECTION, "It ends in '.files'.")]
    try:
        storage = model.get_storage()
    except (ImproperlyConfigured, InvalidStorageError) as exc:
        return [_error(model, f"has no storage: {exc}", COLLECTION)]
    if model.storage is not None and collection not in (None, f"{storage.bucket}{FILES}"):
        problem = (
            f"is of the collection {collection!r}, and STORAGES[{model.storage!r}] of the bucket "
            f"{storage.bucket!r}"
        )
        return [_error(model, problem, COLLECTION, "One of both is enough.")]
    return []


def _check_fields(model: type[AbstractFileDocument]) -> list[CheckMessage]:
    from .models import AbstractFileDocument

    known = {field.name for field in AbstractFileDocument._meta.local_fields}
    errors: list[CheckMessage] = []
    for field in model._meta.local_concrete_fields:
        if field.primary_key or field.name in known:
            continue
        key = field.column.removeprefix(METADATA)
        if key == field.column or "." in key:
            problem = f"stores {field.name!r} as {field.column!r}, which is none of the metadata"
            hint = "Leave out db_column, or begin it with 'metadata.' and a name without dots."
            errors.append(_error(model, problem, "mongo_storage.E012", hint))
    return errors


def _error(
    model: type[AbstractFileDocument], problem: str, id: str, hint: str | None = None
) -> CheckMessage:
    return Error(f"{model._meta.label} {problem.removesuffix('.')}.", hint=hint, obj=model, id=id)
