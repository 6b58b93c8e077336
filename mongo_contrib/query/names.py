"""What `F()` and `Q()` mean in a query: the questions that Django's expressions ask of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import django
from django.core.exceptions import FieldError
from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Transform
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import Expression
from django.db.utils import NotSupportedError

from .booleans import LHS
from .computed import Asked, Asserted, Compared, folded
from .conditional import Truth
from .dates import COMPARISONS
from .expressions import (
    EXPRESSIONS,
    Backward,
    Column,
    Scope,
    expression,
    output_field,
    resolved,
    single,
)
from .filters import asks_nothing, build, leaf
from .joins import Joined
from .nodes import Deferred, Node
from .paths import DATE_TRANSFORMS, FREE, Path, kind, resolve

#: To Django 5.2, None among the values of `in` means nothing, even where they are excluded.
_NONE_EXCLUDES = django.VERSION >= (6, 1)

_CONTAINERS = (list, tuple, set, frozenset)


class Names:
    """The names of `model`; a query adds its annotations."""

    annotations: dict[str, Any] = {}

    def __init__(self, model: Any) -> None:
        self.model = model

    # What resolve_expression() asks

    def resolve_ref(
        self, name: str, allow_joins: bool = True, reuse: Any = None, summarize: bool = False
    ) -> Any:
        """Return the expression of `F(name)`; FieldError naming the choices if there is none."""
        found = self.annotation(name)
        if found is not None:
            value = self._transformed(*found)
            return Whole(value) if summarize and value.contains_aggregate else value
        path = resolve(self.model, name)
        if path.relation is None:
            column = Column(single(self.model, name, replace(path, rest=[])))
            return self._transformed(column, path.rest)
        if path.list_path is not None:
            single(self.model, name, path)
        if path.relation.concrete:
            return self._forward(name, path)
        return self._backward(name, path)

    def _add_q(self, q: Q, *args: Any, **kwargs: Any) -> tuple[Any, tuple[()]]:
        """Return a `Q` as a value. Django's Q calls it by this name, and promote_joins()."""
        return Truth(self.node(q), q), ()

    def promote_joins(self, joins: Any) -> None:
        """There are no joins to promote: see `_add_q()`."""

    # Names

    def annotation(self, name: str) -> tuple[Any, list[str]] | None:
        """Return the annotation that a name begins with, and what follows; None if none."""
        if not self.annotations:
            return None
        parts = name.split(LOOKUP_SEP)
        for end in range(len(parts), 0, -1):
            found = self.annotations.get(LOOKUP_SEP.join(parts[:end]))
            if found is not None:
                return found, parts[end:]
        return None

    def _forward(self, name: str, path: Path) -> Any:
        target = path.relation.remote_field.model
        _refuse_others(self.model, name, target)
        inner = resolve(target, path.remainder)
        if inner.relation is not None:
            raise NotSupportedError(
                f"{name!r} crosses more than one reference; use .pipeline([...]) with $lookup."
            )
        single(target, path.remainder, inner)
        join = Joined(
            target._meta.db_table, path.path, path.relation.target_field.column, inner.path
        )
        return self._transformed(Column(replace(inner, rest=[]), join), inner.rest)

    def _backward(self, name: str, path: Path) -> Any:
        relation = path.relation
        if not (relation.one_to_many or relation.one_to_one):
            raise NotSupportedError(
                f"{name!r} is a {type(relation).__name__}, which can't be computed with; use "
                ".pipeline([...]) with $lookup."
            )
        _refuse_others(self.model, name, relation.related_model)
        inner = Names(relation.related_model).resolve_ref(path.remainder or "pk")
        if not isinstance(inner, Column) or inner.join is not None:
            raise NotSupportedError(
                f"{name!r} reaches too far; use .pipeline([...]) with $lookup."
            )
        return Backward(relation, name.removesuffix(path.remainder), inner)

    def _transformed(self, value: Any, names: list[str]) -> Any:
        for name in names:
            field = output_field(value)
            if name == "len" and _is_list(field):
                value = ListLength(value)
                continue
            transform = field.get_transform(name) if field is not None else None
            if transform is None:
                raise FieldError(
                    f"Unsupported lookup {name!r} for {type(field).__name__} or join on the field "
                    "not permitted."
                )
            value = transform(value).resolve_expression(self)
        return value

    # Conditions

    def node(self, q: Q, *, grouped: bool = False) -> Node:
        """Return the node of `q`; where `grouped`, each name is one of a row's."""
        if not q.children or asks_nothing(q):
            return {}
        return build(self.model, self._prepared(q, grouped))

    def _prepared(self, q: Q, grouped: bool, negated: bool = False) -> Q:
        """Return `q` with nodes for what is about annotations and expressions.

        `negated` tells whether it stands below an odd number of negations.
        """
        negated = negated != q.negated
        children = [self._child(child, grouped, negated) for child in q.children]
        if all(new is old for new, old in zip(children, q.children, strict=True)):
            return q
        return Q(*children, _connector=q.connector, _negated=q.negated)

    def _child(self, child: Any, grouped: bool, negated: bool) -> Any:
        if isinstance(child, Q):
            return self._prepared(child, grouped, negated)
        if isinstance(child, tuple):
            condition = self._condition(child, grouped)
            return self._or_null(child) if condition is child and negated else condition
        if isinstance(child, Exists) or not hasattr(child, "resolve_expression"):
            return child
        return self._asserted(child, grouped)

    def _condition(self, child: tuple[Any, ...], grouped: bool) -> Any:
        """Return the node of a look-up that is not about a field alone; else the look-up."""
        name, value = child
        found = self.annotation(name)
        if found is not None:
            return self.look_up(*found, value, grouped=grouped)
        if grouped:
            path = resolve(self.model, name)
            if path.relation is not None:
                raise NotSupportedError(
                    f"{name!r} beside an aggregate would have to be looked up for each row; "
                    "filter by it alone, or use .pipeline([...])."
                )
            column = Column(single(self.model, name, replace(path, rest=[])))
            return self.look_up(column, path.rest, value, grouped=True)
        if isinstance(value, QuerySet | OuterRef) or not hasattr(value, "resolve_expression"):
            return child
        path = resolve(self.model, name)
        if path.relation is not None or path.list_path is not None or path.is_list:
            return child
        return self.look_up(Column(replace(path, rest=[])), path.rest, value)

    def _or_null(self, child: tuple[str, Any]) -> Any:
        """Return what excludes null, too, if None is among the values to be excluded."""
        name, values = child
        if not (_NONE_EXCLUDES and name.endswith("__in") and isinstance(values, _CONTAINERS)):
            return child
        if all(value is not None for value in values):
            return child
        path = resolve(self.model, name)
        if path.relation is None:
            alone = path.rest == ["in"] and path.list_path is None and kind(path.field) not in FREE
        else:
            alone = path.relation.concrete and not hasattr(path.relation, "base_field")
        return Q(child) | Q((name.removesuffix("__in"), None)) if alone else child

    def _asserted(self, value: Any, grouped: bool) -> Node:
        condition = resolved(self.model, value, self)
        if not getattr(condition, "conditional", False):
            raise TypeError(f"Cannot filter against a non-conditional expression: {value!r}.")
        if isinstance(condition, Truth):
            return condition.node
        return folded(Asserted(self.model, grouped, condition))

    def look_up(self, value: Any, rest: list[str], operand: Any, *, grouped: bool = False) -> Node:
        """Return the node of a look-up on an expression."""
        if isinstance(operand, QuerySet):
            raise NotSupportedError(
                "A query set can't be compared with what is computed; give list(...) of it, or "
                "use .pipeline([...]) with $lookup."
            )
        names = rest or ["exact"]
        if hasattr(operand, "resolve_expression"):
            transform = output_field(value) and output_field(value).get_transform(names[-1])
            names = [*names, "exact"] if transform else names
            operator = COMPARISONS.get(names[-1])
            if operator is None:
                raise NotSupportedError(
                    f"The look-up {LOOKUP_SEP.join(names)!r} takes no expression; use "
                    ".match({'$expr': ...})."
                )
            lhs = self._transformed(value, names[:-1])
            rhs = resolved(self.model, operand, self)
            return folded(Compared(self.model, grouped, operator, lhs, rhs))
        while names and self._is_transform(output_field(value), names[0]):
            value, names = self._transformed(value, names[:1]), names[1:]
        names = names or ["exact"]
        path = _path_on(output_field(value), names)
        asked = leaf(self.model, path, operand)
        if isinstance(asked, Deferred):
            raise NotSupportedError("What is computed can't be asked beyond a reference.")
        return folded(Asked(self.model, grouped, value, asked, path.is_list))

    def transformed(self, path: Path, rest: list[str], operand: Any) -> Node | None:
        """Return the node of a look-up that begins with a transform; None if none does."""
        if not self._is_transform(path.field, rest[0]):
            return None
        return self.look_up(Column(replace(path, rest=[])), rest, operand)

    @staticmethod
    def _is_transform(field: Any, name: str) -> bool:
        # Parts of dates are conditions of their own, see `dates.py`.
        transform = None if field is None else field.get_transform(name)
        return transform in EXPRESSIONS and name not in DATE_TRANSFORMS


def _refuse_others(model: Any, name: str, target: Any) -> None:
    if not getattr(target, "_is_document", False) or getattr(target, "_is_embedded", False):
        raise NotSupportedError(
            f"{name!r} leads from {model._meta.label} to {target._meta.label}, which is no "
            "collection to $lookup; ask for it by itself."
        )


def _is_list(field: Any) -> bool:
    return hasattr(field, "base_field") or kind(field) == "EmbeddedDocumentListField"


def _path_on(field: Any, names: list[str]) -> Path:
    """Return the path of what is asked of a computed value of `field`."""
    if field is None:
        raise FieldError(
            "What is computed here is of no known type; give the expression an output_field."
        )
    if hasattr(field, "document") and not _is_list(field):
        inner = resolve(field.alternatives, LOOKUP_SEP.join(names))
        single(field.alternatives, LOOKUP_SEP.join(names), inner)
        return replace(inner, path=f"{LHS}.{inner.path}")
    return Path(LHS, field, names)


class Whole(Expression):
    """What is aggregated for each document, as a value that can be aggregated itself."""

    def __init__(self, value: Any) -> None:
        super().__init__(output_field=output_field(value))
        self.value = value


@expression(Whole)
def _whole(scope: Scope, value: Whole) -> Any:
    return scope.compile(value.value)


class ListLength(Transform):
    """How many elements a list has: `F("tags__len")`."""

    lookup_name = "len"
    output_field = IntegerField()


@expression(ListLength)
def _length(scope: Scope, value: Any) -> Any:
    source = scope.compile(value.source_expressions[0])
    return {"$cond": [{"$isArray": [source]}, {"$size": source}, None]}
