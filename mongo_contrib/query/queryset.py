"""`DocumentQuerySet`: Django's query set, over documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP, OnConflict
from django.db.models.utils import resolve_callables
from django.db.utils import IntegrityError, NotSupportedError
from pymongo import UpdateOne

from ..exceptions import DUPLICATE_KEY, DuplicateKeyError, translated_errors
from ..mapping.changes import changes
from ..mapping.loaded import remember, unknown
from ..mapping.plan import plan_of
from ..repository import Repository
from .buckets import DateIterable, DatetimeIterable, buckets
from .bulk import insert_or_update
from .collector import DocumentCollector
from .conditions import NOTHING
from .getting import Getting
from .inserting import insert_all
from .iterables import DocumentIterable, StoredIterable
from .operations import Operations
from .prefetching import fetch
from .query import DocumentQuery
from .twins import QueryTwins
from .updates import as_update, update_of


def _queryset_only(method: Any) -> Any:
    """Keep a public method off the managers that are made of the query set."""
    method.queryset_only = True
    return method


class DocumentQuerySet(Getting, Operations, QueryTwins, QuerySet):
    """A lazy set of documents: Django's vocabulary, and MongoDB's where Django has no word.

    What has no plain counterpart raises `NotSupportedError` naming what to use; nothing gives
    a wrong answer.
    """

    def __init__(
        self, model: Any = None, query: Any = None, using: str | None = None, hints: Any = None
    ) -> None:
        super().__init__(model, query or DocumentQuery(model), using, hints)
        self._iterable_class = DocumentIterable

    # MongoDB's own words

    @property
    def collection(self) -> Any:
        """The class's pymongo `Collection` on the alias that this set reads from."""
        return self._repository.collection

    def match(self, condition: Mapping[str, Any]) -> DocumentQuerySet:
        """Narrow the set by a condition in MQL, with stored names.

        The condition is taken as it is: never build it of what came with a request.
        """
        if not isinstance(condition, Mapping):
            raise TypeError(f"match() takes a MQL document, not {condition!r}.")
        if self.query.is_sliced:
            raise TypeError("Cannot filter a query once a slice has been taken.")
        clone = self._chain()
        clone.query.match(dict(condition))
        return clone

    def pipeline(
        self, stages: Sequence[Mapping[str, Any]], *, documents: bool = False
    ) -> DocumentQuerySet:
        """Return what the stages make of this set: dicts, or instances if `documents`.

        Conditions, order and slice of this set come first. The result is lazy: it can be
        iterated, counted, tested and sliced, and narrowed by match(). Instances can also be
        filtered, ordered and annotated, all of which becomes more stages.
        """
        clone = self._chain()
        clone.query.stages = (*clone.query.stages, *(dict(stage) for stage in stages))
        clone.query.stages_yield_documents = documents
        clone._iterable_class = DocumentIterable if documents else StoredIterable
        return clone

    def hint(self, index: str | Sequence[tuple[str, int]] | None) -> DocumentQuerySet:
        """Make the server use this index: its name, or its keys with directions."""
        clone = self._chain()
        clone.query.hint = index
        return clone

    def max_time_ms(self, milliseconds: int | None) -> DocumentQuerySet:
        """Make the server give up after so many milliseconds, with OperationalError."""
        clone = self._chain()
        clone.query.max_time_ms = milliseconds
        return clone

    def estimated_count(self) -> int:
        """Return the size of the whole collection from its metadata, without reading it.

        Right unless the server crashed or is sharded; conditions of this set don't count.
        """
        return self._repository.estimated_count()

    @property
    def _repository(self) -> Repository:
        return self.query.repository(self.db)

    # Django's words, where the SQL compiler would speak

    def _filter_or_exclude(self, negate: bool, args: Any, kwargs: Any) -> Any:
        query = self.query
        if (args or kwargs) and query.stages and not query.stages_yield_documents:
            raise TypeError(
                "What pipeline() and dates() yield has no fields to filter by; filter first, give "
                "pipeline(..., documents=True), or use .match({...})."
            )
        return super()._filter_or_exclude(negate, args, kwargs)

    @property
    def ordered(self) -> bool:
        """See `QuerySet.ordered`; in a pipeline it is the stages that order, or nothing does."""
        return bool(self.query.stages) or super().ordered

    def reverse(self) -> Any:
        if self.query.stages:
            raise TypeError("Cannot reverse after pipeline() or dates(); add a $sort stage.")
        return super().reverse()

    def _merge_sanity_check(self, other: QuerySet) -> None:
        super()._merge_sanity_check(other)
        if self.query.stages or other.query.stages:
            raise TypeError("Cannot combine after pipeline() or dates().")

    def distinct(self, *field_names: str) -> Any:
        """Return each row of `values()` once; documents differ anyway, by their keys."""
        if field_names:
            raise NotSupportedError(
                "distinct(*fields) is PostgreSQL's; use values(*fields).distinct(), or "
                ".pipeline([...]) with $group."
            )
        return super().distinct()

    def dates(self, field_name: str, kind: str, order: str = "ASC") -> Any:
        if kind not in ("year", "month", "week", "day"):
            raise ValueError("'kind' must be one of 'year', 'month', 'week', or 'day'.")
        return buckets(self, field_name, kind, order, None, DateIterable)

    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: Any = None) -> Any:
        if kind not in ("year", "month", "week", "day", "hour", "minute", "second"):
            raise ValueError(
                "'kind' must be one of 'year', 'month', 'week', 'day', 'hour', 'minute', or "
                "'second'."
            )
        return buckets(self, field_name, kind, order, tzinfo, DatetimeIterable)

    def _combinator_query(self, combinator: str, *other_qs: Any, all: bool = False) -> Any:
        raise NotSupportedError(
            f"{combinator}() has no counterpart here; combine filters with Q objects, or use "
            ".pipeline([...]) with $unionWith."
        )

    def _prefetch_related_objects(self) -> None:
        fetch(self._result_cache or (), *self._prefetch_related_lookups)
        self._prefetch_done = True

    # Writing

    def update(self, **kwargs: Any) -> int:
        """Set the fields of all documents in the set by one command; return how many matched."""
        if self.query.is_sliced:
            raise TypeError("Cannot update a query once a slice has been taken.")
        if self.query.stages:
            raise TypeError("Cannot update after pipeline().")
        self._for_write = True
        for value in kwargs.values():
            if hasattr(value, "write_to"):
                # A deletion's, of references inside of documents: see documents/deletion.py.
                return value.write_to(self)
        update = update_of(self.model, self.query.inlined(kwargs))
        self._result_cache = None
        if not update:
            return 0
        condition = self.query.condition(self.db)
        if condition is NOTHING:
            return 0
        with transaction.mark_for_rollback_on_error(using=self.db):
            return self._repository.update_many(
                condition, update, **self.query.write_options()
            ).matched_count

    @_queryset_only
    def delete(self) -> tuple[int, dict[str, int]]:
        """See `QuerySet.delete()`; without references or signals it is one command."""
        collector = DocumentCollector(using=self.db, origin=self)
        plain = not self.query.is_sliced and self._fields is None and not self.query.stages
        if plain and collector.can_fast_delete(self):
            self._for_write = True
            self._result_cache = None
            deleted = self._raw_delete(self.db)
            return deleted, {self.model._meta.label: deleted} if deleted else {}
        if self.query.stages:
            raise TypeError("Cannot delete after pipeline().")
        if not plain:
            return super().delete()
        found = self._chain()
        found._for_write = True
        found.query.select_related = False
        found.query.clear_ordering(force=True)
        collector = DocumentCollector(using=found.db, origin=self)
        collector.collect(found)
        self._result_cache = None
        return collector.delete()

    def _raw_delete(self, using: str) -> int:
        condition = self.query.condition(using)
        if condition is NOTHING:
            return 0
        return self.query.repository(using).delete_many(condition, **self.query.write_options())

    def bulk_create(
        self,
        objs: Any,
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        *args: Any,
        **kwargs: Any,
    ) -> list[Any]:
        """See `QuerySet.bulk_create()`; `ignore_conflicts` has no place inside `atomic()`."""
        self._for_write = True
        if not (ignore_conflicts or args or kwargs):
            objs = list(objs)
            inserted = insert_all(self, objs, batch_size)
            if inserted is not None:
                return inserted
        connection = connections[self.db]
        if (
            ignore_conflicts
            and connection.in_atomic_block
            and connection.features.has("transactions")
        ):
            raise NotSupportedError(
                "bulk_create(ignore_conflicts=True) has no place inside atomic(): the first "
                "duplicate ends a transaction in MongoDB. Call it outside, or leave out what "
                "in_bulk() finds."
            )
        return super().bulk_create(objs, batch_size, ignore_conflicts, *args, **kwargs)

    def _prepare_for_bulk_create(self, objs: Any) -> Any:
        """Let fields that count take the numbers of all documents by one command."""
        for field in self.model._meta.concrete_fields:
            if hasattr(field, "prepare_many"):
                field.prepare_many(objs, self.db)
        return super()._prepare_for_bulk_create(objs)

    def _batched_insert(
        self,
        objs: Sequence[Any],
        fields: Any,
        batch_size: int | None,
        on_conflict: Any = None,
        update_fields: Any = None,
        unique_fields: Any = None,
    ) -> list[Any]:
        """Insert for `bulk_create()`: in the driver's batches, or in those asked for."""
        plan = plan_of(self.model)
        repository = self._repository
        size = batch_size or len(objs)
        for start in range(0, len(objs), size):
            batch = objs[start : start + size]
            documents = [plan.encode(each, add=True) for each in batch]
            if on_conflict == OnConflict.UPDATE:
                with transaction.mark_for_rollback_on_error(using=self.db):
                    insert_or_update(self, batch, update_fields, unique_fields)
                continue
            if on_conflict is not None:
                # Which of them were there already is not told, so nothing is known of any.
                self._insert_unless_there(repository, documents)
                continue
            repository.insert_many(documents)
            running = connections[self.db].transaction
            for each, document in zip(batch, documents, strict=True):
                remember(each._state, document, running, None)
        return []

    @staticmethod
    def _insert_unless_there(repository: Repository, documents: list[dict[str, Any]]) -> None:
        # In no session: a duplicate would end the transaction that Django has opened around this,
        # and nothing would be inserted. Unordered: the server tries every one.
        try:
            with translated_errors(collection=repository.name):
                repository.collection.insert_many(documents, ordered=False)
        except DuplicateKeyError as error:
            for each in getattr(error, "write_errors", ()):
                if each.get("code") not in DUPLICATE_KEY:
                    raise

    def bulk_update(self, objs: Any, fields: Any, batch_size: int | None = None) -> int:
        """Save these fields of these objects by one bulk write; return how many matched."""
        if batch_size is not None and batch_size <= 0:
            raise ValueError("Batch size must be a positive integer.")
        if not fields:
            raise ValueError("Field names must be given to bulk_update().")
        objs = tuple(objs)
        if not all(obj._is_pk_set() for obj in objs):
            raise ValueError("All bulk_update() objects must have a primary key set.")
        chosen = [self.model._meta.get_field(name) for name in fields]
        if any(not field.concrete for field in chosen):
            raise ValueError("bulk_update() can only be used with concrete fields.")
        if any(field.primary_key for field in chosen):
            raise ValueError("bulk_update() cannot be used with primary key fields.")
        for obj in objs:
            obj._prepare_related_fields_for_save(operation_name="bulk_update", fields=chosen)
        self._for_write = True
        if not objs:
            return 0
        size = batch_size or len(objs)
        with transaction.atomic(using=self.db, savepoint=False):
            return sum(
                self._update_batch(objs[start : start + size], chosen)
                for start in range(0, len(objs), size)
            )

    def _update_batch(self, batch: Sequence[Any], chosen: Sequence[Any]) -> int:
        plan = plan_of(self.model)
        fields = [plan.by_column[field.column] for field in chosen]
        documents, writes = [], []
        for obj in batch:
            for field in fields:
                getattr(obj, field.attname)  # loads it if it is deferred
            document = plan.encode(obj, add=False, raw=True, fields=fields)
            update = changes(unknown(field.column for field in fields), document)
            documents.append(document)
            writes.append(UpdateOne({"_id": obj._stored_key()}, as_update(self.model, update)))
        matched = self._repository.bulk_write(writes).matched_count
        for obj, document in zip(batch, documents, strict=True):
            loaded = obj._loaded_from(self.db)
            if loaded is not None:
                obj._remember(self.db, loaded, fields, document)
        return matched

    def get_or_create(self, defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.get_or_create()`; one command if it is there, two if not.

        A unique index decides between two at once. Inside `atomic()` the refused insert ends
        the transaction, so there the IntegrityError is the answer.
        """
        self._for_write = True
        try:
            return self.get(**kwargs), False
        except self.model.DoesNotExist:
            params = self._extract_model_params(defaults, **kwargs)
            try:
                return self.create(**dict(resolve_callables(params))), True
            except IntegrityError:
                if connections[self.db].in_atomic_block:
                    raise
                try:
                    return self.get(**kwargs), False
                except self.model.DoesNotExist:
                    pass
                raise

    def _extract_model_params(self, defaults: Any, **kwargs: Any) -> dict[str, Any]:
        if not getattr(self.model, "_is_dynamic", False):
            return super()._extract_model_params(defaults, **kwargs)
        # Any name can be that of a value.
        params = {name: value for name, value in kwargs.items() if LOOKUP_SEP not in name}
        return {**params, **(defaults or {})}

    def update_or_create(
        self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        """See `QuerySet.update_or_create()`; of what is there already, only changes are sent."""
        defaults = defaults or {}
        self._for_write = True
        obj, created = self.get_or_create(
            defaults if create_defaults is None else create_defaults, **kwargs
        )
        if created:
            return obj, True
        for name, value in resolve_callables(defaults):
            setattr(obj, name, value)
        obj.save(using=self.db)
        return obj, False

    @classmethod
    @_queryset_only
    def as_manager(cls) -> Any:
        from .manager import DocumentManager

        manager = DocumentManager.from_queryset(cls)()
        manager._built_with_as_manager = True
        return manager
