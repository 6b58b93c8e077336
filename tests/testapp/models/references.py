"""Documents that refer: lists of references, references inside of others, and generic ones."""

from __future__ import annotations

from bson import ObjectId
from django.db import models

from mongo_contrib.documents import (
    PULL,
    Document,
    DocumentManager,
    DocumentQuerySet,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericReferenceField,
    ReferenceListField,
)


class RefCountry(Document):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class RefPersonQuerySet(DocumentQuerySet):
    def short(self):
        return self.filter(name__regex="^.{0,3}$")


class RefPerson(Document):
    name = models.CharField(max_length=50)
    country = models.ForeignKey(RefCountry, models.SET_NULL, null=True, blank=True)

    objects = DocumentManager.from_queryset(RefPersonQuerySet)()

    class Meta:
        ordering = ["-name"]

    def __str__(self) -> str:
        return self.name


class RefTag(Document):
    """A key that is a text."""

    slug = models.SlugField(primary_key=True)

    def __str__(self) -> str:
        return self.slug


class RefChapter(EmbeddedDocument):
    title = models.CharField(max_length=50)
    writers = ReferenceListField(RefPerson, blank=True, related_name="+")


class RefBook(Document):
    title = models.CharField(max_length=50)
    authors = ReferenceListField(RefPerson, blank=True)
    tags = ReferenceListField("RefTag", blank=True, related_name="tagged")
    chapters = EmbeddedDocumentListField(RefChapter)

    def __str__(self) -> str:
        return self.title


class RefShelf(Document):
    """Lists by every other rule."""

    name = models.CharField(max_length=50, blank=True)
    cascading = ReferenceListField(RefPerson, models.CASCADE, related_name="+", blank=True)
    protected = ReferenceListField(RefPerson, models.PROTECT, related_name="+", blank=True)
    restricted = ReferenceListField(RefPerson, models.RESTRICT, related_name="+", blank=True)
    nulled = ReferenceListField(
        RefPerson, models.SET_NULL, related_name="+", blank=True, null=True
    )
    ignored = ReferenceListField(RefPerson, models.DO_NOTHING, related_name="+", blank=True)
    books = ReferenceListField(RefBook, models.CASCADE, related_name="shelves", blank=True)


class RefProduct(Document):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


NOWHERE = ObjectId("0" * 24)


def nowhere() -> ObjectId:
    return NOWHERE


class RefPlace(EmbeddedDocument):
    street = models.CharField(max_length=50, blank=True)
    country = models.ForeignKey(RefCountry, models.SET_NULL, null=True, blank=True)
    origin = models.ForeignKey(
        RefCountry, models.SET_DEFAULT, default=nowhere, null=True, related_name="+", blank=True
    )


class RefStop(EmbeddedDocument):
    name = models.CharField(max_length=50, blank=True)
    country = models.ForeignKey(
        RefCountry, models.SET_NULL, null=True, related_name="+", db_column="land"
    )


class RefTrip(EmbeddedDocument):
    stops = EmbeddedDocumentListField(RefStop, db_column="s")


class RefLine(EmbeddedDocument):
    product = models.ForeignKey(RefProduct, PULL, null=True)
    quantity = models.IntegerField(default=1)
    place = EmbeddedDocumentField(RefPlace, null=True, blank=True)


class RefOrder(Document):
    number = models.CharField(max_length=10)
    place = EmbeddedDocumentField(RefPlace, null=True, blank=True)
    lines = EmbeddedDocumentListField(RefLine)
    trips = EmbeddedDocumentListField("RefTrip")

    def __str__(self) -> str:
        return self.number


class RefPart(EmbeddedDocument):
    product = models.ForeignKey(RefProduct, models.CASCADE, null=True, related_name="+")
    guarded = models.ForeignKey(RefProduct, models.PROTECT, null=True, related_name="+")
    held = models.ForeignKey(RefProduct, models.RESTRICT, null=True, related_name="+")
    ignored = models.ForeignKey(RefProduct, models.DO_NOTHING, null=True, related_name="+")


class RefMachine(Document):
    name = models.CharField(max_length=50)
    part = EmbeddedDocumentField(RefPart, null=True, blank=True)
    parts = EmbeddedDocumentListField(RefPart)
    owner = models.ForeignKey(RefPerson, models.CASCADE, null=True, related_name="machines")

    def __str__(self) -> str:
        return self.name


class RefRemark(Document):
    text = models.CharField(max_length=50)
    subject = GenericReferenceField(null=True, blank=True)
    about = GenericReferenceField(to=[RefBook, "RefCountry"], null=True, blank=True)

    def __str__(self) -> str:
        return self.text
