"""Documents whose collections the server guards: validators, options, indexes of every kind."""

from __future__ import annotations

import datetime
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator
from django.db import models
from pymongo import ReadPreference

from mongo_contrib.documents import (
    BSONField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeometryCollectionField,
    ListField,
    MapField,
    MultiPolygonField,
    ObjectIdField,
    PointField,
)


class GuardedPart(EmbeddedDocument):
    code = models.SlugField(max_length=5)
    weight = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    parts = EmbeddedDocumentListField("self")

    class Meta:
        app_label = "testapp"


class GuardedShape(EmbeddedDocument):
    name = models.CharField(max_length=5)

    class Meta:
        app_label = "testapp"
        allow_inheritance = True


class GuardedCircle(GuardedShape):
    radius = models.FloatField()

    class Meta:
        app_label = "testapp"


class GuardedThing(Document):
    """A field of each kind, with the limits that a validator can check."""

    name = models.CharField(max_length=8, validators=[MinLengthValidator(2)])
    note = models.TextField(blank=True, null=True)
    size = models.CharField(max_length=6, choices={"s": "Small", "l": "Large"}, blank=True)
    rank = models.IntegerField(choices=[(1, "One"), (2, "Two")], null=True, blank=True)
    mail = models.EmailField(blank=True)
    count = models.PositiveSmallIntegerField(default=0)
    big = models.BigIntegerField(null=True, blank=True)
    ratio = models.FloatField(
        default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)]
    )
    price = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )
    sold = models.BooleanField()
    day = models.DateField(null=True, blank=True)
    at = models.DateTimeField(null=True, blank=True, default=None)
    time = models.TimeField(null=True, blank=True, default=datetime.time(8))
    span = models.DurationField(null=True, blank=True)
    uuid = models.UUIDField(null=True, blank=True)
    blob = models.BinaryField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    extra = models.JSONField(null=True, blank=True)
    key = ObjectIdField(null=True, blank=True)
    anything = BSONField(null=True, blank=True)
    regex = BSONField(types="regex", null=True, blank=True)
    things = DictField(blank=True)
    scores = MapField(models.IntegerField(), blank=True)
    tags = ListField(models.CharField(max_length=4), default=list, blank=True, max_length=3)
    grid = ListField(ListField(models.IntegerField()), null=True, blank=True)
    point = PointField(null=True, blank=True)
    area = MultiPolygonField(null=True, blank=True)
    outlines = GeometryCollectionField(null=True, blank=True)
    part = EmbeddedDocumentField(GuardedPart, null=True, blank=True)
    parts = EmbeddedDocumentListField(GuardedPart, max_length=2)
    shape = EmbeddedDocumentField(GuardedShape, null=True, blank=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True)

    class Meta:
        app_label = "testapp"
        collection = "guarded_things"
        validation = "error"


class GuardedStrict(Document):
    name = models.CharField(max_length=8)
    part = EmbeddedDocumentField(GuardedPart, null=True, blank=True)

    class Meta:
        app_label = "testapp"
        strict = True
        validation = "error"


class GuardedAnimal(Document):
    name = models.CharField(max_length=8)

    class Meta:
        app_label = "testapp"
        allow_inheritance = True
        validation = "error"


class GuardedDog(GuardedAnimal):
    tricks = ListField(models.CharField(max_length=8), default=list, blank=True)
    weight = models.IntegerField()

    class Meta:
        app_label = "testapp"


class GuardedCat(GuardedAnimal):
    weight = models.CharField(max_length=5)
    collar = models.CharField(max_length=5, unique=True, null=True, blank=True)

    class Meta:
        app_label = "testapp"


class GuardedMajority(Document):
    """Reads and writes with preferences of its own."""

    name = models.CharField(max_length=8)

    class Meta:
        app_label = "testapp"
        read_preference = ReadPreference.SECONDARY_PREFERRED
        read_concern = "majority"
        write_concern = "majority"
