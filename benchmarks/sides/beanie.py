"""Documents of Beanie, which is asynchronous: its tasks are awaited one after the other."""

from __future__ import annotations

from typing import Any

import beanie
import pymongo
from beanie import Document, Link, PydanticObjectId, init_beanie
from beanie.operators import In
from pydantic import BaseModel, create_model

from . import shapes
from .base import Side


def _texts(names: list[str]) -> dict[str, Any]:
    return {name: (str, ...) for name in names}


def _numbers(names: list[str]) -> dict[str, Any]:
    return {name: (int, ...) for name in names}


def _make(name: str, fields: dict[str, Any], collection: str) -> Any:
    settings = type("Settings", (), {"name": collection, "use_state_management": True})
    made = create_model(name, __base__=Document, __module__=__name__, **fields)
    made.Settings = settings
    return made


_small = {**_texts(shapes.SMALL_TEXTS), **_numbers(shapes.SMALL_NUMBERS)}
Small = _make("Small", _small, "small")
Referred = _make("Referred", {"name": (str, ...)}, "referred")
SmallReference = _make(
    "SmallReference", {**_small, "reference": (Link[Referred], ...)}, "small_reference"
)
Large = _make(
    "Large",
    {
        **_texts(shapes.LARGE_TEXTS),
        **_numbers(shapes.LARGE_NUMBERS),
        "image_field": (bytes, ...),
    },
    "large",
)
Texts = create_model("Texts", **_texts(["unique_field", *shapes.EMBEDDED_FIELDS]))
Numbers = create_model("Numbers", **_numbers(shapes.EMBEDDED_FIELDS))
Nested = _make(
    "Nested",
    {
        **{name: (Texts, ...) for name in shapes.EMBEDDED_TEXTS},
        shapes.EMBEDDED_LIST: (list[Texts], ...),
        **{name: (Numbers, ...) for name in shapes.EMBEDDED_NUMBERS},
    },
    "nested",
)


class Pair(BaseModel):
    field1: str
    field8: int


class Beanie(Side):
    label = f"Beanie {beanie.__version__}"
    reference_path = "reference.$id"

    async def start(self) -> None:
        client: Any = pymongo.AsyncMongoClient(self.uri)
        await init_beanie(
            database=client[self.database_name],
            document_models=[Small, Referred, SmallReference, Large, Nested],
        )

    def make_small(self, data: dict[str, Any]) -> Any:
        return Small(**data)

    async def fill_small(self, number: int) -> None:
        await Small.insert_many([Small(**each) for each in self.smalls(number)])
        self.loaded = await Small.find_all().to_list()

    async def fill_references(self, number: int) -> None:
        for position, each in enumerate(self.smalls(number)):
            target = await Referred(name=f"referred {position}").insert()
            await SmallReference(**each, reference=target).insert()

    async def fill_large(self, number: int) -> None:
        for each in self.larges(number):
            await Large(**each).insert()
        self.loaded = await Large.find_all().to_list()

    async def fill_nested(self, number: int) -> None:
        for each in self.nesteds(number):
            await Nested(**each).insert()
        self.loaded = await Nested.find_all().to_list()

    async def small_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            await Small(**each).insert()

    async def small_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            await each.save_changes()

    async def find_by_id(self) -> None:
        for key in self.keys:
            await Small.get(PydanticObjectId(key))

    async def find_by_reference(self) -> None:
        for key in self.keys:
            await SmallReference.find(SmallReference.reference.id == key).to_list()

    async def find_in(self) -> None:
        for _ in range(20):
            await Small.find(In(Small.id, self.keys[:100])).to_list()

    async def large_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            await Large(**each).insert()

    async def large_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            await each.save_changes()

    async def nested_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            await Nested(**each).insert()

    async def nested_update(self) -> None:
        for each in self.loaded:
            each.embedded_str_doc_1.field1 = f"updated {self.round}"
            await each.save_changes()

    async def find_nested(self) -> None:
        for unique in self.uniques:
            await Nested.find({"embedded_str_doc_1.unique_field": unique}).to_list()

    async def find_in_list(self) -> None:
        for unique in self.in_lists:
            await Nested.find({"embedded_str_doc_array.unique_field": unique}).to_list()

    async def read_nested(self) -> None:
        for unique in self.uniques:
            async for found in Nested.find({"embedded_str_doc_1.unique_field": unique}):
                [getattr(found, name).field1 for name in shapes.EMBEDDED]
                [item.field1 for item in found.embedded_str_doc_array]

    async def iterate(self) -> None:
        async for _ in Small.find_all():
            pass

    async def bulk_create(self, made: list[Any]) -> None:
        await Small.insert_many(made)

    async def make_and_bulk_create(self, data: list[dict[str, Any]]) -> None:
        await Small.insert_many([Small(**each) for each in data])

    async def values_list(self) -> None:
        found = await Small.find_all().project(Pair).to_list()
        [(each.field1, each.field8) for each in found]

    # There is no other way here.
    async_get = find_by_id
    async_save = small_update


SIDE = Beanie
