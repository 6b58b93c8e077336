"""Emptying collections with few commands, as happens after every test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo.errors import OperationFailure

__all__ = ["DeleteAll", "empty", "non_empty"]

# A pipeline may have 1,000 stages; so many unions also stay far below its size limit.
UNIONS = 200


class DeleteAll(str):
    """What ``sqlflush`` prints and ``execute_sql_flush`` does for one collection."""

    collection: str

    def __new__(cls, collection: str) -> DeleteAll:
        statement = super().__new__(cls, f"db.getCollection({collection!r}).deleteMany({{}});")
        statement.collection = collection
        return statement


def non_empty(connection: Any, names: Sequence[str]) -> list[str]:
    """Those of the collections that hold a document: one command for 200 of them."""
    found: list[str] = []
    database = connection.database
    with connection.wrap_database_errors:
        for start in range(0, len(names), UNIONS):
            some = names[start : start + UNIONS]
            try:
                found += [one["name"] for one in database[some[0]].aggregate(_first_of_each(some))]
            except OperationFailure:
                # A server without $unionWith, or a collection that it cannot unite.
                found += [name for name in some if database[name].find_one({}, {"_id": 1})]
    return found


def _first_of_each(names: Sequence[str]) -> list[dict[str, Any]]:
    def first(name: str) -> list[dict[str, Any]]:
        return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]

    unions = [{"$unionWith": {"coll": name, "pipeline": first(name)}} for name in names[1:]]
    return [*first(names[0]), *unions]


def empty(connection: Any, names: Iterable[str]) -> None:
    """Delete every document of these collections and keep their indexes.

    In a test database, a collection that it was not made with is dropped instead: the test has
    made it, and its indexes would be there for the next one.
    """
    wanted = list(names)
    if connection.creation.is_test_database:
        kept = connection.creation.made_with
        with connection.wrap_database_errors:
            for name in wanted:
                if name not in kept:
                    connection.database.drop_collection(name)
        wanted = [name for name in wanted if name in kept]
    for name in non_empty(connection, wanted) if wanted else ():
        with connection.wrap_database_errors:
            connection.database[name].delete_many({})
            if connection.creation.is_test_database:
                _free_unique_values(connection, name)


def _free_unique_values(connection: Any, name: str) -> None:
    """Build unique indexes anew where the server keeps values that an update took out of them.

    The Rust server does (0.5.3-beta.196): the next test would be refused what this one renamed.
    """
    if connection.features.has("freed_unique_values"):
        return
    collection = connection.database[name]
    unique = [index for index in collection.list_indexes() if index.get("unique")]
    for index in unique:
        collection.drop_index(index["name"])
    if unique:
        specifications = [
            {key: value for key, value in index.items() if key not in ("v", "ns")}
            for index in unique
        ]
        connection.database.command({"createIndexes": name, "indexes": specifications})
