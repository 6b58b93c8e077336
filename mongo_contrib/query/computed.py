"""Conditions on what is computed: annotations, transforms, expressions.

They are nodes like those of `nodes.py`, and become `$expr`. What one of them computes may lie
in a joined document or in a group: then it is bound to the pipeline's scope first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Aggregate
from django.db.utils import NotSupportedError

from .booleans import LHS, Computed, as_expression
from .conditions import NOTHING, Condition
from .expressions import Column, Scope, parts
from .nodes import Deferred, Group, Node, group


@dataclass(frozen=True)
class Bindable(Deferred):
    """A condition that is compiled in the scope of a pipeline.

    One that is about the rows of groups is not about documents, whatever it computes.
    """

    model: Any
    about_rows: bool

    def bound(self, scope: Scope) -> Condition:
        raise NotImplementedError

    @property
    def expressions(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def condition(self, using: str) -> Condition:
        return in_document(self, using)


@dataclass(frozen=True)
class Asked(Bindable):
    """A look-up on an expression: `asked` is its condition on the path `LHS`."""

    expression: Any
    asked: Any
    is_list: bool = False

    @property
    def expressions(self) -> tuple[Any, ...]:
        return (self.expression,)

    def bound(self, scope: Scope) -> Condition:
        value = scope.compile(self.expression)
        if self.asked is NOTHING:
            return NOTHING
        if _is_path(value):
            # An ordinary condition: an index may serve it.
            return _moved(self.asked, value[1:])
        return {"$expr": as_expression(self.asked, Computed(value, is_list=self.is_list))}


@dataclass(frozen=True)
class Compared(Bindable):
    """A comparison of two expressions, of which neither may be null."""

    operator: str
    lhs: Any
    rhs: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return (self.lhs, self.rhs)

    def bound(self, scope: Scope) -> Condition:
        lhs, rhs = scope.compile(self.lhs), scope.compile(self.rhs)
        # To SQL, a comparison with null is never true; to $expr, null is just small.
        is_there = [{"$ne": [{"$ifNull": [side, None]}, None]} for side in (rhs, lhs)]
        compared = {self.operator: [lhs, rhs]}
        if _is_path(lhs):
            return {lhs[1:]: {"$ne": None}, "$expr": {"$and": [is_there[0], compared]}}
        return {"$expr": {"$and": [*is_there, compared]}}


@dataclass(frozen=True)
class Asserted(Bindable):
    """An expression that is true or false itself."""

    expression: Any

    @property
    def expressions(self) -> tuple[Any, ...]:
        return (self.expression,)

    def bound(self, scope: Scope) -> Condition:
        return {"$expr": scope.compile(self.expression)}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("$") and not value.startswith("$$")


def _moved(asked: Any, path: str) -> Any:
    """Return a condition on `LHS` as one on a stored path."""
    if isinstance(asked, dict):
        return {
            path + key[len(LHS) :] if key.startswith(LHS) else key: _moved(value, path)
            for key, value in asked.items()
        }
    if isinstance(asked, list):
        return [_moved(each, path) for each in asked]
    return f"${path}" if asked == f"${LHS}" else asked


def folded(node: Bindable) -> Node:
    """Return the condition itself, if it is about one document and needs no server."""
    if needs_scope(node) or any(is_deferred(each) for each in node.expressions):
        return node
    return node.bound(Scope(node.model))


def is_deferred(expression: Any) -> bool:
    """Tell whether an expression asks what only the server can say when the query runs."""
    return any(isinstance(getattr(part, "node", None), Deferred) for part in parts(expression))


def needs_scope(node: Node) -> bool:
    """Tell whether a node computes with what is joined or grouped."""
    if isinstance(node, Group):
        return any(needs_scope(each) for each in node.nodes)
    if not isinstance(node, Bindable):
        return False
    return node.about_rows or any(lies_beyond(each) for each in node.expressions)


def lies_beyond(expression: Any) -> bool:
    """Tell whether an expression computes with what is joined or grouped."""
    return any(
        isinstance(part, Aggregate)
        or (isinstance(part, Column) and part.join is not None)
        or needs_scope(getattr(part, "node", {}))
        for part in parts(expression)
    )


def bind(node: Node, scope: Scope) -> Node:
    """Return a node with what is computed compiled in `scope`."""
    if isinstance(node, Group):
        bound = [bind(each, scope) for each in node.nodes]
        return group(node.connector, bound, node.negated)
    return node.bound(scope) if isinstance(node, Bindable) else node


def in_document(node: Bindable, using: str) -> Condition:
    """Return a node's condition where there is one document alone."""
    scope = Scope(node.model, using)
    condition = node.bound(scope)
    if scope.joins:
        raise NotSupportedError(
            "A condition on what lies beyond a reference can't stand here; give the query set to "
            "pk__in, or use .pipeline([...]) with $lookup."
        )
    return condition
