"""Collections of several classes, told apart by `_cls`: pure, no server needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .values import Values

CLASS_KEY = "_cls"


@dataclass
class Member:
    """One class of a collection: what its documents have and its parents' don't."""

    #: What `_cls` says; "" for the class of documents that have none.
    stored_name: str
    values: Values
    parent: Member | None = None
    children: list[Member] = field(default_factory=list)

    def line(self) -> Iterator[Member]:
        """Yield this class and those below, parents first."""
        yield self
        for child in self.children:
            yield from child.line()


def observe(documents: Iterable[dict[str, Any]]) -> Member:
    """Return what a collection's documents hold, as one class or as the oldest of several."""
    seen: dict[str, Values] = {}
    for document in documents:
        name = document.get(CLASS_KEY)
        name = name if isinstance(name, str) else ""
        seen.setdefault(name, Values()).add(document)
    if not any(seen):
        return Member("", seen.get("", Values()))
    return _family(seen)


def _family(seen: Mapping[str, Values]) -> Member:
    whole = Values()
    for values in seen.values():
        whole.merge(values)
    stored_name = _oldest(list(seen))
    own = [values for name, values in seen.items() if name in ("", stored_name)]
    common = set.intersection(*({*values.keys} for values in seen.values()))
    keys = common.union(*(values.keys for values in own)) - {CLASS_KEY}
    oldest = Member(stored_name, _only(whole, keys))
    members = {stored_name: oldest}
    # Shorter names first: parents are there before their children.
    for name in sorted(seen.keys() - {"", stored_name}, key=lambda each: (each.count("."), each)):
        parent = _nearest(name, members) or oldest
        inherited = {key for each in _above(parent) for key in each.values.keys}
        own_keys = seen[name].keys.keys() - inherited - {CLASS_KEY}
        members[name] = Member(name, _only(seen[name], own_keys), parent)
        parent.children.append(members[name])
    return oldest


def _oldest(names: list[str]) -> str:
    """Return the name that is the first part of all others, "" if there is none."""
    first = {name.partition(".")[0] for name in names if name}
    return first.pop() if len(first) == 1 else ""


def _nearest(name: str, members: Mapping[str, Member]) -> Member | None:
    while name:
        name = name.rpartition(".")[0]
        if name in members:
            return members[name]
    return None


def _above(member: Member | None) -> Iterator[Member]:
    while member is not None:
        yield member
        member = member.parent


def _only(values: Values, keys: set[str]) -> Values:
    """Return the same documents with only some of their keys."""
    chosen = Values()
    chosen.types = values.types
    chosen.keys = {key: inside for key, inside in values.keys.items() if key in keys}
    return chosen
