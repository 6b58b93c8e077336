"""Which kind of plan a class has: most have the plain one, and pay for no other."""

from __future__ import annotations

from functools import cache
from typing import Any

from .dynamic import DynamicPlan
from .families import SharedOptions
from .plan import Plan
from .polymorphic import PolymorphicPlan
from .strict import StrictPlan


def plan_class(model: Any) -> type[Plan]:
    """Return the class of the plan that `plan_of(model)` makes."""
    kinds: list[type[Plan]] = []
    if isinstance(model._meta, SharedOptions):
        kinds.append(PolymorphicPlan)
    if model._options.strict:
        kinds.append(StrictPlan)
    if getattr(model, "_is_dynamic", False):
        kinds.append(DynamicPlan)
    return _combined(tuple(kinds))


@cache
def _combined(kinds: tuple[type[Plan], ...]) -> type[Plan]:
    if len(kinds) < 2:
        return kinds[0] if kinds else Plan
    return type("".join(kind.__name__ for kind in kinds), kinds, {})
