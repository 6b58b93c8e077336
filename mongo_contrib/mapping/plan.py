"""How one class is stored: compiled once, then used for every document of it.

A `Plan` turns instances into stored documents and back. It fills `__dict__` directly, as
Django's own `from_db()` would through `__init__`. That slower road is taken by a class that
overrides either, that has a field with a descriptor of its own, or whose `pre_init`/`post_init`
signals have receivers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import models
from django.db.models import signals
from django.utils.functional import cached_property

from .fields import FieldPlan, can_wait, default_of, field_plan, is_lazy, kept_types
from .hydration import Hydrator, hydrator
from .lazy import filling, unreadable_at
from .loaded import unknown
from .setters import keeps_value, wants_to_be_asked
from .writing import WritingPlan


def plan_of(model: Any) -> Plan:
    """Return the plan of a document class, made on first use, when all apps are loaded."""
    try:
        return model.__dict__["_plan"]
    except KeyError:
        kind = getattr(model, "_plan_class", Plan)
        model._plan = plan = kind(model, model._meta.concrete_fields)
        return plan


class Plan(WritingPlan):
    """Encode and decode the documents of `model`, or of it only `fields`."""

    def __init__(self, model: Any, fields: Iterable[models.Field]) -> None:
        self.model = model
        self.fields = [field_plan(field) for field in fields if getattr(field, "stored", True)]
        self.unstored = {
            field.attname: None
            for field in model._meta.concrete_fields
            if not getattr(field, "stored", True)
        }
        self.columns = frozenset(field.column for field in self.fields)
        #: What a projection says nothing about, see `loaded.py`.
        self.deferred: dict[str, Any] = {}
        # What is left to do once the stored document has become the instance's __dict__.
        self.lazy = [field.column for field in self.fields if is_lazy(field)]
        awake = [field for field in self.fields if not is_lazy(field)]
        self.renamed = [
            (field.column, field.attname) for field in awake if field.column != field.attname
        ]
        #: Fields whose attribute is what is stored, if that is of one of these types.
        self.kept = [
            (field.column, types) for field in awake if (types := kept_types(field)) is not None
        ]
        kept = {column for column, _ in self.kept}
        self.decoded = [
            (field.column, field.decode)
            for field in awake
            if field.decode and field.column not in kept
        ]
        #: What is read of a document in which one of those is of another type.
        self.read = [
            (field.column, field.read) for field in awake if field.decode or field.column in kept
        ]
        self.absent = {
            field.column: (field.attname, default_of(field.field)) for field in self.fields
        }
        # A column that is another field's attribute would be overwritten: look one by one.
        names = {field.attname for field in self.fields}
        self.adoptable = not any(
            field.column in names for field in self.fields if field.column != field.attname
        )
        names |= self.unstored.keys()
        self._names = [
            each.attname for each in model._meta.concrete_fields if each.attname in names
        ]
        self._by_django = wants_to_be_asked(model) or not all(
            keeps_value(field.field.model, field.field) for field in self.fields
        )
        self._partial: dict[Any, Plan] = {}
        self._hydrators: dict[Any, Hydrator] = {}

    @cached_property
    def by_column(self) -> dict[str, FieldPlan]:
        return {field.column: field for field in self.fields}

    @cached_property
    def key(self) -> FieldPlan:
        """The primary key."""
        return self.by_attname[self.model._meta.pk.attname]

    @cached_property
    def by_attname(self) -> dict[str, FieldPlan]:
        return {field.attname: field for field in self.fields}

    def partial(self, columns: Collection[str]) -> Plan:
        """Return the plan of a projection; the fields left out are deferred."""
        key = frozenset(columns)
        plan = self._partial.get(key)
        if plan is None:
            if len(self._partial) > 100:
                # only() with ever new combinations must not grow without end.
                self._partial.clear()
            fields = [each.field for each in self.fields if each.column in key]
            plan = type(self)(self.model, fields)
            plan.deferred = unknown(self.columns - key)
            self._partial[key] = plan
        return plan

    #: What `only()` or `defer()` made this plan of: names of attributes, and which it was.
    narrowing: tuple[frozenset[str], bool] | None = None

    def narrowed(self, names: frozenset[str], defer: bool) -> Plan:
        """Return the plan of `only()`, or of `defer()`, with attributes of these names."""
        key: Any = (names, defer)
        plan = self._partial.get(key)
        if plan is None:
            if len(self._partial) > 100:
                self._partial.clear()
            fields = [each.field for each in self.fields if self.keeps(each, names, defer)]
            plan = self._partial[key] = type(self)(self.model, fields)
            plan.deferred = unknown(self.columns - plan.columns)
            plan.narrowing = key
        return plan

    def keeps(self, field: FieldPlan, names: frozenset[str], defer: bool) -> bool:
        """Tell whether a narrowed plan has the field."""
        return (field.attname in names) != defer or field.field.primary_key

    @property
    def projection(self) -> dict[str, int]:
        """What to ask the server for."""
        return dict.fromkeys(self.columns, 1)

    def hydrator(self, db: str | None, fetch_mode: Any = None) -> Hydrator:
        """Return the function that makes instances of documents that were read from `db`."""
        if type(self).hydrate is not Plan.hydrate:
            return lambda document: self.hydrate(document, db, fetch_mode)
        return self._hydrator(db, fetch_mode)

    def hydrate(self, document: dict[str, Any], db: str | None, fetch_mode: Any = None) -> Any:
        """Return the instance of a stored document, which it keeps to compare with on saving.

        A stored value that can't be the field's raises `UnreadableValue` when it is touched.
        """
        return self._hydrator(db, fetch_mode)(document)

    def _hydrator(self, db: str | None, fetch_mode: Any) -> Hydrator:
        if self._by_django or (_anybody_listens() and self._has_receivers()):
            return lambda document: self._hydrate_slowly(document, db, fetch_mode)
        key = (db, fetch_mode)
        found = self._hydrators.get(key)
        if found is None:
            if len(self._hydrators) > 100:
                self._hydrators.clear()
            found = self._hydrators[key] = hydrator(self, db, fetch_mode)
        return found

    def collected(self, document: dict[str, Any], lazy: Collection[str] | None = None) -> Any:
        """Return the attributes of a document, made one by one, without those that are lazy.

        Left out, too, is what can't be read. A key that can't be is taken as it is stored.
        """
        values: dict[str, Any] = dict(self.unstored)
        left = self.lazy if lazy is None else lazy
        for each in self.fields:
            column = each.column
            value = document.get(column, _ABSENT)
            if value is _ABSENT:
                attname, default = self.absent[column]
                values[attname] = None if default is None else default()
            elif value is None:
                values[each.attname] = value
            elif column not in left:
                try:
                    values[each.attname] = each.read(value)
                except Exception as error:
                    if each.field.primary_key:
                        values[each.attname] = value
                    elif not can_wait(each):
                        raise self._unreadable(document, each, value, error) from error
        return values

    def _has_receivers(self) -> bool:
        return signals.pre_init.has_listeners(self.model) or signals.post_init.has_listeners(
            self.model
        )

    def _hydrate_slowly(self, document: dict[str, Any], db: str | None, fetch_mode: Any) -> Any:
        found = self.collected(document, ())
        names = [name for name in self._names if name in found]
        with filling(self.model, document):
            instance = self.model.from_db(db, names, [found[name] for name in names])
        instance._state.loaded = {**self.deferred, **document}
        instance._state.source = document
        instance._state.made = frozenset(names)
        if fetch_mode is not None:
            instance._state.fetch_mode = fetch_mode
        return instance

    def _unreadable(
        self, document: dict[str, Any], each: FieldPlan, value: Any, error: Exception
    ) -> Exception:
        label, key = self.model._meta.label, document.get("_id")
        return unreadable_at(label, key, each.attname, each.field, value, error)


_ABSENT = object()


def _anybody_listens() -> bool:
    return bool(signals.pre_init.receivers or signals.post_init.receivers)
