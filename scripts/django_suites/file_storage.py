"""Django's tests of storages and of file fields, with GridFSStorage in the place of the disk's."""

from collections.abc import Iterator
from importlib import import_module
from unittest import TestCase, mock

from . import standin

APPS = [
    "mongo_contrib.storage",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "file_storage",
    "model_fields",
]

# A project whose models are SQL, with its files in MongoDB.
SETTINGS = {
    "SQL": True,
    "STORAGES": {
        "default": {"BACKEND": "django_suites.standin.Files"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
    "MEDIA_URL": "/media/",
    "STATIC_URL": "/static/",
    "ROOT_URLCONF": "file_storage.urls",
}

MODULES = [
    "file_storage.tests",
    "file_storage.test_base",
    "file_storage.test_generate_filename",
    "file_storage.test_inmemory_storage",
    "model_fields.test_filefield",
]

PATH = "It asks path(), and nothing here has one: NotImplementedError is its contract."
DISK = "It makes files or folders on the disk, beside the storage."
DIRECTORY = "Directories are what names have before a slash: they hold nothing of their own."

EXCLUDED = {
    "FileSystemStorageTests.test_deconstruction": (
        "It asks for the name of Django's class; tests/storage/test_backend.py does for ours."
    ),
    "FileStorageTests.test_empty_location": "An empty location is the root, not the working one.",
    "FileStorageTests.test_file_get_accessed_time": PATH,
    "FileStorageTests.test_file_get_created_time": PATH,
    "FileStorageTests.test_file_get_modified_time": PATH,
    "FileStorageTests.test_file_path": PATH,
    "FileStorageTests.test_file_storage_preserves_filename_case": PATH,
    "FileStorageTests.test_file_methods_pathlib_path": PATH,
    "FileFieldStorageTests.test_file_object": PATH,
    "FileStorageTests.test_listdir": DISK,
    "FileStorageTests.test_delete_deletes_directories": DISK,
    "FileStorageTests.test_makedirs_race_handling": DIRECTORY,
    "FileStorageTests.test_remove_race_handling": "It lets os.remove() fail.",
    "FileStorageTests.test_setting_changed": "There are no MEDIA_ROOT and no permissions here.",
    "FieldCallableFileStorageTests.test_callable_storage_file_field_in_model": (
        "It asks for a location that is a path from the root of a disk."
    ),
    "FileStoragePermissions": "There are no permissions of files here.",
    "OverwritingStorageOSOpenFlagsTests": "Flags of os.open(), deprecated in Django 5.2.",
    "OverwritingStorageOSOpenFlagsWarningTests": "Flags of os.open(), deprecated in Django 5.2.",
    "StorageHandlerTests.test_defaults": "It asks for Django's own settings.",
    "FileFieldStorageTests.test_file_truncation": (
        "_1 is shorter than the seven characters for which it finds no room."
    ),
    "GenerateFilenameStorageTests.test_storage_dangerous_paths": (
        "The same names are refused, in other words."
    ),
    "GenerateFilenameStorageTests.test_storage_dangerous_paths_dir_name": (
        "The same names are refused, in other words."
    ),
    "InMemoryStorageTests.test_deconstruction": "It asks for the name of Django's class.",
    "InMemoryStorageTests.test_setting_changed": "There are no permissions of files here.",
    "MemoryStorageIOTests.test_open_dir_as_file": DIRECTORY,
    "MemoryStorageIOTests.test_delete": (
        "No folder is deleted with all its files, as none is on the disk."
    ),
    "MemoryStorageIOTests.test_file_node_cannot_have_children": DIRECTORY,
    "MemoryStorageIOTests.test_removing_temporary_file_after_save": (
        "What is uploaded is copied into the database, so its file stays until it is closed."
    ),
    "FileFieldTests.test_move_temporary_file": (
        "What is uploaded is copied into the database, so its file stays until it is closed."
    ),
    "MemoryStorageTimesTests.test_directory_times_changing_after_file_creation": DIRECTORY,
    "MemoryStorageTimesTests.test_directory_times_changing_after_file_deletion": DIRECTORY,
    "MemoryStorageTimesTests.test_file_accessed_time": (
        "Reading writes nothing, so when a file was read last is not recorded."
    ),
    "MemoryStorageTimesTests.test_file_created_time": (
        "It writes to a file that is open for reading."
    ),
}


def prepare() -> None:
    """Let the modules of Django's tests find our storages where they import Django's."""
    import django.contrib.staticfiles.storage  # noqa: F401
    from django.core.files import storage

    mock.patch.object(storage, "FileSystemStorage", standin.Files).start()
    mock.patch.object(storage, "InMemoryStorage", standin.Fresh).start()


def cases(case) -> Iterator[type[TestCase]]:
    """Every test case of the modules."""
    for name in MODULES:
        module = import_module(name)
        replaced = standin.eyes(module, standin.Files)
        if hasattr(module, "FILE_SUFFIX_REGEX"):
            # Ours are numbers, and not seven characters at random.
            replaced["FILE_SUFFIX_REGEX"] = "[0-9]+"
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, TestCase) and each.__module__ == name:
                yield case((standin.Emptied, each), name, replaced=(module, replaced))
