"""Counting pages without reading a big collection."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db import connections
from django.utils.functional import cached_property


class DocumentPaginator(Paginator):
    """`Paginator`, which doesn't count one by one what the server knows.

    Up to `exact_count` documents are counted; of an unfiltered collection that has more, the
    number comes from its metadata, which after a crash of the server may be a little wrong.
    """

    exact_count = 10_000

    @cached_property
    def count(self) -> int:
        queryset: Any = self.object_list
        if not hasattr(queryset, "estimated_count"):
            return super().count
        if queryset.query.has_filters() or queryset.query.is_sliced:
            return super().count
        counted = queryset[: self.exact_count + 1].count()
        # Inside a transaction the server refuses to say.
        if counted <= self.exact_count or connections[queryset.db].in_atomic_block:
            return counted if counted <= self.exact_count else queryset.count()
        return max(counted, queryset.estimated_count())
