"""What lists and embedded documents share: text for serializers, and checks of what they hold."""

from __future__ import annotations

from typing import Any

from django.core import checks, exceptions
from django.db import DatabaseError, models
from django.utils.translation import gettext_lazy as _

from .extended_json import dumps, loads


class NestedField(models.Field):
    """A field whose stored value is an array or a document.

    Serializers (`dumpdata`) get it as a string of Extended JSON, from which `to_python()`
    gives back the same value.
    """

    empty_strings_allowed = False
    #: Whether the text of its form field has no line breaks, so that a list has one a line.
    fits_in_a_line = False
    #: A loaded document's value is made when it is first touched, see mapping/lazy.py.
    lazy = True
    default_error_messages = {
        "json": _("“%(value)s” is not valid JSON."),
        "stored": _("This is not what the field stores: %(message)s"),
    }

    def to_bson(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define to_bson().")

    def from_bson(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define from_bson().")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        prepared = self.prepared(value)
        if prepared is not value:
            # Made of what was given, with values of their own: the next save must find the same.
            setattr(model_instance, self.attname, prepared)
        return prepared

    def prepared(self, value: Any) -> Any:
        """Return `value` ready to be stored, the fields of embedded documents included."""
        return value

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.has_default() and self.default is not None and not callable(self.default):
            errors.append(
                checks.Warning(
                    f"{type(self).__name__} default should be a callable, or all documents "
                    "share one value.",
                    hint="Use default=list, or a function that makes the value.",
                    obj=self,
                    id="mongo_contrib.W021",
                )
            )
        return errors

    def value_to_string(self, obj: models.Model) -> str:
        return self.text_of(self.value_from_object(obj))

    def text_of(self, value: Any) -> str:
        """Return a value as `parse_text()` reads it."""
        return dumps(None if value is None else self.to_bson(value))

    def parse_text(self, text: str) -> Any:
        """Return the value whose stored form is this text, as `value_to_string()` wrote it.

        ValidationError if it is no JSON, or no value of this field.
        """
        try:
            value = loads(text)
        except ValueError:
            raise exceptions.ValidationError(
                self.error_messages["json"], code="json", params={"value": text}
            ) from None
        try:
            return None if value is None else self.from_bson(value)
        except (ArithmeticError, AttributeError, TypeError, ValueError, DatabaseError) as error:
            raise exceptions.ValidationError(
                self.error_messages["stored"], code="stored", params={"message": error}
            ) from error

    def to_value(self, value: Any) -> Any:
        """Return `value` converted; unlike for `to_python()`, text is a value like others."""
        return self.to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        # With a callable default Django would add a hidden copy of the initial value, and the
        # history would call the field changed whenever the two are written differently.
        return super().formfield(**{"show_hidden_initial": False, **kwargs})

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return None if value is None else self.to_bson(value)
