"""`book.authors`: the manager of the side that holds the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import router, transaction

from ..mapping.fitting import readable
from ..mapping.lazy import is_pending
from ..query.positions import PositionIn
from .prefetch import Pairs, fetched, given_queryset
from .reference_managers import SideManager, refuse_through, remember_list, twin, writes


class ListManager(SideManager):
    """`book.authors`: the documents whose keys the instance holds, in their stored order.

    Of a document that is not saved yet, and of an embedded one, the list is changed as any other
    attribute is, and stored with the document.
    """

    _is_reverse = False

    @property
    def keys(self) -> list[Any]:
        """The keys as they are stored, those of documents that are gone among them."""
        return list(getattr(self.instance, self.reference.attname) or ())

    def dangling(self) -> list[Any]:
        """Return the keys of documents that there aren't, by one query for the others."""
        keys = self.keys
        if not keys:
            return []
        manager = self.model._base_manager.db_manager(self._db, {"instance": self.instance})
        there = set(manager.filter(pk__in=keys).values_list("pk", flat=True))
        return [key for key in keys if key not in there]

    adangling = twin(dangling)

    @writes
    def pull_dangling(self) -> list[Any]:
        """Take those keys out of the list, and return them."""
        keys = self.dangling()
        self.remove(*keys)
        return keys

    apull_dangling = twin(pull_dangling)

    # Reading

    def get_queryset(self) -> Any:
        cached = self._cached()
        if cached is not None:
            # Which says so, if what is stored is no list of keys.
            getattr(self.instance, self.reference.attname)
            return cached
        passed_over = self.instance._state.__dict__.get("passed_over", set())
        if self._cache_name in passed_over:
            passed_over.remove(self._cache_name)
            return super().get_queryset().none()
        return self._apply_rel_filters(super().get_queryset())

    def _apply_rel_filters(self, queryset: Any) -> Any:
        queryset._add_hints(instance=self.instance)
        if self._db:
            queryset = queryset.using(self._db)
        keys = self.keys
        queryset = queryset.filter(pk__in=keys)
        if queryset.query.order_by or len(keys) < 2:
            return queryset
        return queryset.order_by(PositionIn(keys))

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        queryset = given_queryset(querysets)
        if queryset is None:
            queryset = super().get_queryset()
        queryset._add_hints(instance=instances[0])
        queryset = queryset.using(queryset._db or self._db)
        in_its_order = bool(queryset.query.order_by)
        attname = self.reference.attname
        held: dict[int, Any] = {}
        for each in instances:
            stored = readable(each, attname)
            if is_pending(each, self.reference):
                # What is no list of keys says so when it is touched; Django asks for it now.
                each._state.__dict__.setdefault("passed_over", set()).add(self._cache_name)
                stored = ()
            held[id(each)] = stored or ()
        keys = {key for each in held.values() for key in each}
        found, lookups = fetched(queryset, pk__in=keys)
        by_key = {related.pk: related for related in found}

        def pairs() -> Iterator[tuple[int, Any]]:
            for holder, mine in held.items():
                if in_its_order:
                    yield from ((holder, one) for one in found if one.pk in set(mine))
                else:
                    yield from ((holder, by_key[key]) for key in mine if key in by_key)

        return Pairs(pairs(), lookups).answer(self._cache_name)

    # Writing

    @writes
    def add(self, *objs: Any, through_defaults: Any = None) -> None:
        """Put these at the end of the list, unless they are in it: one `$addToSet`."""
        refuse_through(through_defaults)
        field = self.reference
        keys = field.keys_of(objs)
        before = self.keys
        added = [key for key in keys if key not in before]
        if keys:
            operator = {"$addToSet": {field.column: {"$each": field.to_bson(keys)}}}
            self._write([("add", added)], [*before, *added], operator)

    aadd = twin(add)

    @writes
    def remove(self, *objs: Any) -> None:
        """Take these out of the list: one `$pull`."""
        field = self.reference
        keys = field.keys_of(objs)
        removed = [key for key in self.keys if key in keys]
        after = [key for key in self.keys if key not in keys]
        if keys:
            operator = {"$pull": {field.column: {"$in": field.to_bson(keys)}}}
            self._write([("remove", removed)], after, operator)

    aremove = twin(remove)

    @writes
    def clear(self) -> None:
        """Empty the list."""
        self._write([("clear", None)], [], None)

    aclear = twin(clear)

    @writes
    def set(self, objs: Any, *, clear: bool = False, through_defaults: Any = None) -> None:
        """Make these the list, in this order: one `$set`."""
        refuse_through(through_defaults)
        after = self.reference.keys_of(objs)
        before = self.keys
        if after != before or self._is_pending():
            removed = [key for key in before if key not in after]
            added = [key for key in after if key not in before]
            self._write([("remove", removed), ("add", added)], after, None)

    aset = twin(set)

    @writes
    def set_base(self, objs: Any, *, raw: bool = False, **kwargs: Any) -> None:
        """See set(); so Django 6.1 calls it for fixtures."""
        self._raw = raw
        self.set(objs, **kwargs)

    @writes
    def create(self, *, through_defaults: Any = None, **kwargs: Any) -> Any:
        """Save a new document of the other class and put it at the end of the list."""
        refuse_through(through_defaults)
        with self._both_or_none():
            made = super().create(**kwargs)
            self.add(made)
        return made

    acreate = twin(create)

    @writes
    def get_or_create(self, *, through_defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.get_or_create()`, among those in the list; a new one is added to it."""
        refuse_through(through_defaults)
        with self._both_or_none():
            found, created = super().get_or_create(**kwargs)
            if created:
                self.add(found)
        return found, created

    aget_or_create = twin(get_or_create)

    @writes
    def update_or_create(self, *, through_defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.update_or_create()`, among those in the list; a new one is added."""
        refuse_through(through_defaults)
        with self._both_or_none():
            found, created = super().update_or_create(**kwargs)
            if created:
                self.add(found)
        return found, created

    aupdate_or_create = twin(update_or_create)

    def _both_or_none(self) -> Any:
        using = router.db_for_write(self.model, instance=self.instance)
        return transaction.atomic(using=using, savepoint=False)

    def _writes_to(self) -> str | None:
        """Return the alias that is written to; None where the list is saved with a document."""
        instance = self.instance
        if not getattr(instance, "_is_document", False) or instance._state.adding:
            return None
        return self._db or router.db_for_write(type(instance), instance=instance)

    def _is_pending(self) -> bool:
        """Tell whether the list was assigned, or changed in place, and not saved since."""
        using = self._writes_to()
        loaded = None if using is None else self.instance._loaded_from(using)
        column = self.reference.column
        if loaded is None or loaded.get(column, ...) is ...:
            return False
        return loaded[column] != self.reference.to_bson(self.keys)

    def _write(self, actions: list[tuple[str, Any]], after: list[Any], operator: Any) -> None:
        """Make the list `after`, by `operator` if that says the same of what is stored.

        What the server then has is read back by the same command: others may write to it too.
        """
        instance, field = self.instance, self.reference
        using = self._writes_to()
        if using is None:
            self._remove_prefetched_objects()
            setattr(instance, field.attname, after)
            return
        changes = [each for each in actions if each[1] is None or each[1]]
        for action, keys in changes:
            self._send(f"pre_{action}", keys, using)
        self._remove_prefetched_objects()
        if operator is None or getattr(instance, field.attname) is None or self._is_pending():
            operator = {"$set": {field.column: field.to_bson(after)}}
        document = (
            type(instance)
            ._repository(using)
            .find_one_and_update(
                {"_id": instance._stored_key()}, operator, projection={field.column: 1}
            )
        )
        if document is None:
            raise type(instance).DoesNotExist(
                f"{instance._meta.label} {instance.pk} is not stored any more, so its "
                f"{field.name!r} can't be changed."
            )
        stored = document.get(field.column) or []
        setattr(instance, field.attname, field.from_bson(stored))
        remember_list(instance, field, using, stored)
        for action, keys in changes:
            self._send(f"post_{action}", keys, using)
