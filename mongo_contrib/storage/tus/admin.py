"""Big files in the admin: uploaded in pieces, with a progress bar."""

from typing import Any

from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.storage import default_storage
from django.db import models
from django.http import HttpRequest

from ..backend import GridFSStorage
from .forms import ResumableFieldMixin, ResumableFileField, ResumableImageField
from .widgets import HELD, ResumableInputMixin

__all__ = ["AdminResumableFileInput", "ResumableUploadsMixin"]


class AdminResumableFileInput(ResumableInputMixin, AdminFileWidget):
    """The admin's file input, which uploads in pieces."""

    file_template_name = AdminFileWidget.template_name


class ResumableUploadsMixin:
    """For a ModelAdmin or an inline: its fields of files in GridFS upload in pieces.

    Models may be documents or SQL ones. It needs `mongo_contrib.storage.tus.urls`; fields of
    other storages keep Django's own input.
    """

    #: The UploadView with `held` for the fields' storage, or the name of its pattern. None is the
    #: default storage's, for the fields whose files lie in the bucket of that one.
    upload_url: str | None = None

    def get_upload_url(self, db_field: models.FileField, request: HttpRequest) -> str | None:
        """The URL that takes a field's files; None for Django's own input."""
        if self.upload_url is not None:
            return self.upload_url
        return HELD if _place(db_field.storage) == _place(default_storage) else None

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.FileField) and isinstance(db_field.storage, GridFSStorage):
            url = self.get_upload_url(db_field, request)
            if url is not None:
                picture = isinstance(db_field, models.ImageField)
                kwargs = {
                    "form_class": ResumableImageField if picture else ResumableFileField,
                    "widget": AdminResumableFileInput,
                    "storage": db_field.storage,
                    "url": url,
                    **kwargs,
                }
        field = super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        if isinstance(field, ResumableFieldMixin):
            field.request = request
        return field


def _place(storage: Any) -> tuple[str, str] | None:
    """The bucket of a storage, which several may share."""
    return (storage.alias, storage.bucket) if isinstance(storage, GridFSStorage) else None
