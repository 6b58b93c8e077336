"""`author.book_set`: the manager of the side that is referred to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models, router, transaction

from ..mapping.encoding import encode_value
from .prefetch import Pairs, fetched, given_queryset
from .reference_managers import SideManager, remember_list, twin, writes


class ReferringManager(SideManager):
    """`author.book_set`: the documents whose lists hold the instance's key."""

    _is_reverse = True

    # Reading

    def get_queryset(self) -> Any:
        self._need_key()
        cached = self._cached()
        if cached is not None:
            return cached
        return self._apply_rel_filters(super().get_queryset())

    def _apply_rel_filters(self, queryset: Any) -> Any:
        queryset._add_hints(instance=self.instance)
        if self._db:
            queryset = queryset.using(self._db)
        return queryset.filter(**{self.reference.name: self.instance})

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        queryset = given_queryset(querysets)
        if queryset is None:
            queryset = super().get_queryset()
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

    @writes
    def add(self, *objs: Any) -> None:
        """Put this one's key into their lists: one `$addToSet` for all of them."""
        key = self._need_key()
        self._write("add", objs, "$addToSet", lambda keys: [*(k for k in keys if k != key), key])

    aadd = twin(add)

    @writes
    def remove(self, *objs: Any) -> None:
        """Take this one's key out of their lists: one `$pull` for all of them."""
        key = self._need_key()
        self._write("remove", objs, "$pull", lambda keys: [k for k in keys if k != key])

    aremove = twin(remove)

    @writes
    def clear(self) -> None:
        """Take this one's key out of all lists."""
        self._need_key()
        using = self._writes_to()
        self._send("pre_clear", None, using)
        self._remove_prefetched_objects()
        self._update(using, {self.reference.column: self._stored_key()}, "$pull")
        self._send("post_clear", None, using)

    aclear = twin(clear)

    @writes
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

    aset = twin(set)

    @writes
    def create(self, **kwargs: Any) -> Any:
        """Save a new document whose list holds this one's key."""
        return super().create(**self._with_key(kwargs))

    acreate = twin(create)

    @writes
    def get_or_create(self, defaults: Any = None, **kwargs: Any) -> tuple[Any, bool]:
        """See `QuerySet.get_or_create()`, among those whose lists hold this one's key."""
        defaults = self._with_key(defaults or {})
        return super().get_or_create(defaults, **kwargs)

    aget_or_create = twin(get_or_create)

    @writes
    def update_or_create(
        self, defaults: Any = None, create_defaults: Any = None, **kwargs: Any
    ) -> tuple[Any, bool]:
        """See `QuerySet.update_or_create()`, among those whose lists hold this one's key."""
        of_new = self._with_key((defaults if create_defaults is None else create_defaults) or {})
        return super().update_or_create(defaults, of_new, **kwargs)

    aupdate_or_create = twin(update_or_create)

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
            remember_list(holder, field, using, field.to_bson(stored))
