"""The options of a repository's verbs, as the driver knows them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from pymongo.collation import Collation

Filter = Mapping[str, Any]
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Projection = Mapping[str, Any] | Sequence[str]
Sort = Sequence[tuple[str, int | str | Mapping[str, Any]]]
Hint = str | Sequence[tuple[str, int | str | Mapping[str, Any]]]


class FindOptions(TypedDict, total=False):
    """Of find() and find_one(): `skip` and `limit` count documents, 0 is none."""

    sort: Sort | None
    skip: int
    limit: int
    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    max_time_ms: int | None
    allow_disk_use: bool
    batch_size: int
    comment: Any


class CountOptions(TypedDict, total=False):
    """Of count(); it ends at `limit`."""

    skip: int | None
    limit: int | None
    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    max_time_ms: int | None
    comment: Any


class AggregateOptions(TypedDict, total=False):
    """Of aggregate() and, in part, distinct()."""

    allowDiskUse: bool | None
    batchSize: int | None
    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    max_time_ms: int | None
    let: Mapping[str, Any] | None
    comment: Any


class UpdateOptions(TypedDict, total=False):
    """Of update_one() and update_many()."""

    upsert: bool
    array_filters: Sequence[Mapping[str, Any]] | None
    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    let: Mapping[str, Any] | None
    comment: Any


class DeleteOptions(TypedDict, total=False):
    """Of delete_one() and delete_many()."""

    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    let: Mapping[str, Any] | None
    comment: Any


class FindAndModifyOptions(TypedDict, total=False):
    """Of find_one_and_update(), find_one_and_replace() and find_one_and_delete()."""

    projection: Projection | None
    sort: Sort | None
    upsert: bool
    array_filters: Sequence[Mapping[str, Any]] | None
    hint: Hint | None
    collation: Collation | Mapping[str, Any] | None
    max_time_ms: int | None
    let: Mapping[str, Any] | None
    comment: Any


def driver_spelling(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options without those that are None, and the time limit as commands spell it.

    find() calls it max_time_ms; all other methods of the driver pass maxTimeMS through.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "max_time_ms" in given:
        given["maxTimeMS"] = given.pop("max_time_ms")
    return given
