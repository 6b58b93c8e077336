"""Documents that the tests of documents, queries and commands share."""

from __future__ import annotations

import datetime

from bson import ObjectId
from django.db import models
from django.db.models import Q
from django.utils import timezone

from mongo_contrib.documents import (
    Document,
    DocumentManager,
    DocumentQuerySet,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GeoSphereIndex,
    ListField,
    ObjectIdField,
    PointField,
    TTLIndex,
)


class Address(EmbeddedDocument):
    street = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=100, db_column="town")
    zip_code = models.CharField(max_length=10, null=True, blank=True)
    since = models.DateField(null=True, blank=True)


class Remark(EmbeddedDocument):
    author = models.CharField(max_length=50)
    stars = models.IntegerField(default=0)
    written = models.DateTimeField(null=True, blank=True)
    address = EmbeddedDocumentField(Address, null=True, blank=True)


class Publisher(Document):
    name = models.CharField(max_length=100, unique=True)
    founded = models.DateField(null=True, blank=True)
    home = EmbeddedDocumentField(Address, null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Author(Document):
    name = models.CharField(max_length=100, db_index=True)
    email = models.EmailField(null=True, blank=True, unique=True)

    def __str__(self) -> str:
        return self.name


class BookQuerySet(DocumentQuerySet):
    def cheap(self):
        return self.filter(price__lt=10)


class Book(Document):
    title = models.CharField(max_length=200)
    pages = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    published = models.DateField(null=True, blank=True)
    added = models.DateTimeField(null=True, blank=True)
    tags = ListField(models.CharField(max_length=30), default=list, blank=True)
    remarks = EmbeddedDocumentListField(Remark)
    extra = models.JSONField(null=True, blank=True)
    author = models.ForeignKey(
        Author, on_delete=models.CASCADE, related_name="books", null=True, blank=True
    )
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, null=True, blank=True)

    objects = DocumentManager.from_queryset(BookQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["title", "-pages"]),
            models.Index(fields=["remarks__author"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["title", "publisher"],
                condition=Q(pages__gt=100),
                name="long_titles_once_per_publisher",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Every(Document):
    """One field of each kind."""

    text = models.TextField(null=True)
    slug = models.SlugField(null=True)
    small = models.SmallIntegerField(null=True)
    big = models.BigIntegerField(null=True)
    flag = models.BooleanField(null=True)
    number = models.FloatField(null=True)
    decimal = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    time = models.TimeField(null=True)
    duration = models.DurationField(null=True)
    uuid = models.UUIDField(null=True)
    data = models.BinaryField(null=True)
    json = models.JSONField(null=True)
    address = models.GenericIPAddressField(null=True)
    url = models.URLField(null=True)
    reference = ObjectIdField(null=True)
    point = PointField(null=True)
    numbers = ListField(models.IntegerField(), null=True)
    matrix = ListField(ListField(models.FloatField()), null=True)
    days = ListField(models.DateField(), null=True)
    home = EmbeddedDocumentField(Address, null=True)
    remarks = EmbeddedDocumentListField(Remark, null=True)

    class Meta:
        indexes = [GeoSphereIndex(fields=["point"])]


class Ticket(Document):
    """A key of its own, a time to live, and one profile each."""

    code = models.CharField(max_length=20, primary_key=True)
    expires = models.DateTimeField(default=timezone.now)
    holder = models.OneToOneField(
        Author, on_delete=models.SET_NULL, null=True, blank=True, related_name="ticket"
    )

    class Meta:
        db_table = "tickets"
        indexes = [TTLIndex("expires", expire_after=datetime.timedelta(hours=1))]


class Loan(Document):
    """Refers by every rule that deletion knows."""

    book = models.ForeignKey(Book, on_delete=models.RESTRICT, null=True, related_name="loans")
    reader = models.ForeignKey(Author, on_delete=models.SET_NULL, null=True, related_name="loans")
    note = models.CharField(max_length=50, default="", blank=True)
    serial = ObjectIdField(default=ObjectId)


class LongBook(Book):
    class Meta:
        proxy = True

    @property
    def is_long(self) -> bool:
        return self.pages > 100


class Labelled(models.Model):
    """A plain Django model, abstract, as those of other packages."""

    label = models.CharField(max_length=20)

    class Meta:
        abstract = True
        managed = True


class Mixed(Labelled, Document):
    """A plain model comes first among its bases, as with AbstractUser."""

    objects = DocumentManager()

    class Meta:
        managed = True


class Account(Document):
    name = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class Profile(Document):
    """Its key is a reference."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True)
    motto = models.CharField(max_length=50, blank=True)


class Entry(Document):
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="entries")
    text = models.CharField(max_length=50)


class Mention(EmbeddedDocument):
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING)


class Page(Document):
    mentions = EmbeddedDocumentListField(Mention)
