"""`get()` without the query sets in between: what a page does most often."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.query import MAX_GET_RESULTS

from ..mapping.families import class_condition
from .conditions import all_of
from .iterables import DocumentIterable
from .plain import plain_condition

#: Who overrides one of these wants to be asked by get(), too.
_ASKED = (
    "_chain",
    "_clone",
    "_fetch_all",
    "_filter_or_exclude",
    "_filter_or_exclude_inplace",
    "_iterator",
    "__getitem__",
    "__iter__",
    "__len__",
    "filter",
    "iterator",
)


class Getting(QuerySet):
    """The part of a query set that finds one document."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        """See `QuerySet.get()`."""
        if not kwargs or args or not self._is_plain():
            return super().get(*args, **kwargs)
        db = self.db
        query = self.query
        condition = plain_condition(self.model, kwargs.items())
        if condition is None or query.where:
            query = query.clone()
            query.add_q(Q(**kwargs))
            if not query.is_find:
                return super().get(**kwargs)
            options = query.find_options(db, sort=False)
        else:
            options = {"filter": all_of([class_condition(self.model), condition])}
            options.update(query.server_options())
        found = []
        plan = query.plan()
        if options is not None:
            options["limit"] = MAX_GET_RESULTS
            if query.deferred_loading[0]:
                options["projection"] = plan.projection
            found = list(query.repository(db).find(**options))
        if len(found) == 1:
            instance = plan.hydrator(db, getattr(self, "_fetch_mode", None))(found[0])
            connection: Any = connections[db]
            if connection.in_atomic_block and connection.transaction is not None:
                instance._state.within = (connection.transaction, None)
            return instance
        name = self.model._meta.object_name
        if not found:
            raise self.model.DoesNotExist(f"{name} matching query does not exist.")
        many = len(found) if len(found) < MAX_GET_RESULTS else f"more than {MAX_GET_RESULTS - 1}"
        raise self.model.MultipleObjectsReturned(
            f"get() returned more than one {name} -- it returned {many}!"
        )

    def _is_plain(self) -> bool:
        """Tell whether nothing but conditions and deferred fields make this set what it is."""
        query = self.query
        return (
            self._iterable_class is DocumentIterable
            and not (
                self._prefetch_related_lookups
                or self._known_related_objects
                or self._sticky_filter
                or self._fields is not None
                or query.select_related
                or query.is_sliced
                or query.distinct
                or query.annotations
                or query.stages
                or query.source is not None
            )
            and not getattr(getattr(self, "_fetch_mode", None), "track_peers", False)
            and _asks_nobody(type(self))
        )


def _asks_nobody(cls: Any) -> bool:
    """Tell whether a class leaves alone what get() would pass by."""
    known = cls.__dict__.get("_asks_nobody")
    if known is None:
        from .queryset import DocumentQuerySet

        known = all(getattr(cls, name) is getattr(DocumentQuerySet, name, None) for name in _ASKED)
        cls._asks_nobody = known
    return bool(known)
