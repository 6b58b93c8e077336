"""Embedded documents of several classes."""

from __future__ import annotations

from django.db import models

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
)


class Payment(EmbeddedDocument):
    """The oldest of its family."""

    amount = models.DecimalField(max_digits=8, decimal_places=2)

    class Meta:
        allow_inheritance = True


class CardPayment(Payment):
    number = models.CharField(max_length=20)


class BankPayment(Payment):
    iban = models.CharField(max_length=34, db_column="account")


class InstantPayment(BankPayment):
    seconds = models.IntegerField(default=10)

    class Meta:
        class_name = ["instant", "Payment.BankPayment.Fast"]


class Pickup(EmbeddedDocument):
    """One of two that have nothing in common."""

    shop = models.CharField(max_length=20)


class Delivery(EmbeddedDocument):
    street = models.CharField(max_length=50)
    note = models.CharField(max_length=50, null=True, blank=True)


class Purchase(Document):
    payment = EmbeddedDocumentField(Payment, null=True, blank=True)
    refunds = EmbeddedDocumentListField(Payment)
    way = EmbeddedDocumentField([Pickup, "Delivery"], null=True, blank=True)
    stops = EmbeddedDocumentListField([Pickup, Delivery])
