"""Arrays of one kind of value."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import checks, exceptions
from django.db import models
from django.utils.translation import gettext_lazy as _

from ...mapping.encoding import decoder_of
from .elements import FieldOfFields, to_value
from .extended_json import ExtendedJSONFormField
from .lengths import BoundedLength, length_validators
from .nested import NestedField


class ListField(BoundedLength, FieldOfFields):
    """A BSON array whose elements are all of `base_field`, a field instance without a name.

    The value is a list; unless the field may be null, its default is an empty one. Elements are
    validated and converted one by one by the base field; an error names the position.
    `min_length` and `max_length` bound the number of elements.
    """

    description = _("List")
    default_error_messages = {
        "not_a_list": _("“%(value)s” is not a list."),
        "item": _("Item %(position)s: %(message)s"),
    }
    inner = "base_field"

    def __init__(self, base_field: models.Field, **kwargs: Any) -> None:
        self.base_field = base_field
        if not kwargs.get("null"):
            kwargs.setdefault("default", list)
        super().__init__(**kwargs)

    def get_internal_type(self) -> str:
        return "ListField"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.base_field.get_internal_type() == "EmbeddedDocumentField":
            errors.append(
                checks.Error(
                    f"A {type(self).__name__} cannot hold embedded documents.",
                    hint="Use EmbeddedDocumentListField, which takes ordering= too.",
                    obj=self,
                    id="mongo_contrib.E050",
                )
            )
        return errors

    def prepared(self, value: Any) -> Any:
        base_field = self.base_field
        if not isinstance(base_field, NestedField) or not isinstance(value, list | tuple):
            return value
        return [None if item is None else base_field.prepared(item) for item in value]

    def to_bson(self, value: Any) -> list[Any]:
        return [
            self.at(position, self.store, item)
            for position, item in enumerate(self.iterated(value))
        ]

    def from_bson(self, value: Any) -> list[Any]:
        if type(value) is not list:
            raise self._not_a_list(value)
        decode = decoder_of(self.base_field)
        if decode is None:
            return value.copy()
        return [None if item is None else decode(item) for item in value]

    def to_python(self, value: Any) -> list[Any] | None:
        """Return a list of converted elements, or None; ValidationError naming the item."""
        if value is None:
            return None
        if isinstance(value, str):
            value = self.parse_text(value)
            if value is None:
                return None
        return [
            self.at(position, to_value, self.base_field, item)
            for position, item in enumerate(self.iterated(value))
        ]

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        for position, item in enumerate(value or ()):
            self.at(position, self.base_field.validate, item, model_instance)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        for position, item in enumerate(value or ()):
            self.at(position, self.base_field.run_validators, item)

    def formfield(self, **kwargs: Any) -> Any:
        base_field = self.base_field
        if isinstance(base_field, NestedField) and not base_field.fits_in_a_line:
            defaults = {"form_class": ExtendedJSONFormField, "model_field": self}
        else:
            defaults = {
                "form_class": ListFormField,
                "base_field": base_field.formfield(),
                "min_length": self.min_length,
                "max_length": self.max_length,
            }
        return super().formfield(**{**defaults, **kwargs})

    def place(self, place: Any) -> dict[str, Any]:
        return {"position": place + 1}

    def iterated(self, value: Any) -> Any:
        """Return `value`; ValidationError if it is nothing that a list can be made of."""
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
            raise self._not_a_list(value)
        return value

    def _not_a_list(self, value: Any) -> exceptions.ValidationError:
        return exceptions.ValidationError(
            self.error_messages["not_a_list"], code="not_a_list", params={"value": value}
        )


class ListFormField(forms.CharField):
    """A text area with one element a line; each line is cleaned by `base_field`."""

    widget = forms.Textarea

    def __init__(
        self,
        *,
        base_field: forms.Field | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.base_field = base_field or forms.CharField()
        # A model field without one gives the empty text.
        kwargs["help_text"] = kwargs.get("help_text") or _("One per line.")
        super().__init__(**kwargs)
        # Of elements: for CharField they would be of characters.
        self._of_length = length_validators(min_length, max_length)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return "\n".join(str(self.base_field.prepare_value(item)) for item in value)
        return value

    def to_python(self, value: Any) -> list[Any]:
        if isinstance(value, list | tuple):
            lines = [str(item) for item in value]
        else:
            lines = super().to_python(value).splitlines()
        items, errors = [], []
        for number, line in enumerate((line.strip() for line in lines), start=1):
            if not line:
                continue
            try:
                items.append(self.base_field.clean(line))
            except exceptions.ValidationError as error:
                errors += [_("Line %d: %s") % (number, message) for message in error.messages]
        if errors:
            raise exceptions.ValidationError(errors, code="item")
        return items

    def validate(self, value: list[Any]) -> None:
        forms.Field.validate(self, value)

    def run_validators(self, value: list[Any]) -> None:
        """Ask for the length; the base field's clean() has run each element's validators."""
        if value:
            for validator in self._of_length:
                validator(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or []) != self.to_python(data or "")
        except exceptions.ValidationError:
            return True
