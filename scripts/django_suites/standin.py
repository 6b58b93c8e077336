"""Our storages, with the options that Django's tests give to those that they stand in for."""

import os
import shutil
from functools import partial
from types import SimpleNamespace

from django.conf import settings

from mongo_contrib.db import get_database
from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.staticfiles import (
    GridFSManifestStaticFilesStorage,
    GridFSStaticFilesStorage,
)


def folder(location) -> str:
    """The folder of the bucket that has a directory's path as its name."""
    return str(location or "").lstrip("/")


class Files(GridFSStorage):
    """For FileSystemStorage."""

    # Of a class in Django 5.2's tests, which aren't run: it makes one by taking O_EXCL away.
    OS_OPEN_FLAGS = 0

    def __init__(self, location="", base_url=None, *, allow_overwrite=False):
        super().__init__(
            location=folder(location), base_url=base_url, allow_overwrite=allow_overwrite
        )


class Fresh(Files):
    """For InMemoryStorage, of which each is empty."""


class Static(GridFSStaticFilesStorage):
    """For StaticFilesStorage: a folder for each STATIC_ROOT."""

    def __init__(self, location=None, base_url=None, **options):
        location = settings.STATIC_ROOT if location is None else location
        super().__init__(location=folder(location), base_url=base_url, **options)


class Manifest(GridFSManifestStaticFilesStorage):
    """For ManifestStaticFilesStorage."""

    def __init__(self, location=None, base_url=None, **options):
        location = settings.STATIC_ROOT if location is None else location
        super().__init__(location=folder(location), base_url=base_url, **options)


class Emptied:
    """A test case after which no file is left."""

    databases = "__all__"

    def tearDown(self):
        super().tearDown()
        database = get_database()
        for name in database.list_collection_names():
            if name.startswith(("fs.", "static.")):
                database[name].delete_many({})


def eyes(module, storage) -> dict[str, SimpleNamespace]:
    """What a module of tests has to have for `os` and `shutil` to see files in the bucket.

    A path is there if a file or a folder has it as its name; a directory that never was on the
    disk is deleted without an error.
    """

    def exists(path):
        return not folder(path) or os.path.exists(path) or storage("").exists(folder(path))

    def listdir(path):
        folders, files = storage("").listdir(folder(path))
        return [*folders, *files, *(os.listdir(path) if os.path.exists(path) else [])]

    path = SimpleNamespace(**{**vars(os.path), "exists": exists})
    seen = {
        "os": SimpleNamespace(**{**vars(os), "path": path, "listdir": listdir}),
        "shutil": SimpleNamespace(rmtree=partial(shutil.rmtree, ignore_errors=True)),
    }
    return {name: value for name, value in seen.items() if hasattr(module, name)}
