"""Conditions of which some are known only when the query runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.db.utils import NotSupportedError

from .conditions import Condition, all_of, any_of, none_of, one_of

CONNECTORS = {Q.AND: all_of, Q.OR: any_of, Q.XOR: one_of}


class Deferred:
    """A condition that is known only when the query runs."""

    def condition(self, using: str) -> Condition:
        raise NotImplementedError


Node = Condition | Deferred


def evaluate(node: Node, using: str) -> Condition:
    """Return the condition of a node, asking the server of `using` if need be."""
    return node.condition(using) if isinstance(node, Deferred) else node


@dataclass(frozen=True)
class Group(Deferred):
    """Nodes under one connector, of which at least one is deferred."""

    connector: str
    nodes: tuple[Node, ...]
    negated: bool = False

    def condition(self, using: str) -> Condition:
        condition = CONNECTORS[self.connector](evaluate(node, using) for node in self.nodes)
        return none_of(condition) if self.negated else condition


def group(connector: str, nodes: Iterable[Node], negated: bool = False) -> Node:
    """Return the nodes under one connector, folded at once if none of them is deferred."""
    made = Group(connector, tuple(nodes), negated)
    if len(made.nodes) == 1 and not negated:
        return made.nodes[0]
    if any(isinstance(node, Deferred) for node in made.nodes):
        return made
    return made.condition("")


class _SameDocument(Deferred):
    """`pk=OuterRef("pk")`: the document that `Exists()` is asked of."""

    def condition(self, using: str) -> Condition:
        raise NotSupportedError("OuterRef() has a meaning inside of Exists() alone.")


SAME_DOCUMENT = _SameDocument()
