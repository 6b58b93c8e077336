"""Which documents stand in the way of a unique index, found with one bounded aggregation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from mongo_contrib.db.schema.specs import IndexSpec
from mongo_contrib.exceptions import DUPLICATE_KEY, DuplicateKeyError, translated_errors

__all__ = ["duplicates", "refuse_duplicates", "translated_index_errors"]

# How many duplicate values an error shows, and how long finding them may take.
SHOWN = 5
# CannotConvertIndexToUnique: collMod has found duplicates.
CANNOT_CONVERT = 359
TIME_LIMIT_MS = 30_000


def pipeline(index: IndexSpec) -> list[dict[str, Any]]:
    """Stages that yield the most frequent duplicates: values, count, first and last _id."""
    stages: list[dict[str, Any]] = []
    condition = index.options.get("partialFilterExpression")
    if condition:
        stages.append({"$match": condition})
    if index.options.get("sparse"):
        stages.append({"$match": {"$or": [{p: {"$exists": True}} for p in index.paths]}})
    # An index has an entry for each element of a list.
    for prefix in _prefixes(index.paths):
        stages.append({"$unwind": {"path": f"${prefix}", "preserveNullAndEmptyArrays": True}})
    # Missing is null to a unique index; $group tells them apart.
    values = {f"v{n}": {"$ifNull": [f"${path}", None]} for n, path in enumerate(index.paths)}
    return [
        *stages,
        # Once for each document: a list may hold its own elements twice.
        {"$group": {"_id": {"id": "$_id", "values": values}}},
        {
            "$group": {
                "_id": "$_id.values",
                "count": {"$sum": 1},
                "first": {"$min": "$_id.id"},
                "last": {"$max": "$_id.id"},
            }
        },
        {"$match": {"count": {"$gt": 1}}},
        {"$sort": {"count": -1, "first": 1}},
        {"$limit": SHOWN + 1},
    ]


def _prefixes(paths: Sequence[str]) -> list[str]:
    """a, a.b and a.b.c for a path a.b.c, each once and the shorter ones first."""
    found = {}
    for path in paths:
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            prefix = ".".join(parts[:end])
            if prefix != "_id":
                found[prefix] = len(parts[:end])
    return sorted(found, key=lambda prefix: found[prefix])


def duplicates(collection: Any, index: IndexSpec) -> list[Mapping[str, Any]]:
    """Up to SHOWN + 1 values that ``index`` would refuse; raises the driver's errors."""
    options: dict[str, Any] = {"maxTimeMS": TIME_LIMIT_MS, "allowDiskUse": True}
    if index.options.get("collation") is not None:
        options["collation"] = index.options["collation"]
    return list(collection.aggregate(pipeline(index), **options))


def refuse_duplicates(collection: Any, index: IndexSpec) -> None:
    """Raise DuplicateKeyError if a unique ``index`` cannot be built."""
    with translated_errors(collection=collection.name):
        found = duplicates(collection, index)
    if found:
        raise _error(collection, index, found)


@contextmanager
def translated_index_errors(collection: Any, indexes: Sequence[IndexSpec]) -> Iterator[None]:
    """Django's errors for those of createIndexes; duplicates are named with their documents."""
    with translated_errors(collection=collection.name):
        try:
            yield
        except OperationFailure as exc:
            if exc.code not in DUPLICATE_KEY and exc.code != CANNOT_CONVERT:
                raise
            for index in indexes:
                if not index.unique:
                    continue
                try:
                    found = duplicates(collection, index)
                except PyMongoError:
                    continue  # the server's own error names one value, which must do
                if found:
                    raise _error(collection, index, found) from exc
            raise


def _error(
    collection: Any, index: IndexSpec, found: Sequence[Mapping[str, Any]]
) -> DuplicateKeyError:
    lines = []
    for duplicate in found[:SHOWN]:
        values = _values(index, duplicate)
        shown = ", ".join(f"{path}={value!r}" for path, value in values.items())
        more = ", ..." if duplicate["count"] > 2 else ""
        lines.append(
            f"{shown} in {duplicate['count']} documents "
            f"(_id {duplicate['first']!r}, {duplicate['last']!r}{more})"
        )
    if len(found) > SHOWN:
        lines.append("...")
    return DuplicateKeyError(
        f"Unique index {index.name!r} of collection {collection.name!r} cannot be built, because "
        f"there are duplicates: {'; '.join(lines)}. Change or delete them and run migrate again.",
        collection=collection.name,
        index=index.name,
        fields=index.paths,
        values=_values(index, found[0]),
    )


def _values(index: IndexSpec, duplicate: Mapping[str, Any]) -> dict[str, Any]:
    return {path: duplicate["_id"].get(f"v{n}") for n, path in enumerate(index.paths)}
