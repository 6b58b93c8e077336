"""Documents with fields of every kind, for the tests of fields."""

from __future__ import annotations

from django.db import models

from mongo_contrib.documents import (
    BSONField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeometryCollectionField,
    LineStringField,
    ListField,
    MapField,
    MultiLineStringField,
    MultiPointField,
    MultiPolygonField,
    ObjectIdField,
    PointField,
    PolygonField,
    SequenceField,
    SortedListField,
)


class Anything(Document):
    """Whatever BSON has, in each field that takes it."""

    value = BSONField(null=True, blank=True)
    data = DictField(blank=True, db_column="d")
    map = MapField(BSONField(null=True, blank=True), blank=True)
    list = ListField(BSONField(null=True, blank=True), blank=True)
    json = models.JSONField(null=True, blank=True)


class Pattern(Document):
    """Values of one BSON type, or of two."""

    regex = BSONField(types="regex")
    code = BSONField(types=["javascript", "javascriptWithScope"], null=True, blank=True)


class Measures(EmbeddedDocument):
    """Django's fields that need an encoding of their own."""

    data = models.BinaryField(null=True, blank=True)
    amount = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    day = models.DateField(null=True, blank=True, db_column="date")
    duration = models.DurationField(null=True, blank=True)
    uuid = models.UUIDField(null=True, blank=True)


class Measured(Document):
    name = models.CharField(max_length=20, blank=True)
    data = models.BinaryField(null=True, blank=True)
    amount = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    duration = models.DurationField(null=True, blank=True, db_column="took")
    uuid = models.UUIDField(null=True, blank=True)
    blobs = ListField(models.BinaryField(), blank=True)
    amounts = ListField(models.DecimalField(max_digits=8, decimal_places=2), blank=True)
    moments = ListField(models.DateTimeField(), blank=True)
    durations = ListField(models.DurationField(), blank=True)
    uuids = ListField(models.UUIDField(), blank=True)
    inside = EmbeddedDocumentField(Measures, null=True, blank=True)
    several = EmbeddedDocumentListField(Measures)


class Player(EmbeddedDocument):
    name = models.CharField(max_length=20)
    points = models.IntegerField(default=0)
    born = models.DateField(null=True, blank=True, db_column="b")


class Game(Document):
    """Maps of values, documents, lists and maps."""

    name = models.CharField(max_length=20, blank=True)
    scores = MapField(models.IntegerField(), blank=True, db_column="s")
    prices = MapField(models.DecimalField(max_digits=8, decimal_places=2), null=True, blank=True)
    players = MapField(EmbeddedDocumentField(Player), blank=True)
    moves = MapField(ListField(models.CharField(max_length=5)), blank=True)
    rounds = MapField(MapField(models.IntegerField()), blank=True)
    teams = MapField(EmbeddedDocumentListField(Player), blank=True)
    log = ListField(DictField(), blank=True)


class Ranking(Document):
    """Lists with bounds, and lists that are kept in order."""

    few = ListField(models.IntegerField(), min_length=2, max_length=3, null=True, blank=True)
    numbers = SortedListField(models.IntegerField(null=True), blank=True)
    best = SortedListField(models.FloatField(), reverse=True, blank=True)
    events = SortedListField(DictField(), ordering="at__year", blank=True)
    players = EmbeddedDocumentListField(Player, ordering="points", reverse=True, max_length=3)
    matrix = ListField(ListField(models.IntegerField()), blank=True)


class Site(Document):
    """A shape of each kind."""

    name = models.CharField(max_length=20, blank=True)
    point = PointField(null=True, blank=True)
    line = LineStringField(null=True, blank=True)
    area = PolygonField(null=True, blank=True, db_column="a")
    points = MultiPointField(null=True, blank=True)
    lines = MultiLineStringField(null=True, blank=True)
    areas = MultiPolygonField(null=True, blank=True)
    shapes = GeometryCollectionField(null=True, blank=True)
    unindexed = LineStringField(null=True, blank=True, geo_index=False)


class Stop(EmbeddedDocument):
    place = PointField()


class Route(Document):
    stops = EmbeddedDocumentListField(Stop)


class Invoice(Document):
    """Counted by a number of its own and by one that it shares with receipts."""

    number = SequenceField(unique=True)
    serial = SequenceField(sequence_name="papers", start=100, step=10)
    text = SequenceField(format="INV-{:05d}", sequence_name="invoice texts")
    title = models.CharField(max_length=20, blank=True, unique=True, null=True)


class Receipt(Document):
    id = SequenceField(primary_key=True)
    serial = SequenceField(sequence_name="papers", start=100, step=10)


class CountedLine(EmbeddedDocument):
    number = SequenceField()
    text = models.CharField(max_length=20)


class CountedOrder(Document):
    lines = EmbeddedDocumentListField(CountedLine)


class Scan(EmbeddedDocument):
    file = models.FileField(upload_to="scans", blank=True)
    note = models.CharField(max_length=20, blank=True)


class Folder(Document):
    """Files, where STORAGES keeps them."""

    name = models.CharField(max_length=20, blank=True)
    file = models.FileField(upload_to="files", blank=True)
    image = models.ImageField(
        upload_to="images", width_field="width", height_field="height", blank=True
    )
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    scan = EmbeddedDocumentField(Scan, null=True, blank=True)
    scans = EmbeddedDocumentListField(Scan)
    owner = ObjectIdField(null=True, blank=True)
