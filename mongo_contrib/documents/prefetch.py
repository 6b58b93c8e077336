"""What `prefetch_related_objects()` asks of the two sides of a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.utils import NotSupportedError


def given_queryset(querysets: Any) -> Any:
    """Return the query set of a `Prefetch`, or None."""
    if querysets and len(querysets) != 1:
        raise ValueError(
            "querysets argument of get_prefetch_querysets() should have a length of 1."
        )
    return querysets[0] if querysets else None


def fetched(queryset: Any, **filters: Any) -> tuple[list[Any], Any]:
    """Return what the query set finds under these filters, and the look-ups yet to prefetch."""
    refuse_slice(queryset)
    queryset = queryset.filter(**filters)
    lookups = queryset._prefetch_related_lookups
    return list(queryset.prefetch_related(None)), lookups


def refuse_slice(queryset: Any) -> None:
    if queryset.query.is_sliced:
        raise NotSupportedError(
            "A sliced query set can't be prefetched, as each document would need a slice of its "
            "own; slice what was prefetched, or use .pipeline([...]) with $lookup."
        )


class Pairs(list[Any]):
    """Related objects, each once for every instance it belongs to.

    Django takes what is prefetched for rows: it asks of each in turn whose it is, once. That is
    answered in the same order, from what was paired.
    """

    def __init__(
        self,
        pairs: Iterable[tuple[Any, Any]],
        lookups: Any,
        identity: Callable[[Any], Any] = id,
    ) -> None:
        super().__init__()
        self._prefetch_related_lookups = lookups
        self._identity = identity
        self._owners = []
        for owner, related in pairs:
            self.append(related)
            self._owners.append(owner)

    def answer(self, cache_name: str, *, single: bool = False) -> Any:
        """Return the tuple that `get_prefetch_querysets()` is to return."""
        owners = iter(self._owners)
        return self, lambda related: next(owners), self._identity, single, cache_name, False
