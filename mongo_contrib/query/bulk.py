"""Many different writes in few commands: the operations of `bulk_write()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymongo
from django.db import DatabaseError, connections, transaction
from django.db.models import Model, Q

from ..mapping.encoding import decode_value
from ..mapping.loaded import remember
from ..mapping.plan import plan_of
from .conditions import NOTHING
from .updates import update_of
from .upserts import on_insert


@dataclass(frozen=True)
class InsertOne:
    """Insert an unsaved instance."""

    instance: Any


@dataclass(frozen=True)
class ReplaceOne:
    """Put an instance in the place of the document with its key, whole."""

    instance: Any
    upsert: bool = False


@dataclass(frozen=True)
class UpdateOne:
    """Update the first match: of a `Q`, of a dict of look-ups, or of an instance by its key.

    `values` are those of `update()`: plain ones, operators, expressions.
    """

    where: Any
    values: Mapping[str, Any]
    upsert: bool = False


@dataclass(frozen=True)
class UpdateMany:
    """Update all that match; see UpdateOne."""

    where: Any
    values: Mapping[str, Any]


@dataclass(frozen=True)
class DeleteOne:
    """Delete the first match; as `_raw_delete()`, without signals and `on_delete`."""

    where: Any


@dataclass(frozen=True)
class DeleteMany:
    """Delete all that match; see DeleteOne."""

    where: Any


@dataclass(frozen=True)
class BulkResult:
    """How many documents `bulk_write()` changed, and the keys of those that upserts made."""

    inserted: int = 0
    matched: int = 0
    modified: int = 0
    deleted: int = 0
    #: By the position of the operation.
    upserted: dict[int, Any] = field(default_factory=dict)


def bulk_write(queryset: Any, operations: Sequence[Any], ordered: bool) -> BulkResult:
    """Send operations as `DocumentQuerySet.bulk_write()` promises."""
    made, positions = [], []
    for position, operation in enumerate(operations):
        try:
            write = _WRITES[type(operation)]
        except KeyError:
            raise TypeError(
                f"bulk_write() takes {', '.join(each.__name__ for each in _WRITES)} of "
                f"mongo_contrib.documents, not {operation!r}."
            ) from None
        compiled = write(queryset, operation)
        if compiled is not None:
            made.append(compiled)
            positions.append(position)
    if not made:
        return BulkResult()
    try:
        with transaction.mark_for_rollback_on_error(using=queryset.db):
            result = queryset._repository.bulk_write(made, ordered=ordered)
    except DatabaseError as error:
        _name_culprits(error, operations, positions)
        raise
    for operation in operations:
        if isinstance(operation, InsertOne):
            operation.instance._state.adding = False
            operation.instance._state.db = queryset.db
    pk = queryset.model._meta.pk
    return BulkResult(
        inserted=result.inserted_count,
        matched=result.matched_count,
        modified=result.modified_count,
        deleted=result.deleted_count,
        upserted={
            positions[index]: decode_value(pk, key)
            for index, key in (result.upserted_ids or {}).items()
        },
    )


def _name_culprits(error: Any, operations: Sequence[Any], positions: list[int]) -> None:
    """Tell which operation failed, in the error and in each of its `write_errors`."""
    write_errors = getattr(error, "write_errors", None)
    if not write_errors:
        return
    for each in write_errors:
        each["index"] = positions[each.get("index", 0)]
    first = write_errors[0]["index"]
    name = type(operations[first]).__name__
    error.args = (f"Operation {first} of bulk_write(), {name}: {error.args[0]}", *error.args[1:])


def condition_of(queryset: Any, where: Any) -> Any:
    """Return the condition of what an operation is about, within the query set."""
    if isinstance(where, Model):
        if not isinstance(where, queryset.model._meta.concrete_model):
            raise TypeError(f"{where!r} is no {queryset.model._meta.label}.")
        chosen = queryset.filter(pk=where.pk)
    elif isinstance(where, Q):
        chosen = queryset.filter(where)
    elif isinstance(where, Mapping):
        chosen = queryset.filter(**where)
    else:
        raise TypeError(
            "An operation of bulk_write() is about a Q, a dict of look-ups or an instance, not "
            f"about {where!r}."
        )
    return chosen.query.condition(queryset.db)


def _encoded(queryset: Any, instance: Any) -> dict[str, Any]:
    if not isinstance(instance, queryset.model):
        raise TypeError(f"{instance!r} is no {queryset.model._meta.label}.")
    instance._prepare_related_fields_for_save(operation_name="bulk_write")
    pk = instance._meta.pk
    if not instance._is_pk_set():
        setattr(instance, pk.attname, pk.get_pk_value_on_save(instance))
    document: dict[str, Any] = plan_of(type(instance)).encode(instance, add=True)
    return document


def _insert(queryset: Any, operation: InsertOne) -> Any:
    return pymongo.InsertOne(_encoded(queryset, operation.instance))


def _replace(queryset: Any, operation: ReplaceOne) -> Any:
    document = _encoded(queryset, operation.instance)
    condition = condition_of(queryset, operation.instance)
    if condition is NOTHING:
        return None
    remember(operation.instance._state, None, connections[queryset.db].transaction, None)
    return pymongo.ReplaceOne(condition, document, upsert=operation.upsert)


def _update_one(queryset: Any, operation: UpdateOne) -> Any:
    condition = condition_of(queryset, operation.where)
    update = update_of(queryset.model, dict(operation.values))
    if operation.upsert:
        params = operation.where if isinstance(operation.where, Mapping) else {}
        update = on_insert(queryset, params, condition, update)[0]
    if condition is NOTHING or not update:
        return None
    return pymongo.UpdateOne(condition, update, upsert=operation.upsert, **_collation(queryset))


def _update_many(queryset: Any, operation: UpdateMany) -> Any:
    condition = condition_of(queryset, operation.where)
    update = update_of(queryset.model, dict(operation.values))
    if condition is NOTHING or not update:
        return None
    return pymongo.UpdateMany(condition, update, **_collation(queryset))


def _delete_one(queryset: Any, operation: DeleteOne) -> Any:
    condition = condition_of(queryset, operation.where)
    return None if condition is NOTHING else pymongo.DeleteOne(condition, **_collation(queryset))


def _delete_many(queryset: Any, operation: DeleteMany) -> Any:
    condition = condition_of(queryset, operation.where)
    return None if condition is NOTHING else pymongo.DeleteMany(condition, **_collation(queryset))


def _collation(queryset: Any) -> dict[str, Any]:
    options = queryset.query.write_options()
    return {name: value for name, value in options.items() if name in ("collation", "hint")}


_WRITES: dict[type, Any] = {
    InsertOne: _insert,
    ReplaceOne: _replace,
    UpdateOne: _update_one,
    UpdateMany: _update_many,
    DeleteOne: _delete_one,
    DeleteMany: _delete_many,
}


def insert_or_update(
    queryset: Any, batch: Sequence[Any], update_fields: Sequence[Any], unique_fields: Sequence[Any]
) -> None:
    """Insert instances for `bulk_create(update_conflicts=True)`; of those there, set fields.

    What is there is found by its unique fields; null is never a conflict, as in SQL.
    """
    plan = plan_of(queryset.model)
    unique = [each.column for each in unique_fields]
    to_set = {each.column for each in update_fields}
    writes: list[Any] = []
    conflicting: list[tuple[Any, dict[str, Any]]] = []
    for instance in batch:
        document = plan.encode(instance, add=True)
        if any(document.get(column) is None for column in unique):
            writes.append(pymongo.InsertOne(document))
            continue
        key = {column: document[column] for column in unique}
        condition = {column: {"$eq": value} for column, value in key.items()}
        update = {
            "$set": {column: value for column, value in document.items() if column in to_set},
            "$setOnInsert": {
                column: value
                for column, value in document.items()
                if column not in to_set and column not in key
            },
            "$unset": dict.fromkeys(to_set - document.keys(), ""),
        }
        update = {name: values for name, values in update.items() if values}
        conflicting.append((instance, key))
        writes.append(pymongo.UpdateOne(condition, update, upsert=True))
    result = queryset._repository.bulk_write(writes)
    upserted = set((result.upserted_ids or {}).values())
    there = [each for each in conflicting if each[0]._stored_key() not in upserted]
    if there and "_id" not in unique:
        _adopt_keys(queryset, unique, there)


def _adopt_keys(queryset: Any, unique: list[str], there: list[tuple[Any, dict[str, Any]]]) -> None:
    """Give the instances whose documents were there the keys of these."""
    pk = queryset.model._meta.pk
    found = queryset._repository.find(
        {"$or": [{column: {"$eq": value} for column, value in key.items()} for _, key in there]},
        dict.fromkeys(unique, 1),
    )
    keys = {tuple(map(repr, (each[column] for column in unique))): each["_id"] for each in found}
    for instance, key in there:
        stored = keys.get(tuple(map(repr, key.values())))
        setattr(instance, pk.attname, None if stored is None else decode_value(pk, stored))
