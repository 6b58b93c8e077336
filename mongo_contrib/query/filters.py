"""From `Q` objects to conditions.

Everything is resolved, validated and cast here, when `filter()` is called. What needs the
server (a reference that is crossed, a query set as value) becomes a `Deferred` node, asked
when the query runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.utils import NotSupportedError

from ..mapping.encoding import encode_value
from .conditions import NOTHING, Condition, all_of, any_of, none_of, one_of
from .dates import COMPARISONS, date_condition
from .expressions import compile_expression
from .lookups import LENGTHS, LOOKUPS, applies
from .paths import DATE_TRANSFORMS, Path, _has_field, resolve

#: How many keys of another collection one filter may carry over: about a tenth of the
#: 16 MB that a command can be long.
MAX_KEYS = 100_000

_CONNECTORS = {Q.AND: all_of, Q.OR: any_of, Q.XOR: one_of}


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
        condition = _CONNECTORS[self.connector](evaluate(node, using) for node in self.nodes)
        return none_of(condition) if self.negated else condition


def group(connector: str, nodes: Iterable[Node], negated: bool = False) -> Node:
    """Return the nodes under one connector, folded at once if none of them is deferred."""
    made = Group(connector, tuple(nodes), negated)
    if len(made.nodes) == 1 and not negated:
        return made.nodes[0]
    if any(isinstance(node, Deferred) for node in made.nodes):
        return made
    return made.condition("")


def asks_nothing(q: Any) -> bool:
    """Tell whether `q` is an empty `Q`, which Django ignores wherever it stands, even negated."""
    return isinstance(q, Q) and all(asks_nothing(child) for child in q.children)


def build(model: Any, q: Q) -> Node:
    """Return the node of `q`; FieldError for unknown names, ValueError and the like for values.

    As with Django's multi-valued relations, conditions on a list of embedded documents, or
    on one reverse reference, that stand in one `filter()` mean one and the same element.
    """
    nodes: list[Node] = []
    in_lists: dict[str, list[Condition]] = {}
    crossed: dict[str, list[tuple[Path, Any]]] = {}
    if asks_nothing(q):
        return {}
    for child in q.children:
        if asks_nothing(child):
            continue
        if isinstance(child, Q):
            nodes.append(build(model, child))
            continue
        if isinstance(child, Exists):
            nodes.append(_same_document(model, child))
            continue
        if not isinstance(child, tuple):
            raise NotSupportedError(
                f"{type(child).__name__} can't be filtered by here; use .match({{...}}) with MQL, "
                "or .pipeline([...])."
            )
        name, value = child
        path = resolve(model, name)
        together = q.connector == Q.AND
        if path.relation is not None:
            key = name.removesuffix(path.remainder) if together else f"{name} {len(crossed)}"
            crossed.setdefault(key, []).append((path, value))
        elif path.list_path is not None:
            inside = replace(path, path=path.path[len(path.list_path) + 1 :], list_path=None)
            condition = _inside_list(path, leaf(model, inside, value))
            key = path.list_path if together else f"{path.list_path} {len(in_lists)}"
            in_lists.setdefault(key, []).append(condition)
        else:
            nodes.append(leaf(model, path, value))
    nodes += [_element(key.partition(" ")[0], found) for key, found in in_lists.items()]
    nodes += [_crossing(found) for found in crossed.values()]
    return group(q.connector, nodes, q.negated)


def leaf(model: Any, path: Path, value: Any) -> Node:
    """Return the node of one look-up on a field of the document itself."""
    rest = path.rest or ["exact"]
    name = rest[0]
    if isinstance(value, QuerySet):
        if rest not in (["in"], ["exact"]):
            raise NotSupportedError(f"A query set can stand after 'in', not after {rest[-1]!r}.")
        if rest == ["exact"] and not value.query.has_limit_one():
            raise ValueError(
                "The QuerySet value for an exact lookup must be limited to one result using "
                "slicing."
            )
        return KeysOf(path, _one_column(path, value))
    if isinstance(value, OuterRef) and value.name == "pk" and path.path == "_id":
        return SAME_DOCUMENT
    if hasattr(value, "resolve_expression"):
        return _compared(model, path, rest, value)
    if name in DATE_TRANSFORMS and len(rest) < 3:
        return date_condition(path, name, rest[1] if rest[1:] else "exact", value)
    if name == "len" and path.is_list and len(rest) < 3:
        function = LENGTHS.get(rest[1] if rest[1:] else "exact")
        if function:
            return function(path, value)
    if len(rest) == 1 and name in LOOKUPS and applies(name, path):
        return LOOKUPS[name](path, value)
    raise _unsupported(path, rest)


def _unsupported(path: Path, rest: list[str]) -> Exception:
    field = path.field
    if field.is_relation:
        return FieldError(f"Related Field got invalid lookup: {rest[0]}")
    if field.get_lookup(rest[-1]) is not None:
        return NotSupportedError(
            f"The look-up {'__'.join(rest)!r} on {path.path!r} has no counterpart here; use "
            ".match({...}) with MQL."
        )
    return FieldError(
        f"Unsupported lookup {'__'.join(rest)!r} for {type(field).__name__} "
        f"{field.name!r} or join on the field not permitted."
    )


def _compared(model: Any, path: Path, rest: list[str], value: Any) -> Condition:
    """Compare with another field of the same document."""
    operator = COMPARISONS.get(rest[0]) if len(rest) == 1 else None
    if operator is None:
        raise NotSupportedError(
            f"The look-up {'__'.join(rest)!r} takes no expression; use .match({{'$expr': ...}})."
        )
    other = compile_expression(model, value)
    # To SQL, a comparison with null is never true; to $expr, null is just small.
    is_there = {"$ne": [{"$ifNull": [other, None]}, None]}
    compared = {operator: [f"${path.path}", other]}
    return {path.path: {"$ne": None}, "$expr": {"$and": [is_there, compared]}}


# Lists of embedded documents


def _inside_list(path: Path, node: Node) -> Condition:
    if isinstance(node, Deferred):
        raise NotSupportedError(
            f"{path.path!r} lies in a list; a query set can't be its value. Give a list of values."
        )
    if node is not NOTHING and "$expr" in node:
        raise NotSupportedError(
            f"{path.path!r} lies in a list, where the server computes nothing; use "
            ".pipeline([...]) with $unwind."
        )
    return node


def _element(list_path: str, conditions: list[Condition]) -> Condition:
    condition = all_of(conditions)
    if condition is NOTHING:
        return NOTHING
    if len(condition) == 1:
        ((key, asked),) = condition.items()
        if not key.startswith("$") and _some_element_is_meant(asked):
            return {f"{list_path}.{key}": asked}
    return {list_path: {"$elemMatch": condition}}


def _some_element_is_meant(asked: Any) -> bool:
    """Tell whether a condition on a path through a list asks for an element that fulfils it.

    `$ne` there asks all elements, and null is found where there is no list.
    """
    if isinstance(asked, dict):
        return len(asked) == 1 and next(iter(asked)) in (
            "$eq",
            "$gt",
            "$gte",
            "$in",
            "$lt",
            "$lte",
        )
    return asked is not None


# Other collections


def stored_values(queryset: QuerySet, field: Any, using: str) -> list[Any]:
    """Return the stored values of `field` in all that `queryset` finds, at most `MAX_KEYS`.

    Raises NotSupportedError if there are more: MongoDB joins in pipelines.
    """
    query = queryset.query
    if getattr(queryset.model, "_is_document", False):
        values = query.stored_values(queryset._db or using, field.column, MAX_KEYS + 1)
    else:
        found = queryset.values_list(field.attname, flat=True)[: MAX_KEYS + 1]
        values = [encode_value(field, value) for value in found if value is not None]
    if len(values) > MAX_KEYS:
        raise NotSupportedError(
            f"More than {MAX_KEYS:,} {queryset.model._meta.verbose_name_plural} match; join "
            "them on the server, by .pipeline([...]) with $lookup."
        )
    return values


def _one_column(path: Path, queryset: QuerySet) -> tuple[QuerySet, Any]:
    """Return the query set and the field of it whose values are meant."""
    model = queryset.model
    if getattr(queryset.query, "stages", ()):
        raise NotSupportedError(
            "What pipeline(), dates() and datetimes() yield can't stand after a look-up; give "
            "list(...) of it."
        )
    names = queryset.query.values_select
    if len(names) > 1:
        raise ValueError(
            f"The query set given for {path.path!r} must have one column; it has {list(names)}."
        )
    if names:
        target = resolve(model, names[0]).field
    elif path.field.is_relation:
        expected = path.field.remote_field.model._meta
        if model._meta.concrete_model is not expected.concrete_model:
            raise ValueError(
                f'Cannot use QuerySet for "{model._meta.object_name}": Use a QuerySet for '
                f'"{expected.object_name}".'
            )
        target = path.field.target_field
    else:
        target = model._meta.pk
    return queryset, target


@dataclass(frozen=True)
class KeysOf(Deferred):
    """The path holds one of the values that a query set finds."""

    path: Path
    source: tuple[QuerySet, Any]
    negated: bool = False
    or_null: bool = False

    def condition(self, using: str) -> Condition:
        values = stored_values(*self.source, using)
        if self.negated:
            return {self.path.path: {"$nin": values}} if values else {}
        condition: Condition = {self.path.path: {"$in": values}} if values else NOTHING
        return any_of([condition, {self.path.path: None}]) if self.or_null else condition


class _SameDocument(Deferred):
    """`pk=OuterRef("pk")`: the document that `Exists()` is asked of."""

    def condition(self, using: str) -> Condition:
        raise NotSupportedError("OuterRef() has a meaning inside of Exists() alone.")


SAME_DOCUMENT = _SameDocument()


def _same_document(model: Any, exists: Exists) -> Node:
    """Return the node of an `Exists()` that asks of each document whether it is in a set.

    Django's admin and Django REST framework do so where joins would repeat rows.
    """
    query = exists.query
    nodes = [node for node in getattr(query, "where", ()) if node is not SAME_DOCUMENT]
    if query.model is not model or query.is_sliced or len(nodes) == len(query.where):
        raise NotSupportedError(
            "Exists() can ask for a document by its key only (pk=OuterRef('pk')); give the query "
            "set to an 'in' look-up, or use .pipeline([...]) with $lookup."
        )
    return group(Q.AND, nodes)


def _crossing(found: list[tuple[Path, Any]]) -> Node:
    """Return the node of look-ups that cross one reference: keys first, then this side."""
    path = found[0][0]
    relation = path.relation
    if not (relation.many_to_one or relation.one_to_one or relation.one_to_many):
        raise NotSupportedError(
            f"{relation.name!r} is a {type(relation).__name__}; only references between documents "
            "can be crossed."
        )
    if relation.concrete:
        return _forward(path, relation, found)
    return _reverse(path, relation, found)


def _forward(path: Path, field: Any, found: list[tuple[Path, Any]]) -> Node:
    conditions = {each.remainder: value for each, value in found}
    queryset = field.remote_field.model._base_manager.filter(
        *(Q((remainder, value)) for remainder, value in conditions.items())
    )
    # What a document without the reference lacks, it lacks beyond it too: SQL's outer join.
    or_null = all(
        value is None or (remainder.endswith("__isnull") and value is True)
        for remainder, value in conditions.items()
    )
    return KeysOf(path, (queryset, field.target_field), or_null=or_null)


def _reverse(path: Path, relation: Any, found: list[tuple[Path, Any]]) -> Node:
    model, field = relation.related_model, relation.field
    here = replace(path, path=field.target_field.column, field=field.target_field)
    conditions: list[tuple[str, Any]] = []
    absent = False
    for each, value in found:
        remainder = each.remainder
        if remainder == "isnull" or (not remainder and value is None):
            if not isinstance(value, bool | None):
                raise ValueError("The QuerySet value for an isnull lookup must be True or False.")
            absent = value is not False
            continue
        if not remainder or not _has_field(model, remainder.partition("__")[0]):
            remainder = f"pk__{remainder}" if remainder else "pk"
            if isinstance(value, list | tuple | set):
                value = [getattr(item, "pk", item) for item in value]
            value = getattr(value, "pk", value)
        conditions.append((remainder, value))
    queryset = model._base_manager.filter(*(Q(condition) for condition in conditions))
    return KeysOf(here, (queryset.exclude(**{field.name: None}), field), negated=absent)
