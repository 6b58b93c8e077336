"""`prefetch_related()` through embedded documents, and for documents that are there already."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.db.models.constants import LOOKUP_SEP

from ..bridge import native
from ..mapping.fitting import readable


def fetch(instances: Iterable[Any], *lookups: str | Prefetch) -> None:
    """Fetch what these documents refer to: one query for each reference, for all of them.

    As Django's `prefetch_related_objects()`; but names may also lead through embedded documents
    and lists of them, of several classes too: `fetch(orders, "customer", "lines__product")`.
    Where only some of the documents have such a field, it is theirs that is fetched.
    """
    found = list(instances)
    if not found:
        return
    inside: dict[str, list[Prefetch]] = {}
    here: list[Prefetch] = []
    for each in lookups:
        lookup = each if isinstance(each, Prefetch) else Prefetch(each)
        name, _, rest = lookup.prefetch_through.partition(LOOKUP_SEP)
        if rest and any(_embeds(kind, name) for kind in set(map(type, found))):
            inside.setdefault(name, []).append(_without(lookup, name))
        else:
            here.append(lookup)
    for group, wanted in _alike(found, here):
        prefetch_related_objects(group, *wanted)
    for name, wanted in inside.items():
        fetch(_embedded(found, name), *wanted)


async def afetch(instances: Iterable[Any], *lookups: str | Prefetch) -> None:
    """See fetch()."""
    await native(fetch, instances, *lookups)


def _embeds(model: Any, name: str) -> bool:
    return any(
        field.name == name and hasattr(field, "document") for field in model._meta.concrete_fields
    )


def _without(lookup: Prefetch, name: str) -> Prefetch:
    """Return the look-up that remains inside of the documents of `name`."""
    inner: Any = copy(lookup)
    prefix = f"{name}{LOOKUP_SEP}"
    inner.prefetch_through = inner.prefetch_through.removeprefix(prefix)
    inner.prefetch_to = inner.prefetch_to.removeprefix(prefix)
    return inner


def _embedded(instances: list[Any], name: str) -> list[Any]:
    found: list[Any] = []
    for each in instances:
        # What can't be read says so when it is touched, of that document alone.
        value = readable(each, name) if _embeds(type(each), name) else None
        if isinstance(value, list):
            found += [item for item in value if hasattr(item, "_state")]
        elif hasattr(value, "_state"):
            found.append(value)
    return found


def _alike(
    instances: list[Any], lookups: list[Prefetch]
) -> list[tuple[list[Any], list[Prefetch]]]:
    """Return the instances in lots that have the same references, with the look-ups of each.

    Django asks the first of a lot how to fetch, and takes that for the way of all.
    """
    if not lookups:
        return []
    kinds = set(map(type, instances))
    if len(kinds) == 1:
        return [(instances, lookups)]
    lots: dict[Any, tuple[list[Any], list[Prefetch]]] = {}
    for lookup in lookups:
        name = lookup.prefetch_through.partition(LOOKUP_SEP)[0]
        having = [each for each in instances if hasattr(type(each), name)]
        for each in having or instances:
            place = (name, _target(type(each), name))
            lot, wanted = lots.setdefault(place, ([], []))
            lot.append(each)
            if lookup not in wanted:
                wanted.append(lookup)
    return list(lots.values())


def _target(model: Any, name: str) -> Any:
    field = getattr(getattr(model, name, None), "field", None)
    return getattr(getattr(field, "remote_field", None), "model", None)
