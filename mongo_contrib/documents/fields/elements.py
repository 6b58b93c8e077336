"""What fields made of other fields share: the inner field, and errors that say where."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django.core import checks, exceptions
from django.db import DatabaseError, DataError, models

from ...mapping.encoding import encode_value
from .nested import NestedField

#: The attributes under which fields keep their inner ones.
_INNER = ("base_field", "value_field")


class FieldOfFields(NestedField):
    """A field whose stored value holds many values of one inner field.

    The inner one has a name and a model for its messages only: it is never added to the class.
    """

    #: The name of the attribute, one of `_INNER`.
    inner: str

    @property
    def inner_field(self) -> models.Field:
        field: models.Field = getattr(self, self.inner)
        return field

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, [self.inner_field.clone(), *args], kwargs

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        # An abstract class gives its fields to several, which must not share the inner one.
        setattr(self, self.inner, copy.deepcopy(self.inner_field))
        field: Any = self
        while field := next((getattr(field, key) for key in _INNER if hasattr(field, key)), None):
            field.set_attributes_from_name(name)
            field.model = cls

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if self.inner_field.is_relation:
            errors.append(
                checks.Error(
                    f"A {type(self).__name__} cannot hold a {type(self.inner_field).__name__}.",
                    hint=(
                        "Use ReferenceListField, or store the ids: "
                        f"{type(self).__name__}(ObjectIdField())."
                    ),
                    obj=self,
                    id="mongo_contrib.E020",
                )
            )
        return errors

    def at(self, place: Any, function: Callable[..., Any], *args: Any) -> Any:
        """Return what `function` makes of one value; its error says at which place that is."""
        try:
            return function(*args)
        except exceptions.ValidationError as error:
            raise exceptions.ValidationError(
                self.error_messages["item"],
                code="item",
                params={**self.place(place), "message": "; ".join(error.messages)},
            ) from error
        except (ArithmeticError, AttributeError, TypeError, ValueError, DatabaseError) as error:
            message = self.error_messages["item"] % {**self.place(place), "message": error}
            if isinstance(error, ArithmeticError | DatabaseError):
                raise DataError(message) from error
            kind = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(message) from error

    def place(self, place: Any) -> dict[str, Any]:
        """Return what the message `item` calls the place of a value."""
        raise NotImplementedError

    def store(self, value: Any) -> Any:
        """Return the stored form of one inner value."""
        return None if value is None else encode_value(self.inner_field, value)


def to_value(field: models.Field, value: Any) -> Any:
    """Return `value` converted by a field that lies inside of another."""
    return field.to_value(value) if isinstance(field, NestedField) else field.to_python(value)
