"""Documents within documents."""

from __future__ import annotations

import operator
from typing import Any

from django.apps import apps
from django.core import checks, exceptions
from django.db import models
from django.db.models.query_utils import PathInfo
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from .lengths import BoundedLength
from .nested import NestedField
from .ordered import KeptInOrder


class _EmbeddedField(NestedField):
    """What one embedded document and a list of them share: the class that is embedded.

    `document` is an `EmbeddedDocument` subclass, or its name (`"City"`, `"atlas.City"`), or
    `"self"`; names are resolved when they are first needed, so classes may stand in any order.
    """

    default_error_messages = {
        "wrong_class": _("“%(value)s” is not a %(document)s."),
        "unknown_keys": _("%(document)s has no field %(keys)s."),
    }

    def __init__(self, document: Any, **kwargs: Any) -> None:
        self._document = document
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        document = self._document
        label = document if isinstance(document, str) else document._meta.label
        return name, path, [label, *args], kwargs

    @cached_property
    def document(self) -> Any:
        """The embedded class; LookupError if the name given is not a class of any app."""
        document = self._document
        if not isinstance(document, str):
            return document
        if document == "self":
            return self.model
        if "." not in document:
            document = f"{self.model._meta.app_label}.{document}"
        return apps.get_model(document, require_ready=False)

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

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        try:
            document = self.document
        except (LookupError, ValueError):
            document = None
        if not getattr(document, "_is_embedded", False):
            errors.append(
                checks.Error(
                    f"{self._document!r} is not an EmbeddedDocument.",
                    hint="Name a subclass of mongo_contrib.documents.EmbeddedDocument.",
                    obj=self,
                    id="mongo_contrib.E022",
                )
            )
        return errors

    def encode_document(self, value: Any) -> dict[str, Any]:
        """Return the stored form of one embedded document, given as instance or as dict."""
        return self.to_instance(value)._to_bson()

    def prepare_document(self, value: Any) -> Any:
        """Return the instance of `value`, its fields set as `pre_save()` sets them."""
        instance = self.to_instance(value)
        instance._prepare_to_save()
        return instance

    def to_instance(self, value: Any) -> Any:
        """Return `value` as an instance; a dict gives the fields by their names."""
        document = self.document
        if isinstance(value, document):
            return value
        if isinstance(value, dict):
            known = {field.name for field in document._meta.fields}
            if unknown := sorted(str(key) for key in value if key not in known):
                raise exceptions.ValidationError(
                    self.error_messages["unknown_keys"],
                    code="unknown_keys",
                    params={"document": document._meta.label, "keys": ", ".join(unknown)},
                )
            return document(**value)
        raise exceptions.ValidationError(
            self.error_messages["wrong_class"],
            code="wrong_class",
            params={"value": value, "document": document._meta.label},
        )


def _named(error: exceptions.ValidationError) -> list[str]:
    """Return the messages of an embedded document's errors, with the names of its fields."""
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
        return self.document._from_bson(value)

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        return self.parse_text(value) if isinstance(value, str) else self.to_instance(value)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if value is not None:
            try:
                value.full_clean()
            except exceptions.ValidationError as error:
                raise exceptions.ValidationError(_named(error), code="embedded") from error

    def formfield(self, **kwargs: Any) -> Any:
        from ..forms import EmbeddedDocumentFormField

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
        from_bson = self.document._from_bson
        return [from_bson(item) for item in value]

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, str):
            return self.parse_text(value)
        if isinstance(value, bytes | dict) or not hasattr(value, "__iter__"):
            raise exceptions.ValidationError(
                self.error_messages["wrong_class"],
                code="wrong_class",
                params={"value": value, "document": f"list of {self.document._meta.label}"},
            )
        return [self.to_instance(item) for item in value]

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        for position, item in enumerate(value or (), start=1):
            try:
                item.full_clean()
            except exceptions.ValidationError as error:
                raise exceptions.ValidationError(
                    [_("Item %d: %s") % (position, message) for message in _named(error)],
                    code="item",
                ) from error

    def formfield(self, **kwargs: Any) -> None:
        return None
