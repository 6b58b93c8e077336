"""`annotate()`, `alias()` and `values()`: what a query computes, and which of it is asked for."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Aggregate, ExpressionWrapper, F
from django.db.models.expressions import BaseExpression
from django.db.utils import NotSupportedError

from .aggregates import check_numbers
from .expressions import Backward, Column, Scope, output_field, parts, single
from .names import Names
from .paths import Path, resolve


class Annotated(Names):
    """The part of a query that has names of its own."""

    #: The names of a row of `values()`, as keys, in order; None where instances are asked for.
    selected: dict[str, str] | None = None
    #: What rows are grouped by; None where nothing is grouped.
    grouping: tuple[str, ...] | None = None

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.annotations = {}
        self.annotation_mask: tuple[str, ...] = ()
        self.values_select: tuple[str, ...] = ()

    @property
    def annotation_select(self) -> dict[str, Any]:
        """The annotations that come with each instance or row."""
        return {name: self.annotations[name] for name in self.annotation_mask}

    def add_annotation(self, annotation: Any, alias: str, select: bool = True) -> None:
        """Compute `annotation` under the name `alias`; it is looked over at once."""
        if not alias or alias.startswith("$") or "." in alias or "\0" in alias:
            raise ValueError(
                f"The annotation {alias!r} can't have this name: it may not begin with a dollar "
                "sign, nor hold a dot or a null character."
            )
        value = named(annotation.resolve_expression(self, allow_joins=True, reuse=None), alias)
        check_numbers(value)
        self._look_over(value)
        self.annotations = {**self.annotations, alias: value}
        others = tuple(name for name in self.annotation_mask if name != alias)
        self.annotation_mask = (*others, alias) if select else others
        if select and self.selected is not None:
            self.selected = {**self.selected, alias: alias}
            if self.grouping is not None and not value.contains_aggregate:
                self.grouping = (*self.grouping, alias)

    def _look_over(self, value: Any) -> None:
        """Raise NotSupportedError if a value can't be computed, FieldError if it is of no type."""
        output_field(value)
        if self.selected is None or not value.contains_aggregate:
            Scope(self.model).compile(value)

    # Groups

    @property
    def group_by(self) -> Any:
        """What rows are grouped by, for Django to look at; None if they are not."""
        if self.grouping is None:
            return None
        found = [self.name_value(name) for name in self.grouping]
        return tuple(
            each
            if isinstance(each, Column)
            else SimpleNamespace(output_field=output_field(each), target=None)
            for each in found
        )

    @group_by.setter
    def group_by(self, value: Any) -> None:
        """Django says True where an aggregate is about each instance, which groups nothing."""

    def set_group_by(self, allow_aliases: bool = True) -> None:
        """Group by what `values()` names, as there is an aggregate now."""
        backward = [
            isinstance(part, Backward)
            for value in self.annotation_select.values()
            if value.contains_aggregate
            for part in parts(value)
            if isinstance(part, Backward | Column)
        ]
        if any(backward):
            if not all(backward) or not self._names_key():
                raise NotSupportedError(
                    "What refers to a document can be aggregated for each document: name 'pk' in "
                    "values(), and aggregate nothing else beside; or use .pipeline([...]) with "
                    "$lookup and $group."
                )
            return
        if self.grouping is not None:
            return
        if self.is_sliced:  # type: ignore[attr-defined]
            raise NotSupportedError(
                "A slice can't be grouped; group first, or use .pipeline([...]) with $group."
            )
        keys = [name for name, value in self.row_values() if not value.contains_aggregate]
        for name in keys:
            if name not in self.annotations and name in self.values_select:
                self.resolve_ref(name)  # which refuses what lies in lists
        self.grouping = tuple(keys)

    def _names_key(self) -> bool:
        return any(resolve(self.model, name).path == "_id" for name in self.values_select)

    def row_values(self) -> list[tuple[str, Any]]:
        """Return names and values of a row of `values()`."""
        return [(name, self.name_value(name)) for name in self.selected or ()]

    def name_value(self, name: str) -> Any:
        """Return the expression of a name in `values()`."""
        if name in self.annotations:
            return self.annotations[name]
        path = resolve(self.model, name)
        if path.relation is None and not path.rest:
            # Unlike in other expressions, a list is taken as it is.
            single(self.model, name, replace(path, list_path=None))
            return Column(path)
        return self.resolve_ref(name)

    def inlined(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the new values of `update()` with what they take of annotations resolved."""
        if not self.annotations:
            return values
        return {
            name: value.resolve_expression(self)
            if isinstance(value, BaseExpression | F)
            else value
            for name, value in values.items()
        }

    # Rows

    def set_values(self, fields: tuple[str, ...]) -> None:
        """Ask for rows of these names; for all fields and annotations if there are none."""
        self.select_related = False
        self.deferred_loading: Any = (frozenset(), True)
        if fields:
            self.annotation_mask = tuple(name for name in fields if name in self.annotations)
            chosen = tuple(name for name in fields if name not in self.annotations)
        else:
            chosen = tuple(field.attname for field in self.model._meta.concrete_fields)
            fields = (*chosen, *self.annotation_mask)
        for name in chosen:
            self.value_path(name)
        if self.grouping is not None:
            for name in chosen:
                if name not in self.grouping:
                    raise NotSupportedError(
                        f"Rows are grouped by {', '.join(self.grouping)}, so there is no single "
                        f"{name!r} in each; name it in values() before annotate()."
                    )
        self.values_select = chosen
        self.selected = {name: name for name in fields}

    def value_path(self, name: str) -> Path:
        """Return the path of one item of `values()`; references may be crossed forward."""
        path = resolve(self.model, name)
        if path.rest or (path.relation is not None and not path.relation.concrete):
            raise FieldError(f"Cannot resolve {name!r} into a field of {self.model._meta.label}.")
        if path.relation is not None:
            target = path.relation.remote_field.model
            target._base_manager.values(path.remainder)
        return path


def named(value: Any, alias: str) -> Any:
    """Return a copy of a resolved expression that knows what it is called.

    So do the aggregates in it: wherever the name is used, each is computed once.
    """
    if hasattr(value, "_alias"):
        value = ExpressionWrapper(value, output_field=output_field(value))
    value = copy.copy(value)
    value._alias = alias
    for number, part in enumerate(parts(value)):
        if isinstance(part, Aggregate) and not hasattr(part, "_key"):
            part._key = f"{alias.replace('__', '_')}_{number}"
    return value
