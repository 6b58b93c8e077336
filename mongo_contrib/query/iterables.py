"""What a query set yields: instances, or the documents as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from weakref import ref

from django.db import connections
from django.db.models import prefetch_related_objects
from django.db.models.query import BaseIterable, ModelIterable

#: How many instances share the queries that fetch what they refer to.
_BATCH = 1_000


class DocumentIterable(ModelIterable):
    """Yield an instance for each document; what `select_related()` names comes in batches."""

    def __iter__(self) -> Iterator[Any]:
        query = self.queryset.query
        instances = self._instances()
        lookups = query.related_lookups() if query.select_related else None
        if not lookups:
            return instances
        return self._with_related(instances, lookups)

    def _instances(self) -> Iterator[Any]:
        queryset = self.queryset
        db = queryset.db
        query = queryset.query
        hydrate = query.plan().hydrate
        documents = query.get_compiler(using=db).documents(
            batch_size=self.chunk_size if self.chunked_fetch else 0
        )
        # Django 6.1 tells instances how to fetch what they lack.
        fetch_mode = getattr(queryset, "_fetch_mode", None)
        known = queryset._known_related_objects
        connection = connections[db]
        if not (known or connection.in_atomic_block or getattr(fetch_mode, "track_peers", False)):
            for document in documents:
                yield hydrate(document, db, fetch_mode)
            return
        peers: list[Any] = []
        for document in documents:
            instance = hydrate(document, db, fetch_mode)
            if connection.in_atomic_block and connection.transaction is not None:
                instance._state.within = (connection.transaction, None)
            if getattr(fetch_mode, "track_peers", False):
                peers.append(ref(instance))
                instance._state.peers = peers
            for field, related in known.items():
                key = instance.__dict__.get(field.attname)
                if key in related and not field.is_cached(instance):
                    setattr(instance, field.name, related[key])
            yield instance

    def _with_related(self, instances: Iterator[Any], lookups: list[str]) -> Iterator[Any]:
        while batch := list(islice(instances, _BATCH)):
            prefetch_related_objects(batch, *lookups)
            yield from batch


class StoredIterable(BaseIterable):
    """Yield documents as they are stored: dicts, by their stored names."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        queryset = self.queryset
        return queryset.query.get_compiler(using=queryset.db).documents(
            batch_size=self.chunk_size if self.chunked_fetch else 0
        )
