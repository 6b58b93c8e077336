"""How a class is made that shares its parent's collection.

A class whose `Meta` says `allow_inheritance` may have subclasses that are stored with it, told
apart by `_cls`. While one is made, Django takes the parent for abstract and copies its fields;
that is all there is to Django's part. What an abstract parent would not give (the collection,
the ordering, the exceptions) is added here, and `mapping/families.py` knows the relatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.options import Options
from django.utils.functional import cached_property

from ..mapping.families import (
    CLASS_KEY,
    TAKEN_AS_ABSTRACT,
    SharedOptions,
    class_names,
    is_shared,
    root_of,
)

_EXCEPTIONS = frozenset({"DoesNotExist", "MultipleObjectsReturned", "NotUpdated"})


class ClassNameField(models.CharField):
    """`_cls`, the stored name of a document's class; the metaclass adds it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"max_length": 255, **kwargs}
        kwargs.update(db_column=CLASS_KEY, editable=False, blank=True, serialize=False)
        super().__init__(**kwargs)

    def has_default(self) -> bool:
        return True

    @cached_property
    def _get_default(self) -> Any:
        name = class_names(self.model)[0]
        return lambda: name


def shared_parents(name: str, parents: list[Any]) -> tuple[Any, ...]:
    """Return those of `parents` that the new class will be stored with.

    Raises ImproperlyConfigured for parents that allow no such child.
    """
    stored = [each for each in parents if hasattr(each, "_meta") and not each._meta.abstract]
    for parent in stored:
        meta = parent._meta
        if not (isinstance(meta, SharedOptions) and parent._options.allow_inheritance):
            raise ImproperlyConfigured(
                f"{name} inherits from {meta.label}, which has a collection of its own; let its "
                "subclasses be stored there too (Meta of "
                f"{meta.object_name}: allow_inheritance = True), inherit from an abstract class "
                f"(Meta: abstract = True), or make {name} a proxy (Meta: proxy = True)."
            )
        if meta.proxy:
            raise ImproperlyConfigured(
                f"{name} inherits from {meta.label}, which is a proxy; inherit from "
                f"{meta.concrete_model._meta.label}."
            )
    roots = {root_of(base): None for each in parents for base in _shared(each.__mro__)}
    if len(roots) > 1:
        raise ImproperlyConfigured(
            f"{name} inherits from {' and '.join(root._meta.label for root in roots)}, which are "
            "stored in different places; inherit from one of them, and from abstract classes."
        )
    return tuple(stored)


def _shared(classes: Any) -> list[Any]:
    return [each for each in classes if is_shared(each)]


@contextmanager
def taken_as_abstract(parents: tuple[Any, ...]) -> Iterator[None]:
    """Let Django copy the fields of `parents`, until `joined()` or the end of the block.

    Other threads see nothing of it.
    """
    token = TAKEN_AS_ABSTRACT.set(parents)
    try:
        yield
    finally:
        TAKEN_AS_ABSTRACT.reset(token)


@contextmanager
def families_apart() -> Iterator[None]:
    """Let no class pass for the child of another one that is stored with it.

    Django's migrations make copies of all models, documents too, and take the child of a class
    that is not abstract for a second table.
    """
    shared = {base for model in apps.get_models() for base in model.__mro__ if is_shared(base)}
    try:
        with taken_as_abstract(tuple(shared)):
            yield
    finally:
        # What was found out about relations meanwhile was that of abstract classes.
        apps.clear_cache()


def joined(model: Any) -> None:
    """Take a class into its family, when it has all its fields and nobody knows it yet."""
    TAKEN_AS_ABSTRACT.set(())
    for base in model.__mro__[1:]:
        for known in ("_heirs", "_plan"):
            if known in vars(base):
                delattr(base, known)


def share(model: Any, options: Options) -> None:
    """Make `options`, just read from `Meta`, those of a class that is not alone."""
    shared = _shared(model.__mro__[1:])
    if not (shared or (model._options.allow_inheritance and not options.abstract)):
        return
    options.__class__ = SharedOptions
    if not shared or options.proxy:
        return
    nearest = shared[0]._meta
    options.db_table = nearest.db_table
    for inherited in ("ordering", "get_latest_by"):
        if inherited not in options.original_attrs:
            setattr(options, inherited, getattr(nearest, inherited))


def inherited(model: Any, name: str, value: Any) -> Any:
    """Return what the class in the making gets, where Django adds `value` to it."""
    if name in _EXCEPTIONS and isinstance(value, type):
        parents = [base for base in model.__bases__ if is_shared(base)]
        parents = parents or _shared(model.__mro__[1:])[:1]
        if not parents:
            return value
        return type(name, tuple(getattr(base, name) for base in parents), dict(vars(value)))
    if isinstance(value, models.Field) and getattr(value, "model", model) is not model:
        _make_own(value)
    return value


def _make_own(field: Any) -> None:
    """Make the copy of a parent's field forget what was found out about the original.

    The reverse side of a reference is the original's, for all classes of the collection; and so
    is what happens on deletion.
    """
    remote, origin = field.remote_field, field.model
    for part in (field, remote) if remote else (field,):
        for name in list(vars(part)):
            # CharField keeps the one of its max_length in this list only.
            if name != "validators" and isinstance(
                getattr(type(part), name, None), cached_property
            ):
                del vars(part)[name]
    if remote is None or not is_shared(origin):
        return
    if isinstance(remote.model, str) and "." not in remote.model and remote.model != "self":
        remote.model = f"{origin._meta.app_label}.{remote.model}"
    remote.related_name = "+"
    remote.related_query_name = None
    if hasattr(remote, "on_delete"):
        remote.on_delete = models.DO_NOTHING
