"""What documents and embedded documents share: attributes that wait for the first touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from ..mapping.lazy import broken
from ..mapping.plan import plan_of

if TYPE_CHECKING:
    from django.db.models import Model as _Base
else:
    _Base = object


class Reading(_Base):
    """The part of a class that knows what is deferred, what is pending and what can't be read."""

    def get_deferred_fields(self) -> set[str]:
        """See `Model.get_deferred_fields()`; what is only made when touched is none of them."""
        return plan_of(type(self)).deferred_on(self)

    def clean_fields(self, exclude: Any = None) -> None:
        """See `Model.clean_fields()`; what can't be read is an error of its field.

        Not so where it is shown as it is stored: it stays that unless it is set.
        """
        unreadable = broken(self)
        if not unreadable:
            super().clean_fields(exclude=exclude)
            return
        excluded = set(exclude or ())
        names = {self._meta.get_field(attname).name: attname for attname in unreadable}
        if getattr(self._state, "lenient", False):
            super().clean_fields(exclude=excluded | names.keys())
            return
        errors: dict[str, Any] = {}
        try:
            super().clean_fields(exclude=excluded | names.keys())
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        for name, attname in names.items():
            if name not in excluded:
                message = str(unreadable[attname])
                errors[name] = [ValidationError(message, code="unreadable")]
        if errors:
            raise ValidationError(errors)
