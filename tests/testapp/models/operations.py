"""Documents for the tests of look-ups in lists, of operators, of operations and of places."""

from __future__ import annotations

from django.db import models

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeoSphereIndex,
    LineStringField,
    ListField,
    PointField,
    PolygonField,
    SearchIndex,
    VectorSearchIndex,
)


class OrderLine(EmbeddedDocument):
    sku = models.CharField(max_length=20)
    quantity = models.IntegerField(default=1, db_column="qty")
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    shipped = models.DateTimeField(null=True, blank=True)


class OrderStats(EmbeddedDocument):
    views = models.IntegerField(default=0)
    likes = models.IntegerField(default=0)


class Order(Document):
    slug = models.CharField(max_length=50, unique=True)
    title = models.CharField(max_length=100, default="", blank=True, db_column="name")
    state = models.CharField(max_length=20, default="new")
    views = models.IntegerField(default=0)
    flags = models.IntegerField(default=0)
    weight = models.FloatField(null=True, blank=True)
    total = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    waiting = models.DurationField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    seen = models.DateTimeField(null=True, blank=True)
    tags = ListField(models.CharField(max_length=30), default=list, blank=True)
    scores = ListField(models.IntegerField(), null=True, blank=True)
    lines = EmbeddedDocumentListField(OrderLine)
    stats = EmbeddedDocumentField(OrderStats, null=True, blank=True)
    data = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Job(Document):
    """What workers claim; nothing refers to it."""

    name = models.CharField(max_length=20, primary_key=True)
    priority = models.IntegerField(default=0)
    state = models.CharField(max_length=20, default="new")


class Place(Document):
    name = models.CharField(max_length=50)
    location = PointField(null=True, blank=True, geo_index=False)
    country = models.CharField(max_length=2, default="DE")

    class Meta:
        indexes = [GeoSphereIndex(fields=["location"])]

    def __str__(self) -> str:
        return self.name


class Unindexed(Document):
    """A place that no index helps to find."""

    location = PointField(geo_index=False)


class Region(Document):
    name = models.CharField(max_length=50)
    area = PolygonField(null=True, blank=True)
    route = LineStringField(null=True, blank=True)


class Article(Document):
    """What searches find, on servers that have them."""

    title = models.CharField(max_length=100, db_column="headline")
    body = models.TextField(default="", blank=True)
    kind = models.CharField(max_length=20, default="news")
    author = EmbeddedDocumentField(OrderStats, null=True, blank=True)
    vector = ListField(models.FloatField(), default=list, blank=True)

    class Meta:
        indexes = [
            SearchIndex(fields=["title", "body"]),
            VectorSearchIndex("vector", dimensions=3, filters=["kind"]),
        ]
