"""Django's storage API over a GridFS bucket."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from os import PathLike
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible
from django.utils.encoding import filepath_to_uri

from mongo_contrib.bridge import native
from mongo_contrib.db import default_alias, get_connection

from . import layout, metadata, signing
from .access import DEFAULT_EXPIRE, Access, Hook
from .async_files import AsyncGridFSFiles
from .claimed import StoredUpload
from .concerns import Concerns
from .files import GridFSFiles
from .handles import GridFSFile
from .information import Information
from .layout import DEFAULT_BUCKET, DEFAULT_CHUNK_SIZE, DEFAULT_GRACE, FileInfo
from .limits import Limits, checked_types
from .names import AvailableName, ChosenName, clean_file, clean_path, first_free, numbered
from .thumbnails import Thumbnails, checked_sizes, forget
from .uploads import Upload

__all__ = ["GridFSStorage"]

Name = str | PathLike[str]

_FROM_SETTINGS = object()


@deconstructible(path="mongo_contrib.storage.GridFSStorage")
class GridFSStorage(Information, Storage):
    """Files in MongoDB.

    A name that is taken gets a number (``hello.txt``, ``hello_1.txt``, ...). Names are claimed by
    a unique index: however many save one name at once, each gets a file of their own. Folders are
    the parts of names before a ``/``; they are there as long as there is a file in them.
    """

    def __init__(
        self,
        *,
        alias: str | None = None,
        bucket: str | None = None,
        collection: str | None = None,
        chunk_size: int = DEFAULT_CHUNK_SIZE,
        base_url: str | None = None,
        location: Name = "",
        verify: bool = False,
        max_size: int | None = None,
        allowed_content_types: Iterable[str] | None = None,
        allow_overwrite: bool = False,
        keep_replaced: float = DEFAULT_GRACE,
        compress: Iterable[str] | None = None,
        deduplicate: bool = False,
        write_concern: Any = None,
        read_preference: Any = None,
        querystring_auth: bool = False,
        querystring_expire: int = DEFAULT_EXPIRE,
        cache_control: str | None = None,
        permission: str | Hook | None = None,
        thumbnails: Mapping[str, Any] | None = None,
    ) -> None:
        """All options are those of STORAGES[...]["OPTIONS"].

        alias: of DATABASES; by default the first of our engine.
        bucket: the collections are `<bucket>.files` and `<bucket>.chunks`; by default "fs".
        collection: another name for the same option.
        chunk_size: bytes per chunk, for files written from now on.
        base_url: what url() puts before the name; by default MEDIA_URL.
        location: a folder of the bucket that this storage is confined to.
        verify: compare each file that is read as a whole with its hash; DamagedFile if it differs.
        max_size: bytes of the largest file that is taken; FileTooLarge for more.
        allowed_content_types: such as ["image/*", "application/pdf"], by the content's first
            bytes; ContentTypeRefused for others.
        allow_overwrite: save() puts a file in the place of one that has its name; no numbers.
        keep_replaced: seconds for which those who read the old one then find the rest of it.
        compress: types, as in allowed_content_types, of files that are stored compressed.
        deduplicate: files of equal content share what is stored of it.
        write_concern: what writes wait for: "majority", a number of members; else the alias's.
        read_preference: where files are read; others than "primary", which is the default, need
            a write concern that is a number of members.
        querystring_auth: url() gives signed addresses, and the view serves no others.
        querystring_expire: seconds after which these end.
        cache_control: the Cache-Control of files; `private` is added where they are.
        permission: who may see a file: ``(request, info) -> bool``, sync or async, or its path.
        thumbnails: the sizes that pictures are to be had in: ``{"small": (160, 160)}``.
        """
        if bucket is not None and collection is not None:
            raise ValueError(
                f"bucket and collection are two names of one option, and were both given: "
                f"{bucket!r} and {collection!r}."
            )
        given = [name for name in (bucket, collection) if name is not None]
        bucket = given[0] if given else DEFAULT_BUCKET
        layout.check_bucket(bucket)
        layout.check_chunk_size(chunk_size)
        layout.check_flags(verify=verify, allow_overwrite=allow_overwrite, deduplicate=deduplicate)
        self._alias = alias
        self.bucket = bucket
        self.chunk_size = chunk_size
        layout.check_grace(keep_replaced)
        self.verify = verify
        self.allow_overwrite = allow_overwrite
        self.keep_replaced = keep_replaced
        self.limits = Limits.from_options(max_size, allowed_content_types)
        self.compress = checked_types("compress", compress) or ()
        self.deduplicate = deduplicate
        self.concerns = Concerns.from_options(write_concern, read_preference)
        self.access = Access.from_options(
            querystring_auth, querystring_expire, cache_control, permission
        )
        self.thumbnails = checked_sizes(thumbnails)
        self._base_url: Any = _FROM_SETTINGS if base_url is None else base_url
        self.location = clean_path(location)

    @property
    def alias(self) -> str:
        """The alias in DATABASES that holds the files."""
        return self._alias or default_alias()

    @property
    def base_url(self) -> str | None:
        """What url() puts before the name, ending in a slash; None: the files have no URL."""
        url = self.get_default_base_url() if self._base_url is _FROM_SETTINGS else self._base_url
        return url if url is None or str(url).endswith("/") else f"{url}/"

    @base_url.setter
    def base_url(self, url: str | None) -> None:
        self._base_url = url

    def get_default_base_url(self) -> str | None:
        """The base_url where the options have none."""
        return settings.MEDIA_URL

    @property
    def files(self) -> GridFSFiles:
        """The bucket, by stored names (with the location)."""
        connection = get_connection(self.alias)
        connection.ensure_connection()
        return GridFSFiles(
            connection.database,
            bucket=self.bucket,
            chunk_size=self.chunk_size,
            verify=self.verify,
            limits=self.limits,
            keep_replaced=self.keep_replaced,
            compress=self.compress,
            deduplicate=self.deduplicate,
            concerns=self.concerns,
            transactions=lambda: connection.features.has("transactions"),
            on_delete=forget if self.thumbnails else None,
        )

    async def afiles(self) -> AsyncGridFSFiles:
        """See files; for the running event loop."""
        connection = get_connection(self.alias)
        await native(connection.use)
        return AsyncGridFSFiles(
            connection.async_database,
            bucket=self.bucket,
            verify=self.verify,
            concerns=self.concerns,
        )

    def name_in_bucket(self, name: Name) -> str:
        """The name in the bucket of a file; SuspiciousFileOperation if it can be none."""
        return self._located(clean_file(name))

    def _located(self, path: str) -> str:
        return f"{self.location}/{path}".strip("/")

    # Storage: reading and writing

    def _open(self, name: Name, mode: str = "rb") -> GridFSFile:
        return GridFSFile(self, clean_file(name), mode)

    def _save(self, name: str, content: Any) -> str:
        known = isinstance(name, (AvailableName, ChosenName))
        available: Any = name if known else AvailableName(name)
        names = (self.name_in_bucket(candidate) for candidate in available.onwards())
        fields = self._metadata(name, content)
        if isinstance(content, StoredUpload) and content.is_in(self):
            stored = content.publish(self, names, fields)
        else:
            stored = self.files.upload(
                names, _bytes(content), metadata=fields, replace=self.allow_overwrite
            )
        return stored.removeprefix(f"{self.location}/") if self.location else stored

    def start_upload(self, name: Name) -> Upload:
        """Begin a file that is written in pieces; open() in a mode for writing uses it."""
        return self.files.start(clean_file(name), metadata=self._metadata(str(name)))

    def get_metadata(self, name: str) -> dict[str, Any]:
        """Fields for a new file, as set_metadata() takes them; extend it to keep more."""
        return {}

    def _metadata(self, name: str, content: Any = None) -> dict[str, Any]:
        given = getattr(content, "metadata", None)
        fields = {
            "original_name": metadata.cleaned_name(getattr(content, "name", None)) or name,
            **self.get_metadata(name),
            **(given if isinstance(given, Mapping) else {}),
        }
        stored = metadata.stored_fields(fields)
        return {key: value for key, value in stored.items() if value is not None}

    def delete(self, name: Name) -> None:
        """Delete a file; one that is not there, and a folder, is no error and left alone."""
        if not name:
            raise ValueError("The name must be given to delete().")
        self.files.delete(self.name_in_bucket(name))

    # Storage: names

    def get_available_name(self, name: Name, max_length: int | None = None) -> str:
        """The name, or with the first number at which it is free, cut to `max_length`."""
        cleaned = clean_file(name)
        if type(self).get_alternative_name is not Storage.get_alternative_name:
            # A subclass has its own names for those that are taken.
            django = super().get_available_name
            return ChosenName(lambda: django(cleaned, max_length=max_length))

        def taken(number: int) -> bool:
            return not self.is_name_available(numbered(cleaned, number, max_length), max_length)

        number = first_free(taken) if taken(0) else 0
        return AvailableName(cleaned, number, max_length)

    async def aget_available_name(self, name: Name, max_length: int | None = None) -> str:
        """See get_available_name()."""
        return await native(self.get_available_name, name, max_length)

    def is_name_available(self, name: Name, max_length: int | None = None) -> bool:
        """Whether save() would use this very name."""
        if self.allow_overwrite:
            return not (max_length and len(str(name)) > max_length)
        return bool(super().is_name_available(name, max_length=max_length))

    def exists(self, name: Name) -> bool:
        """Whether there is a file, or a folder, of this name."""
        return self.files.exists(self.name_in_bucket(name))

    async def aexists(self, name: Name) -> bool:
        """See exists()."""
        return await (await self.afiles()).exists(self.name_in_bucket(name))

    def listdir(self, path: Name) -> tuple[list[str], list[str]]:
        """The folders and the files in a folder, sorted; a folder that is not there is empty."""
        return self.files.listdir(self._located(clean_path(path)))

    async def alistdir(self, path: Name) -> tuple[list[str], list[str]]:
        """See listdir()."""
        return await (await self.afiles()).listdir(self._located(clean_path(path)))

    def url(self, name: Name | None) -> str:
        """The address of a file, as `mongo_contrib.storage.urls` or a web server serves it."""
        if name and self.access.querystring_auth:
            return self.signed_url(name)
        return self._plain_url(name)

    def signed_url(self, name: Name, expires: signing.Expires | None = None) -> str:
        """The address of a file by which everybody may see it: in so many seconds or for this
        timedelta it ends, or at this datetime; by default after `querystring_expire` seconds.
        """
        path = clean_file(str(name).lstrip("/"))
        if expires is None:
            expires = self.access.querystring_expire
        return f"{self._plain_url(path)}?{signing.signed(self, path, expires)}"

    def _plain_url(self, name: Name | None) -> str:
        base_url = self.base_url
        if base_url is None:
            raise ValueError("This file is not accessible via a URL.")
        path = filepath_to_uri(name)
        return urljoin(base_url, path.lstrip("/") if path else path)

    # Thumbnails

    def thumbnail_url(self, name: Name, size: str) -> str:
        """The address of a picture's thumbnail in one of the sizes in `thumbnails`.

        Nothing is asked: whether there can be one is told to who goes there. Where the files are
        private it is signed, for this thumbnail alone.
        """
        path = clean_file(str(name).lstrip("/"))
        url = f"{self._plain_url(path)}?thumbnail={self._size(size)[0]}"
        if not self.access.is_private:
            return url
        expires = self.access.querystring_expire
        return f"{url}&{signing.signed(self, path, expires, part=size)}"

    def get_thumbnail(self, info: FileInfo, size: str) -> FileInfo:
        """The thumbnail of a file, in `thumbnail_storage`, made if there is none yet.

        NoPicture if there can be none, ThumbnailsBusy if too many are being made.
        """
        return Thumbnails(self.files).get(info, self._size(size)[1])

    @property
    def thumbnail_storage(self) -> "GridFSStorage":
        """The bucket beside this one that has the thumbnails; who may see them is as here."""
        found = copy(self)
        found.bucket, found.location = f"{self.bucket}.thumbnails", ""
        found.thumbnails = {}
        return found

    def _size(self, name: str) -> tuple[str, tuple[int, int]]:
        if name not in self.thumbnails:
            raise ValueError(
                f"There is no size {name!r} of thumbnails; the option 'thumbnails' has: "
                f"{', '.join(sorted(self.thumbnails)) or 'none'}."
            )
        return name, self.thumbnails[name]

    # The other twins. Content to be saved is a sync file, and what open() gives is one.

    async def adelete(self, name: Name) -> None:
        """See delete()."""
        if not name:
            raise ValueError("The name must be given to delete().")
        await native(self.delete, name)

    async def asave(self, name: Name | None, content: Any, max_length: int | None = None) -> str:
        """See save(); content is read on the event loop's thread, a chunk at a time."""
        return await native(self.save, name, content, max_length)

    async def aopen(self, name: Name, mode: str = "rb") -> File:
        """See open(); the file it gives is a sync one, used by `await native(file.read)`."""
        return await native(self.open, name, mode)


def _bytes(content: Any) -> Iterator[bytes]:
    """The content in pieces; text, as of a StringIO, as UTF-8."""
    for chunk in content.chunks():
        yield chunk.encode() if isinstance(chunk, str) else chunk
