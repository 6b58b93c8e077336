"""What a query set yields: instances, or the documents as they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from weakref import ref

from django.db import connections
from django.db.models.query import BaseIterable, ModelIterable

from .aggregates import decoder
from .prefetching import fetch
from .stages import ANNOTATED

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
        # Django 6.1 tells instances how to fetch what they lack.
        fetch_mode = getattr(queryset, "_fetch_mode", None)
        hydrate = query.plan().hydrator(db, fetch_mode)
        if query.annotation_mask:
            hydrate = _annotating(query, hydrate)
        documents = query.get_compiler(using=db).documents(
            batch_size=self.chunk_size if self.chunked_fetch else 0
        )
        known = queryset._known_related_objects
        track_peers = getattr(fetch_mode, "track_peers", False)
        connection = connections[db]
        instances = map(hydrate, documents)
        if not (known or connection.in_atomic_block or track_peers):
            return instances
        return self._told(instances, connection, known, track_peers)

    @staticmethod
    def _told(
        instances: Iterator[Any], connection: Any, known: Any, track_peers: bool
    ) -> Iterator[Any]:
        """Tell instances of the transaction, of their peers, and of what they refer to."""
        peers: list[Any] = []
        for instance in instances:
            if connection.in_atomic_block and connection.transaction is not None:
                instance._state.within = (connection.transaction, None)
            if track_peers:
                peers.append(ref(instance))
                instance._state.peers = peers
            for field, related in known.items():
                key = instance.__dict__.get(field.attname)
                if key in related and not field.is_cached(instance):
                    setattr(instance, field.name, related[key])
            yield instance

    def _with_related(self, instances: Iterator[Any], lookups: list[str]) -> Iterator[Any]:
        while batch := list(islice(instances, _BATCH)):
            fetch(batch, *lookups)
            yield from batch


def _annotating(query: Any, hydrate: Any) -> Any:
    """Return `hydrate` for documents that come with annotations: they become attributes."""
    decoders = [(name, decoder(value)) for name, value in query.annotation_select.items()]

    def annotated(document: dict[str, Any]) -> Any:
        found = document.pop(ANNOTATED, {})
        instance = hydrate(document)
        for name, decode in decoders:
            value = found.get(name)
            value = value if value is None or decode is None else decode(value)
            # Not by the class's own: dynamic documents would store it.
            object.__setattr__(instance, name, value)
        return instance

    return annotated


class StoredIterable(BaseIterable):
    """Yield documents as they are stored: dicts, by their stored names."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        queryset = self.queryset
        return queryset.query.get_compiler(using=queryset.db).documents(
            batch_size=self.chunk_size if self.chunked_fetch else 0
        )
