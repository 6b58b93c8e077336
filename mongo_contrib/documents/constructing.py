"""`City(name="Rome", code="ROM")`: the constructor that takes keywords straight to attributes.

Django's asks each field in turn and sets each attribute by `setattr()`. Where no class on the way
wants to be asked, putting keywords and defaults into `__dict__` is the same. What is not so plain
(positions, properties, `pk`, generic references, receivers of `pre_init`) takes Django's road.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import signals

from ..mapping.loaded import NewState
from ..mapping.setters import keeps_value, own_constructors

if TYPE_CHECKING:
    from django.db.models import Model as _Base
else:
    _Base = object


class Constructing(_Base):
    """The part of a document class that makes new instances."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        try:
            recipe = cls.__dict__["_recipe"]
        except KeyError:
            recipe = _recipe(cls)
        if (
            args
            or recipe is None
            or (signals.pre_init.receivers and signals.pre_init.has_listeners(cls))
        ):
            super().__init__(*args, **kwargs)
            return
        names, constants, computed, related = recipe
        given = kwargs
        instances: Any = ()
        if not names.issuperset(kwargs):
            instances = [(name, kwargs[name]) for name in kwargs if name in related]
            given = {name: value for name, value in kwargs.items() if name not in related}
            if not names.issuperset(given) or any(related[name] in given for name, _ in instances):
                super().__init__(*args, **kwargs)
                return
        values = {"_state": NewState(), **constants, **given}
        self.__dict__ = values
        for name, default in computed:
            if name not in given:
                values[name] = default()
        for name, instance in instances:
            setattr(self, name, instance)
        if signals.post_init.receivers:
            signals.post_init.send(sender=cls, instance=self)


# Loading need not ask it either, see mapping/setters.py.
Constructing.__init__.fills_dict = True  # type: ignore[attr-defined]

Recipe = tuple[frozenset[str], dict[str, Any], list[tuple[str, Callable[[], Any]]], dict[str, str]]


def _recipe(cls: Any) -> Recipe | None:
    """Return what an instance of `cls` is made of, None if only Django's constructor can tell.

    Names that can be given, values of those that aren't, functions that make such values, and
    the attributes behind the names of references.
    """
    if cls._meta.abstract or not cls._meta.apps.models_ready or not _nobody_asks(cls):
        return None
    names, constants, computed, related = set(), {}, [], {}
    for field in cls._meta.fields:
        if field.column is None:
            continue
        if field.generated or not keeps_value(cls, field):
            return None
        name = field.attname
        names.add(name)
        if _is_constant(field):
            constants[name] = field.get_default()
        else:
            constants[name] = None
            computed.append((name, field.get_default))
        if field.is_relation:
            related[field.name] = name
    recipe = (frozenset(names), constants, computed, related)
    cls._recipe = recipe
    return recipe


def _nobody_asks(cls: Any) -> bool:
    """Tell whether no class but Django's has a constructor after ours, or sets attributes."""
    if cls.__setattr__ is not object.__setattr__:
        return False
    ours = cls.__mro__.index(Constructing)
    return not any(cls.__mro__.index(base) > ours for base in own_constructors(cls))


def _is_constant(field: Any) -> bool:
    """Tell whether the field's default is one value for all."""
    own = inspect.getattr_static(type(field), "get_default")
    if own not in (models.Field.get_default, models.ForeignKey.get_default):
        return False
    if isinstance(field.remote_field, models.ForeignObjectRel) and field.has_default():
        return False
    return not field.has_db_default() and not (field.has_default() and callable(field.default))
