"""The managers of both sides of a `ReferenceListField`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import models, router, transaction
from django.db.models import signals
from django.db.models.utils import AltersData

from ..bridge import native
from ..mapping.encoding import encode_value
from ..mapping.plan import plan_of
from ..query.positions import PositionIn
from .prefetch import Pairs, fetched, given_queryset


class _SideManager(AltersData):
    """What both managers do; they are mixed with the default manager of the class they find."""

    do_not_call_in_templates = True
    #: The ReferenceListField, and whether this is the side that its keys point to.
    reference: Any
    _is_reverse: bool
    instance: Any
    model: Any
    _db: Any
    get_queryset: Any

    @classmethod
    def of(cls, manager: type, field: Any) -> type:
        """Return the class of managers for one field, made of the class of other managers."""
        return type(cls.__name__, (cls, manager), {"reference": field})

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance
        field = self.reference
        self.model = field.model if self._is_reverse else field.remote_field.model

    def __call__(self, *, manager: str) -> Any:
        """Return this manager made of another one of the class: `author.book_set(manager=...)`."""
        side: Any = ReferringManager if self._is_reverse else ListManager
        return side.of(getattr(self.model, manager).__class__, self.reference)(self.instance)

    def __str__(self) -> str:
        return ", ".join(map(str, self.get_queryset()))

    @property
    def _cache_name(self) -> str:
        field = self.reference
        return field.remote_field.get_accessor_name() if self._is_reverse else field.name

    def _cached(self) -> Any:
        return getattr(self.instance, "_prefetched_objects_cache", {}).get(self._cache_name)

    def _remove_prefetched_objects(self) -> None:
        getattr(self.instance, "_prefetched_objects_cache", {}).pop(self._cache_name, None)

    def _send(self, action: str, keys: Any, using: str) -> None:
        signals.m2m_changed.send(
            sender=self.reference.remote_field.through,
            action=action,
            instance=self.instance,
            reverse=self._is_reverse,
            model=self.model,
            pk_set=None if keys is None else set(keys),
            using=using,
        )


class ListManager(_SideManager):
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

    async def adangling(self) -> list[Any]:
        """See dangling()."""
        return await native(self.dangling)

    def pull_dangling(self) -> list[Any]:
        """Take those keys out of the list, and return them."""
        keys = self.dangling()
        self.remove(*keys)
        return keys

    pull_dangling.alters_data = True  # type: ignore[attr-defined]

    async def apull_dangling(self) -> list[Any]:
        """See pull_dangling()."""
        return await native(self.pull_dangling)

    apull_dangling.alters_data = True  # type: ignore[attr-defined]

    # Reading

    def get_queryset(self) -> Any:
        cached = self._cached()
        if cached is not None:
            return cached
        return self._apply_rel_filters(super().get_queryset())  # type: ignore[misc]

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
            queryset = super().get_queryset()  # type: ignore[misc]
        queryset._add_hints(instance=instances[0])
        queryset = queryset.using(queryset._db or self._db)
        in_its_order = bool(queryset.query.order_by)
        attname = self.reference.attname
        holders = {id(each): each for each in instances}.values()
        keys = {key for each in holders for key in getattr(each, attname) or ()}
        found, lookups = fetched(queryset, pk__in=keys)
        by_key = {related.pk: related for related in found}

        def pairs() -> Iterator[tuple[int, Any]]:
            for each in holders:
                held = getattr(each, attname) or ()
                if in_its_order:
                    mine = set(held)
                    yield from ((id(each), one) for one in found if one.pk in mine)
                else:
                    yield from ((id(each), by_key[key]) for key in held if key in by_key)

        return Pairs(pairs(), lookups).answer(self._cache_name)

    # Writing

    def add(self, *objs: Any, through_defaults: Any = None) -> None:
        """Put these at the end of the list, unless they are in it: one `$addToSet`."""
        _refuse_through(through_defaults)
        field = self.reference
        keys = field.keys_of(objs)
        before = self.keys
        added = [key for key in keys if key not in before]
        if keys:
            operator = {"$addToSet": {field.column: {"$each": field.to_bson(keys)}}}
            self._write([("add", added)], [*before, *added], operator)

    add.alters_data = True  # type: ignore[attr-defined]

    async def aadd(self, *objs: Any, through_defaults: Any = None) -> None:
        """See add()."""
        await native(self.add, *objs, through_defaults=through_defaults)

    aadd.alters_data = True  # type: ignore[attr-defined]

    def remove(self, *objs: Any) -> None:
        """Take these out of the list: one `$pull`."""
        field = self.reference
        keys = field.keys_of(objs)
        removed = [key for key in self.keys if key in keys]
        after = [key for key in self.keys if key not in keys]
        if keys:
            operator = {"$pull": {field.column: {"$in": field.to_bson(keys)}}}
            self._write([("remove", removed)], after, operator)

    remove.alters_data = True  # type: ignore[attr-defined]

    async def aremove(self, *objs: Any) -> None:
        """See remove()."""
        await native(self.remove, *objs)

    aremove.alters_data = True  # type: ignore[attr-defined]

    def clear(self) -> None:
        """Empty the list."""
        self._write([("clear", None)], [], None)

    clear.alters_data = True  # type: ignore[attr-defined]

    async def aclear(self) -> None:
        """See clear()."""
        await native(self.clear)

    aclear.alters_data = True  # type: ignore[attr-defined]

    def set(self, objs: Any, *, clear: bool = False, through_defaults: Any = None) -> None:
        """Make these the list, in this order: one `$set`."""
        _refuse_through(through_defaults)
        after = self.reference.keys_of(objs)
        before = self.keys
        if after != before or self._is_pending():
            removed = [key for key in before if key not in after]
            added = [key for key in after if key not in before]
            self._write([("remove", removed), ("add", added)], after, None)

    set.alters_data = True  # type: ignore[attr-defined]

    async def aset(self, objs: Any, **kwargs: Any) -> None:
        """See set()."""
        await native(self.set, objs, **kwargs)

    aset.alters_data = True  # type: ignore[attr-defined]

    def create(self, *, through_defaults: Any = None, **kwargs: Any) -> Any:
        """Save a new document of the other class and put it at the end of the list."""
        _refuse_through(through_defaults)
        with self._both_or_none():
            made = super().create(**kwargs)  # type: ignore[misc]
            self.add(made)
        return made

    create.alters_data = True  # type: ignore[attr-defined]

    async def acreate(self, **kwargs: Any) -> Any:
        """See create()."""
        return await native(self.create, **kwargs)

    acreate.alters_data = True  # type: ignore[attr-defined]

    def get_or_create(self, *, through_defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.get_or_create()`, among those in the list; a new one is added to it."""
        _refuse_through(through_defaults)
        with self._both_or_none():
            found, created = super().get_or_create(**kwargs)  # type: ignore[misc]
            if created:
                self.add(found)
        return found, created

    get_or_create.alters_data = True  # type: ignore[attr-defined]

    async def aget_or_create(self, **kwargs: Any) -> tuple[Any, bool]:
        """See get_or_create()."""
        return await native(self.get_or_create, **kwargs)

    aget_or_create.alters_data = True  # type: ignore[attr-defined]

    def update_or_create(self, *, through_defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.update_or_create()`, among those in the list; a new one is added."""
        _refuse_through(through_defaults)
        with self._both_or_none():
            found, created = super().update_or_create(**kwargs)  # type: ignore[misc]
            if created:
                self.add(found)
        return found, created

    update_or_create.alters_data = True  # type: ignore[attr-defined]

    async def aupdate_or_create(self, **kwargs: Any) -> tuple[Any, bool]:
        """See update_or_create()."""
        return await native(self.update_or_create, **kwargs)

    aupdate_or_create.alters_data = True  # type: ignore[attr-defined]

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
        document = type(instance)._repository(using).find_one_and_update(
            {"_id": instance._stored_key()}, operator, projection={field.column: 1}
        )
        if document is None:
            raise type(instance).DoesNotExist(
                f"{instance._meta.label} {instance.pk} is not stored any more, so its "
                f"{field.name!r} can't be changed."
            )
        stored = document.get(field.column) or []
        setattr(instance, field.attname, field.from_bson(stored))
        _remember(instance, field, using, stored)
        for action, keys in changes:
            self._send(f"post_{action}", keys, using)


class ReferringManager(_SideManager):
    """`author.book_set`: the documents whose lists hold the instance's key."""

    _is_reverse = True

    # Reading

    def get_queryset(self) -> Any:
        self._need_key()
        cached = self._cached()
        if cached is not None:
            return cached
        return self._apply_rel_filters(super().get_queryset())  # type: ignore[misc]

    def _apply_rel_filters(self, queryset: Any) -> Any:
        queryset._add_hints(instance=self.instance)
        if self._db:
            queryset = queryset.using(self._db)
        return queryset.filter(**{self.reference.name: self.instance})

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        queryset = given_queryset(querysets)
        if queryset is None:
            queryset = super().get_queryset()  # type: ignore[misc]
        queryset._add_hints(instance=instances[0])
        queryset = queryset.using(queryset._db or self._db)
        field = self.reference
        targets = {each.pk: each for each in instances}
        found, lookups = fetched(queryset, **{f"{field.name}__in": list(targets)})
        pairs = (
            (key, related)
            for related in found
            for key in getattr(related, field.attname)
            if key in targets
        )
        return Pairs(pairs, lookups, lambda target: target.pk).answer(self._cache_name)

    def _need_key(self) -> Any:
        if self.instance.pk is None:
            raise ValueError(
                f"{self.instance!r} needs to be saved before {self._cache_name!r} can be used."
            )
        return self.instance.pk

    # Writing

    def add(self, *objs: Any) -> None:
        """Put this one's key into their lists: one `$addToSet` for all of them."""
        key = self._need_key()
        self._write("add", objs, "$addToSet", lambda keys: [*(k for k in keys if k != key), key])

    add.alters_data = True  # type: ignore[attr-defined]

    async def aadd(self, *objs: Any) -> None:
        """See add()."""
        await native(self.add, *objs)

    aadd.alters_data = True  # type: ignore[attr-defined]

    def remove(self, *objs: Any) -> None:
        """Take this one's key out of their lists: one `$pull` for all of them."""
        key = self._need_key()
        self._write("remove", objs, "$pull", lambda keys: [k for k in keys if k != key])

    remove.alters_data = True  # type: ignore[attr-defined]

    async def aremove(self, *objs: Any) -> None:
        """See remove()."""
        await native(self.remove, *objs)

    aremove.alters_data = True  # type: ignore[attr-defined]

    def clear(self) -> None:
        """Take this one's key out of all lists."""
        self._need_key()
        using = self._writes_to()
        self._send("pre_clear", None, using)
        self._remove_prefetched_objects()
        self._update(using, {self.reference.column: self._stored_key()}, "$pull")
        self._send("post_clear", None, using)

    clear.alters_data = True  # type: ignore[attr-defined]

    async def aclear(self) -> None:
        """See clear()."""
        await native(self.clear)

    aclear.alters_data = True  # type: ignore[attr-defined]

    def set(self, objs: Any, *, clear: bool = False) -> None:
        """Make these, and no others, hold this one's key."""
        wanted = {getattr(each, "pk", each): each for each in objs}
        using = self._writes_to()
        with transaction.atomic(using=using, savepoint=False):
            if clear:
                self.clear()
                there = set()
            else:
                manager = self.model._base_manager.using(using)
                held = manager.filter(**{self.reference.name: self.instance})
                there = set(held.values_list("pk", flat=True))
            self.remove(*(key for key in there if key not in wanted))
            self.add(*(each for key, each in wanted.items() if key not in there))

    set.alters_data = True  # type: ignore[attr-defined]

    async def aset(self, objs: Any, **kwargs: Any) -> None:
        """See set()."""
        await native(self.set, objs, **kwargs)

    aset.alters_data = True  # type: ignore[attr-defined]

    def create(self, **kwargs: Any) -> Any:
        """Save a new document whose list holds this one's key."""
        return super().create(**self._with_key(kwargs))  # type: ignore[misc]

    create.alters_data = True  # type: ignore[attr-defined]

    async def acreate(self, **kwargs: Any) -> Any:
        """See create()."""
        return await native(self.create, **kwargs)

    acreate.alters_data = True  # type: ignore[attr-defined]

    def get_or_create(self, defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.get_or_create()`, among those whose lists hold this one's key."""
        defaults = self._with_key(defaults or {})
        return super().get_or_create(defaults, **kwargs)  # type: ignore[misc]

    get_or_create.alters_data = True  # type: ignore[attr-defined]

    async def aget_or_create(self, defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See get_or_create()."""
        return await native(self.get_or_create, defaults, **kwargs)

    aget_or_create.alters_data = True  # type: ignore[attr-defined]

    def update_or_create(
        self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        """See `QuerySet.update_or_create()`, among those whose lists hold this one's key."""
        of_new = self._with_key((defaults if create_defaults is None else create_defaults) or {})
        return super().update_or_create(defaults, of_new, **kwargs)  # type: ignore[misc]

    update_or_create.alters_data = True  # type: ignore[attr-defined]

    async def aupdate_or_create(
        self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        """See update_or_create()."""
        return await native(self.update_or_create, defaults, create_defaults, **kwargs)

    aupdate_or_create.alters_data = True  # type: ignore[attr-defined]

    def _with_key(self, values: dict[str, Any]) -> dict[str, Any]:
        self._need_key()
        self._remove_prefetched_objects()
        name = self.reference.name
        return {**values, name: [*values.get(name, ()), self.instance]}

    def _writes_to(self) -> str:
        return self._db or router.db_for_write(self.model, instance=self.instance)

    def _stored_key(self) -> Any:
        return encode_value(self.reference.target_field, self.instance.pk)

    def _write(
        self, action: str, objs: Any, operator: str, changed: Callable[[list[Any]], list[Any]]
    ) -> None:
        if not objs:
            return
        using = self._writes_to()
        keys = [self._key_of(each) for each in objs]
        self._send(f"pre_{action}", keys, using)
        self._remove_prefetched_objects()
        pk = self.model._meta.pk
        self._update(using, {"_id": {"$in": [encode_value(pk, key) for key in keys]}}, operator)
        for each in objs:
            if isinstance(each, models.Model):
                self._note(each, using, changed)
        self._send(f"post_{action}", keys, using)

    def _key_of(self, value: Any) -> Any:
        if not isinstance(value, models.Model):
            return self.model._meta.pk.to_python(value)
        if not isinstance(value, self.model):
            raise TypeError(f"{self.model._meta.label} instance expected, got {value!r}.")
        if value._state.adding:
            raise ValueError(f"{value!r} is not saved; save it first.")
        return value.pk

    def _update(self, using: str, condition: dict[str, Any], operator: str) -> None:
        column = self.reference.column
        repository = self.model._repository(using)
        if self.reference.null and operator == "$addToSet":
            # To a null the server adds nothing.
            absent = {**condition, column: {"$type": "null"}}
            repository.update_many(absent, {"$set": {column: []}})
        repository.update_many(condition, {operator: {column: self._stored_key()}})

    def _note(self, holder: Any, using: str, changed: Callable[[list[Any]], list[Any]]) -> None:
        """Let an instance know what was written to its document."""
        field = self.reference
        if field.attname in holder.get_deferred_fields():
            return
        loaded = holder._loaded_from(using)
        setattr(holder, field.attname, changed(getattr(holder, field.attname) or []))
        getattr(holder, "_prefetched_objects_cache", {}).pop(field.name, None)
        if loaded is not None and isinstance(loaded.get(field.column), list):
            stored = changed(field.from_bson(loaded[field.column]))
            _remember(holder, field, using, field.to_bson(stored))


def _remember(holder: Any, field: Any, using: str, stored: list[Any]) -> None:
    loaded = holder._loaded_from(using)
    if loaded is not None:
        plan = plan_of(type(holder)).by_column[field.column]
        holder._remember(using, loaded, [plan], {field.column: stored})


def _refuse_through(through_defaults: Any) -> None:
    if through_defaults is not None:
        raise TypeError("through_defaults has no meaning here: a key in a list has no fields.")
