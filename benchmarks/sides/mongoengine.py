"""Documents of MongoEngine."""

from __future__ import annotations

from typing import Any

import mongoengine
from mongoengine import (
    BinaryField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ReferenceField,
    StringField,
)

from . import shapes
from .base import Side


def _texts(names: list[str]) -> dict[str, Any]:
    return {name: StringField(max_length=100) for name in names}


def _numbers(names: list[str]) -> dict[str, Any]:
    return {name: IntField() for name in names}


def _make(name: str, base: type, fields: dict[str, Any]) -> Any:
    return type(name, (base,), fields)


_small = {**_texts(shapes.SMALL_TEXTS), **_numbers(shapes.SMALL_NUMBERS)}
Small = _make("Small", Document, {**_small, "meta": {"collection": "small"}})
Referred = _make("Referred", Document, {"name": StringField(max_length=100)})
SmallReference = _make(
    "SmallReference",
    Document,
    {
        **_texts(shapes.SMALL_TEXTS),
        **_numbers(shapes.SMALL_NUMBERS),
        "reference": ReferenceField(Referred),
    },
)
Large = _make(
    "Large",
    Document,
    {
        **_texts(shapes.LARGE_TEXTS),
        **_numbers(shapes.LARGE_NUMBERS),
        "image_field": BinaryField(),
        "meta": {"collection": "large"},
    },
)
Texts = _make("Texts", EmbeddedDocument, _texts(["unique_field", *shapes.EMBEDDED_FIELDS]))
Numbers = _make("Numbers", EmbeddedDocument, _numbers(shapes.EMBEDDED_FIELDS))
Nested = _make(
    "Nested",
    Document,
    {
        **{name: EmbeddedDocumentField(Texts) for name in shapes.EMBEDDED_TEXTS},
        shapes.EMBEDDED_LIST: EmbeddedDocumentListField(Texts),
        **{name: EmbeddedDocumentField(Numbers) for name in shapes.EMBEDDED_NUMBERS},
        "meta": {"collection": "nested"},
    },
)


def _make_nested(data: dict[str, Any]) -> Any:
    values: dict[str, Any] = {name: Texts(**data[name]) for name in shapes.EMBEDDED_TEXTS}
    values[shapes.EMBEDDED_LIST] = [Texts(**item) for item in data[shapes.EMBEDDED_LIST]]
    values |= {name: Numbers(**data[name]) for name in shapes.EMBEDDED_NUMBERS}
    return Nested(**values)


class MongoEngine(Side):
    label = f"MongoEngine {mongoengine.get_version()}"

    def __init__(self, uri: str, database: str) -> None:
        super().__init__(uri, database)
        mongoengine.connect(db=database, host=uri, uuidRepresentation="standard")

    def make_small(self, data: dict[str, Any]) -> Any:
        return Small(**data)

    def fill_small(self, number: int) -> None:
        Small.objects.insert([Small(**each) for each in self.smalls(number)])
        self.loaded = list(Small.objects)

    def fill_references(self, number: int) -> None:
        for position, each in enumerate(self.smalls(number)):
            target = Referred(name=f"referred {position}").save()
            SmallReference(**each, reference=target).save()

    def fill_large(self, number: int) -> None:
        for each in self.larges(number):
            Large(**each).save()
        self.loaded = list(Large.objects)

    def fill_nested(self, number: int) -> None:
        for each in self.nesteds(number):
            _make_nested(each).save()
        self.loaded = list(Nested.objects)

    def small_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            Small(**each).save()

    def small_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            each.save()

    def find_by_id(self) -> None:
        for key in self.keys:
            Small.objects.get(id=key)

    def find_by_reference(self) -> None:
        for key in self.keys:
            list(SmallReference.objects(reference=key))

    def find_in(self) -> None:
        for _ in range(20):
            list(Small.objects(id__in=self.keys[:100]))

    def large_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            Large(**each).save()

    def large_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            each.save()

    def nested_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            _make_nested(each).save()

    def nested_update(self) -> None:
        for each in self.loaded:
            each.embedded_str_doc_1.field1 = f"updated {self.round}"
            each.save()

    def find_nested(self) -> None:
        for unique in self.uniques:
            list(Nested.objects(embedded_str_doc_1__unique_field=unique))

    def find_in_list(self) -> None:
        for unique in self.in_lists:
            list(Nested.objects(embedded_str_doc_array__unique_field=unique))

    def read_nested(self) -> None:
        for unique in self.uniques:
            for found in Nested.objects(embedded_str_doc_1__unique_field=unique):
                [getattr(found, name).field1 for name in shapes.EMBEDDED]
                [item.field1 for item in found.embedded_str_doc_array]

    def iterate(self) -> None:
        for _ in Small.objects.no_cache():
            pass

    def bulk_create(self, made: list[Any]) -> None:
        # Otherwise MongoEngine would read all of them back.
        Small.objects.insert(made, load_bulk=False)

    def make_and_bulk_create(self, data: list[dict[str, Any]]) -> None:
        Small.objects.insert([Small(**each) for each in data], load_bulk=False)

    def values_list(self) -> None:
        list(Small.objects.scalar("field1", "field8"))


SIDE = MongoEngine
