"""Who has a say when an instance is filled: constructors, descriptors, `__setattr__()`."""

from __future__ import annotations

import inspect
from typing import Any

from django.db import models
from django.db.models.fields.files import FileDescriptor, ImageFileDescriptor
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute

#: Of these, nothing is lost where the value of a new or loaded instance is put into `__dict__`;
#: ImageField, whose descriptor is the third, listens to `post_init`.
_KEEPING = {
    descriptor.__set__
    for descriptor in (ForeignKeyDeferredAttribute, FileDescriptor, ImageFileDescriptor)
}


def keeps_value(model: Any, field: Any) -> bool:
    """Tell whether the attribute of `field` takes a value as it is."""
    descriptor = inspect.getattr_static(model, field.attname, None)
    setter = getattr(type(descriptor), "__set__", None)
    return setter is None or setter in _KEEPING


def own_constructors(model: Any) -> list[type]:
    """Return the classes beside Django's and ours that have a constructor, in order."""
    return [
        base
        for base in model.__mro__
        if base not in (models.Model, object)
        and "__init__" in base.__dict__
        and not getattr(base.__dict__["__init__"], "fills_dict", False)
    ]


def wants_to_be_asked(model: Any) -> bool:
    """Tell whether a class has something of its own that loading must not pass by."""
    mro = model.__mro__
    last = mro.index(models.Model)
    return (
        any(mro.index(base) < last for base in own_constructors(model))
        or not (
            model.__setattr__ is models.Model.__setattr__
            or getattr(model.__setattr__, "fills_dict", False)
        )
        or model.from_db.__func__ is not models.Model.from_db.__func__
    )
