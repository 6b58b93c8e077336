"""`book.authors` and `author.book_set`: the two sides of a `ReferenceListField`.

Their managers write at once, as Django's many-to-many managers do, by one atomic operator each,
and send `m2m_changed`. Both sides prefetch by one query.
"""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property

from ..query.crossing import refuse_embedded
from .list_manager import ListManager
from .referring_manager import ReferringManager


class ReferenceListDescriptor:
    """`book.authors`."""

    def __init__(self, field: Any) -> None:
        self.field = field

    @property
    def through(self) -> Any:
        """The sender of `m2m_changed`, as in Django; nothing is stored by it."""
        return self.field.remote_field.through

    @cached_property
    def manager_class(self) -> Any:
        default = self.field.remote_field.model._default_manager
        return ListManager.of(default.__class__, self.field)

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        return self if instance is None else self.manager_class(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        field = self.field
        setattr(instance, field.attname, None if value is None else field.keys_of(value))
        getattr(instance, "_prefetched_objects_cache", {}).pop(field.name, None)


class ReferringDescriptor:
    """`author.book_set`."""

    def __init__(self, field: Any) -> None:
        self.field = field
        self.rel = field.remote_field

    @property
    def through(self) -> Any:
        """See `ReferenceListDescriptor.through`."""
        return self.rel.through

    @cached_property
    def manager_class(self) -> Any:
        return ReferringManager.of(self.field.model._default_manager.__class__, self.field)

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        refuse_embedded(self.rel)
        return self.manager_class(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        name = self.rel.get_accessor_name()
        raise TypeError(f"{name!r} is the other side of {self.field}; use {name}.set().")
