"""List filters for values that lie inside documents."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.filters import AllValuesFieldListFilter, FieldListFilter
from django.contrib.admin.utils import get_last_value_from_parameters
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from mongo_contrib.mapping.encoding import decode_value
from mongo_contrib.query.paths import resolve

#: Nobody looks through more choices beside a change list.
MAX_CHOICES = 1_000


class DocumentValuesListFilter(AllValuesFieldListFilter):
    """`AllValuesFieldListFilter` for documents: also for embedded fields, and items of lists."""

    def __init__(
        self,
        field: Any,
        request: Any,
        params: dict[str, Any],
        model: Any,
        model_admin: Any,
        field_path: str,
    ) -> None:
        self.lookup_kwarg = field_path
        self.lookup_kwarg_isnull = f"{field_path}__isnull"
        self.lookup_val = params.get(self.lookup_kwarg)
        self.lookup_val_isnull = get_last_value_from_parameters(params, self.lookup_kwarg_isnull)
        self.empty_value_display = model_admin.get_empty_value_display()
        owner, name = owner_of(model, field_path)
        if owner is model:
            queryset = model_admin.get_queryset(request)
        else:
            queryset = owner._default_manager.all()
        self.lookup_choices = values_of(queryset, name)
        # Not the parent's, which asks the class of the field; an embedded one has no objects.
        super(AllValuesFieldListFilter, self).__init__(
            field, request, params, model, model_admin, field_path
        )


def owner_of(model: Any, field_path: str) -> tuple[Any, str]:
    """Return the class whose collection holds the values, and their name there."""
    parts: list[str] = []
    owner = here = model
    for part in field_path.split(LOOKUP_SEP):
        field = here._meta.get_field(part)
        parts.append(part)
        if field.is_relation:
            owner = here = field.related_model
            parts = []
        elif hasattr(field, "document"):
            here = field.document
    return owner, LOOKUP_SEP.join(parts)


def values_of(queryset: Any, name: str) -> list[Any]:
    """Return the different values of all documents, of lists each item once, in order."""
    path = resolve(queryset.model, name)
    if hasattr(path.field, "document"):
        # Documents are no choices; check mongo_admin.E006 says so.
        return []
    parts = path.path.split(".")
    # No value at all is a choice; but a list without items is not one that has none in an item.
    keeps_null = path.list_path is None and not path.is_list
    unwound = [
        {
            "$unwind": {
                "path": f"${'.'.join(parts[:length])}",
                "preserveNullAndEmptyArrays": keeps_null,
            }
        }
        for length in range(1, len(parts) + 1)
    ]
    found = queryset.order_by().pipeline(
        [
            {"$project": {path.path: 1}},
            *unwound,
            {"$group": {"_id": {"$ifNull": [f"${path.path}", None]}}},
            {"$sort": {"_id": 1}},
            {"$limit": MAX_CHOICES},
        ]
    )
    field = getattr(path.field, "base_field", path.field)
    values = [row["_id"] for row in found]
    return [None if value is None else decode_value(field, value) for value in values]


def lies_in_documents(field: Any) -> bool:
    """Whether Django would list a field's values, and they are a document's."""
    model = getattr(field, "model", None)
    stored = getattr(model, "_is_document", False) or getattr(model, "_is_embedded", False)
    return bool(
        stored
        and not field.is_relation
        and not field.choices
        and not isinstance(field, models.BooleanField | models.DateField)
    )


def register() -> None:
    """Make it the filter of such fields, for every admin."""
    FieldListFilter.register(lies_in_documents, DocumentValuesListFilter, take_priority=True)
