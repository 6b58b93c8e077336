"""What is written of an instance: its stored document, and which of its fields may differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Any

from django.db.utils import NotSupportedError
from django.utils.functional import cached_property

from .fields import FieldPlan, wants_touch
from .lazy import is_pending
from .loaded import NOT_ENCODED, as_it_was, was_read


class WritingPlan:
    """The half of a `Plan` that encodes instances of `model`."""

    model: Any
    fields: list[FieldPlan]
    by_column: dict[str, FieldPlan]
    by_attname: dict[str, FieldPlan]
    #: The columns whose attributes are made when they are first touched.
    lazy: list[str]

    def chosen(self, instance: Any, names: Collection[str] | None = None) -> list[FieldPlan]:
        """Return the fields that are loaded on `instance` and, if given, named in `names`."""
        values = instance.__dict__
        return [
            field
            for field in self.fields
            if (names is None or field.attname in names or field.field.name in names)
            and (field.attname in values or is_pending(instance, field))
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
        to `add`: then they are loaded. What nobody has touched since it was read stays as it
        is. An expression (`F("n") + 1`) is kept as it is. `raw` skips `pre_save()`, for fixtures.
        """
        values = instance.__dict__
        if fields is not None:
            return self._encoded({}, instance, values, fields, add, raw)
        names, columns, kinds, rest = self._passing
        if names is not None:
            try:
                found = names(values)
            except KeyError:
                rest = self.fields
            else:
                if list(map(type, found)) == kinds:
                    document = dict(zip(columns, found, strict=True))
                    return self._encoded(document, instance, values, rest, add, raw)
                rest = self.fields
        return self._encoded({}, instance, values, rest, add, raw)

    @cached_property
    def _passing(self) -> tuple[Any, list[str], list[Any], list[FieldPlan]]:
        """The fields at the front that are stored as they are, taken together; the others."""
        front: list[FieldPlan] = []
        for field in self.fields:
            if field.passes is None or field.has_pre_save:
                break
            front.append(field)
        if len(front) < 2:
            return None, [], [], self.fields
        return (
            itemgetter(*[field.attname for field in front]),
            [field.column for field in front],
            [field.passes for field in front],
            self.fields[len(front) :],
        )

    def _encoded(
        self,
        document: dict[str, Any],
        instance: Any,
        values: dict[str, Any],
        fields: Iterable[FieldPlan],
        add: bool,
        raw: bool,
    ) -> dict[str, Any]:
        """Return `document` with the stored values of these fields added."""
        for each in fields:
            field, column, attname, encode, _, has_pre_save, stores_null, passes, plain = each
            if attname in values:
                if has_pre_save and not raw:
                    value = field.pre_save(instance, add)
                else:
                    value = values[attname]
            elif is_pending(instance, each):
                if raw or column not in self.touching:
                    value = instance._state.source[column]
                    if value is not None or stores_null:
                        document[column] = value
                    continue
                value = field.pre_save(instance, add)
            elif add:
                getattr(instance, attname)
                value = values[attname] if raw else field.pre_save(instance, add)
            else:
                continue
            if type(value) is passes:
                document[column] = value
                continue
            if value is None:
                if stores_null:
                    document[column] = None
                continue
            if not hasattr(value, "resolve_expression"):
                if plain and was_read(instance, column, value):
                    document[column] = value
                    continue
                try:
                    value = encode(value)
                except NOT_ENCODED:
                    if not as_it_was(instance, each, value):
                        raise
                    value = instance._state.loaded[column]
            elif add:
                raise NotSupportedError(
                    f"{self.model._meta.label} can't be inserted with the expression {value!r} "
                    f"for {column!r}: there is no stored value yet that it could compute with."
                )
            if value is not None or stores_null:
                document[column] = value
        return document

    # Saving

    @cached_property
    def touching(self) -> frozenset[str]:
        """The lazy fields in which a save changes values though nobody has touched them."""
        lazy = set(self.lazy)
        return frozenset(
            field.column
            for field in self.fields
            if field.column in lazy and wants_touch(field.field)
        )

    @cached_property
    def refers(self) -> bool:
        """Whether instances may hold related ones, which have to be saved before them."""
        meta = self.model._meta
        return bool(meta.private_fields) or any(each.is_relation for each in meta.concrete_fields)

    @cached_property
    def _attnames(self) -> frozenset[str]:
        return frozenset(field.attname for field in self.model._meta.concrete_fields)

    def deferred_on(self, instance: Any) -> set[str]:
        """Return the attributes that have to be fetched: neither there nor pending."""
        by_attname = self.by_attname
        return {
            attname
            for attname in self._attnames.difference(instance.__dict__)
            if attname not in by_attname or not is_pending(instance, by_attname[attname])
        }

    def is_whole(self, instance: Any) -> bool:
        """Tell whether no attribute is deferred."""
        # Not issubset(), which makes a set of the dict first.
        return instance.__dict__.keys() >= self._attnames or not self.deferred_on(instance)

    @cached_property
    def _comparable(self) -> list[tuple[str, str]]:
        return [
            (field.attname, field.column)
            for field in self.fields
            if field.plain and not field.has_pre_save and field.column != "_id"
        ]

    def suspects(self, instance: Any, loaded: dict[str, Any]) -> list[FieldPlan]:
        """Return the fields, without the key, that may differ from what is stored.

        Left out are those whose value is the very object that was read, and those that nobody
        has touched; the fields that change at each save are among the suspects.
        """
        values = instance.__dict__
        get, stored = values.get, loaded.get
        by_column = self.by_column
        found = [
            by_column[column]
            for attname, column in self._comparable
            if get(attname) is not stored(column) and attname in values
        ]
        for field in self._others:
            if field.attname in values or (
                field.column in self.touching and is_pending(instance, field)
            ):
                found.append(field)
        return found

    @cached_property
    def _others(self) -> list[FieldPlan]:
        plain = {column for _, column in self._comparable}
        return [
            field for field in self.fields if field.column not in plain and field.column != "_id"
        ]
