"""The tasks in Django's words: they are the same for ours and for the official backend."""

from __future__ import annotations

from typing import Any

from . import shapes
from .base import Side


class DjangoSide(Side):
    """A side whose classes are Django models; `classes` holds them under the names below."""

    reference_path = "reference_id"

    def use(self, classes: dict[str, Any]) -> None:
        self.Small = classes["Small"]
        self.Referred = classes["Referred"]
        self.SmallReference = classes["SmallReference"]
        self.Large = classes["Large"]
        self.Nested = classes["Nested"]
        self.Texts = classes["Texts"]
        self.Numbers = classes["Numbers"]
        self.small = self.Small._meta.db_table
        self.reference = self.SmallReference._meta.db_table
        self.referred = self.Referred._meta.db_table
        self.large = self.Large._meta.db_table
        self.nested = self.Nested._meta.db_table

    def make_nested(self, data: dict[str, Any]) -> Any:
        values: dict[str, Any] = {name: self.Texts(**data[name]) for name in shapes.EMBEDDED_TEXTS}
        values[shapes.EMBEDDED_LIST] = [self.Texts(**item) for item in data[shapes.EMBEDDED_LIST]]
        for name in shapes.EMBEDDED_NUMBERS:
            values[name] = self.Numbers(**data[name])
        return self.Nested(**values)

    def make_small(self, data: dict[str, Any]) -> Any:
        return self.Small(**data)

    def fill_small(self, number: int) -> None:
        self.Small.objects.bulk_create(self.Small(**each) for each in self.smalls(number))
        self.loaded = list(self.Small.objects.all())

    def fill_references(self, number: int) -> None:
        referred = [self.Referred(name=f"referred {each}") for each in range(number)]
        self.Referred.objects.bulk_create(referred)
        self.SmallReference.objects.bulk_create(
            self.SmallReference(**each, reference=target)
            for target, each in zip(referred, self.smalls(number), strict=True)
        )

    def fill_large(self, number: int) -> None:
        for each in self.larges(number):
            self.Large(**each).save()
        self.loaded = list(self.Large.objects.all())

    def fill_nested(self, number: int) -> None:
        for each in self.nesteds(number):
            self.make_nested(each).save()
        self.loaded = list(self.Nested.objects.all())

    def small_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.Small.objects.create(**each)

    def small_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            each.save()

    def find_by_id(self) -> None:
        for key in self.keys:
            self.Small.objects.get(id=key)

    def find_by_reference(self) -> None:
        for key in self.keys:
            list(self.SmallReference.objects.filter(reference=key))

    def find_in(self) -> None:
        for _ in range(20):
            list(self.Small.objects.filter(id__in=self.keys[:100]))

    def large_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.Large.objects.create(**each)

    def large_update(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            each.save()

    def nested_create(self, data: list[dict[str, Any]]) -> None:
        for each in data:
            self.make_nested(each).save()

    def nested_update(self) -> None:
        for each in self.loaded:
            each.embedded_str_doc_1.field1 = f"updated {self.round}"
            each.save()

    def find_nested(self) -> None:
        for unique in self.uniques:
            list(self.Nested.objects.filter(embedded_str_doc_1__unique_field=unique))

    def find_in_list(self) -> None:
        for unique in self.in_lists:
            list(self.Nested.objects.filter(embedded_str_doc_array__unique_field=unique))

    def read_nested(self) -> None:
        for unique in self.uniques:
            for found in self.Nested.objects.filter(embedded_str_doc_1__unique_field=unique):
                [getattr(found, name).field1 for name in shapes.EMBEDDED]
                [item.field1 for item in found.embedded_str_doc_array]

    def iterate(self) -> None:
        for _ in self.Small.objects.iterator():
            pass

    def bulk_create(self, made: list[Any]) -> None:
        self.Small.objects.bulk_create(made)

    def make_and_bulk_create(self, data: list[dict[str, Any]]) -> None:
        self.Small.objects.bulk_create([self.Small(**each) for each in data])

    def values_list(self) -> None:
        list(self.Small.objects.values_list("field1", "field8"))

    async def async_get(self) -> None:
        for key in self.keys:
            await self.Small.objects.aget(id=key)

    async def async_save(self) -> None:
        for each in self.loaded:
            each.field1 = f"updated {self.round}"
            await each.asave()


def define(models: Any, parts: Any, module: str) -> dict[str, Any]:
    """Make the classes of every shape; `parts` gives what differs between the two libraries."""

    def texts(names: list[str]) -> dict[str, Any]:
        return {name: models.CharField(max_length=100) for name in names}

    def numbers(names: list[str]) -> dict[str, Any]:
        return {name: models.IntegerField() for name in names}

    def make(name: str, base: Any, attrs: dict[str, Any]) -> Any:
        meta = type("Meta", (), {"app_label": "bench"})
        return type(name, (base,), {"__module__": module, "Meta": meta, **attrs})

    small = {**texts(shapes.SMALL_TEXTS), **numbers(shapes.SMALL_NUMBERS)}
    classes = {
        "Small": make("Small", parts.document, small),
        "Referred": make("Referred", parts.document, {"name": models.CharField(max_length=100)}),
        "Texts": make("Texts", parts.embedded, texts(["unique_field", *shapes.EMBEDDED_FIELDS])),
        "Numbers": make("Numbers", parts.embedded, numbers(shapes.EMBEDDED_FIELDS)),
        "Large": make(
            "Large",
            parts.document,
            {
                **texts(shapes.LARGE_TEXTS),
                **numbers(shapes.LARGE_NUMBERS),
                "image_field": models.BinaryField(),
            },
        ),
    }
    classes["SmallReference"] = make(
        "SmallReference",
        parts.document,
        {
            **texts(shapes.SMALL_TEXTS),
            **numbers(shapes.SMALL_NUMBERS),
            "reference": models.ForeignKey(classes["Referred"], on_delete=models.DO_NOTHING),
        },
    )
    nested = {name: parts.one(classes["Texts"]) for name in shapes.EMBEDDED_TEXTS}
    nested[shapes.EMBEDDED_LIST] = parts.many(classes["Texts"])
    nested |= {name: parts.one(classes["Numbers"]) for name in shapes.EMBEDDED_NUMBERS}
    classes["Nested"] = make("Nested", parts.document, nested)
    return classes
