"""From `Q` objects to conditions.

Everything is resolved, validated and cast here, when `filter()` is called. What needs the
server (a reference that is crossed, a query set as value) becomes a `Deferred` node, asked
when the query runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.utils import NotSupportedError

from .conditions import Condition
from .crossing import KeysOf, crossing, first_name, one_column
from .dates import COMPARISONS, date_condition
from .elements import computing_nothing, element_node, one_element, taken_apart
from .expressions import compile_expression
from .lookups import LENGTHS, LOOKUPS, applicable, applies
from .nodes import SAME_DOCUMENT, Deferred, Node, group
from .paths import DATE_TRANSFORMS, Path, did_you_mean, resolve, unknown_field
from .plain import plain_condition


def asks_nothing(q: Any) -> bool:
    """Tell whether `q` is an empty `Q`, which Django ignores wherever it stands, even negated."""
    return isinstance(q, Q) and all(asks_nothing(child) for child in q.children)


def build(model: Any, q: Q) -> Node:
    """Return the node of `q`; FieldError for unknown names, ValueError and the like for values.

    As with Django's multi-valued relations, conditions on a list of embedded documents, or
    on one reverse reference, that stand in one `filter()` mean one and the same element.
    """
    if q.connector == Q.AND and not q.negated:
        condition = plain_condition(model, q.children)
        if condition is not None:
            return condition
    nodes: list[Node] = []
    in_lists: dict[str, list[Node]] = {}
    crossed: dict[str, list[tuple[Path, Any]]] = {}
    if asks_nothing(q):
        return {}
    alternatives = taken_apart(model, q)
    if alternatives:
        either = group(Q.OR, [build(model, each) for each in alternatives])
        # Whatever the element: this costs as much as it is long, and spares most documents from
        # being asked in all the ways. Not where each part is another query.
        parts = [build(model, Q(child)) for child in q.children if len(alternatives) > 1]
        if any(isinstance(part, Deferred) for part in parts):
            parts = []
        return group(Q.AND, [*parts, either], q.negated)
    together = q.connector == Q.AND
    for child in q.children:
        if asks_nothing(child):
            continue
        if isinstance(child, Q):
            place = one_element(model, child) if together else ""
            if place.endswith(LOOKUP_SEP):
                crossed.setdefault(place, []).append((resolve(model, first_name(child)), child))
            elif place:
                in_lists.setdefault(place, []).append(_tree_inside(model, child))
            else:
                nodes.append(build(model, child))
            continue
        if isinstance(child, dict | Deferred):
            nodes.append(child)
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
        if path.relation is not None:
            key = name.removesuffix(path.remainder) if together else f"{name} {len(crossed)}"
            crossed.setdefault(key, []).append((path, value))
        elif path.list_path is not None:
            key = path.list_path if together else f"{path.list_path} {len(in_lists)}"
            in_lists.setdefault(key, []).append(_leaf_inside(model, path, value))
        else:
            nodes.append(leaf(model, path, value))
    for number, found in enumerate(crossed.values()):
        path = found[0][0]
        if path.list_path is None or not path.relation.concrete:
            nodes.append(crossing(found))
            continue
        key = path.list_path if together else f"{path.list_path} crossed {number}"
        in_lists.setdefault(key, []).append(_crossing_inside(found))
    nodes += [element_node(key.partition(" ")[0], found) for key, found in in_lists.items()]
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
        return KeysOf(path, one_column(path, value))
    if isinstance(value, OuterRef) and value.name == "pk" and path.path == "_id":
        return SAME_DOCUMENT
    if hasattr(value, "resolve_expression") and name != "elem_match":
        return _compared(model, path, rest, value)
    if isinstance(value, list | tuple | set | frozenset):
        _refuse_expressions(rest, value)
    if name in DATE_TRANSFORMS and len(rest) < 3:
        return date_condition(path, name, rest[1] if rest[1:] else "exact", value)
    if name in ("len", "size") and applies(name, path) and len(rest) < 3:
        function = LENGTHS.get(rest[1] if rest[1:] else "exact")
        if function:
            return function(path, value)
    if len(rest) == 1 and name in LOOKUPS and applies(name, path):
        return LOOKUPS[name](path, value)
    if name in LOOKUPS:
        raise _unsupported(path, rest)
    transformed = _transformed(model, path, rest, value)
    if transformed is None:
        raise _unsupported(path, rest)
    return transformed


def _transformed(model: Any, path: Path, rest: list[str], value: Any) -> Node | None:
    """Return the node of a look-up that begins with a registered transform; None if none does."""
    # It computes, and what computes is made of conditions.
    from .names import Names

    if path.list_path is not None or path.path.startswith("$"):
        return None
    return Names(model).transformed(path, rest, value)


def _unsupported(path: Path, rest: list[str]) -> Exception:
    field, name = path.field, "__".join(rest)
    if field.is_relation:
        return FieldError(f"Related Field got invalid lookup: {rest[0]}")
    if rest[-1] in _ELSEWHERE:
        return NotSupportedError(
            f"There is no look-up {name!r} on {path.path!r}; {_ELSEWHERE[rest[-1]]}."
        )
    if hasattr(field, "alternatives") and rest[0] not in LOOKUPS:
        error = unknown_field(field.alternatives, rest[0])
        return FieldError(f"{error}{did_you_mean(rest[0], applicable(path))}")
    if field.get_lookup(rest[-1]) is not None:
        return NotSupportedError(
            f"The look-up {name!r} on {path.path!r} has no counterpart here; use "
            ".match({...}) with MQL."
        )
    return FieldError(
        f"Unsupported lookup {name!r} for {type(field).__name__} "
        f"{field.name!r} or join on the field not permitted"
        + (did_you_mean(rest[-1], applicable(path)) or ".")
    )


#: What people know from elsewhere, and what says it here.
_ELSEWHERE = {
    "ne": "use exclude()",
    "nin": "use exclude() with 'in'",
    "not": "use exclude() or ~Q()",
    "match": "use 'elem_match'",
    "near": "it stands in filter() alone, not in Q objects or exclude(): use .near()",
    "max_distance": "use .near(..., max_distance=...)",
    "min_distance": "use .near(..., min_distance=...)",
    "geo_within": "use 'within'",
    "geo_within_box": "use 'within' with a Box",
    "geo_within_center": "use 'within' with a Circle",
    "geo_within_sphere": "use 'within' with a Circle",
    "geo_within_polygon": "use 'within'",
    "geo_intersects": "use 'intersects'",
    "search": "use .text_search()",
}


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


def _refuse_expressions(rest: list[str], values: Iterable[Any]) -> None:
    """Raise NotSupportedError if one of several values is to be computed."""
    for each in values:
        if hasattr(each, "resolve_expression") and not isinstance(each, Q):
            raise NotSupportedError(
                f"The look-up {'__'.join(rest)!r} takes no expression in a list, and {each!r} is "
                "one: compare by Q(...=F(...)) | Q(...), or use .match({'$expr': ...})."
            )


def _tree_inside(model: Any, q: Q) -> Node:
    """Return the node of what a tree about a list asks of one element."""
    return group(
        q.connector,
        [
            _tree_inside(model, child)
            if isinstance(child, Q)
            else _leaf_inside(model, resolve(model, child[0]), child[1])
            for child in q.children
        ],
    )


def _leaf_inside(model: Any, path: Path, value: Any) -> Node:
    if path.relation is not None:
        return _crossing_inside([(path, value)])
    node = leaf(model, _inside(path), value)
    return node if isinstance(node, Deferred) else computing_nothing(path.path, node)


def _crossing_inside(found: list[tuple[Path, Any]]) -> Node:
    """Return the node of look-ups beyond a reference that stands in an element of a list."""
    return crossing([(_inside(path), value) for path, value in found])


def _inside(path: Path) -> Path:
    """Return where a path leads from an element of its list."""
    list_path = path.list_path or ""
    return replace(path, path=path.path[len(list_path) + 1 :], list_path=None)


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
