"""Documents without a class: any keys, with any values or with values of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import DBRef
from django.core import exceptions
from django.db import DataError, models
from django.utils.translation import gettext_lazy as _

from ...mapping.encoding import decoder_of
from ...mapping.values import detached, storable
from .elements import FieldOfFields, to_value
from .extended_json import ExtendedJSONFormField
from .nested import NestedField


class _KeyedField(NestedField):
    """A stored document whose keys are data: any text, the empty one too.

    Unless the field may be null, its default is an empty dict.
    """

    default_error_messages = {"not_a_dict": _("“%(value)s” is not a dict.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not kwargs.get("null"):
            kwargs.setdefault("default", dict)
        super().__init__(*args, **kwargs)

    def as_dict(self, value: Any) -> dict[str, Any]:
        """Return a dict with these keys; ValidationError if it is no mapping."""
        if not isinstance(value, Mapping):
            raise exceptions.ValidationError(
                self.error_messages["not_a_dict"], code="not_a_dict", params={"value": value}
            )
        return dict(value)

    @staticmethod
    def as_read(value: Any) -> dict[str, Any]:
        """Return a stored document; TypeError if it is none."""
        if type(value) is DBRef:
            # The driver's reading of any document with `$ref` and `$id`.
            value = dict(value.as_doc())
        if type(value) is not dict:
            raise TypeError(f"{value!r} is not a document")
        return value

    def to_value(self, value: Any) -> Any:
        return None if value is None else self.to_python(self.as_dict(value))

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{"form_class": ExtendedJSONFormField, "model_field": self, **kwargs}
        )


class DictField(_KeyedField):
    """A document of any keys and values, each kept as it is, whatever its BSON type.

    Unlike a JSONField's, its values are dumped and edited as Extended JSON, which keeps ids,
    dates, Decimal128, bytes and all other types.
    """

    description = _("Document")

    def get_internal_type(self) -> str:
        return "DictField"

    def to_bson(self, value: Any) -> Any:
        return storable(self.as_dict(value), self.name)

    def from_bson(self, value: Any) -> dict[str, Any]:
        copied: dict[str, Any] = detached(self.as_read(value))
        return copied

    def to_python(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        parsed: dict[str, Any] = (
            self.parse_text(value) if isinstance(value, str) else self.as_dict(value)
        )
        return parsed

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        validate_storable(self, value)


class MapField(_KeyedField, FieldOfFields):
    """A document of any keys whose values are all of `value_field`, a field without a name.

    Values are validated and converted one by one; an error names the key. Look-ups lead into
    them (`scores__alice__gte=3`), and a save sends only the keys that changed.
    """

    description = _("Map")
    default_error_messages = {
        "item": _("Key “%(key)s”: %(message)s"),
        "key": _("%(key)s is no key: a text without NUL characters is."),
    }
    inner = "value_field"

    def __init__(self, value_field: models.Field, **kwargs: Any) -> None:
        self.value_field = value_field
        super().__init__(**kwargs)

    def get_internal_type(self) -> str:
        return "MapField"

    def prepared(self, value: Any) -> Any:
        field = self.value_field
        if not isinstance(field, NestedField) or not isinstance(value, Mapping):
            return value
        return {
            key: None if item is None else self.at(key, field.prepared, item)
            for key, item in value.items()
        }

    def to_bson(self, value: Any) -> dict[str, Any]:
        return {
            self.checked_key(key): self.at(key, self.store, item)
            for key, item in self.as_dict(value).items()
        }

    def from_bson(self, value: Any) -> dict[str, Any]:
        value = self.as_read(value)
        decode = decoder_of(self.value_field)
        if decode is None:
            return value.copy()
        return {
            key: None if item is None else self.at(key, decode, item)
            for key, item in value.items()
        }

    def to_python(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = self.parse_text(value)
        return {
            self.checked_key(key): self.at(key, to_value, self.value_field, item)
            for key, item in self.as_dict(value).items()
        }

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        for key, item in (value or {}).items():
            self.at(key, self.value_field.validate, item, model_instance)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        for key, item in (value or {}).items():
            self.at(key, self.value_field.run_validators, item)

    def checked_key(self, key: Any) -> str:
        """Return `key`; ValidationError if BSON has no such key."""
        if not isinstance(key, str) or "\0" in key:
            raise exceptions.ValidationError(
                self.error_messages["key"], code="key", params={"key": repr(key)}
            )
        return str.__str__(key)

    def place(self, place: Any) -> dict[str, Any]:
        return {"key": place}


def validate_storable(field: models.Field, value: Any) -> None:
    """Raise ValidationError if BSON has no such value."""
    try:
        storable(value, field.name)
    except (TypeError, ValueError, DataError) as error:
        raise exceptions.ValidationError(str(error), code="invalid") from error
