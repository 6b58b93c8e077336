"""What every side answers to: one method for each task, and the data that the tasks need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pymongo

from . import shapes


class Task(NamedTuple):
    """One thing that every side does; `operations` of it make up one round."""

    name: str
    title: str
    operations: int
    #: At most this multiple of raw pymongo's client CPU; None where nothing is promised.
    goal: float | None
    #: What has to be there before: a name of `Side.fill_...`, with a number of documents.
    needs: tuple[str, int] | None = None


TASKS = [
    Task("small_create", "create a small document", 500, 1.5),
    Task("small_update", "update a small document", 500, 1.5, ("small", 500)),
    Task("find_by_id", "find by id", 500, 1.5, ("small", 500)),
    Task("find_by_reference", "find by reference", 500, 1.5, ("references", 500)),
    Task("find_in", "find 100 ids with in", 20, 1.5, ("small", 500)),
    Task("large_create", "create a large document (250 fields, 3 MB)", 10, 1.5),
    Task("large_update", "update a large document", 10, 1.5, ("large", 10)),
    Task("nested_create", "create a nested document (8 KB)", 200, 1.5),
    Task("nested_update", "update a nested field", 200, 1.5, ("nested", 200)),
    Task("find_nested", "find by a field in an embedded document", 200, 1.5, ("nested", 200)),
    Task("find_in_list", "find by a field in an embedded list", 200, 1.5, ("nested", 200)),
    Task("read_nested", "the same, reading every embedded document", 200, None, ("nested", 200)),
    Task("iterate", "iterate 10,000 small documents", 10_000, 1.3, ("small", 10_000)),
    Task("bulk_create", "bulk_create 10,000 small instances", 10_000, 1.3),
    Task("make_and_bulk_create", "the same, making the instances too", 10_000, None),
    Task("values_list", "values_list of 10,000", 10_000, 1.3, ("small", 10_000)),
    Task("raw", "raw() of 10,000: dicts as they are stored", 10_000, None, ("small", 10_000)),
    Task("async_get", "aget() by id", 500, None, ("small", 500)),
    Task("async_save", "asave() of a small document", 500, None, ("small", 500)),
]


#: What a side says of a task that its library has nothing for.
NOT_OFFERED = "not offered"


class Side:
    """A library's way through the tasks.

    A subclass defines one method for each task, which does it as often as `Task.operations`
    says, or none for what the library does not offer; and `fill_small()`, `fill_references()`,
    `fill_large()` and `fill_nested()`, and names its collections. Its methods may be coroutine
    functions.
    """

    small = "small"
    #: A small document and what it refers to.
    reference = "small_reference"
    referred = "referred"
    large = "large"
    nested = "nested"
    #: The stored name of the reference.
    reference_path = "reference"
    #: Which library this is, with its version.
    label = ""

    def __init__(self, uri: str, database: str) -> None:
        self.uri = uri
        self.database_name = database
        self.database: Any = pymongo.MongoClient(uri)[database]
        self.round = 0
        self.keys: list[Any] = []
        self.uniques: list[str] = []
        self.in_lists: list[str] = []
        self.loaded: list[Any] = []

    # Before a task

    def make_indexes(self) -> None:
        """The same for every side, whatever its own way of declaring them."""
        self.database[self.reference].create_index(self.reference_path)
        self.database[self.nested].create_index("embedded_str_doc_1.unique_field")
        self.database[self.nested].create_index("embedded_str_doc_array.unique_field")

    def empty(self) -> None:
        for name in (self.small, self.reference, self.referred, self.large, self.nested):
            self.database[name].delete_many({})

    def note_keys(self) -> None:
        """Keep what finding asks for, read past the library."""
        find = {"filter": {}, "projection": {"_id": 1}}
        for name in (self.referred, self.small):
            if keys := [each["_id"] for each in self.database[name].find(**find).limit(500)]:
                self.keys = keys
                break
        first = "embedded_str_doc_1.unique_field"
        self.uniques = self.database[self.nested].distinct(first)
        listed = self.database[self.nested].find({}, {shapes.EMBEDDED_LIST: {"$slice": 1}})
        self.in_lists = [each[shapes.EMBEDDED_LIST][0]["unique_field"] for each in listed]

    def make_small(self, data: dict[str, Any]) -> Any:
        """Return an instance, where the library has them."""
        return dict(data)

    # Every task's data

    def smalls(self, number: int) -> Iterable[dict[str, Any]]:
        return (shapes.small(each) for each in range(number))

    def larges(self, number: int) -> Iterable[dict[str, Any]]:
        return (shapes.large(each) for each in range(number))

    def nesteds(self, number: int) -> Iterable[dict[str, Any]]:
        return (shapes.nested(each) for each in range(number))
