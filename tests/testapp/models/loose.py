"""Documents that keep what nobody has declared, and documents that refuse it."""

from __future__ import annotations

from django.db import models

from mongo_contrib.documents import (
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
)


class Gadget(DynamicEmbeddedDocument):
    kind = models.CharField(max_length=20)


class Loose(DynamicDocument):
    title = models.CharField(max_length=50)
    town = models.CharField(max_length=50, null=True, blank=True, db_column="city")
    gadget = EmbeddedDocumentField(Gadget, null=True, blank=True)
    gadgets = EmbeddedDocumentListField(Gadget)

    def shout(self) -> str:
        return self.title.upper()


class LooseKind(DynamicDocument):
    """Dynamic, and one of several classes."""

    name = models.CharField(max_length=20)

    class Meta:
        allow_inheritance = True


class LooserKind(LooseKind):
    size = models.IntegerField(default=0)


class StrictPart(EmbeddedDocument):
    code = models.CharField(max_length=5)
    note = models.CharField(max_length=50, null=True)

    class Meta:
        strict = True


class StrictThing(Document):
    name = models.CharField(max_length=20)
    size = models.IntegerField(default=0)
    note = models.CharField(max_length=20, null=True, blank=True)
    part = EmbeddedDocumentField(StrictPart, null=True)

    class Meta:
        strict = True
