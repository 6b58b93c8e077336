"""ObjectId, as a value and as the primary key that the client makes."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from django import forms
from django.core import exceptions
from django.db import models
from django.db.models.fields import AutoFieldMixin
from django.utils.translation import gettext_lazy as _


class ObjectIdField(models.Field):
    """A BSON ObjectId; accepts an `ObjectId` or its 24 hexadecimal digits."""

    description = _("ObjectId")
    empty_strings_allowed = False
    default_error_messages = {
        "invalid": _("“%(value)s” is not an ObjectId: 24 hexadecimal digits are."),
    }

    def get_internal_type(self) -> str:
        return "ObjectIdField"

    def to_python(self, value: Any) -> ObjectId | None:
        """Return an ObjectId or None; ValidationError for anything else."""
        if value is None or isinstance(value, ObjectId):
            return value
        # bytes are refused: twelve of them would pass as an id by accident.
        if isinstance(value, str):
            try:
                return ObjectId(value)
            except InvalidId:
                pass
        raise exceptions.ValidationError(
            self.error_messages["invalid"], code="invalid", params={"value": value}
        )

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value if type(value) is ObjectId else self.to_python(value)

    def to_bson(self, value: Any) -> ObjectId | None:
        return self.get_prep_value(value)

    def from_bson(self, value: Any) -> Any:
        return value

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": ObjectIdFormField, **kwargs})


class ObjectIdAutoField(AutoFieldMixin, ObjectIdField):
    """The primary key of a document that declares none: made by the client on first save.

    Like Django's automatic keys it is None until then, so that an unsaved document can
    be told from a saved one.
    """

    def get_pk_value_on_save(self, instance: models.Model) -> ObjectId:
        return ObjectId()

    def rel_db_type(self, connection: Any) -> str:
        return "objectId"

    def formfield(self, **kwargs: Any) -> None:
        return None


class ObjectIdFormField(forms.CharField):
    """A text input whose cleaned value is an `ObjectId`, or None when empty."""

    default_error_messages = ObjectIdField.default_error_messages

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("empty_value", None)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> ObjectId | None:
        value = super().to_python(value)
        if value is None:
            return None
        if not ObjectId.is_valid(value):
            raise exceptions.ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": value}
            )
        return ObjectId(value)
