"""Several classes in one place, told apart by `_cls`: who is related to whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from django.db.models.options import Options

#: The key under which a document says of which class it is; MongoEngine has the same.
CLASS_KEY = "_cls"

#: The classes that Django shall take for abstract, in this thread and task only.
TAKEN_AS_ABSTRACT: ContextVar[tuple[Any, ...]] = ContextVar("TAKEN_AS_ABSTRACT", default=())


class SharedOptions(Options):
    """`_meta` of a class that shares its collection with its subclasses."""

    @property
    def abstract(self) -> bool:
        return self.__dict__["abstract"] or self.model in TAKEN_AS_ABSTRACT.get()

    @abstract.setter
    def abstract(self, value: bool) -> None:
        self.__dict__["abstract"] = value

    @property
    def _relation_tree(self) -> Any:
        """Who refers to this class: also those that refer to one of its bases."""
        found = list(self._relations_here())
        for base in bases(self.model):
            found += [each for each in base._meta._relations_here() if each not in found]
        return found

    @_relation_tree.deleter
    def _relation_tree(self) -> None:
        del self.__dict__["_relation_tree"]

    def _relations_here(self) -> Any:
        if "_relation_tree" not in self.__dict__:
            self._populate_directed_relation_graph()
        return self.__dict__.get("_relation_tree", ())

    def get_fields(self, include_parents: bool = True, include_hidden: bool = False) -> Any:
        """See `Options.get_fields()`; who refers to relatives counts as hidden.

        Deletion asks for the hidden ones, of the first class in what may be a mixed lot.
        """
        found = super().get_fields(include_parents, include_hidden)
        if not include_hidden or self.abstract:
            return found
        relations = [
            field.remote_field
            for model in family(self.model)
            for field in model._meta._relations_here()
        ]
        return [*found, *(each for each in dict.fromkeys(relations) if each not in found)]


def is_shared(model: Any) -> bool:
    """Tell whether `model` is stored, itself, where documents of other classes may be too."""
    meta = vars(model).get("_meta")
    return isinstance(meta, SharedOptions) and not (meta.__dict__["abstract"] or meta.proxy)


def bases(model: Any) -> list[Any]:
    """Return the ancestors that are stored in the same place, the nearest first."""
    own = model._meta.concrete_model
    return [base for base in model.__mro__[1:] if base is not own and is_shared(base)]


def root_of(model: Any) -> Any:
    """Return the oldest of the classes that are stored with `model`: itself, if it is alone."""
    above = bases(model)
    return above[-1] if above else model._meta.concrete_model


def family(model: Any) -> tuple[Any, ...]:
    """Return all classes that are stored with `model`, the oldest first."""
    return heirs(root_of(model))


def heirs(model: Any) -> tuple[Any, ...]:
    """Return `model` and its subclasses, as far as they are stored: none abstract, no proxies."""
    model = model._meta.concrete_model or model
    if not is_shared(model):
        return (model,)
    known: tuple[Any, ...] | None = vars(model).get("_heirs")
    if known is None:
        known = model._heirs = tuple(dict.fromkeys(_heirs(model, model._meta.apps)))
    return known


def _heirs(model: Any, apps: Any) -> Iterator[Any]:
    if is_shared(model) and model._meta.apps is apps:
        yield model
    for child in model.__subclasses__():
        yield from _heirs(child, apps)


def class_names(model: Any) -> tuple[str, ...]:
    """Return the names that `_cls` has for this class; the first is written, all are read.

    By default that is MongoEngine's: the names of the classes from the oldest on, with dots.
    """
    model = model._meta.concrete_model or model
    said: tuple[str, ...] = model._options.class_name
    if said:
        return said
    name = model._meta.object_name
    above = bases(model)
    return (f"{class_names(above[0])[0]}.{name}",) if above else (name,)


def class_condition(model: Any) -> dict[str, Any]:
    """Return the MQL condition for documents of `model`; empty where all are."""
    if not isinstance(model._meta, SharedOptions) or not bases(model):
        return {}
    names = [name for heir in heirs(model) for name in class_names(heir)]
    return {CLASS_KEY: names[0] if len(names) == 1 else {"$in": names}}
