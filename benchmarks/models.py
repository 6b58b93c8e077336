"""Documents of the shapes that are measured."""

from django.db import models

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    PointField,
)


class Small(Document):
    """Flat, eight fields: what most collections hold."""

    name = models.CharField(max_length=100)
    code = models.CharField(max_length=10, unique=True)
    country = models.CharField(max_length=2)
    population = models.IntegerField()
    elevation = models.IntegerField(null=True)
    area = models.FloatField()
    active = models.BooleanField(default=True)
    updated = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Figures(EmbeddedDocument):
    households = models.IntegerField()
    growth = models.FloatField()

    def __str__(self) -> str:
        return f"{self.households} households"


class Nested(Document):
    """A city of Atlas: a point, a list, an embedded document."""

    name = models.CharField(max_length=100)
    location = PointField()
    names = ListField(models.CharField(max_length=100))
    figures = EmbeddedDocumentField(Figures)

    def __str__(self) -> str:
        return self.name
