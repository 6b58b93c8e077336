"""What a storage does not take as an error of the form, next to the field."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.storage import storages
from django.db.models.fields.files import FieldFile
from django.utils.deconstruct import deconstructible

from .backend import GridFSStorage
from .exceptions import FileRefused
from .signatures import SNIFFED, sniff

__all__ = ["StorageLimits"]


@deconstructible
class StorageLimits:
    """Refuses files that are larger than the storage's `max_size`, or of other types than its own.

    The storage refuses them anyway, but when it saves them: then it is too late for a form. Of
    a model's field it is the field's storage that decides, also where Django REST framework
    takes the validator over; of a form's field, the one that is named.
    """

    #: Django REST framework then tells which field of a serializer it is.
    requires_context = True

    def __init__(self, storage: str | None = None) -> None:
        """`storage` is an alias in STORAGES."""
        self.storage = storage

    def __call__(self, value: Any, serializer_field: Any = None) -> None:
        """Raise ValidationError for a file that would not be taken; stored ones are not asked."""
        if isinstance(value, FieldFile) and (not value or value._committed):
            return
        limits = self._storage(value, serializer_field).limits
        try:
            limits.check_size(value.size, value.name)
            if limits.content_types is not None:
                limits.check_type(sniff(_head(value), value.name), value.name)
        except FileRefused as exc:
            raise ValidationError(str(exc), code="refused") from exc

    def _storage(self, value: Any, serializer_field: Any) -> GridFSStorage:
        storage: Any
        if self.storage is not None:
            storage = storages[self.storage]
        elif serializer_field is not None:
            model: Any = serializer_field.parent.Meta.model
            storage = model._meta.get_field(serializer_field.source).storage
        else:
            storage = getattr(value, "storage", None)
        # A lazy one (default_storage) says that it is what it wraps.
        if not isinstance(storage, GridFSStorage):
            raise ImproperlyConfigured(
                f"StorageLimits is for files of a GridFSStorage, and found {storage!r}; of a "
                "form's field, name the storage: StorageLimits('default')."
            )
        return storage

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorageLimits) and self.storage == other.storage

    def __hash__(self) -> int:
        return hash(self.storage)


def _head(value: Any) -> bytes:
    content = value.file if isinstance(value, FieldFile) else value
    content.seek(0)
    head = content.read(SNIFFED)
    content.seek(0)
    return head if isinstance(head, bytes) else str(head).encode()
