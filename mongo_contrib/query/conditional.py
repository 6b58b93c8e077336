"""`Case`, `When` and `Q` as values, and Django's look-ups as expressions."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Case, Value
from django.db.models.expressions import Expression, When
from django.db.models.lookups import Lookup
from django.db.utils import NotSupportedError

from .booleans import LHS, Computed, Stored, as_expression
from .computed import bind
from .conditions import NOTHING
from .dates import COMPARISONS
from .expressions import EXPRESSIONS, Scope, expression, output_field
from .nodes import Deferred, Node, evaluate
from .paths import Path


class Truth(Expression):
    """Whether a condition is fulfilled: what a resolved `Q` is. `q` is what it was made of."""

    conditional = True

    def __init__(self, node: Node, q: Any) -> None:
        super().__init__(output_field=BooleanField())
        self.node = node
        self.q = q

    @property
    def contains_aggregate(self) -> bool:
        return any(part.contains_aggregate for part in expressions_in(self.node))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def expressions_in(node: Any) -> list[Any]:
    """Return the expressions that a node computes."""
    found = list(getattr(node, "expressions", ()))
    for each in getattr(node, "nodes", ()):
        found += expressions_in(each)
    return found


@expression(Truth)
def _truth(scope: Scope, value: Truth) -> Any:
    return as_expression(condition_in(scope, value.node), Stored(scope.model))


def condition_in(scope: Scope, node: Node) -> Any:
    """Return a node's condition in a scope; if that asks no server, one that no document meets."""
    node = bind(node, scope)
    if isinstance(node, Deferred) and scope.using is None:
        return NOTHING
    return evaluate(node, scope.using or "")


@expression(Case)
def _case(scope: Scope, value: Any) -> Any:
    default = scope.compile(value.default)
    branches = []
    for case in value.cases:
        test = scope.compile(case.condition)
        if test is not False:
            branches.append({"case": test, "then": scope.compile(case.result)})
    return {"$switch": {"branches": branches, "default": default}} if branches else default


@expression(When)
def _when(scope: Scope, value: Any) -> Any:
    raise NotSupportedError("When() has a meaning inside of Case() alone.")


def _lookup(scope: Scope, value: Any) -> Any:
    """Compile `GreaterThan(F("a"), 3)` and its kin as the look-up of its name."""
    from .filters import leaf

    lhs = scope.compile(value.lhs)
    rhs = value.rhs.value if isinstance(value.rhs, Value) else value.rhs
    if hasattr(rhs, "resolve_expression"):
        operator = COMPARISONS.get(value.lookup_name)
        if operator is None:
            raise NotSupportedError(
                f"{type(value).__name__} takes no expression; use .pipeline([...]) with $match."
            )
        other = scope.compile(rhs)
        is_there = [{"$ne": [{"$ifNull": [side, None]}, None]} for side in (lhs, other)]
        return {"$and": [*is_there, {operator: [lhs, other]}]}
    path = Path(LHS, output_field(value.lhs), [value.lookup_name])
    node = leaf(scope.model, path, rhs)
    return as_expression(evaluate(node, scope.using or ""), Computed(lhs, is_list=path.is_list))


def register_lookups(base: type) -> None:
    """Register Django's look-ups, which are expressions too; transforms are functions."""
    each: Any
    for each in base.__subclasses__():
        if each.__module__.startswith("django.db.models.") and each.lookup_name:
            EXPRESSIONS.setdefault(each, _lookup)
        register_lookups(each)


register_lookups(Lookup)
