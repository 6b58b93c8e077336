"""A shop: one document of every kind that an admin meets."""

from __future__ import annotations

import uuid

from django.core.exceptions import ValidationError
from django.db import models

from mongo_contrib.documents import (
    BSONField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    ListField,
    ReferenceListField,
)


def at_most_three(items: list) -> None:
    if len(items) > 3:
        raise ValidationError("Three are enough.")


class Maker(Document):
    name = models.CharField(max_length=100, unique=True)
    country = models.CharField(max_length=50, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Material(EmbeddedDocument):
    name = models.CharField(max_length=50)
    maker = models.ForeignKey(Maker, on_delete=models.DO_NOTHING, null=True, blank=True)


class Size(EmbeddedDocument):
    width = models.IntegerField("width in mm")
    height = models.IntegerField(null=True, blank=True, help_text="in mm")
    measured = models.DateField(null=True, blank=True)
    material = EmbeddedDocumentField(Material, null=True, blank=True)
    secret = models.CharField(max_length=50, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"


class Review(EmbeddedDocument):
    author = models.CharField(max_length=50)
    stars = models.IntegerField(default=0)
    public = models.BooleanField(default=True)
    note = models.CharField(max_length=50, blank=True, editable=False)


class Label(EmbeddedDocument):
    code = models.CharField(max_length=10, primary_key=True)
    text = models.CharField(max_length=50, blank=True)

    def __str__(self) -> str:
        return self.code


class Stamp(EmbeddedDocument):
    text = models.CharField(max_length=20)
    serial = models.UUIDField(default=uuid.uuid4, editable=False)
    touched = models.DateTimeField(auto_now=True)


class Product(Document):
    name = models.CharField(max_length=100)
    kind = models.CharField(
        max_length=10, choices={"toy": "Toy", "tool": "Tool", "book": "Book"}, default="toy"
    )
    sold = models.BooleanField(default=False)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    pieces = models.IntegerField(default=1)
    made = models.DateField(null=True, blank=True)
    added = models.DateTimeField(null=True, blank=True)
    maker = models.ForeignKey(
        Maker, on_delete=models.PROTECT, null=True, blank=True, related_name="products"
    )
    size = EmbeddedDocumentField(Size, null=True, blank=True)
    tags = ListField(models.CharField(max_length=30), default=list, blank=True)
    reviews = EmbeddedDocumentListField(Review)
    labels = EmbeddedDocumentListField(Label, validators=[at_most_three])

    class Meta:
        ordering = ["-size__width", "name"]
        indexes = [models.Index(fields=["-size__width", "name"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/products/{self.pk}/"


class Part(Document):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Wish(Document):
    """Refers by the rules of deletion that the shop has no other use for."""

    part = models.ForeignKey(Part, on_delete=models.CASCADE, null=True, blank=True)
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True)
    text = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.text


class Crate(Document):
    name = models.CharField(max_length=20)
    stamps = EmbeddedDocumentListField(Stamp)


class Rate(Document):
    """Has a key that people choose."""

    code = models.CharField(max_length=10, primary_key=True)
    value = models.FloatField(default=0)


class Wrapping(EmbeddedDocument):
    """One of several classes."""

    paper = models.CharField(max_length=20)
    price = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)

    class Meta:
        allow_inheritance = True


class GiftWrapping(Wrapping):
    turns = models.IntegerField(default=1)


class Parcel(Document):
    """Has a validator, and fields of every kind that a form can't show if they are broken."""

    name = models.CharField(max_length=10, unique=True)
    weight = models.IntegerField(null=True, blank=True)
    fragile = models.BooleanField(default=False)
    sent = models.DateTimeField(null=True, blank=True)
    packed = models.DateTimeField(null=True, editable=False)
    maker = models.ForeignKey(Maker, on_delete=models.DO_NOTHING, null=True, blank=True)
    makers = ReferenceListField(Maker, blank=True, related_name="+")
    wrapping = EmbeddedDocumentField(Wrapping, null=True, blank=True)
    size = EmbeddedDocumentField(Size, null=True, blank=True)
    pattern = BSONField(types="regex", null=True, blank=True)
    codes = ListField(models.IntegerField(), blank=True)
    reviews = EmbeddedDocumentListField(Review)

    class Meta:
        validation = "error"

    def __str__(self) -> str:
        return f"Parcel {self.name}"
