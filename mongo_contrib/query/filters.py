"""From `Q` objects to conditions.

Everything is resolved, validated and cast here, when `filter()` is called. What needs the
server (a reference that is crossed, a query set as value) becomes a `Deferred` node, asked
when the query runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.utils import NotSupportedError

from .conditions import NOTHING, Condition, all_of
from .crossing import KeysOf, crossing, first_name, one_column
from .dates import COMPARISONS, date_condition
from .expressions import compile_expression
from .lookups import LENGTHS, LOOKUPS, applies
from .nodes import CONNECTORS, SAME_DOCUMENT, Deferred, Node, group
from .paths import DATE_TRANSFORMS, Path, has_field, resolve


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
        together = q.connector == Q.AND
        if isinstance(child, Q):
            place = one_element(model, child) if together else ""
            if place.endswith(LOOKUP_SEP):
                crossed.setdefault(place, []).append((resolve(model, first_name(child)), child))
            elif place:
                in_lists.setdefault(place, []).append(_tree_inside(model, child))
            else:
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
        if path.relation is not None:
            key = name.removesuffix(path.remainder) if together else f"{name} {len(crossed)}"
            crossed.setdefault(key, []).append((path, value))
        elif path.list_path is not None:
            key = path.list_path if together else f"{path.list_path} {len(in_lists)}"
            in_lists.setdefault(key, []).append(_leaf_inside(model, path, value))
        else:
            nodes.append(leaf(model, path, value))
    nodes += [_element(key.partition(" ")[0], found) for key, found in in_lists.items()]
    nodes += [crossing(found) for found in crossed.values()]
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


# One element: of a list of embedded documents, or of those that refer to the document


def one_element(model: Any, q: Q) -> str:
    """Return what all of a tree asks about one element of: a list, or a reference backward.

    That is the list's stored path, or the reference's name with its underscores; "" if the tree
    asks about anything else too, or negates, which is about all elements.
    """
    places = set()
    for child in q.children:
        if q.negated:
            return ""
        if isinstance(child, Q):
            places.add(one_element(model, child))
        elif isinstance(child, tuple):
            places.add(_place(resolve(model, child[0]), child[0]))
        else:
            return ""
    return places.pop() if len(places) == 1 else ""


def _place(path: Path, name: str) -> str:
    if path.relation is None:
        return path.list_path or ""
    if path.relation.concrete or not path.remainder:
        return ""
    known = has_field(path.relation.related_model, path.remainder.partition(LOOKUP_SEP)[0])
    return name.removesuffix(path.remainder) if known else ""


def _tree_inside(model: Any, q: Q) -> Condition:
    """Return the condition on one element that a tree about a list makes."""
    return CONNECTORS[q.connector](
        _tree_inside(model, child)
        if isinstance(child, Q)
        else _leaf_inside(model, resolve(model, child[0]), child[1])
        for child in q.children
    )


def _leaf_inside(model: Any, path: Path, value: Any) -> Condition:
    list_path = path.list_path or ""
    inside = replace(path, path=path.path[len(list_path) + 1 :], list_path=None)
    return _inside_list(path, leaf(model, inside, value))


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
    if next(iter(condition)).startswith("$"):
        # Not every server takes $or and its kin for what they are where they come first.
        condition = {"_id": {"$nin": []}, **condition}
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
