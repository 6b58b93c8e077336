"""What the managers of both sides of a `ReferenceListField` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import signals
from django.db.models.utils import AltersData

from ..bridge import native
from ..mapping.plan import plan_of


def writes(method: Any) -> Any:
    """Keep a method from being called by templates."""
    method.alters_data = True
    return method


def twin(method: Callable[..., Any]) -> Any:
    """Return the native `a...` method of a manager's method."""
    name = method.__name__

    async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await native(getattr(self, name), *args, **kwargs)

    run.__name__, run.__doc__ = f"a{name}", f"See {name}()."
    run.alters_data = getattr(method, "alters_data", False)  # type: ignore[attr-defined]
    return run


class SideManager(AltersData):
    """What both managers do; they are mixed with the default manager of the class they find."""

    do_not_call_in_templates = True
    #: The ReferenceListField, and whether this is the side that its keys point to.
    reference: Any
    _is_reverse: bool
    _side: Any
    #: Whether what is written comes from a fixture; `m2m_changed` says so.
    _raw = False
    instance: Any
    model: Any
    _db: Any
    get_queryset: Any

    @classmethod
    def of(cls, manager: type, field: Any) -> type:
        """Return the class of managers for one field, made of the class of other managers."""
        return type(cls.__name__, (cls, manager), {"reference": field, "_side": cls})

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance
        field = self.reference
        self.model = field.model if self._is_reverse else field.remote_field.model

    def __call__(self, *, manager: str) -> Any:
        """Return this manager made of another one of the class: `author.book_set(manager=...)`."""
        named = getattr(self.model, manager).__class__
        return self._side.of(named, self.reference)(self.instance)

    def __str__(self) -> str:
        return ", ".join(map(str, self.get_queryset()))

    @property
    def _cache_name(self) -> str:
        field = self.reference
        return field.remote_field.get_accessor_name() if self._is_reverse else field.name

    def _cached(self) -> Any:
        return getattr(self.instance, "_prefetched_objects_cache", {}).get(self._cache_name)

    def _remove_prefetched_objects(self) -> None:
        getattr(self.instance, "_prefetched_objects_cache", {}).pop(self._cache_name, None)

    def _send(self, action: str, keys: Any, using: str) -> None:
        signals.m2m_changed.send(
            sender=self.reference.remote_field.through,
            action=action,
            instance=self.instance,
            reverse=self._is_reverse,
            model=self.model,
            pk_set=None if keys is None else set(keys),
            using=using,
            raw=self._raw,
        )


def remember_list(holder: Any, field: Any, using: str, stored: list[Any]) -> None:
    """Let an instance know what is stored of its list, so that a save does not send it again."""
    loaded = holder._loaded_from(using)
    if loaded is not None:
        plan = plan_of(type(holder)).by_column[field.column]
        holder._remember(using, loaded, [plan], {field.column: stored})


def refuse_through(through_defaults: Any) -> None:
    if through_defaults is not None:
        raise TypeError("through_defaults has no meaning here: a key in a list has no fields.")
