"""One element: of a list of embedded documents, of a list of values, or of those that refer.

As with Django's multi-valued relations, what one `filter()` asks about a list is asked of one
and the same element.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, product
from math import prod
from typing import Any

from django.core.exceptions import FieldError
from django.db.models import Q
from django.db.models.constants import LOOKUP_SEP
from django.db.utils import NotSupportedError

from .conditions import NOTHING, Condition, all_of, any_of
from .nodes import Deferred, Node, evaluate
from .paths import Path, has_field, kind, resolve

#: Into how many alternatives a condition on one element may be taken apart.
_ALTERNATIVES = 64

#: The same for what refers to the document, where each alternative is a query of its own.
_ALTERNATIVES_BEYOND = 8

_GROUPS = ("$and", "$or", "$nor")


# Where one element is meant


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
    if path.relation is None or path.relation.concrete:
        return path.list_path or ""
    if not path.remainder:
        return ""
    known = has_field(path.relation.related_model, path.remainder.partition(LOOKUP_SEP)[0])
    return name.removesuffix(path.remainder) if known else ""


def _places(model: Any, child: Any) -> set[str]:
    """Return all that a part of a tree asks about one element of, negations left out."""
    if isinstance(child, tuple):
        return {_place(resolve(model, child[0]), child[0])} - {""}
    if not isinstance(child, Q) or child.negated:
        return set()
    return set().union(*(_places(model, each) for each in child.children))


def taken_apart(model: Any, q: Q) -> list[Q]:
    """Return alternatives that together are `q`, each of which asks of an element in one place.

    `Q(lines__sku="a") & (Q(lines__qty=2) | Q(urgent=True))` asks twice of one line, once beside
    what is no matter of lines: MongoDB can say that only as two alternatives. Nearly always
    there is nothing to take apart, and there are none. A negation of `q` is left to the caller.
    """
    if q.connector != Q.AND or len(q.children) < 2:
        return []
    mixed = [
        child
        for child in q.children
        if isinstance(child, Q)
        and not child.negated
        and child.connector != Q.XOR
        and not one_element(model, child)
    ]
    for child in mixed:
        others = [_places(model, each) for each in q.children if each is not child]
        if shared := _places(model, child) & set().union(*others):
            beyond = any(place.endswith(LOOKUP_SEP) for place in shared)
            try:
                found = _combinations([_alternatives(child) for child in q.children])
            except NotSupportedError:
                found = []
            if len(found) <= (_ALTERNATIVES_BEYOND if beyond else _ALTERNATIVES):
                return [Q(*children) for children in found]
            # A search of many words, as visitors type them: any element will do for each.
            return []
    return []


def _alternatives(q: Any) -> list[list[Any]]:
    """Return lists of conditions of which one has to be met as a whole."""
    if not isinstance(q, Q) or q.negated or q.connector == Q.XOR:
        return [[q]]
    parts = [_alternatives(child) for child in q.children]
    return list(chain.from_iterable(parts)) if q.connector == Q.OR else _combinations(parts)


def _combinations(parts: list[list[list[Any]]]) -> list[list[Any]]:
    """Return each way to take one alternative of each part, bounded in number."""
    count = prod(map(len, parts))
    if count > _ALTERNATIVES:
        raise NotSupportedError(
            f"This asks in {count} ways about one element of a list, where {_ALTERNATIVES} are "
            "the most; give what is about the element to one elem_match."
        )
    return [list(chain.from_iterable(chosen)) for chosen in product(*parts)]


# Conditions on an element


def some_element(path: Path, asked: Any) -> Node:
    """Return the node of the condition that an element of the list at `path` meets `asked`.

    `asked` is a `Q` or a dict of look-ups: of the embedded document's fields, or, in a list of
    values, of the value itself (`{"gte": 3, "lt": 5}`).
    """
    if isinstance(asked, dict):
        asked = Q(**asked)
    if not isinstance(asked, Q):
        raise TypeError(
            f"elem_match on {path.path!r} needs a Q or a dict of look-ups, not {asked!r}."
        )
    if kind(path.field) == "EmbeddedDocumentListField":
        return element_node(path.path, [build_inside(path.field.alternatives, asked)])
    # Of several alternatives an element meets one where the list has an element for one.
    return any_of(
        {path.path: {"$elemMatch": each}} if each else {f"{path.path}.0": {"$exists": True}}
        for each in value_conditions(path, asked)
    )


def inside(place: str, document: Any, q: Q) -> Condition:
    """Return the condition that a `Q` puts on an embedded document in the list at `place`.

    Raises NotSupportedError if only the server knows what it is, as beyond a reference.
    """
    return plain(place, build_inside(document, q))


def build_inside(document: Any, q: Q) -> Node:
    from .filters import build

    return build(document, q)


def plain(place: str, node: Node) -> Condition:
    """Return a node that stands inside a list: it must be known now and compute nothing."""
    if isinstance(node, Deferred):
        raise NotSupportedError(
            f"What is asked of {place!r} lies beyond a reference or in a query set, and can't be "
            "asked for here; give a list of values."
        )
    return computing_nothing(place, node)


def computing_nothing(place: str, node: Condition) -> Condition:
    if node is not NOTHING and computes(node):
        raise NotSupportedError(
            f"{place!r} lies in a list, where the server computes nothing; use "
            ".pipeline([...]) with $unwind."
        )
    return node


def computes(condition: dict[str, Any]) -> bool:
    """Tell whether `$expr` stands in a condition; it can do so at its top level alone."""
    return any(
        key == "$expr" or (key in _GROUPS and any(computes(each) for each in value))
        for key, value in condition.items()
    )


def element(list_path: str, conditions: list[Condition]) -> Condition:
    """Return the condition that one element of the list fulfils all of `conditions`."""
    condition = all_of(conditions)
    if condition is NOTHING:
        return NOTHING
    if not condition:
        return {f"{list_path}.0": {"$exists": True}}
    if len(condition) == 1:
        ((key, asked),) = condition.items()
        if not key.startswith("$") and _some_element_is_meant(asked):
            return {f"{list_path}.{key}": asked}
    return {list_path: {"$elemMatch": headed(condition)}}


@dataclass(frozen=True)
class ElementOf(Deferred):
    """One element of the list fulfils all nodes, of which some lead beyond a reference."""

    list_path: str
    nodes: tuple[Node, ...]

    def condition(self, using: str) -> Condition:
        found = [evaluate(node, using) for node in self.nodes]
        return element(self.list_path, [computing_nothing(self.list_path, each) for each in found])


def element_node(list_path: str, nodes: Iterable[Node]) -> Node:
    """Return the node of the condition that one element of the list fulfils all of `nodes`."""
    made = ElementOf(list_path, tuple(nodes))
    if any(isinstance(node, Deferred) for node in made.nodes):
        return made
    return made.condition("")


def headed(condition: dict[str, Any]) -> dict[str, Any]:
    """Return a condition on an element in a form that every server takes.

    Not each takes `$or` and its kin for what they are where they come first.
    """
    if next(iter(condition), "$").startswith("$"):
        return {"_id": {"$nin": []}, **condition}
    return condition


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


# Values in lists: there is no name to ask by, so the operators stand alone


def value_conditions(path: Path, q: Q) -> list[dict[str, Any]]:
    """Return the alternatives, each as operators, that a `Q` of look-ups asks of one value."""
    found = []
    for alternative in _literals(q, False):
        operators: dict[str, Any] = {}
        for (name, value), negated in alternative:
            each = _operators(path, name, value)
            if negated:
                each = {} if each is NOTHING else {"$not": each} if each else NOTHING
            if each is NOTHING:
                break
            for key, operand in each.items():
                if operators.setdefault(key, operand) != operand:
                    raise NotSupportedError(
                        f"elem_match on {path.path!r} asks twice by {key}, which MongoDB can't "
                        "say of one value; use .match({...}) or .pipeline([...])."
                    )
        else:
            found.append(operators)
    return found


def _literals(q: Any, negated: bool) -> list[list[tuple[tuple[str, Any], bool]]]:
    """Return alternatives of look-ups, each with whether it is negated."""
    if isinstance(q, tuple):
        return [[(q, negated)]]
    if not isinstance(q, Q) or q.connector == Q.XOR:
        raise NotSupportedError(f"elem_match on values takes look-ups under & and |, not {q!r}.")
    negated = negated != q.negated
    parts = [_literals(child, negated) for child in q.children]
    if (q.connector == Q.OR) != negated:
        return list(chain.from_iterable(parts))
    return _combinations(parts)


def _operators(path: Path, name: str, value: Any) -> Any:
    """Return what one look-up asks of a value, as operators; NOTHING, or {} for anything."""
    from .filters import leaf

    field = path.field.base_field
    node = plain(path.path, leaf(None, Path("", field, name.split(LOOKUP_SEP)), value))
    if node is NOTHING or node == {}:
        return node
    if set(node) != {""}:
        raise FieldError(f"The look-up {name!r} can't be asked of values in {path.path!r}.")
    asked = node[""]
    if isinstance(asked, dict) and next(iter(asked), "").startswith("$"):
        return asked
    return {"$eq": asked}


# Conditions under another name


def prefixed(condition: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return `condition` about the document that is stored under `prefix`.

    Raises NotSupportedError for what is computed, whose paths lie inside of expressions.
    """
    found: dict[str, Any] = {}
    for key, value in condition.items():
        if key in _GROUPS:
            found[key] = [prefixed(each, prefix) for each in value]
        elif key.startswith("$"):
            raise NotSupportedError(
                f"A condition with {key} can't be asked here: only look-ups that compare stored "
                "values can."
            )
        else:
            found[f"{prefix}.{key}"] = value
    return found
