"""Plans of classes that share a collection: each document becomes what its `_cls` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exceptions.classes import UnreadableValue
from .families import CLASS_KEY, class_names, family, heirs
from .hydration import Hydrator
from .plan import Plan, plan_of


class PolymorphicPlan(Plan):
    """The plan of one of several classes; what it reads may become any of them."""

    #: How this plan was made of the whole one, so that the relatives' can be made alike.
    _narrowing: tuple[frozenset[str], bool] | None = None

    def _hydrator(self, db: str | None, fetch_mode: Any) -> Hydrator:
        own = self.own_hydrator(db, fetch_mode)
        # Whose `_cls` is missing is as old as the time before there were subclasses.
        makers: dict[Any, Hydrator] = {None: own}
        for model in family(self.model):
            maker = own
            if model is not self.model._meta.concrete_model:
                maker = _on_first_use(self, model, db, fetch_mode)
            makers.update(dict.fromkeys(class_names(model), maker))
        find = makers.get

        def make(document: dict[str, Any]) -> Any:
            name = document.get(CLASS_KEY)
            maker = find(name) if name is None or type(name) is str else None
            if maker is None:
                raise _unknown(self.model, document)
            return maker(document)

        return make

    def own_hydrator(self, db: str | None, fetch_mode: Any) -> Hydrator:
        """Return the function that makes instances of this very class."""
        return super()._hydrator(db, fetch_mode)

    def relative(self, model: Any) -> Any:
        """Return the plan of another class of the family, narrowed as this one is."""
        plan = plan_of(model)
        return plan if self._narrowing is None else plan.narrowed(*self._narrowing)

    def narrowed(self, names: frozenset[str], defer: bool) -> Plan:
        key: Any = (names, defer)
        plan = self._partial.get(key)
        if plan is None:
            chosen = super().narrowed(names, defer).columns | {CLASS_KEY}
            fields = [each.field for each in self.fields if each.column in chosen]
            if len(self._partial) > 100:
                self._partial.clear()
            plan = self._partial[key] = type(self)(self.model, fields)
            plan.deferred = dict.fromkeys(self.columns - plan.columns, ...)
            plan._narrowing = (names, defer)
        return plan

    @property
    def projection(self) -> dict[str, int]:
        if self._narrowing is None:
            return super().projection
        plans = [self.relative(model) for model in heirs(self.model)]
        return dict.fromkeys(frozenset().union(self.columns, *(each.columns for each in plans)), 1)

    def encode(self, instance: Any, **options: Any) -> dict[str, Any]:
        model = type(instance)
        if model is self.model or model._meta.concrete_model is self.model._meta.concrete_model:
            return super().encode(instance, **options)
        # Of bulk_create() on the base: each as what it is.
        return plan_of(model).encode(instance, **options)


def _on_first_use(
    plan: PolymorphicPlan, model: Any, db: str | None, fetch_mode: Any
) -> Callable[[dict[str, Any]], Any]:
    """Return the relative's function; most queries never meet most classes."""
    found: list[Hydrator] = []

    def make(document: dict[str, Any]) -> Any:
        if not found:
            found.append(plan.relative(model).own_hydrator(db, fetch_mode))
        return found[0](document)

    return make


def _unknown(model: Any, document: dict[str, Any]) -> UnreadableValue:
    label, key, name = model._meta.label, document.get("_id"), document[CLASS_KEY]
    known = [repr(each) for relative in family(model) for each in class_names(relative)]
    return UnreadableValue(
        f"{label} {'(embedded)' if key is None else key}: the stored {CLASS_KEY!r} is {name!r}, "
        f"which is no class that is known here; known are {', '.join(known)}. Declare the class, "
        "or name it so (Meta: class_name).",
        document=label,
        key=key,
        field=CLASS_KEY,
        value=name,
    )
