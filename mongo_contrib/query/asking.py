"""What a query asks of documents and of rows of groups: `filter()`, `exclude()`, `match()`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Q
from django.db.utils import NotSupportedError

from ..mapping.families import class_condition
from .annotations import Annotated
from .computed import needs_scope
from .conditions import NOTHING, Condition, all_of
from .crossing import MAX_KEYS, within
from .expressions import Scope, parts
from .nodes import Group, Node, evaluate, group
from .paths import resolve
from .stages import Match, filter_stages


class Asking(Annotated):
    """The part of a query that has conditions."""

    where: tuple[Node, ...]
    #: Conditions on the rows of groups.
    having: tuple[Node, ...]
    #: All that has been asked by `filter()`, as it was asked.
    asked: tuple[Q, ...]
    #: What `pipeline()` adds.
    stages: tuple[Any, ...]
    #: Where documents come from if not from the collection itself: a search.
    source: Any
    run_pipeline: Any
    max_time_ms: int | None

    def add_q(self, q: Q, reuse_all: bool = False) -> None:
        if self.grouping is not None:
            self._add_to_rows(q)
            return
        self.asked = (*self.asked, q)
        self._add_node(self.node(q))

    def _add_to_rows(self, q: Q) -> None:
        """Filter the rows by what is about aggregates, and what is grouped by the rest."""
        if q.connector == Q.AND and not q.negated:
            for child in q.children:
                part = child if isinstance(child, Q) else Q(child)
                if self._is_about_rows(part):
                    self.having = (*self.having, self.node(part, grouped=True))
                else:
                    self._add_node(self.node(part))
        elif self._is_about_rows(q):
            self.having = (*self.having, self.node(q, grouped=True))
        else:
            self._add_node(self.node(q))

    def _is_about_rows(self, q: Any) -> bool:
        for child in q.children:
            if isinstance(child, Q):
                if self._is_about_rows(child):
                    return True
                continue
            values = list(child[1:]) if isinstance(child, tuple) else [child]
            found = self.annotation(child[0]) if isinstance(child, tuple) else None
            resolved = [
                value.resolve_expression(self)
                for value in values
                if hasattr(value, "resolve_expression") and not hasattr(value, "query")
            ]
            if found is not None:
                resolved.append(found[0])
            if any(value.contains_aggregate for value in resolved):
                return True
        return False

    def _add_node(self, node: Node) -> None:
        if node == {}:
            return
        if isinstance(node, Group) and node.connector == Q.AND and not node.negated:
            for each in node.nodes:
                # Each for itself, so that what needs no $lookup comes before it.
                self._add_node(each)
        elif not self.stages:
            self.where = (*self.where, node)
        elif needs_scope(node):
            raise NotSupportedError(
                "A condition on what lies beyond a reference can't follow pipeline(); add a "
                "$lookup and a $match stage."
            )
        else:
            self.stages = (*self.stages, Match(node))

    def having_node(self) -> Node:
        return group(Q.AND, self.having)

    def match(self, condition: dict[str, Any]) -> None:
        self._add_node(condition)

    def set_empty(self) -> None:
        self.where = (*self.where, NOTHING)

    def is_empty(self) -> bool:
        return NOTHING in self.where

    def has_filters(self) -> bool:
        return bool(self.where or class_condition(self.model))

    def condition(self, using: str) -> Condition:
        """Return the MQL filter; the parts that another collection decides are asked for now."""
        if self.having:
            raise NotSupportedError(
                "Groups have no documents to write; filter by a list of their keys."
            )
        if any(needs_scope(node) for node in self.where):
            return self._keys_first(using)
        where = [evaluate(within(node, self.max_time_ms), using) for node in self.where]
        if self.source is not None:
            where = self.source.narrowed(where)
        return all_of([class_condition(self.model), *where])

    def _keys_first(self, using: str) -> Condition:
        """Return the condition by the documents' keys, asked for where they have to be joined."""
        stages = filter_stages(self, Scope(self.model, using))
        if stages is None:
            return NOTHING
        stages += [{"$limit": MAX_KEYS + 1}, {"$project": {"_id": 1}}]
        keys = [found["_id"] for found in self.run_pipeline(using, stages)]
        if len(keys) > MAX_KEYS:
            raise NotSupportedError(
                f"More than {MAX_KEYS:,} {self.model._meta.verbose_name_plural} match; use "
                ".pipeline([...]) with $lookup and $merge."
            )
        return {"_id": {"$in": keys}} if keys else NOTHING

    def _refuse_narrowed(self, value: Any) -> None:
        """To Django, a filter across a reference backward narrows what is aggregated over it."""
        for relation in {part.relation for part in parts(value) if hasattr(part, "relation")}:
            if any(_asks(self.model, q, relation) for q in self.asked):
                name = relation.get_accessor_name()
                raise NotSupportedError(
                    f"filter() has asked about {name!r} before, and what is aggregated over it is "
                    f"not narrowed by that here: give the condition to the aggregate's filter=, "
                    "or annotate first."
                )


def _asks(model: Any, q: Any, relation: Any) -> bool:
    """Tell whether a condition narrows what `relation` leads to."""
    if q.negated:
        return False
    return any(
        _asks(model, child, relation)
        if isinstance(child, Q)
        else isinstance(child, tuple) and _relation(model, child[0]) is relation
        for child in q.children
    )


def _relation(model: Any, name: str) -> Any:
    try:
        return resolve(model, name).relation
    except FieldError:
        return None  # an annotation
