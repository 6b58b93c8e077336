"""Which fields of documents are fetched, and which references with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldError
from django.db.models.constants import LOOKUP_SEP

from ..mapping.plan import Plan, plan_of
from .paths import get_field


class Selective:
    """The part of a query that says what is fetched: `only()`, `defer()`, `select_related()`."""

    model: Any
    select_related: Any = False
    deferred_loading: tuple[frozenset[str], bool] = (frozenset(), True)

    def clear_deferred_loading(self) -> None:
        self.deferred_loading = (frozenset(), True)

    def add_deferred_loading(self, names: Any) -> None:
        existing, defer = self.deferred_loading
        names = self._top_level(names)
        if defer:
            self.deferred_loading = (existing | names, True)
        else:
            self.deferred_loading = (existing - names, False)

    def add_immediate_loading(self, names: Any) -> None:
        existing, defer = self.deferred_loading
        names = self._top_level(names)
        self.deferred_loading = (names - existing if defer and existing else names, False)

    def _top_level(self, names: Any) -> frozenset[str]:
        """Return attribute names; of a path, the field of the document that it starts from."""
        found = set()
        for name in names:
            first, _, rest = name.partition(LOOKUP_SEP)
            field = get_field(self.model, first)
            if field.is_relation and rest:
                # only("country__name"): what select_related() fetches comes whole.
                continue
            if not field.concrete:
                raise FieldError(f"{name!r} is no field of {self.model._meta.label}.")
            found.add(field.attname)
        return frozenset(found)

    def plan(self) -> Plan:
        """Return how found documents become instances, all of them or without deferred fields."""
        plan = plan_of(self.model)
        return plan.narrowed(*self.deferred_loading) if self.deferred_loading[0] else plan

    # References

    def add_select_related(self, fields: Any) -> None:
        tree: dict[str, Any] = {} if isinstance(self.select_related, bool) else self.select_related
        tree = _copy_tree(tree)
        for name in fields:
            level, model = tree, self.model
            parts = name.split(LOOKUP_SEP)
            for position, part in enumerate(parts, 1):
                model = _referenced(model, part, last=position == len(parts))
                level = level.setdefault(part, {})
        self.select_related = tree

    def related_lookups(self) -> list[str]:
        """Return what `select_related()` names, as look-ups to prefetch."""
        if self.select_related is True:
            return [
                field.name
                for field in self.model._meta.concrete_fields
                if field.is_relation and not field.null and not hasattr(field, "base_field")
            ]
        return list(_leaves(self.select_related or {}))


def _copy_tree(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _copy_tree(branch) for name, branch in tree.items()}


def _leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, branch in tree.items():
        if branch:
            yield from _leaves(branch, f"{prefix}{name}{LOOKUP_SEP}")
        else:
            yield f"{prefix}{name}"


def _referenced(model: Any, name: str, *, last: bool) -> Any:
    """Return the class that a name in `select_related()` leads to.

    On the way there may be embedded documents; lists of references count as references.
    """
    field = get_field(model, name)
    if hasattr(field, "document") and not last:
        return field.alternatives if hasattr(field, "alternatives") else field.document
    is_list = field.concrete and hasattr(field, "base_field")
    if not field.is_relation or not (field.many_to_one or field.one_to_one or is_list):
        choices = [each.name for each in model._meta.concrete_fields if each.is_relation]
        raise FieldError(
            f"Invalid field name(s) given in select_related: {name!r}. Choices are: "
            f"{', '.join(choices) or '(none)'}"
        )
    return field.related_model
