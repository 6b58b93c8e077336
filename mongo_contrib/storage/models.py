"""The files of a bucket as documents, to be queried, listed and administered.

    FileDocument.objects.filter(content_type__startswith="image/", length__gt=10**6)
    FileDocument.objects.get(name="photos/prague.jpg").delete()

Files are made by `storage.save()`, and their content never changes. What is told of them beside
it, their metadata, can be edited and saved; deleting a document deletes the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.storage import InvalidStorageError, storages
from django.db import DatabaseError, NotSupportedError, models
from django.utils import timezone
from django.utils.functional import classproperty
from django.utils.translation import gettext_lazy as _

from mongo_contrib.db import is_mongo
from mongo_contrib.documents import BSONField, DictField, Document, DocumentManager
from mongo_contrib.documents.classes import DocumentBase
from mongo_contrib.mapping.changes import same
from mongo_contrib.mapping.plan import plan_of
from mongo_contrib.repository import Repository

from . import layout, metadata
from .backend import GridFSStorage
from .configured import configured_storages
from .handles import GridFSFile
from .layout import FileInfo
from .model_checks import FILES, check_files_class
from .repository import METADATA, FilesRepository, added
from .signatures import is_content_type

__all__ = ["AbstractFileDocument", "FileDocument", "FileManager"]


class FileBase(DocumentBase):
    """Makes classes of files: fields that a class adds are stored in the files' metadata."""

    def add_to_class(cls, name: str, value: Any) -> None:
        if isinstance(value, models.Field) and not (value.primary_key or value.db_column):
            value.db_column = f"{METADATA}{name}{'_id' if value.many_to_one else ''}"
        super().add_to_class(name, value)


class FileManager(DocumentManager):
    """Finds files that are visible: what is being replaced, or in the middle of it, is not."""

    def get_queryset(self) -> Any:
        found = super().get_queryset()
        # A name has no control characters but in the midst of a replacement. Not said of the
        # field, beside which some servers see no index for what else is asked of it.
        found = found.match({"$nor": [{"filename": {"$regex": layout.MARK}}]})
        location = self.model.get_storage().location
        return found.match(layout.inside(location)) if location else found


class OwnFields(DictField):
    """The project's own fields of a file, by their names."""

    def parse_text(self, text: str) -> Any:
        """See `DictField`; what is no own field is kept, to be told."""
        return DictField().parse_text(text)

    def validate(self, value: Any, model_instance: Any) -> None:
        super().validate(value, model_instance)
        try:
            check_own(value or {})
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from error

    def from_bson(self, value: Any) -> dict[str, Any]:
        return super().from_bson(added(self.as_read(value)))


class UploadDate(models.DateTimeField):
    """When a file was completed, which GridFS has in UTC; naive in TIME_ZONE without USE_TZ."""

    def to_bson(self, value: Any) -> Any:
        value = self.get_prep_value(value)
        if value is None or settings.USE_TZ:
            return value
        aware = timezone.make_aware(value, timezone.get_default_timezone())
        return aware.astimezone(UTC).replace(tzinfo=None)  # as the driver takes and gives it

    def from_bson(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            raise TypeError(f"a datetime cannot be made of {value!r}")
        if settings.USE_TZ:
            return value
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return timezone.make_naive(value, timezone.get_default_timezone())


class Uploader(BSONField):
    """The key of a user; for a user object, in look-ups and as a value, its key is taken."""

    def to_bson(self, value: Any) -> Any:
        return super().to_bson(getattr(value, "pk", value))

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(getattr(value, "pk", value))


def check_own(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for fields of which one can't be a project's own."""
    for name in fields:
        if name in metadata.STORED:
            raise ValueError(f"{name!r} is a field of every file, and none of your own.")
    metadata.stored_fields(fields)


def validate_content_type(value: Any) -> None:
    """Raise ValidationError for what is no type."""
    if not is_content_type(value):
        raise ValidationError(
            _("“%(value)s” is no type in lower case like “image/png”."),
            code="content_type",
            params={"value": value},
        )


class AbstractFileDocument(Document, metaclass=FileBase):
    """Base of classes whose documents are the files of one bucket.

    `storage`, of settings.STORAGES, says which: its files are found, those below its location.
    Or `Meta` does, by `db_table = "photos.files"`. Fields that a class adds are metadata.
    """

    #: See mongo_contrib.routers.stored(): the app declares the collections of buckets.
    _declares_collection = False

    #: Which of settings.STORAGES; get_storage() for anything else.
    storage: ClassVar[str | None] = None

    name = models.CharField(_("name"), max_length=1000, db_column="filename", editable=False)
    content_type = models.CharField(
        _("content type"),
        max_length=255,
        null=True,
        blank=True,
        db_column="metadata.contentType",
        validators=[validate_content_type],
    )
    original_name = models.CharField(
        _("original name"),
        max_length=255,
        null=True,
        blank=True,
        db_column="metadata.originalName",
    )
    length = models.BigIntegerField(_("size"), db_column="metadata.size", editable=False)
    uploaded = UploadDate(_("uploaded"), db_column="uploadDate", editable=False)
    uploader = Uploader(
        verbose_name=_("uploader"),
        null=True,
        blank=True,
        editable=False,
        db_column="metadata.uploader",
    )
    sha256 = models.CharField(
        "SHA-256", max_length=64, null=True, db_column="metadata.sha256", editable=False
    )
    encoding = models.CharField(
        _("encoding"), max_length=20, null=True, db_column="metadata.encoding", editable=False
    )
    stored_length = models.BigIntegerField(_("stored size"), db_column="length", editable=False)
    chunk_size = models.PositiveIntegerField(
        _("chunk size"), db_column="chunkSize", editable=False
    )
    fields = OwnFields(verbose_name=_("own fields"), blank=True, db_column="metadata")

    objects = FileManager()

    class Meta:
        abstract = True
        get_latest_by = "uploaded"

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def check(cls, **kwargs: Any) -> list[Any]:
        return [*super().check(**kwargs), *check_files_class(cls)]

    @classmethod
    def get_storage(cls) -> GridFSStorage:
        """The storage whose files these are."""
        if cls.storage is not None:
            storage = storages[cls.storage]
            if isinstance(storage, GridFSStorage):
                return storage
            raise ImproperlyConfigured(
                f"{cls._meta.label} is of the files of a GridFSStorage, and STORAGES"
                f"[{cls.storage!r}] is a {type(storage).__name__}; set its 'storage' attribute "
                "or override get_storage()."
            )
        collection = cls._options.collection
        bucket = None if collection is None else collection.removesuffix(FILES)
        for _name, storage in configured_storages():
            if bucket in (None, storage.bucket):
                return storage
        storage = GridFSStorage(bucket=bucket)
        storage.base_url = None  # no view is known to serve them
        return storage

    @classproperty
    def _using(cls) -> str | None:
        # What is wrong with another alias, or with the storage, checks tell.
        try:
            alias = cls.get_storage().alias
        except (ImproperlyConfigured, InvalidStorageError):
            return None
        return alias if is_mongo(alias) else None

    @classmethod
    def _repository(cls, using: str) -> Repository:
        # Made each time, as the settings are read when they are used.
        storage = cls.get_storage()
        columns = plan_of(cls).columns
        return FilesRepository(
            lambda: storage.files,
            storage.bucket,
            columns,
            **{**cls._options.concerns, "using": using},
        )

    # The content

    @property
    def storage_name(self) -> str:
        """The name by which the storage knows it: without the location."""
        location = self.get_storage().location
        return str(self.name).removeprefix(f"{location}/") if location else str(self.name)

    @property
    def url(self) -> str:
        """See `Storage.url()`; ValueError where the files have none."""
        return str(self.get_storage().url(self.storage_name))

    def get_info(self) -> FileInfo:
        """What is stored of it now, or FileNotFoundError."""
        info = self.get_storage().files.find_id(self.pk)
        if info is None:
            raise FileNotFoundError(f"The file {self.name!r} has been deleted.")
        return info

    def open(self, mode: str = "rb") -> GridFSFile:
        """The file, open for reading: `rb` or `r`; this very one, also if another has its name."""
        if mode not in ("rb", "r", "rt"):
            raise ValueError(
                f"A document's file opens for reading, in the modes rb and r, not {mode!r}; "
                "storage.open(name, 'wb') puts another file in its place."
            )
        return GridFSFile(self.get_storage(), self.storage_name, mode, info=self.get_info())

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `stop` in pieces, of which none is large."""
        return self.get_storage().files.read(self.get_info(), start, stop)

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes from `start` to `stop`."""
        return b"".join(self.chunks(start, stop))

    def verify(self) -> bool:
        """Read all of it, and compare it with its hash; False if it has none to compare with.

        DamagedFile if it is not what was stored.
        """
        files, info = self.get_storage().files, self.get_info()
        files.verify = True
        for _data in files.read(info):
            pass
        return info.sha256 is not None

    # Saving

    def _write(
        self,
        raw: bool,
        cls: Any,
        force_insert: Any,
        force_update: bool,
        using: str,
        update_fields: Any,
    ) -> bool:
        """Save what has changed of the metadata, in one atomic update."""
        loaded = None if force_insert else self._loaded_from(using)
        if loaded is None:
            raise NotSupportedError(
                f"A {self._meta.object_name} can't be made without content: use storage.save("
                "name, content), whose file is found here then."
            )
        plan = plan_of(cls)
        found = (
            plan.suspects(self, loaded)
            if update_fields is None
            else plan.chosen(self, update_fields)
        )
        document = plan.encode(self, add=False, raw=raw, fields=found)
        changed = [each for each in found if self._differs(each.column, loaded, document)]
        fields: dict[str, Any] = {}
        for each in changed:
            fields.update(self._settings(each, loaded, document))
        forced = bool(force_update or update_fields)
        if (fields or forced) and not self.get_storage().files.set_metadata_of(self.pk, fields):
            # Django 6.0 gave this a class of its own, which is a DatabaseError too.
            error = getattr(self, "NotUpdated", DatabaseError)
            raise error(f"The file {self.name!r} has been deleted since it was read.")
        self._remember(using, loaded, changed, document)
        return True

    @staticmethod
    def _differs(column: str, loaded: dict[str, Any], document: dict[str, Any]) -> bool:
        before, after = loaded.get(column), document.get(column)
        return not same(added(before) if column == "metadata" else before, after)

    def _settings(
        self, field: Any, loaded: dict[str, Any], document: dict[str, Any]
    ) -> dict[str, Any]:
        """What storage.set_metadata() is to be told of a field that has changed."""
        value = document.get(field.column)
        if field.column == "metadata":
            before, value = added(loaded.get("metadata")), value or {}
            check_own(value)
            gone = {key: None for key in before if key not in value}
            return gone | {
                key: each
                for key, each in value.items()
                if key not in before or not same(before[key], each)
            }
        if field.attname in ("content_type", "original_name", "uploader"):
            return {field.attname: value}
        if field.column.startswith(METADATA) and field.field.attname not in FIXED:
            return {field.column.removeprefix(METADATA): value}
        raise NotSupportedError(
            f"{field.field.name!r} of a stored file can't be changed: only its metadata can be. "
            "Another name, or other content, is another file: use storage.save(name, content), "
            "and delete this one."
        )


#: Fields that the content decides.
FIXED = frozenset(
    each.attname
    for each in AbstractFileDocument._meta.local_fields
    if each.name in ("length", "sha256", "encoding")
)


class FileDocument(AbstractFileDocument):
    """A file of the default storage, or of the first that is a GridFSStorage."""

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        get_latest_by = "uploaded"
