"""Raw pymongo: what all others are divided by."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pymongo
from bson import ObjectId

from . import shapes
from .base import Side


class Raw(Side):
    label = f"pymongo {pymongo.version}"

    def __init__(self, uri: str, database: str) -> None:
        super().__init__(uri, database)
        self.smalls_ = self.database[self.small]
        self.references_ = self.database[self.reference]
        self.larges_ = self.database[self.large]
        self.nesteds_ = self.database[self.nested]

    def fill_small(self, number: int) -> None:
        self.smalls_.insert_many(self.smalls(number))
        self.loaded = list(self.smalls_.find())

    def fill_references(self, number: int) -> None:
        keys = [ObjectId() for _ in range(number)]
        self.database[self.referred].insert_many(
            {"_id": key, "name": f"referred {key}"} for key in keys
        )
        self.references_.insert_many(
            {**each, self.reference_path: key}
            for key, each in zip(keys, self.smalls(number), strict=True)
        )

    def fill_large(self, number: int) -> None:
        for each in self.larges(number):
            self.larges_.insert_one(each)
        self.loaded = list(self.larges_.find())

    def fill_nested(self, number: int) -> None:
        self.nesteds_.insert_many(self.nesteds(number))
        self.loaded = list(self.nesteds_.find())

    def small_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.smalls_.insert_one(dict(each))

    def small_update(self) -> None:
        for each in self.loaded:
            value = each["field1"] = f"updated {self.round}"
            self.smalls_.update_one({"_id": each["_id"]}, {"$set": {"field1": value}})

    def find_by_id(self) -> None:
        for key in self.keys:
            self.smalls_.find_one({"_id": key})

    def find_by_reference(self) -> None:
        for key in self.keys:
            list(self.references_.find({self.reference_path: key}))

    def find_in(self) -> None:
        for _ in range(20):
            list(self.smalls_.find({"_id": {"$in": self.keys[:100]}}))

    def large_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.larges_.insert_one(dict(each))

    def large_update(self) -> None:
        for each in self.loaded:
            value = each["field1"] = f"updated {self.round}"
            self.larges_.update_one({"_id": each["_id"]}, {"$set": {"field1": value}})

    def nested_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.nesteds_.insert_one(dict(each))

    def nested_update(self) -> None:
        for each in self.loaded:
            value = each["embedded_str_doc_1"]["field1"] = f"updated {self.round}"
            self.nesteds_.update_one(
                {"_id": each["_id"]}, {"$set": {"embedded_str_doc_1.field1": value}}
            )

    def find_nested(self) -> None:
        for unique in self.uniques:
            list(self.nesteds_.find({"embedded_str_doc_1.unique_field": unique}))

    def find_in_list(self) -> None:
        for unique in self.in_lists:
            list(self.nesteds_.find({"embedded_str_doc_array.unique_field": unique}))

    def read_nested(self) -> None:
        for unique in self.uniques:
            for found in self.nesteds_.find({"embedded_str_doc_1.unique_field": unique}):
                [found[name]["field1"] for name in shapes.EMBEDDED]
                [item["field1"] for item in found[shapes.EMBEDDED_LIST]]

    def iterate(self) -> None:
        for _ in self.smalls_.find():
            pass

    def bulk_create(self, made: list[Any]) -> None:
        self.smalls_.insert_many(made)

    def make_and_bulk_create(self, data: list[dict[str, Any]]) -> None:
        self.smalls_.insert_many([dict(each) for each in data])

    def values_list(self) -> None:
        fields = {"field1": 1, "field8": 1, "_id": 0}
        [(each["field1"], each["field8"]) for each in self.smalls_.find({}, fields)]

    def raw(self) -> None:
        list(self.smalls_.find())

    @cached_property
    def on_loop(self) -> Any:
        return pymongo.AsyncMongoClient(self.uri)[self.database_name][self.small]

    async def async_get(self) -> None:
        for key in self.keys:
            await self.on_loop.find_one({"_id": key})

    async def async_save(self) -> None:
        for each in self.loaded:
            value = each["field1"] = f"updated {self.round}"
            await self.on_loop.update_one({"_id": each["_id"]}, {"$set": {"field1": value}})


SIDE = Raw
