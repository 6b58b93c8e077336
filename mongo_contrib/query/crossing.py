"""Conditions that lie beyond a reference: keys there first, then this side."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.utils import NotSupportedError

from ..mapping.encoding import encode_value
from .conditions import NOTHING, Condition, any_of
from .elements import ElementOf
from .nodes import Deferred, Group, Node
from .paths import Path, has_field, resolve

#: How many keys of another collection one filter may carry over: about a tenth of the
#: 16 MB that a command can be long.
MAX_KEYS = 100_000


def stored_values(queryset: QuerySet, wanted: Any, using: str) -> list[Any]:
    """Return the stored values of a field or `Path` in all that `queryset` finds.

    Raises NotSupportedError if there are more than `MAX_KEYS`: MongoDB joins in pipelines.
    """
    query = queryset.query
    field: Any = wanted.field if isinstance(wanted, Path) else wanted
    if isinstance(wanted, Path) and wanted.relation is not None:
        field = _last_field(wanted)
        name = query.values_select[0]
        found = queryset.using(queryset._db or using).values_list(name, flat=True)
        values = [encode_value(field, each) for each in keys_in(list(found[: MAX_KEYS + 1]))]
    elif getattr(queryset.model, "_is_document", False):
        path = wanted.path if isinstance(wanted, Path) else field.column
        values = query.stored_values(queryset._db or using, path, MAX_KEYS + 1)
        if hasattr(field, "base_field") or "." in path:
            values = list(distinct(keys_in(values)))
    else:
        found = queryset.values_list(field.attname, flat=True)[: MAX_KEYS + 1]
        values = [encode_value(field, value) for value in found if value is not None]
    if len(values) > MAX_KEYS:
        raise NotSupportedError(
            f"More than {MAX_KEYS:,} {queryset.model._meta.verbose_name_plural} match; join "
            "them on the server, by .pipeline([...]) with $lookup."
        )
    return values


def _last_field(path: Path) -> Any:
    """Return the field at the end of a path that crosses references."""
    while path.relation is not None:
        if not path.remainder:
            return path.relation.target_field
        path = resolve(path.relation.related_model, path.remainder)
    return path.field


def distinct(values: Iterable[Any]) -> Iterator[Any]:
    """Yield each value once; what can't be told apart by hash comes as often as it is."""
    seen = set()
    for value in values:
        if not isinstance(value, Hashable):
            yield value
        elif value not in seen:
            seen.add(value)
            yield value


def one_column(path: Path, queryset: QuerySet) -> tuple[QuerySet, Any]:
    """Return the query set and the field, or path, of it whose values are meant."""
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
        found = resolve(model, names[0])
        nested = found.relation is not None or "." in found.path
        target = found if nested else found.field
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
        if not self.or_null:
            return condition
        if self.path.is_list:
            return any_of([condition, {f"{self.path.path}.0": {"$exists": False}}])
        return any_of([condition, {self.path.path: None}])


def within(node: Node, milliseconds: int | None) -> Node:
    """Return a node that asks other collections for no longer than this, each time."""
    if milliseconds is None:
        return node
    if isinstance(node, Group | ElementOf):
        return replace(node, nodes=tuple(within(each, milliseconds) for each in node.nodes))
    if isinstance(node, KeysOf):
        queryset, field = node.source
        if getattr(queryset.model, "_is_document", False) and queryset.query.max_time_ms is None:
            return replace(node, source=(queryset.max_time_ms(milliseconds), field))
    return node


def crossing(found: list[tuple[Path, Any]]) -> Node:
    """Return the node of look-ups that cross one reference: keys first, then this side."""
    path = found[0][0]
    relation = path.relation
    is_list = relation.concrete and hasattr(relation, "base_field")
    if not (is_list or relation.many_to_one or relation.one_to_one or relation.one_to_many):
        raise NotSupportedError(
            f"{relation.name!r} is a {type(relation).__name__}; only references between documents "
            "can be crossed."
        )
    if relation.concrete:
        return _forward(path, relation, found)
    return _reverse(path, relation, found)


def _forward(path: Path, field: Any, found: list[tuple[Path, Any]]) -> Node:
    conditions = [(each.remainder, value) for each, value in found]
    for remainder, value in conditions:
        _refuse_expression(field.name, remainder, value)
    queryset = field.remote_field.model._base_manager.filter(Q(*conditions))
    # What a document without the reference lacks, it lacks beyond it too: SQL's outer join.
    or_null = all(
        value is None or (remainder.endswith("__isnull") and value is True)
        for remainder, value in conditions
    )
    return KeysOf(path, (queryset, field.target_field), or_null=or_null)


def _reverse(path: Path, relation: Any, found: list[tuple[Path, Any]]) -> Node:
    model, field = relation.related_model, relation.field
    refuse_embedded(relation)
    here = replace(path, path=field.target_field.column, field=field.target_field)
    conditions: list[Any] = []
    absent = False
    for each, value in found:
        remainder = each.remainder
        _refuse_expression(relation.name, remainder, value)
        if isinstance(value, Q):
            conditions.append(_tree_beyond(value, first_name(value).removesuffix(remainder)))
            continue
        if remainder == "isnull" or (not remainder and value is None):
            if not isinstance(value, bool | None):
                raise ValueError("The QuerySet value for an isnull lookup must be True or False.")
            absent = value is not False
            continue
        if not remainder or not has_field(model, remainder.partition("__")[0]):
            remainder = f"pk__{remainder}" if remainder else "pk"
            if isinstance(value, list | tuple | set):
                value = [getattr(item, "pk", item) for item in value]
            value = getattr(value, "pk", value)
        conditions.append((remainder, value))
    queryset = model._base_manager.filter(Q(*conditions))
    return KeysOf(here, (queryset.exclude(**{field.name: None}), field), negated=absent)


def _refuse_expression(name: str, remainder: str, value: Any) -> None:
    """Raise NotSupportedError for a value of this side that is asked for on the other."""
    if isinstance(value, Q):
        for child in value.children:
            _refuse_expression(name, *(child if isinstance(child, tuple) else ("", child)))
    elif isinstance(value, list | tuple | set):
        for each in value:
            _refuse_expression(name, remainder, each)
    elif hasattr(value, "resolve_expression") and not isinstance(value, QuerySet):
        raise NotSupportedError(
            f"{value!r} is computed here, and {LOOKUP_SEP.join([name, remainder])!r} "
            "lies in another collection: compare them by annotate(), as in annotate(there="
            "F('country__size')).filter(there__gt=F('size')), or in .pipeline([...]) with $lookup."
        )


def refuse_embedded(relation: Any) -> None:
    """Raise NotSupportedError if the way back leads into embedded documents, in no collection.

    It says how the documents that hold them are asked.
    """
    model, field = relation.related_model, relation.field
    if not getattr(model, "_is_embedded", False):
        return
    held = [
        f"{holder.__name__}.objects.filter("
        f"{LOOKUP_SEP.join([*(step.name for step in steps), field.name])}=...)"
        for holder, steps in vars(model).get("_held_at", ())
    ]
    raise NotSupportedError(
        f"{model._meta.label} is stored inside other documents, so {relation.name!r} leads to no "
        f"collection; ask the documents that hold it{': ' if held else ''}{' or '.join(held)}."
    )


def keys_in(value: Any) -> Iterator[Any]:
    """Yield the keys in a stored reference, or in a list of them."""
    if isinstance(value, list):
        for each in value:
            yield from keys_in(each)
    elif value is not None:
        yield value


def beyond(value: Any, values: dict[Any, Any]) -> Any:
    """Return what lies beyond a reference, by its key; of a list, what lies beyond each."""
    if isinstance(value, list):
        return [beyond(each, values) for each in value]
    # What is no key at all leads nowhere, as one of a document that is gone.
    return None if isinstance(value, dict) else values.get(value)


def first_name(q: Q) -> str:
    child = q.children[0]
    return first_name(child) if isinstance(child, Q) else child[0]


def _tree_beyond(q: Q, prefix: str) -> Q:
    """Return a tree about a reference backward as one about the class that refers."""
    children = [
        _tree_beyond(child, prefix)
        if isinstance(child, Q)
        else (child[0].removeprefix(prefix), child[1])
        for child in q.children
    ]
    return Q(*children, _connector=q.connector)
