"""Forms of documents in which something is stored that is no value of its field.

It is shown as it is stored, and stays so unless somebody changes the text of it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from mongo_contrib.exceptions import UnreadableValue
from mongo_contrib.mapping.fitting import misfit
from mongo_contrib.mapping.lazy import broken, show_stored, unreadable
from mongo_contrib.mapping.loaded import NOT_ENCODED
from mongo_contrib.mapping.plan import plan_of

from .refusals import tell


class StoredValueField(forms.CharField):
    """What is stored, as text; changed, it is cleaned by `cleaned_by`."""

    def __init__(self, *, text: str, cleaned_by: forms.Field, **kwargs: Any) -> None:
        self.text = text
        self.cleaned_by = cleaned_by
        super().__init__(required=False, strip=False, **kwargs)

    def clean(self, value: Any) -> Any:
        return self.cleaned_by.clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        if self.disabled or data is None:
            return False
        # Browsers send their own line breaks.
        return data.splitlines() != self.text.splitlines()


class KeepsStored(forms.ModelForm):
    """A form that leaves alone what is no value of its field, until somebody changes it."""

    fields: Any
    #: Names of fields that have no input of their own, and get one here.
    shown_as_stored: tuple[str, ...] = ()
    #: Why the server refused what this form had said before.
    refusal: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if is_stored(kwargs.get("instance")):
            show_stored(kwargs["instance"])
        super().__init__(*args, **kwargs)
        if not is_stored(self.instance):
            return
        for attname, error in misfits(self.instance).items():
            field = self.instance._meta.get_field(attname)
            if field.name in self.fields or field.name in self.shown_as_stored:
                made = stored_value_field(field, self.fields.get(field.name), error.value)
                self.fields[field.name] = made
                self.initial[field.name] = made.text

    @property
    def kept(self) -> set[str]:
        """The names of fields that stay as they are stored."""
        if not hasattr(self, "_kept"):
            self._kept = {name for name in self.fields if self._is_kept(name)}
        return self._kept

    def _is_kept(self, name: str) -> bool:
        if not is_stored(self.instance):
            return False
        field = self.fields[name]
        if not isinstance(field, StoredValueField):
            value = self.initial.get(name)
            if not getattr(value, "_is_embedded", False) or not is_wrong_inside(value):
                return False
        return not self[name]._has_changed()

    def _clean_fields(self) -> None:
        fields = self.fields
        # The form of a field that stays has nothing to say, and nobody's `clean_...()` either.
        self.fields = {name: field for name, field in fields.items() if name not in self.kept}
        try:
            super()._clean_fields()
        finally:
            self.fields = fields

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | self.kept

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.refusal is not None:
            tell(self, self.refusal)


def repairing(form: Any, **attributes: Any) -> Any:
    """Return a class of forms that is `form` and a `KeepsStored`."""
    bases = (form,) if issubclass(form, KeepsStored) else (KeepsStored, form)
    return type(form)(form.__name__, bases, {"__module__": form.__module__, **attributes})


def stored_value_field(field: Any, replaced: Any, stored: Any) -> StoredValueField:
    """Return what takes the place of the form field `replaced`, None if there was none."""
    from mongo_contrib.documents.fields.extended_json import ExtendedJSONFormField, dumps

    help_text = _(
        "What is stored here is no value of this field. It stays as it is until you change it."
    )
    if nested := hasattr(field, "parse_text"):
        cleaned_by: Any = ExtendedJSONFormField(model_field=field, required=not field.blank)
        help_text = _(
            "What is stored here, as JSON, is no value of this field. It stays as it is until you "
            "change it."
        )
    elif replaced is None or isinstance(replaced, forms.MultiValueField):
        cleaned_by = field.formfield()
    else:
        cleaned_by = replaced
    plain = not nested and isinstance(stored, str) and stored.isprintable()
    made = StoredValueField(
        text=stored if plain else dumps(stored, ensure_ascii=False),
        cleaned_by=cleaned_by,
        label=getattr(replaced, "label", None) or capfirst(field.verbose_name),
        help_text=help_text,
        widget=AdminTextareaWidget({"rows": 4}) if nested else AdminTextInputWidget(),
    )
    made.disabled = getattr(replaced, "disabled", False)
    return made


def is_stored(instance: Any) -> bool:
    """Tell whether an instance is of ours, and something is stored of it."""
    return (
        getattr(instance, "_is_document", False) or getattr(instance, "_is_embedded", False)
    ) and getattr(instance._state, "loaded", None) is not None


def misfits(instance: Any) -> dict[str, UnreadableValue]:
    """Return the errors of what is stored but no value of its field, by attribute name.

    Beside what can't be read, that is what is taken as it is stored without a look at its type.
    """
    found = broken(instance)
    for each in plan_of(type(instance)).fields:
        if each.attname in found or getattr(instance, each.attname, None) is None:
            continue
        value = getattr(instance, each.attname)
        error = None
        if getattr(each.field, "lazy", False):
            error = unwritable(each.field, value)
        elif each.decode is None:
            error = misfit(each.field, value)
        if error is not None:
            stored = instance._state.loaded.get(each.column, value)
            found[each.attname] = unreadable(instance, each, stored, error)
    return found


def unwritable(field: Any, value: Any) -> Exception | None:
    """Return why a nested value, which was read, can't be written so again; None if it can."""
    if hasattr(field, "document") and not field.is_polymorphic:
        # What is wrong lies inside, and is told there.
        return None
    try:
        field.to_bson(value)
        if isinstance(value, list) and field.to_python(value) != value:
            return TypeError("its elements are of other types")
    except NOT_ENCODED as error:
        return error
    return None


def all_misfits(instance: Any) -> list[UnreadableValue]:
    """Return the errors of `misfits()`, those of embedded documents among them."""
    found = misfits(instance)
    errors = list(found.values())
    for field in instance._meta.concrete_fields:
        if hasattr(field, "document") and field.attname not in found:
            value = getattr(instance, field.attname)
            for item in value if isinstance(value, list) else [value]:
                if getattr(item, "_is_embedded", False):
                    errors += all_misfits(item)
    return errors


def is_wrong_inside(value: Any) -> bool:
    """Tell whether something in an embedded document is no value of its field."""
    return bool(all_misfits(value))
