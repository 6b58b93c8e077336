from django.db import models

from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentField


class Invoice(models.Model):
    number = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return self.number


class Place(EmbeddedDocument):
    city = models.CharField(max_length=50)


class Visit(Document):
    guest = models.CharField(max_length=50, unique=True)
    place = EmbeddedDocumentField(Place, null=True)
    # The number of an Invoice: a reference cannot leave MongoDB.
    invoice = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return self.guest
