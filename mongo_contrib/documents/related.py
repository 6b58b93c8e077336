"""References from a document to a document: Django's accessors with a filter that MQL has.

Django prefetches the forward side with a comparison of tuples of SQL columns; one `$in` on
the referenced field does the same.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.related_descriptors import (
    ForwardManyToOneDescriptor,
    ForwardOneToOneDescriptor,
)


class _OneQueryPrefetch:
    field: Any
    get_queryset: Any

    def get_prefetch_querysets(
        self, instances: list[Any], querysets: list[QuerySet] | None = None
    ) -> Any:
        """Return what `prefetch_related_objects()` asks of a descriptor: one query set and how
        its objects and the instances match."""
        if querysets and len(querysets) != 1:
            raise ValueError(
                "querysets argument of get_prefetch_querysets() should have a length of 1."
            )
        queryset = querysets[0] if querysets else self.get_queryset(instance=instances[0]).all()
        queryset._add_hints(instance=instances[0])
        # References lie on documents as keys: nothing else is needed to match the two sides.
        key, target = self.field.attname, self.field.target_field.attname
        keys = {getattr(instance, key) for instance in instances} - {None}
        queryset = queryset.filter(**{f"{self.field.target_field.name}__in": keys})
        queryset.query.clear_ordering()
        remote = self.field.remote_field
        if not remote.multiple:
            by_key = {getattr(instance, key): instance for instance in instances}
            for related in queryset:
                remote.set_cached_value(related, by_key[getattr(related, target)])
        return (
            queryset,
            lambda related: getattr(related, target),
            lambda instance: getattr(instance, key),
            True,
            self.field.cache_name,
            False,
        )


class DocumentForeignKeyDescriptor(_OneQueryPrefetch, ForwardManyToOneDescriptor):
    """`city.country`."""


class DocumentOneToOneDescriptor(_OneQueryPrefetch, ForwardOneToOneDescriptor):
    """`profile.user`."""
