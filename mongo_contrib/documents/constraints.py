"""Validation of `UniqueConstraint`s that Django would ask SQL about, or knows no fields of."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.constants import LOOKUP_SEP

from ..mapping.plan import plan_of
from .index_keys import partial_filter
from .matching import columns_of, matches


class UniqueOnServer:
    """Stands in `Model.validate_constraints()` for a constraint that has a condition or holds
    paths into embedded documents."""

    def __init__(self, constraint: models.UniqueConstraint) -> None:
        self.constraint = constraint

    def __getattr__(self, name: str) -> Any:
        return getattr(self.constraint, name)

    def validate(
        self, model: Any, instance: Any, exclude: Any = None, using: str = "default"
    ) -> None:
        """Raise ValidationError if the condition holds and another document has the values.

        Of paths through lists, only the index on the server tells.
        """
        constraint = self.constraint
        fields = constraint.fields
        if exclude and any(name.partition(LOOKUP_SEP)[0] in exclude for name in fields):
            return
        others = model._default_manager.using(using)
        if constraint.condition is not None:
            condition = partial_filter(model, constraint.condition, constraint.name)
            plan, columns = plan_of(model), columns_of(condition)
            asked = [field for field in plan.fields if field.column in columns]
            if exclude and any(field.field.name in exclude for field in asked):
                return
            if not matches(condition, plan.encode(instance, add=False, raw=True, fields=asked)):
                return
            others = others.filter(constraint.condition)
        values = {name: _value(instance, name) for name in fields}
        if any(value is None for value in values.values()):
            return
        others = others.filter(**values)
        if not instance._state.adding and instance._is_pk_set():
            others = others.exclude(pk=instance.pk)
        if not others.exists():
            return
        by_default = constraint.violation_error_message == (
            constraint.default_violation_error_message
        )
        if by_default and not _has_paths(constraint):
            raise ValidationError(instance.unique_error_message(model, fields))
        raise ValidationError(
            constraint.get_violation_error_message(), code=constraint.violation_error_code
        )


def _value(instance: Any, name: str) -> Any:
    for part in name.split(LOOKUP_SEP):
        if not isinstance(instance, models.Model):
            return None
        instance = getattr(instance, instance._meta.get_field(part).attname)
    return instance


def _has_paths(constraint: models.UniqueConstraint) -> bool:
    return any(LOOKUP_SEP in name for name in constraint.fields)


def on_server(constraint: Any) -> Any:
    """Return what validates `constraint` without SQL."""
    if isinstance(constraint, models.UniqueConstraint) and (
        constraint.condition is not None or _has_paths(constraint)
    ):
        return UniqueOnServer(constraint)
    return constraint
