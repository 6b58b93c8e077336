"""Plans of classes that share a collection: each document becomes what its `_cls` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exceptions.classes import UnreadableValue
from .families import CLASS_KEY, class_names, family, heirs
from .fields import FieldPlan
from .hydration import Hydrator
from .plan import Plan, plan_of


class PolymorphicPlan(Plan):
    """The plan of one of several classes; what it reads may become any of them."""

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
        return plan if self.narrowing is None else plan.narrowed(*self.narrowing)

    def keeps(self, field: FieldPlan, names: frozenset[str], defer: bool) -> bool:
        return field.column == CLASS_KEY or super().keeps(field, names, defer)

    @property
    def projection(self) -> dict[str, int]:
        if self.narrowing is None:
            return super().projection
        asked = super().projection
        for model in heirs(self.model):
            if model is not self.model:
                asked.update(self.relative(model).own_projection)
        return asked

    @property
    def own_projection(self) -> dict[str, int]:
        """What this very class needs."""
        return super().projection

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
