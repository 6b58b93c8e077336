"""Validation of `UniqueConstraint`s with a condition, which Django would ask SQL about."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from ..mapping.plan import plan_of
from .indexes import partial_filter
from .matching import matches


class ConditionalUnique:
    """Stands for a `UniqueConstraint` with a condition in `Model.validate_constraints()`."""

    def __init__(self, constraint: models.UniqueConstraint) -> None:
        self.constraint = constraint

    def __getattr__(self, name: str) -> Any:
        return getattr(self.constraint, name)

    def validate(
        self, model: Any, instance: Any, exclude: Any = None, using: str = "default"
    ) -> None:
        """Raise ValidationError if the condition holds and another document has the values."""
        constraint = self.constraint
        fields = constraint.fields
        if exclude and any(name in exclude for name in fields):
            return
        condition = partial_filter(model, constraint.condition, constraint.name)
        if not matches(condition, plan_of(model).encode(instance, add=False, raw=True)):
            return
        values = {name: getattr(instance, model._meta.get_field(name).attname) for name in fields}
        if any(value is None for value in values.values()):
            return
        others = model._default_manager.using(using).filter(constraint.condition, **values)
        if not instance._state.adding and instance._is_pk_set():
            others = others.exclude(pk=instance.pk)
        if not others.exists():
            return
        if constraint.violation_error_message == constraint.default_violation_error_message:
            raise ValidationError(instance.unique_error_message(model, fields))
        raise ValidationError(
            constraint.get_violation_error_message(), code=constraint.violation_error_code
        )


def on_server(constraint: Any) -> Any:
    """Return what validates `constraint` without SQL."""
    if isinstance(constraint, models.UniqueConstraint) and constraint.condition is not None:
        return ConditionalUnique(constraint)
    return constraint
