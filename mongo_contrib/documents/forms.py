"""Form fields for what lies inside documents."""

from __future__ import annotations

from typing import Any

from bson import json_util
from django import forms
from django.core import exceptions
from django.utils.translation import gettext_lazy as _

_JSON = json_util.JSONOptions(json_mode=json_util.JSONMode.RELAXED, indent=2)


class EmbeddedDocumentFormField(forms.CharField):
    """A text area with one embedded document as JSON, by the names of its fields.

    The admin shows the fields one by one instead (`mongo_contrib.admin`).
    """

    widget = forms.Textarea
    default_error_messages = {
        "json": _("Enter a document as JSON: {“name”: value, ...}."),
    }

    def __init__(self, *, document: Any, **kwargs: Any) -> None:
        self.document = document
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, self.document):
            return json_util.dumps(_values(value), json_options=_JSON, indent=2)
        return value

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, self.document):
            return value
        text = super().to_python(value)
        if text in self.empty_values:
            return None
        try:
            values = json_util.loads(text)
        except (ValueError, TypeError):
            values = None
        if not isinstance(values, dict):
            raise exceptions.ValidationError(self.error_messages["json"], code="json")
        known = {field.name for field in self.document._meta.fields}
        if unknown := sorted(set(values) - known):
            raise exceptions.ValidationError(
                _("%(document)s has no field %(keys)s."),
                code="unknown_keys",
                params={
                    "document": self.document._meta.verbose_name,
                    "keys": ", ".join(unknown),
                },
            )
        return self.document(**values)

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)

    def run_validators(self, value: Any) -> None:
        """The embedded document's own validators run with the model's."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or None)
        except exceptions.ValidationError:
            return True


def _values(instance: Any) -> dict[str, Any]:
    return {
        field.name: field.value_from_object(instance)
        for field in instance._meta.fields
        if getattr(field, "stored", True)
    }
