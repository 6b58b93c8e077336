"""Fields of forms for files that are uploaded before the form is sent."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.storage import storages
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from ..backend import GridFSStorage
from ..claimed import StoredUpload
from ..exceptions import UploadBusy, UploadExpired, UploadNotFound
from ..images import LARGEST_FILE
from ..resumable import ResumableUploads
from .owners import owner_of
from .tokens import id_of
from .widgets import ResumableFileInput, UploadToken

__all__ = [
    "ResumableFieldMixin",
    "ResumableFileField",
    "ResumableFormMixin",
    "ResumableImageField",
]


class ResumableFieldMixin:
    """Lets a FileField take the token of an upload; what it gives then is a StoredUpload.

    It has to know who sends the form: `request`, which ResumableFormMixin sets.
    """

    widget = ResumableFileInput
    default_error_messages: ClassVar[dict[str, Any]] = {
        "upload_unknown": _(
            "There is no such upload of yours in this place. Please choose the file again."
        ),
        "upload_expired": _(
            "This upload was not used in time, and is gone. Please choose the file again."
        ),
        "upload_unfinished": _("This file has not arrived completely. Please upload the rest."),
        "upload_used": _("This upload has been used already. Please choose the file again."),
    }

    #: Who sends the form.
    request: HttpRequest | None

    def __init__(
        self,
        *,
        storage: str | GridFSStorage | Callable[[], GridFSStorage] = "default",
        url: str | None = None,
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> None:
        """`storage`, of STORAGES by its alias, and `url` are those of the view that uploads.

        The field of a model may have another storage: then the file is copied into that.
        """
        super().__init__(**kwargs)
        self.storage = storage
        self.request = request
        if url is not None:
            self.widget.url = url

    def get_storage(self) -> GridFSStorage:
        """The storage that the view puts uploads into."""
        found: Any = storages[self.storage] if isinstance(self.storage, str) else self.storage
        found = found() if callable(found) else found
        if not isinstance(found, GridFSStorage):
            raise ImproperlyConfigured(
                f"{type(self).__name__} needs a GridFSStorage, and its 'storage' is a "
                f"{type(found).__name__}."
            )
        return found

    def get_owner(self, request: HttpRequest) -> str:
        """What the view's get_owner() gives for the same visitor."""
        return owner_of(request)

    def claim(self, token: str) -> StoredUpload:
        """The complete upload that a token names, or ValidationError."""
        if self.request is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} has to know whose uploads it may take: give the form "
                "ResumableFormMixin and 'request', or set the field's 'request' attribute."
            )
        storage = self.get_storage()
        uploads = ResumableUploads(storage.files)
        try:
            found = uploads.get(id_of(storage, token), owner=self.get_owner(self.request))
            found = uploads.complete(found)
            if found.is_complete and found.published is None:
                return StoredUpload(storage, found)
        except UploadExpired:
            raise self._refusal("upload_expired") from None
        except UploadNotFound:
            raise self._refusal("upload_unknown") from None
        except UploadBusy:
            raise self._refusal("upload_unfinished") from None
        raise self._refusal("upload_unfinished" if found.published is None else "upload_used")

    def clean(self, data: Any, initial: Any = None) -> Any:
        if isinstance(data, UploadToken):
            data = self.claim(data)
        return super().clean(data, initial)  # type: ignore[misc]

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What a form that is shown again has: an upload stays."""
        if isinstance(data, UploadToken):
            try:
                return self.claim(data)
            except ValidationError:
                return initial
        return super().bound_data(data, initial)  # type: ignore[misc]

    def _refusal(self, code: str, params: dict[str, Any] | None = None) -> ValidationError:
        message = self.error_messages[code]  # type: ignore[attr-defined]
        return ValidationError(message, code=code, params=params)


class ResumableFileField(ResumableFieldMixin, forms.FileField):
    """A FileField whose widget uploads in pieces, before the form is sent."""


class ResumableImageField(ResumableFieldMixin, forms.ImageField):
    """See ResumableFileField; the file has to be a picture, and no larger than `largest`.

    To tell whether it is one Django reads it into memory, and so do decoders of some formats.
    """

    #: Bytes of the largest upload that is looked at.
    largest: int = LARGEST_FILE
    default_error_messages: ClassVar[dict[str, Any]] = {
        "image_too_large": _(
            "This picture has %(size)s, and no more than %(largest)s are taken here."
        ),
    }

    def to_python(self, data: Any) -> Any:
        """See ImageField; ValidationError for an upload that is too large to be looked at."""
        if isinstance(data, StoredUpload) and data.size > self.largest:
            sizes = {"size": filesizeformat(data.size), "largest": filesizeformat(self.largest)}
            raise self._refusal("image_too_large", sizes)
        return super().to_python(data)


class ResumableFormMixin:
    """For forms with such fields: takes the `request` that they need."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # type: ignore[attr-defined]
            if isinstance(field, ResumableFieldMixin):
                field.request = request
