"""References that an expression crosses: one `$lookup` each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Where what was looked up lies in a document, until the pipeline's end.
JOINED = "__joined"


@dataclass(frozen=True)
class Joined:
    """The value at a path of the document that a reference names."""

    collection: str
    local: str
    foreign: str
    path: str


@dataclass(frozen=True)
class Grouped:
    """One value computed of all documents that refer to this one."""

    name: str
    collection: str
    local: str
    foreign: str
    #: Stages that end in one document with the key `value`, or in none.
    stages: Any


class Joins:
    """The joins that the expressions of a pipeline need; each is made once.

    `stages()` gives those that have been asked for since it was last called.
    """

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, str, str], set[str]] = {}
        self._made: dict[tuple[str, str, str], set[str]] = {}
        self._grouped: dict[str, Grouped] = {}
        self._done: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._wanted or self._grouped)

    def value(self, join: Joined) -> str:
        """Return where the value of a join will be, and see that it will."""
        key = (join.collection, join.local, join.foreign)
        self._wanted.setdefault(key, set()).add(join.path)
        return f"${JOINED}.{_name(join.local)}.{join.path}"

    def grouped(self, join: Grouped) -> str:
        """Return where the value of a grouped join will be, and see that it will."""
        self._grouped[join.name] = join
        return f"${JOINED}.{join.name}.value"

    def stages(self) -> list[dict[str, Any]]:
        stages: list[dict[str, Any]] = []
        for key, paths in self._wanted.items():
            collection, local, foreign = key
            if paths <= self._made.get(key, set()):
                continue
            self._made[key] = set(paths)
            projection = {**dict.fromkeys(sorted(_outermost(paths)), 1)}
            if "_id" not in projection:
                projection["_id"] = 0
            stages += _lookup(_name(local), collection, local, foreign, [{"$project": projection}])
        for name, join in self._grouped.items():
            if name not in self._done:
                self._done.add(name)
                stages += _lookup(
                    name, join.collection, join.local, join.foreign, list(join.stages)
                )
        return stages

    @property
    def used(self) -> bool:
        """Whether there is something to take out of the documents at the end."""
        return bool(self._made or self._done)


def _lookup(
    name: str, collection: str, local: str, foreign: str, stages: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    target = f"{JOINED}.{name}"
    lookup = {
        "from": collection,
        "localField": local,
        "foreignField": foreign,
        "as": target,
        "pipeline": stages,
    }
    # A document instead of a list of one: paths lead into it, and $sort knows them.
    return [{"$lookup": lookup}, {"$set": {target: {"$first": f"${target}"}}}]


def _name(local: str) -> str:
    return local.replace(".", "_")


def _outermost(paths: set[str]) -> set[str]:
    """Leave out paths that lie inside others, which projections refuse."""
    return {path for path in paths if not any(path.startswith(f"{other}.") for other in paths)}
