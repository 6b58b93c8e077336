"""The admin's widgets inside embedded documents too."""

from __future__ import annotations

from functools import partial
from typing import Any


class EmbeddedFieldsMixin:
    """For a `ModelAdmin` or an inline: the fields of embedded documents get its widgets."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.get_internal_type() == "EmbeddedDocumentField":
            kwargs.setdefault(
                "formfield_callback", partial(self.formfield_for_dbfield, request=request)
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
