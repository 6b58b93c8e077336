"""Who must be asked whether a value is unique, where several classes share a collection."""

from __future__ import annotations

from typing import Any

from ..mapping.families import SharedOptions, bases


def unique_checks(model: Any, found: list[Any], exclude: Any) -> list[Any]:
    """Return Django's checks of `model`, each asked of the oldest class that it holds for.

    An index of the base's field is one of all classes. Those that only the base declares are
    added.
    """
    if not isinstance(model._meta, SharedOptions):
        return found
    exclude = set(exclude or ())
    checks = [(_declaring(model, names), tuple(names)) for _model, names in found]
    for base in bases(model):
        checks += [
            (base, tuple(names))
            for names in base._meta.unique_together
            if not exclude.intersection(names)
        ]
    return list(dict.fromkeys(checks))


def constraints(model: Any, found: list[Any]) -> list[Any]:
    """Return `found` with the constraints that the bases declare."""
    if not isinstance(model._meta, SharedOptions):
        return found
    own = {str(each.deconstruct()) for _model, listed in found for each in listed}
    for base in bases(model):
        listed = [each for each in base._meta.constraints if str(each.deconstruct()) not in own]
        if listed:
            found = [*found, (base, listed)]
    return found


def _declaring(model: Any, names: Any) -> Any:
    """Return the oldest class in which these fields are unique."""
    oldest = model
    for base in bases(model):
        fields = {field.name: field for field in base._meta.concrete_fields}
        if not all(name in fields for name in names):
            continue
        if tuple(names) in base._meta.unique_together or (
            len(names) == 1 and fields[names[0]].unique
        ):
            oldest = base
    return oldest
