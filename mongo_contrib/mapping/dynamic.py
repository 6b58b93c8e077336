"""Plans of dynamic classes: keys that no field is declared for are kept, read and saved.

An instance's undeclared values lie in `__dict__["_undeclared"]`, once somebody has asked for
them; until then they are in `_state.source`, the document as it was read, and a save leaves
them alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from django.db import models
from django.db.utils import DataError

from .changes import changes
from .fields import FieldPlan, field_plan
from .hydration import Hydrator
from .plan import Plan, plan_of
from .values import detached, storable

#: Where an instance keeps the mapping.
UNDECLARED = "_undeclared"


class UndeclaredField(models.JSONField):
    """Stands for the values under one key that no field is declared for."""

    def __init__(self, model: Any, key: str) -> None:
        # With a default, None is written as null and not left out: it is a value like others.
        super().__init__(null=True, default=dict)
        self.set_attributes_from_name(key)
        self.model = model
        self.concrete = True

    def get_transform(self, name: str) -> Any:
        # A JSONField has one for any name; here, what is no look-up is a key of the path.
        return super(models.JSONField, self).get_transform(name)


class Undeclared(MutableMapping[str, Any]):
    """The undeclared keys of one document and their values, as `document.dynamic` gives them.

    Keys that BSON or an update could not name are refused, and those that a field is stored
    under.
    """

    def __init__(self, model: Any, values: Mapping[str, Any] | None = None) -> None:
        self._model = model
        self._values: dict[str, Any] = {}
        self.update(values or {})

    @classmethod
    def stored(cls, model: Any, values: dict[str, Any]) -> Undeclared:
        """Return the mapping of what is stored, with keys as they are."""
        found = cls(model)
        found._values = detached(values)
        return found

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self._values:
            check_key(self._model, key)
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __copy__(self) -> Undeclared:
        copied = type(self)(self._model)
        copied._values = self._values.copy()
        return copied


def check_key(model: Any, key: Any) -> None:
    """Raise ValueError if `key` can't be one of an undeclared value."""
    if not isinstance(key, str):
        raise TypeError(f"{model._meta.label}: {key!r} is no key; keys of documents are texts.")
    if is_odd(key):
        raise ValueError(
            f"{model._meta.label}: {key!r} is no key that can be stored; it may not be empty, "
            "begin with a dollar sign, or hold a dot or NUL."
        )
    field = plan_of(model).by_column.get(key)
    if field is not None or key == "_id":
        name = "the key" if field is None else repr(field.field.name)
        raise ValueError(f"{model._meta.label}: under {key!r} {name} is stored; set that.")


def is_odd(key: str) -> bool:
    """Tell whether a path can't name the key."""
    return not key or key[0] == "$" or "." in key or "\0" in key


class DynamicPlan(Plan):
    """Keeps what no field is declared for."""

    #: A class that is `strict`, too, knows no unknown fields.
    closed = False

    def _hydrator(self, db: str | None, fetch_mode: Any) -> Hydrator:
        make = super()._hydrator(db, fetch_mode)
        if self.narrowing is None:
            return make
        narrowing = self.narrowing

        def narrowed(document: dict[str, Any]) -> Any:
            instance = make(document)
            instance._state.source = document
            instance._state.narrowing = narrowing
            return instance

        return narrowed

    @property
    def projection(self) -> dict[str, int]:
        if self.narrowing is None:
            return super().projection
        names, defer = self.narrowing
        whole = plan_of(self.model)
        undeclared = names - whole.by_attname.keys()
        if defer:
            return dict.fromkeys([*(whole.columns - self.columns), *undeclared], 0)
        return {**super().projection, **dict.fromkeys(undeclared, 1)}

    # Encoding

    def encode(
        self,
        instance: Any,
        *,
        add: bool,
        raw: bool = False,
        fields: Iterable[FieldPlan] | None = None,
    ) -> dict[str, Any]:
        declared: list[FieldPlan] | None = None
        if fields is None:
            keys = list(undeclared_of(instance))
        else:
            fields = list(fields)
            declared = [each for each in fields if not isinstance(each.field, UndeclaredField)]
            keys = [each.column for each in fields if isinstance(each.field, UndeclaredField)]
        document = super().encode(instance, add=add, raw=raw, fields=declared)
        if keys:
            values = undeclared_of(instance, load=False)
            for key in keys:
                if key in values:
                    document[key] = storable(values[key], key)
        return document

    def chosen(self, instance: Any, names: Collection[str] | None = None) -> list[FieldPlan]:
        found = super().chosen(instance, names)
        if names is None:
            return [*found, *self._plans(undeclared_of(instance))]
        # Of an instance with deferred fields, Django saves the others by their names.
        if all(each in found or each.column == "_id" for each in super().chosen(instance)):
            loaded = getattr(instance._state, "loaded", None) or {}
            return [*found, *self._touched(instance, loaded)]
        return found

    def suspects(self, instance: Any, loaded: dict[str, Any]) -> list[FieldPlan]:
        return [*super().suspects(instance, loaded), *self._touched(instance, loaded)]

    def _touched(self, instance: Any, loaded: dict[str, Any]) -> list[FieldPlan]:
        """Return what may differ from what is stored: nothing, if nobody has asked for any."""
        values = instance.__dict__.get(UNDECLARED)
        if values is None:
            return []
        keys = {*values, *(key for key in loaded if key not in self.columns)} - {"_id"}
        for key in filter(is_odd, sorted(keys)):
            if changes({"": loaded.get(key)}, {"": values.get(key)}):
                raise DataError(
                    f"{self.model._meta.label} {instance.pk}: the stored key {key!r} can't be "
                    "changed by a save, as no path can name it; use .collection."
                )
        return self._plans(key for key in keys if not is_odd(key))

    def _plans(self, keys: Iterable[str]) -> list[FieldPlan]:
        return [field_plan(UndeclaredField(self.model, key)) for key in keys]


def undeclared_of(instance: Any, *, load: bool = True) -> Undeclared:
    """Return the undeclared values of an instance; unless `load` is False, all of them.

    Those that `only()` or `defer()` left out are fetched.
    """
    found: Undeclared | None = instance.__dict__.get(UNDECLARED)
    model = type(instance)
    state = instance.__dict__.get("_state")
    if found is None:
        source = getattr(state, "source", None) or {}
        columns = plan_of(model).columns
        stored = {key: value for key, value in source.items() if key not in columns}
        stored.pop("_id", None)
        found = instance.__dict__[UNDECLARED] = Undeclared.stored(model, stored)
    if load and _leaves_out(model, getattr(state, "narrowing", None)):
        state.narrowing = None
        _fetch(instance, found)
    return found


def _leaves_out(model: Any, narrowing: Any) -> bool:
    """Tell whether a projection left out undeclared keys."""
    if narrowing is None:
        return False
    names, defer = narrowing
    return not defer or not names <= plan_of(model).by_attname.keys()


def _fetch(instance: Any, found: Undeclared) -> None:
    for key, value in read_undeclared(instance).items():
        if key not in found:
            found._values[key] = detached(value)


def read_undeclared(instance: Any) -> dict[str, Any]:
    """Return what is stored now under undeclared keys, and remember it as what is stored."""
    state = instance._state
    columns = plan_of(type(instance)).columns
    document = instance._repository(state.db).find_one({"_id": instance._stored_key()}) or {}
    stored = {key: value for key, value in document.items() if key not in columns and key != "_id"}
    loaded = getattr(state, "loaded", None)
    if loaded is not None:
        kept = {key: value for key, value in loaded.items() if key in columns or key == "_id"}
        state.loaded = {**kept, **stored}
    return stored
