"""Arrays of one kind of value."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import checks, exceptions
from django.db import models
from django.utils.translation import gettext_lazy as _

from ...mapping.encoding import decoder_of, encode_value
from .nested import NestedField


class ListField(NestedField):
    """A BSON array whose elements are all of `base_field`, a field instance without a name.

    The value is a list. Elements are validated and converted one by one by the base
    field; an error names the position.
    """

    description = _("List")
    default_error_messages = {
        "not_a_list": _("“%(value)s” is not a list."),
        "item": _("Item %(position)s: %(message)s"),
    }

    def __init__(self, base_field: models.Field, **kwargs: Any) -> None:
        self.base_field = base_field
        super().__init__(**kwargs)

    def get_internal_type(self) -> str:
        return "ListField"

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, [self.base_field.clone(), *args], kwargs

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        # Base fields, of lists in lists too, need a name and a model for their messages only:
        # they are never added to the class.
        field: Any = self.base_field
        while field is not None:
            field.set_attributes_from_name(name)
            field.model = cls
            field = getattr(field, "base_field", None)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.base_field.is_relation:
            errors.append(
                checks.Error(
                    f"A ListField cannot hold a {type(self.base_field).__name__}.",
                    hint="Store the ids: ListField(ObjectIdField()).",
                    obj=self,
                    id="mongo_contrib.E020",
                )
            )
        return errors

    def prepared(self, value: Any) -> Any:
        base_field = self.base_field
        if not isinstance(base_field, NestedField) or not isinstance(value, list | tuple):
            return value
        return [None if item is None else base_field.prepared(item) for item in value]

    def to_bson(self, value: Any) -> list[Any]:
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
            raise self._not_a_list(value)
        base_field = self.base_field
        return [None if item is None else encode_value(base_field, item) for item in value]

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
            return self.parse_text(value)
        if isinstance(value, bytes | dict) or not hasattr(value, "__iter__"):
            raise self._not_a_list(value)
        return [
            self._item(position, self.base_field.to_python, item)
            for position, item in enumerate(value)
        ]

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        for position, item in enumerate(value):
            self._item(position, self.base_field.validate, item, model_instance)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        for position, item in enumerate(value or ()):
            self._item(position, self.base_field.run_validators, item)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{
                "form_class": ListFormField,
                "base_field": self.base_field.formfield(),
                **kwargs,
            }
        )

    def _item(self, position: int, function: Any, *args: Any) -> Any:
        try:
            return function(*args)
        except exceptions.ValidationError as error:
            raise exceptions.ValidationError(
                self.error_messages["item"],
                code="item",
                params={"position": position + 1, "message": "; ".join(error.messages)},
            ) from error

    def _not_a_list(self, value: Any) -> exceptions.ValidationError:
        return exceptions.ValidationError(
            self.error_messages["not_a_list"], code="not_a_list", params={"value": value}
        )


class ListFormField(forms.CharField):
    """A text area with one element a line; each line is cleaned by `base_field`."""

    widget = forms.Textarea

    def __init__(self, *, base_field: forms.Field | None = None, **kwargs: Any) -> None:
        self.base_field = base_field or forms.CharField()
        # A model field without one gives the empty text.
        kwargs["help_text"] = kwargs.get("help_text") or _("One per line.")
        super().__init__(**kwargs)

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
        """The base field's clean() has run each element's validators."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or []) != self.to_python(data or "")
        except exceptions.ValidationError:
            return True
