"""The admin's widgets for what lies inside documents."""

from __future__ import annotations

from functools import partial
from typing import Any


class EmbeddedFieldsMixin:
    """For a `ModelAdmin` or an inline: its widgets also for lists and embedded documents."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        # Not above: this module is imported with the app, before there can be models.
        from .widgets import AdminEmbeddedDocumentWidget, AdminEmbeddedForm, AdminListWidget

        kind = db_field.get_internal_type()
        if kind == "EmbeddedDocumentField":
            callback = partial(self.formfield_for_dbfield, request=request)
            kwargs = {
                "widget": AdminEmbeddedDocumentWidget,
                "form": AdminEmbeddedForm,
                "formfield_callback": callback,
                **kwargs,
            }
        elif kind == "ListField":
            kwargs = {"widget": AdminListWidget, **kwargs}
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
