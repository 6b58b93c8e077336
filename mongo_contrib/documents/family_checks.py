"""System checks of classes that are stored together."""

from __future__ import annotations

from typing import Any

from django.core import checks

from ..mapping.families import CLASS_KEY, SharedOptions, bases, class_names, family


def check_family(model: Any) -> list[checks.CheckMessage]:
    """Return what of a class contradicts the others in its collection."""
    if not isinstance(model._meta, SharedOptions) or model._meta.proxy:
        return []
    return [*_names(model), *_redeclared(model)]


def _names(model: Any) -> list[checks.CheckMessage]:
    relatives = family(model)
    earlier = relatives[: relatives.index(model)] if model in relatives else ()
    return [
        checks.Error(
            f"{CLASS_KEY!r} is {name!r} for {other._meta.label}, too: nobody could tell the "
            "documents of the two classes apart.",
            hint="Give one of them another name (Meta: class_name).",
            obj=model,
            id="mongo_contrib.E040",
        )
        for other in earlier
        for name in class_names(model)
        if name in class_names(other)
    ]


def _redeclared(model: Any) -> list[checks.CheckMessage]:
    """Return fields that are stored elsewhere than the base's of that name, or otherwise."""
    errors: list[checks.CheckMessage] = []
    for base in bases(model)[:1]:
        fields = {field.name: field for field in base._meta.concrete_fields}
        for field in model._meta.concrete_fields:
            other = fields.get(field.name, field)
            if (field.column, field.get_internal_type()) != (
                other.column,
                other.get_internal_type(),
            ):
                errors.append(
                    checks.Error(
                        f"{field.name!r} of {base._meta.label} has another type or stored name; "
                        "what asks there would not find these documents.",
                        hint="Give one of the fields another name.",
                        obj=field,
                        id="mongo_contrib.E043",
                    )
                )
    return errors
