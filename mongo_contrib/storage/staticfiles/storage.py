"""Where collectstatic puts static files, for all processes and machines of a site."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.contrib.staticfiles.utils import check_settings
from django.db import connections
from django.utils.deconstruct import deconstructible

from mongo_contrib.bridge import in_bridge, running_loop

from ..backend import GridFSStorage, Name
from ..layout import FileInfo

__all__ = ["GridFSManifestStaticFilesStorage", "GridFSStaticFilesStorage"]

DEFAULT_BUCKET = "static"

# What a manifest holds, in the order of load_manifest().
_OF_THE_MANIFEST = ("hashed_files", "manifest_hash")

# The field of a stored file that says: whatever has this name has this content.
IMMUTABLE = "immutable"


@deconstructible(path="mongo_contrib.storage.staticfiles.GridFSStaticFilesStorage")
class GridFSStaticFilesStorage(GridFSStorage):
    """Static files by their own names, in a bucket of their own, under STATIC_URL.

    Options are those of GridFSStorage; `bucket` is "static" if it is not given. A file that is
    collected again takes the place of the old one.
    """

    def __init__(self, **options: Any) -> None:
        if options.get("bucket") is None and options.get("collection") is None:
            options["bucket"] = DEFAULT_BUCKET
        super().__init__(**{"allow_overwrite": True, **options})

    def get_default_base_url(self) -> str | None:
        """STATIC_URL; ImproperlyConfigured if it is not set, or is MEDIA_URL."""
        check_settings(settings.STATIC_URL)
        return settings.STATIC_URL

    def exists(self, name: Name) -> bool:
        """See GridFSStorage; the root, by which `collectstatic --clear` begins, is there."""
        return not str(name) or super().exists(name)

    def is_immutable(self, info: FileInfo) -> bool:
        """Whether another content would have another name, so that nobody need ask again."""
        return False


@deconstructible(path="mongo_contrib.storage.staticfiles.GridFSManifestStaticFilesStorage")
class GridFSManifestStaticFilesStorage(ManifestFilesMixin, GridFSStaticFilesStorage):
    """Static files with the hash of their content in their names, as Django's storage of its kind.

    What is overridden here: the manifest is read when it is first needed, since storages are made
    while no server need be there; and while collectstatic runs on a site that is in use, neither
    the manifest nor a file with a hash in its name is missing for a moment.
    """

    def __init__(self, *args: Any, manifest_storage: Any = None, **options: Any) -> None:
        self.manifest_storage: Any
        self._made = False
        # The hashed names that collectstatic makes now, and those it wants to be deleted.
        self._hashed: set[str] = set()
        self._outdated: set[str] | None = None
        super().__init__(*args, manifest_storage=manifest_storage, **options)
        self._made = True
        del self.hashed_files, self.manifest_hash

    # The manifest

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """The stored names by the plain ones, and the manifest's hash, as they are stored now."""
        if not self._made:
            return {}, ""
        if running_loop() is None or in_bridge():
            return super().load_manifest()
        # A page that a coroutine renders: once in the life of a process, for a few milliseconds.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._load_in_thread).result()

    def _load_in_thread(self) -> tuple[dict[str, str], str]:
        try:
            return super().load_manifest()
        finally:
            connections.close_all()

    def __getattr__(self, name: str) -> Any:
        """`hashed_files` and `manifest_hash`, when they are asked for the first time."""
        if name not in _OF_THE_MANIFEST:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        for each, value in zip(_OF_THE_MANIFEST, self.load_manifest(), strict=True):
            self.__dict__.setdefault(each, value)
        return self.__dict__[name]

    def save_manifest(self) -> None:
        """Store the manifest, in one step if the storage it belongs into is a GridFSStorage."""
        self.hashed_files  # noqa: B018 (it is read from the one that is there)
        given: Any = self.manifest_storage
        if isinstance(given, GridFSStorage):
            self.manifest_storage = _InPlace(given)
        try:
            super().save_manifest()
        finally:
            self.manifest_storage = given

    # Files with hashed names

    def post_process(self, *args: Any, **options: Any) -> Iterator[Any]:
        """See HashedFilesMixin; what is made anew takes the place of what was there."""
        self._hashed, self._outdated = set(), set()
        try:
            yield from super().post_process(*args, **options)
        finally:
            outdated, self._outdated = self._outdated, None
            for name in sorted(outdated):
                self.delete(name)

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        """See HashedFilesMixin."""
        hashed: str = super().hashed_name(name, content, filename)
        if self._outdated is not None and hashed != name:
            self._hashed.add(hashed)
        return hashed

    def get_metadata(self, name: str) -> dict[str, Any]:
        """See GridFSStorage; a file with a hash in its name is marked."""
        hashed = self._outdated is not None and name in self._hashed
        return {**super().get_metadata(name), **({IMMUTABLE: True} if hashed else {})}

    def is_immutable(self, info: FileInfo) -> bool:
        """See GridFSStaticFilesStorage; override it with a `file_hash()` that is none."""
        return info.fields.get(IMMUTABLE) is True

    def _save(self, name: str, content: Any) -> str:
        if self._outdated is not None:
            self._outdated.discard(name)
            info = self.files.find(self.name_in_bucket(name))
            if info is not None and info.sha256 == _sha256(content):
                return name
        return super()._save(name, content)

    def exists(self, name: Name) -> bool:
        """See GridFSStaticFilesStorage; what is to be deleted is not there any more."""
        return not (self._outdated and str(name) in self._outdated) and super().exists(name)

    def delete(self, name: Name) -> None:
        """See GridFSStorage; while files are processed it waits, as most come back at once."""
        if self._outdated is None:
            super().delete(name)
        else:
            self._outdated.add(str(name))


def _sha256(content: Any) -> str:
    found = hashlib.sha256()
    for data in content.chunks():
        found.update(data.encode() if isinstance(data, str) else data)
    return found.hexdigest()


class _InPlace:
    """A storage whose files are replaced where Django deletes and saves them."""

    def __init__(self, storage: GridFSStorage) -> None:
        self._storage = storage

    def exists(self, name: str) -> bool:
        return False  # so nobody deletes it

    def _save(self, name: str, content: Any) -> str:
        with self._storage.open(name, "wb") as file:
            for data in content.chunks():
                file.write(data)
        return name
