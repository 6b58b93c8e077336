"""Documents within documents."""

from __future__ import annotations

import operator
from typing import Any

from django.core import exceptions
from django.db import models
from django.db.models.query_utils import PathInfo
from django.utils.translation import gettext_lazy as _

from .embedded_classes import EmbedsClasses
from .extended_json import ExtendedJSONFormField
from .lengths import BoundedLength
from .ordered import KeptInOrder


class _EmbeddedField(EmbedsClasses):
    """What one embedded document and a list of them share."""

    @property
    def path_infos(self) -> list[PathInfo]:
        """The step from this class into the embedded one.

        Django's admin takes it as it walks along a name like `home__city`, in `search_fields`,
        `list_filter`, `list_display` and in look-ups of a query string.
        """
        document = self.document
        return [
            PathInfo(
                from_opts=self.model._meta,
                to_opts=document._meta,
                target_fields=(document._meta.pk,),
                join_field=self,
                # A document is found once, however many items of its list fit.
                m2m=False,
                direct=True,
                filtered_relation=None,
            )
        ]

    def prepare_document(self, value: Any) -> Any:
        """Return the instance of `value`, its fields set as `pre_save()` sets them."""
        instance = self.to_instance(value)
        instance._prepare_to_save()
        return instance


def _cleaned(document: Any) -> None:
    """Clean an embedded document; ValidationError, too, for numbers that are infinite."""
    try:
        document.full_clean()
    except OverflowError as error:
        # Of a form or a request they are refused before; Extended JSON can say them.
        raise exceptions.ValidationError(str(error), code="invalid") from error


def _named(error: exceptions.ValidationError) -> list[str]:
    """Return the messages of an embedded document's errors, with the names of its fields."""
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        message if name == exceptions.NON_FIELD_ERRORS else f"{name}: {message}"
        for name, messages in error.message_dict.items()
        for message in messages
    ]


class EmbeddedDocumentField(_EmbeddedField):
    """One embedded document, or None."""

    description = _("Embedded document")

    def get_internal_type(self) -> str:
        return "EmbeddedDocumentField"

    def prepared(self, value: Any) -> Any:
        return self.prepare_document(value)

    def to_bson(self, value: Any) -> dict[str, Any]:
        return self.encode_document(value)

    def from_bson(self, value: Any) -> Any:
        return self.read_document(value)

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        return self.parse_text(value) if isinstance(value, str) else self.to_instance(value)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if value is not None:
            try:
                _cleaned(value)
            except exceptions.ValidationError as error:
                raise exceptions.ValidationError(_named(error), code="embedded") from error

    def formfield(self, **kwargs: Any) -> Any:
        from ..forms import EmbeddedDocumentFormField

        if self.is_polymorphic:
            # Which fields there are depends on the class: all of it as text.
            for option in ("widget", "form", "formfield_callback", "fields"):
                kwargs.pop(option, None)
            kwargs = {"form_class": ExtendedJSONFormField, "model_field": self, **kwargs}
            return super().formfield(**kwargs)
        return super().formfield(
            **{
                "form_class": EmbeddedDocumentFormField,
                "document": self.document,
                **kwargs,
            }
        )


class EmbeddedDocumentListField(BoundedLength, KeptInOrder, _EmbeddedField):
    """A list of embedded documents of one class.

    The value is a list of instances; with `ordering`, the name of a field, a save stores them
    sorted by that, with `reverse` downward. `min_length` and `max_length` bound how many. In
    forms it has no field of its own: the admin edits it with an inline
    (`mongo_contrib.admin.EmbeddedDocumentInline`).
    """

    description = _("List of embedded documents")

    def __init__(self, document: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", list)
        kwargs.setdefault("blank", True)
        super().__init__(document, **kwargs)

    def get_internal_type(self) -> str:
        return "EmbeddedDocumentListField"

    def prepared(self, value: Any) -> Any:
        items = [self.prepare_document(item) for item in value]
        if self.ordering:
            items = self.in_order(items)
        # A list stays the very one that others may hold, unless there were dicts in it.
        same = type(value) is list and all(map(operator.is_, items, value))
        return value if same else items

    def to_bson(self, value: Any) -> list[dict[str, Any]]:
        if self.ordering:
            value = self.in_order(value)
        return [self.encode_document(item) for item in value]

    def from_bson(self, value: Any) -> list[Any]:
        return [self.read_document(item) for item in value]

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            return self.parse_text(value)
        if isinstance(value, bytes | dict) or not hasattr(value, "__iter__"):
            raise self.wrong_class(value, "list of %s")
        return [self.to_instance(item) for item in value]

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        for position, item in enumerate(value or (), start=1):
            try:
                _cleaned(item)
            except exceptions.ValidationError as error:
                raise exceptions.ValidationError(
                    [_("Item %d: %s") % (position, message) for message in _named(error)],
                    code="item",
                ) from error

    def formfield(self, **kwargs: Any) -> None:
        return None
