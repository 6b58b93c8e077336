"""Django's tests of static files, with our storages in the place of the disk's."""

from collections.abc import Iterator
from importlib import import_module
from unittest import TestCase, mock

import django

from . import standin

APPS = ["mongo_contrib.storage", "django.contrib.staticfiles"]
SETTINGS = {"STATIC_URL": "/static/", "ROOT_URLCONF": "staticfiles_tests.urls.default"}
MODULES = ["staticfiles_tests.test_storage", "staticfiles_tests.test_management"]

LINKS = "Nobody can link from a bucket to a file; Django says so by an error."
DISK = "It makes or looks at files on the disk, beside the storage."
LOCAL = "It asks for what Django does and says of a directory on the disk."

EXCLUDED = {
    "TestCollectionLinks": LINKS,
    "TestStaticFilePermissions": "There are no permissions of files here.",
    "TestCustomManifestStorage": DISK,
    "TestCollectionManifestStorage.test_clear_empties_manifest": DISK,
    "TestCollectionManifestStorage.test_manifest_does_not_ignore_permission_error": DISK,
    "TestInteractiveMessages.test_no_warning_when_staticdir_does_not_exist": LOCAL,
    "TestInteractiveMessages.test_no_warning_for_empty_staticdir": LOCAL,
    "TestConfiguration.test_location_empty": LOCAL,
    "TestConfiguration.test_local_storage_detection_helper": LOCAL,
    "TestCollectionVerbosity.test_verbosity_1": LOCAL,
    "TestCollectionVerbosity.test_verbosity_2": LOCAL,
    "TestCollectionNeverCopyStorage.test_skips_newer_files_in_remote_storage": DISK,
    "TestCollectionManifestStorage.test_manifest_exists": "It asks path(), and there is none.",
}
if django.VERSION >= (6, 0):
    EXCLUDED |= {
        "TestCollectionClear.test_verbosity_1": DISK,
        "TestCollectionClear.test_verbosity_2": DISK,
    }


def prepare() -> None:
    """Let Django, and the modules of its tests, find our storages where they look for its own."""
    from django.contrib.staticfiles import storage

    mock.patch.multiple(
        storage,
        StaticFilesStorage=standin.Static,
        ManifestStaticFilesStorage=standin.Manifest,
    ).start()


def stored(self, path) -> str:
    """The text of a collected file, in the place of that in STATIC_ROOT."""
    from django.contrib.staticfiles.storage import staticfiles_storage
    from staticfiles_tests.cases import CollectionTestCase

    if hasattr(staticfiles_storage, "_path"):  # one of Django's tests, on the disk
        return CollectionTestCase._get_file(self, path)
    with staticfiles_storage.open(path) as file:
        return file.read().decode()


def cases(case) -> Iterator[type[TestCase]]:
    """Every test case of the modules."""
    from staticfiles_tests import cases as shared

    mock.patch.multiple(shared, **standin.eyes(shared, standin.Static)).start()
    for name in MODULES:
        module = import_module(name)
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, TestCase) and each.__module__ == name:
                collects = getattr(each, "_get_file", None) is shared.CollectionTestCase._get_file
                own = {"_get_file": stored} if collects else {}
                replaced = (module, standin.eyes(module, standin.Static))
                yield case((standin.Emptied, each), name, replaced=replaced, **own)
