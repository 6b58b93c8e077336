"""Form fields for what lies inside documents."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django import forms
from django.core import exceptions
from django.forms.boundfield import BoundField
from django.forms.models import modelform_factory
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _


class EmbeddedDocumentFormField(forms.Field):
    """The fields of one embedded document, each with its own widget, label and errors.

    They are those of `form`, a ModelForm of the embedded class, by default all. Its cleaned value
    is an instance: the one that was there with what the form has changed, so that what the form
    doesn't show stays. Where the document is optional, one whose fields are all empty is None.
    """

    default_error_messages = {"invalid": _("Please correct the errors below.")}

    def __init__(
        self,
        *,
        document: Any,
        form: type[forms.ModelForm] = forms.ModelForm,
        fields: Any = forms.ALL_FIELDS,
        formfield_callback: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.document = document
        self.form_class: Any = modelform_factory(
            document, form=form, fields=fields, formfield_callback=formfield_callback
        )
        kwargs.setdefault("widget", EmbeddedDocumentWidget)
        super().__init__(**kwargs)
        self.widget.form_class = self.form_class

    def get_bound_field(self, form: Any, field_name: str) -> EmbeddedBoundField:
        return EmbeddedBoundField(form, self, field_name)

    def clean(self, value: Any) -> Any:
        """Return the instance that a bound form makes, or None."""
        if not isinstance(value, forms.BaseForm):
            # A disabled field is cleaned as it was.
            return super().clean(value)
        if self._is_absent(value):
            return super().clean(None)
        if not value.is_valid():
            raise exceptions.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().clean(value.instance)

    def _is_absent(self, form: Any) -> bool:
        """Whether an optional document was left, or made, empty."""
        if self.required:
            return False
        if not form.has_changed():
            return getattr(form, "was_absent", True)
        return not any(map(_is_filled, form))

    def has_changed(self, initial: Any, data: Any) -> bool:
        if self.disabled:
            return False
        if self._is_absent(data):
            return initial is not None
        return initial is None or data.has_changed()


class EmbeddedBoundField(BoundField):
    """An embedded document's form within another form."""

    @cached_property
    def embedded_form(self) -> Any:
        """The form of the embedded document, bound if the one around it is."""
        field: Any = self.field
        outer: Any = self.form
        value = self.initial
        # A copy: cleaning fills it, and the form around it may yet turn out invalid.
        instance = copy.copy(value) if isinstance(value, field.document) else None
        form = field.form_class(
            data=outer.data if outer.is_bound else None,
            files=outer.files if outer.is_bound else None,
            instance=instance,
            prefix=self.html_name,
            auto_id=outer.auto_id,
            # One that nobody has filled in has no errors to show.
            empty_permitted=instance is None and not field.required,
            use_required_attribute=outer.use_required_attribute and field.required,
            renderer=outer.renderer,
        )
        form.was_absent = instance is None
        return form

    @property
    def data(self) -> Any:
        """The bound form, which is what the field cleans."""
        return self.embedded_form

    def value(self) -> Any:
        return self.embedded_form

    @property
    def id_for_label(self) -> str:
        """No input of its own: the labels inside have theirs."""
        return ""


class EmbeddedDocumentWidget(forms.Widget):
    """Shows a form where others show an input."""

    template_name = "mongo_contrib/forms/embedded_document.html"
    use_fieldset = True
    #: The field sets it.
    form_class: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> EmbeddedDocumentWidget:
        copied = super().__deepcopy__(memo)
        copied.form_class = self.form_class
        return copied

    @property
    def media(self) -> forms.Media:
        return self.form_class().media

    @property
    def needs_multipart_form(self) -> bool:
        return self.form_class().is_multipart()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, None, attrs)
        context["widget"]["form"] = value
        return context

    def format_value(self, value: Any) -> None:
        return None

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return self.form_class(data=data, files=files, prefix=name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        form = self.form_class(prefix=name)
        return all(
            bound.field.widget.value_omitted_from_data(data, files, bound.html_name)
            for bound in form
        )


def _is_filled(bound: Any) -> bool:
    """Whether somebody has entered something."""
    data = bound.data
    if isinstance(data, forms.BaseForm):
        return any(map(_is_filled, data))
    if isinstance(bound.field, forms.BooleanField):
        return bool(data)
    return data not in bound.field.empty_values
