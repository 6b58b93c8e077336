"""Fields of files in any ModelAdmin, of documents or SQL models: with a preview beside them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.db import models
from django.db.models.fields.files import FieldFile

from . import previews
from .backend import GridFSStorage
from .claimed import StoredUpload

__all__ = ["FilePreviewMixin", "PreviewInputMixin"]


class PreviewInputMixin:
    """For a file input: what is stored is shown before it; it costs one look-up.

    Only of files that a row has: what a form was sent, whoever sent it chose its name.
    """

    template_name: str = "mongo_storage/admin/preview_file_input.html"
    #: The template of the file input itself.
    input_template_name: str

    class Media:
        css = {"all": ("mongo_storage/admin.css",)}

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)  # type: ignore[misc]
        context["widget"]["input_template"] = self.input_template_name
        if isinstance(value, StoredUpload):
            facts = previews.facts(value.upload.info(value.content_type))
            context["widget"]["sent"] = {"name": value.name, "facts": facts}
        elif _is_stored(value):
            context["widget"]["stored"] = _stored(value.storage, value.name)
        return context


def _is_stored(value: Any) -> bool:
    """Whether this is the file of a row, in a storage of ours."""
    # Of a file that is not saved yet, Django's FieldFile has the name that it was sent with.
    stored = isinstance(value, FieldFile) and bool(value) and value._committed
    return stored and isinstance(value.storage, GridFSStorage)


def _stored(storage: GridFSStorage, name: str) -> dict[str, Any]:
    """What is shown of a file; nothing if there is none any more."""
    try:
        info = storage.get_info(name)
    except (FileNotFoundError, SuspiciousFileOperation):
        return {"missing": True}
    return {
        "preview": previews.preview(storage, info, pixels=previews.BESIDE),
        "facts": previews.facts(info),
        "download": previews.download_link(storage, info),
    }


class FilePreviewMixin:
    """For a ModelAdmin or an inline: its files in GridFS are seen, with size, type and a link.

    Fields of other storages keep their input. It goes with `ResumableUploadsMixin`.
    """

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        ours = isinstance(getattr(db_field, "storage", None), GridFSStorage)
        if field is not None and ours and isinstance(db_field, models.FileField):
            kind: Any = type(field.widget)
            field.widget.__class__ = previewing(kind)
        return field


@cache
def previewing(widget: Any) -> Any:
    """The class of a file input that shows what is stored, too."""
    if issubclass(widget, PreviewInputMixin):
        return widget
    own = {"input_template_name": widget.template_name}
    return type(f"Previewing{widget.__name__}", (PreviewInputMixin, widget), own)
