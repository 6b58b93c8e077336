"""How many elements a list may have."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.utils.functional import cached_property
from django.utils.translation import ngettext_lazy


class FewestElements(MinLengthValidator):
    message = ngettext_lazy(
        "Has %(show_value)d elements; there must be at least %(limit_value)d.",
        "Has %(show_value)d elements; there must be at least %(limit_value)d.",
        "limit_value",
    )


class MostElements(MaxLengthValidator):
    message = ngettext_lazy(
        "Has %(show_value)d elements; there may be %(limit_value)d at most.",
        "Has %(show_value)d elements; there may be %(limit_value)d at most.",
        "limit_value",
    )


def length_validators(least: int | None, most: int | None) -> list[Any]:
    """Return the validators of a list's length; a bound of None is none."""
    validators: list[Any] = []
    if least is not None:
        validators.append(FewestElements(least))
    if most is not None:
        validators.append(MostElements(most))
    return validators


class BoundedLength:
    """Gives a field of lists `min_length` and `max_length`.

    As with all validators, an empty list that the field allows (`blank=True`) is not asked.
    """

    def __init__(self, *args: Any, min_length: int | None = None, **kwargs: Any) -> None:
        self.min_length = min_length
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        if self.min_length is not None:
            kwargs["min_length"] = self.min_length
        return name, path, args, kwargs

    @cached_property
    def validators(self) -> list[Any]:
        limits = length_validators(self.min_length, self.max_length)  # type: ignore[attr-defined]
        return [*self.default_validators, *limits, *self._validators]  # type: ignore[attr-defined]
