"""The `a...` methods of documents and of their related managers, run natively."""

from __future__ import annotations

import inspect
from typing import Any

from django.db.models.fields.related_descriptors import ReverseManyToOneDescriptor
from django.utils.functional import cached_property

from ..bridge import native

__all__ = ["DocumentReverseDescriptor", "DocumentTwins"]


class DocumentTwins:
    """Native `a...` methods for a document."""

    async def asave(self: Any, *args: Any, **kwargs: Any) -> None:
        """See save()."""
        await native(self.save, *args, **kwargs)

    async def adelete(self: Any, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """See delete()."""
        return await native(self.delete, *args, **kwargs)

    async def arefresh_from_db(self: Any, *args: Any, **kwargs: Any) -> None:
        """See refresh_from_db()."""
        await native(self.refresh_from_db, *args, **kwargs)

    async def afull_clean(self: Any, *args: Any, **kwargs: Any) -> None:
        """See full_clean(), which asks the database what is unique."""
        await native(self.full_clean, *args, **kwargs)

    async def aget(self: Any, name: str) -> Any:
        """Return an attribute that may have to be loaded: a reference, a deferred field."""
        return await native(getattr, self, name)

    asave.alters_data = True  # type: ignore[attr-defined]
    adelete.alters_data = True  # type: ignore[attr-defined]


class DocumentReverseDescriptor(ReverseManyToOneDescriptor):
    """`country.city_set`: Django's, with a manager whose `a...` methods are native."""

    @cached_property
    def related_manager_cls(self) -> Any:
        return with_twins(super().related_manager_cls)


def with_twins(manager: Any) -> Any:
    """Return a subclass of a related manager in which Django's `a...` methods are native."""
    twins = {
        name: _twin(method)
        for name, method in vars(manager).items()
        if inspect.iscoroutinefunction(method)
    }

    def another(self: Any, *, manager: str) -> Any:
        """Return the related manager that is built on another manager of the class."""
        return with_twins(type(super(made, self).__call__(manager=manager)))(self.instance)

    attrs = {**twins, "__call__": another, "__module__": manager.__module__}
    made: Any = type(manager.__name__, (manager,), attrs)
    return made


def _twin(method: Any) -> Any:
    name = method.__name__.removeprefix("a")

    async def twin(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await native(getattr(self, name), *args, **kwargs)

    twin.__name__, twin.__qualname__ = method.__name__, method.__qualname__
    twin.__doc__ = f"See {name}()."
    if getattr(method, "alters_data", False):
        twin.alters_data = True  # type: ignore[attr-defined]
    return twin
