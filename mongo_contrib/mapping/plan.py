"""How one class is stored: compiled once, then used for every document of it.

A `Plan` turns instances into stored documents and back. It fills `__dict__` directly, as
Django's own `from_db()` would through `__init__`. That slower road is taken by a class that
overrides either, that has a field with a descriptor of its own, or whose `pre_init`/`post_init`
signals have receivers.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import models
from django.db.models import signals
from django.db.models.fields import NOT_PROVIDED
from django.db.models.fields.files import FileDescriptor, ImageFileDescriptor
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.utils import DataError
from django.utils.functional import cached_property

from .encoding import decoder, encoder
from .loaded import LoadedState, unknown

_PRE_SAVE = models.Field.pre_save


class FieldPlan(NamedTuple):
    """One stored field: where it stands in the document and on the instance."""

    field: models.Field
    column: str
    attname: str
    encode: Any
    decode: Any
    has_pre_save: bool
    #: Whether None is written as null. It is left out otherwise; but a nullable field with a
    #: default must tell "None on purpose" from "written before the field existed".
    stores_null: bool


def plan_of(model: Any) -> Plan:
    """Return the plan of a document class, made on first use, when all apps are loaded."""
    try:
        return model.__dict__["_plan"]
    except KeyError:
        model._plan = plan = Plan(model, model._meta.concrete_fields)
        return plan


class Plan:
    """Encode and decode the documents of `model`, or of it only `fields`."""

    def __init__(self, model: Any, fields: Iterable[models.Field]) -> None:
        self.model = model
        self.fields = [_field_plan(field) for field in fields if getattr(field, "stored", True)]
        self._unstored = {
            field.attname: None
            for field in model._meta.concrete_fields
            if not getattr(field, "stored", True)
        }
        self.columns = frozenset(field.column for field in self.fields)
        self._decoding = [
            (column, attname, decode, _default(field))
            for field, column, attname, _, decode, *_ in self.fields
        ]
        # What is left to do once the stored document has become the instance's __dict__.
        self._renamed = [
            (field.column, field.attname) for field in self.fields if field.column != field.attname
        ]
        self._converted = [(field.column, field.decode) for field in self.fields if field.decode]
        # A column that is another field's attribute would be overwritten: look one by one.
        names = {field.attname for field in self.fields}
        self._adoptable = not any(column in names for column, _ in self._renamed)
        names |= self._unstored.keys()
        self._names = [
            each.attname for each in model._meta.concrete_fields if each.attname in names
        ]
        self._new = model.__new__
        self._by_django = _wants_to_be_asked(model) or any(map(_sets_itself, self.fields))
        self._partial: dict[frozenset[str], Plan] = {}
        #: What a projection says nothing about, see `loaded.py`.
        self._deferred: dict[str, Any] = {}

    @cached_property
    def by_column(self) -> dict[str, FieldPlan]:
        return {field.column: field for field in self.fields}

    def partial(self, columns: Collection[str]) -> Plan:
        """Return the plan of a projection; the fields left out are deferred."""
        key = frozenset(columns)
        plan = self._partial.get(key)
        if plan is None:
            if len(self._partial) > 100:
                # only() with ever new combinations must not grow without end.
                self._partial.clear()
            plan = Plan(self.model, [each.field for each in self.fields if each.column in key])
            plan._deferred = unknown(self.columns - key)
            self._partial[key] = plan
        return plan

    # Encoding

    def chosen(self, instance: Any, names: Collection[str] | None = None) -> list[FieldPlan]:
        """Return the fields that are loaded on `instance` and, if given, named in `names`."""
        values = instance.__dict__
        return [
            field
            for field in self.fields
            if field.attname in values
            and (names is None or field.attname in names or field.field.name in names)
        ]

    def encode(
        self,
        instance: Any,
        *,
        add: bool,
        raw: bool = False,
        fields: Iterable[FieldPlan] | None = None,
    ) -> dict[str, Any]:
        """Return the stored document of `instance`, or of its `fields` alone.

        None is left out (see `FieldPlan`), and so are deferred fields, unless the document is
        to `add`: then they are loaded. An expression (`F("n") + 1`) is kept as it is. `raw`
        skips `pre_save()`, for fixtures.
        """
        document: dict[str, Any] = {}
        values = instance.__dict__
        for field, column, attname, encode, _, has_pre_save, stores_null in (
            self.fields if fields is None else fields
        ):
            if attname not in values:
                if not add:
                    continue
                getattr(instance, attname)
            if has_pre_save and not raw:
                value = field.pre_save(instance, add)
            else:
                value = values[attname]
            if value is not None and not hasattr(value, "resolve_expression"):
                value = encode(value)
            if value is not None or stores_null:
                document[column] = value
        return document

    # Decoding

    def hydrate(self, document: dict[str, Any], db: str | None, fetch_mode: Any = None) -> Any:
        """Return the instance of a stored document, which it keeps to compare with on saving.

        Raises `DataError` naming document, field and value if a stored value can't be the
        field's.
        """
        if self._by_django or (_anybody_listens() and self._has_receivers()):
            return self._hydrate_slowly(document, db, fetch_mode)
        state = LoadedState()
        state.db = db
        state.loaded = {**self._deferred, **document} if self._deferred else document
        if fetch_mode is not None and fetch_mode is not state.fetch_mode:
            state.fetch_mode = fetch_mode
        if self._adoptable and document.keys() <= self.columns:
            values = self._adopted(document)
        else:
            values = self._collected(document)
        values["_state"] = state
        instance = self._new(self.model)
        instance.__dict__ = values
        return instance

    def _adopted(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes from a copy of the document: the common case, mostly in C."""
        values = document.copy()
        column = ""
        try:
            for column, decode in self._converted:
                value = values.get(column)
                if value is not None:
                    values[column] = decode(value)
        except Exception as error:
            raise self._unreadable(document, column, error) from error
        for column, attname in self._renamed:
            if column in values:
                values[attname] = values.pop(column)
        if len(document) < len(self.fields):
            for column, attname, _, default in self._decoding:
                if column not in document:
                    values[attname] = None if default is None else default()
        if self._unstored:
            values.update(self._unstored)
        return values

    def _collected(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of a document that also holds keys of no field."""
        values: dict[str, Any] = dict(self._unstored)
        column = ""
        try:
            for column, attname, decode, default in self._decoding:
                value = document.get(column, _ABSENT)
                if value is _ABSENT:
                    values[attname] = None if default is None else default()
                elif decode is None or value is None:
                    values[attname] = value
                else:
                    values[attname] = decode(value)
        except Exception as error:
            raise self._unreadable(document, column, error) from error
        return values

    def _has_receivers(self) -> bool:
        return signals.pre_init.has_listeners(self.model) or signals.post_init.has_listeners(
            self.model
        )

    def _hydrate_slowly(self, document: dict[str, Any], db: str | None, fetch_mode: Any) -> Any:
        found = self._collected(document)
        values = [found[name] for name in self._names]
        instance = self.model.from_db(db, self._names, values)
        instance._state.loaded = {**self._deferred, **document}
        if fetch_mode is not None:
            instance._state.fetch_mode = fetch_mode
        return instance

    def _unreadable(self, document: dict[str, Any], column: str, error: Exception) -> DataError:
        field = self.by_column[column]
        stored = document.get(column)
        messages = getattr(error, "messages", None)
        return DataError(
            f"{self.model._meta.label} {document.get('_id', '(embedded)')}: the stored value of "
            f"{field.attname!r} is {stored!r} ({type(stored).__name__}), which is no value of "
            f"{type(field.field).__name__}"
            f" ({'; '.join(messages) if messages else error})."
        )


_ABSENT = object()

#: Of these, nothing is lost where the value is put into `__dict__`; ImageField, whose descriptor
#: is the third, listens to `post_init`.
_KEEPING = {
    descriptor.__set__
    for descriptor in (ForeignKeyDeferredAttribute, FileDescriptor, ImageFileDescriptor)
}


def _wants_to_be_asked(model: Any) -> bool:
    return (
        model.__init__ is not models.Model.__init__
        or model.__setattr__ is not models.Model.__setattr__
        or model.from_db.__func__ is not models.Model.from_db.__func__
    )


def _sets_itself(field: FieldPlan) -> bool:
    """Tell whether setting the attribute does more than to keep the value."""
    descriptor = inspect.getattr_static(field.field.model, field.attname, None)
    setter = getattr(type(descriptor), "__set__", None)
    return setter is not None and setter not in _KEEPING


def _anybody_listens() -> bool:
    return bool(signals.pre_init.receivers or signals.post_init.receivers)


def _field_plan(field: models.Field) -> FieldPlan:
    return FieldPlan(
        field=field,
        column=field.column,
        attname=field.attname,
        encode=encoder(field),
        decode=decoder(field),
        has_pre_save=type(field).pre_save is not _PRE_SAVE,
        stores_null=stores_null(field),
    )


def stores_null(field: models.Field) -> bool:
    """Tell whether None of this field is written as null rather than left out."""
    return field.null and field.default is not NOT_PROVIDED and field.default is not None


def _default(field: models.Field) -> Any:
    """Return what makes the value of a document that lacks the field; None for None."""
    if field.primary_key or (field.null and not stores_null(field)):
        return None
    return field._get_default if field.has_default() or not field.null else None
