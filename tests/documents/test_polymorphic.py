"""Embedded documents of several classes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from bson import Decimal128, ObjectId
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, models
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentField
from tests.testapp.models import (
    BankPayment,
    CardPayment,
    Delivery,
    InstantPayment,
    Payment,
    Pickup,
    Purchase,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def purchase():
    return Purchase.objects.create(
        payment=BankPayment(amount=Decimal("9.50"), iban="DE1"),
        refunds=[CardPayment(amount=1, number="4111"), InstantPayment(amount=2, iban="FR2")],
        way=Delivery(street="Elm"),
        stops=[Pickup(shop="North"), Delivery(street="Oak", note="ring")],
    )


def stored(document):
    return Purchase.objects.collection.find_one({"_id": document.pk})


def test_what_is_stored_says_of_which_class_it_is(purchase):
    document = stored(purchase)
    assert document["payment"] == {
        **{"_cls": "Payment.BankPayment", "amount": Decimal128("9.50"), "account": "DE1"}
    }
    assert [each["_cls"] for each in document["refunds"]] == ["Payment.CardPayment", "instant"]
    assert document["way"] == {"_cls": "Delivery", "street": "Elm"}
    assert [each["_cls"] for each in document["stops"]] == ["Pickup", "Delivery"]


def test_each_is_read_as_what_it_is(purchase):
    found = Purchase.objects.get()
    assert found.payment == purchase.payment
    assert type(found.payment) is BankPayment
    assert [type(each) for each in found.refunds] == [CardPayment, InstantPayment]
    assert found.refunds[1].seconds == 10
    assert found.way == Delivery(street="Elm")
    assert found.stops == purchase.stops


def test_its_text_does_not_tell_the_stored_class(purchase):
    assert str(Purchase.objects.get().payment) == "9.50, DE1"


def test_a_save_sends_what_changed(purchase):
    found = Purchase.objects.get()
    found.payment.iban = "DE2"
    found.way = Pickup(shop="South")
    Purchase.objects.collection.update_one({"_id": found.pk}, {"$set": {"payment.amount": 1}})
    found.save()
    assert stored(found)["payment"] == {
        "_cls": "Payment.BankPayment",
        "amount": 1,
        "account": "DE2",
    }
    assert stored(found)["way"] == {"_cls": "Pickup", "shop": "South"}


def test_a_save_of_nothing_sends_nothing(purchase, django_assert_num_queries):
    found = Purchase.objects.get()
    assert found.payment and found.refunds and found.way and found.stops
    with django_assert_num_queries(0):
        found.save()


def test_paths_lead_into_any_of_the_classes(purchase):
    assert Purchase.objects.get(payment__iban="DE1") == purchase
    assert Purchase.objects.get(payment__amount=Decimal("9.5")) == purchase
    assert not Purchase.objects.filter(payment__number="DE1").exists()
    assert Purchase.objects.get(refunds__number__startswith="41") == purchase
    assert Purchase.objects.get(refunds__seconds=10) == purchase
    assert Purchase.objects.get(way__street="Elm", stops__shop="North") == purchase
    assert Purchase.objects.get(payment___cls="Payment.BankPayment") == purchase
    assert not Purchase.objects.filter(stops__shop="North", stops__street="Oak").exists()
    assert Purchase.objects.order_by("payment__iban").values_list("payment__iban", flat=True)[
        0
    ] == ("DE1")


def test_updates_reach_into_any_of_the_classes(purchase):
    Purchase.objects.update(payment__iban="GB3")
    assert Purchase.objects.get().payment.iban == "GB3"
    Purchase.objects.update(payment=InstantPayment(amount=3, iban="x", seconds=2))
    Purchase.objects.update(payment__seconds=models.F("payment__seconds") + 5)
    assert Purchase.objects.get().payment.seconds == 7
    Purchase.objects.update(way=Pickup(shop="x"))
    assert stored(purchase)["way"] == {"_cls": "Pickup", "shop": "x"}


@pytest.mark.parametrize(
    "name, choices",
    [
        ("payment__bogus", r"CardPayment.*Choices are: .*amount.*iban.*number.*seconds"),
        ("way__bogus", r"Pickup or testapp\.Delivery.*Choices are: .*shop, street"),
    ],
)
def test_an_unknown_name_tells_the_choices_of_all(name, choices):
    with pytest.raises(FieldError, match=choices):
        Purchase.objects.filter(**{name: 1})


def test_a_former_name_is_read(purchase):
    Purchase.objects.collection.update_one(
        {}, {"$set": {"payment": {"_cls": "Payment.BankPayment.Fast", "amount": Decimal128("1")}}}
    )
    assert type(Purchase.objects.get().payment) is InstantPayment


def test_one_without_a_class_is_of_the_first(purchase):
    Purchase.objects.collection.update_one(
        {}, {"$set": {"payment": {"amount": Decimal128("1")}, "way": {"shop": "East"}}}
    )
    found = Purchase.objects.get()
    assert type(found.payment) is Payment
    assert found.way == Pickup(shop="East")


@pytest.mark.parametrize("name", ["payment", "way"])
def test_an_unknown_class_is_named_and_all_else_can_be_read(purchase, name):
    Purchase.objects.collection.update_one({}, {"$set": {f"{name}._cls": "Barter"}})
    found = Purchase.objects.get()
    assert found.stops
    with pytest.raises(DataError, match=rf"{purchase.pk}.*{name}.*Barter") as caught:
        getattr(found, name)
    assert "Delivery" in str(caught.value) or "Payment.CardPayment" in str(caught.value)
    setattr(found, name, None)
    found.save()
    assert getattr(Purchase.objects.get(), name) is None


def test_dicts_say_their_class():
    purchase = Purchase(
        payment={"_cls": "Payment.CardPayment", "amount": 3, "number": "5"},
        way={"_cls": "Delivery", "street": "Elm"},
    )
    purchase.full_clean()
    purchase.save()
    found = Purchase.objects.get()
    assert type(found.payment) is CardPayment and type(found.way) is Delivery
    with pytest.raises(ValidationError, match=r"Say by .*Pickup, Delivery"):
        Purchase(way={"street": "Elm"}).full_clean()
    with pytest.raises(ValidationError, match=r"Barter.* is no class that can stand here"):
        Purchase(payment={"_cls": "Barter"}).full_clean()
    with pytest.raises(ValidationError, match="has no field shop"):
        Purchase(way={"_cls": "Delivery", "shop": "x"}).full_clean()
    with pytest.raises(ValidationError, match=r"is not a testapp\.Payment"):
        Purchase(payment=Pickup(shop="x")).full_clean()


def test_validation_is_that_of_the_class(purchase):
    purchase.payment = CardPayment(amount=1, number="")
    with pytest.raises(ValidationError, match="number"):
        purchase.full_clean()


def test_fixtures_keep_the_classes(purchase):
    text = serializers.serialize("json", [purchase])
    Purchase.objects.all().delete()
    for each in serializers.deserialize("json", text):
        each.save()
    found = Purchase.objects.get()
    assert found.payment == purchase.payment
    assert found.stops == purchase.stops
    assert type(found.refunds[1]) is InstantPayment


def test_forms_show_it_as_text(purchase):
    form_class = modelform_factory(Purchase, fields="__all__")
    form = form_class(instance=purchase)
    assert "Payment.BankPayment" in form.as_p()
    data = {
        "payment": json.dumps({"_cls": "Payment.CardPayment", "amount": "3.00", "number": "5"}),
        "way": "",
    }
    form = form_class(data, instance=purchase)
    assert form.is_valid(), form.errors
    form.save()
    found = Purchase.objects.get()
    assert type(found.payment) is CardPayment and found.payment.amount == 3
    assert found.way is None
    form = form_class({"payment": '{"_cls": "Barter"}', "way": ""}, instance=purchase)
    assert "Barter" in str(form.errors)


@isolate_apps("tests.testapp")
def test_what_could_mean_two_things_is_an_error():
    class Left(EmbeddedDocument):
        size = models.IntegerField()

        class Meta:
            app_label = "testapp"

    class Right(EmbeddedDocument):
        size = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            class_name = "Left"

    class Holder(Document):
        hand = EmbeddedDocumentField([Left, Right])

        class Meta:
            app_label = "testapp"

    found = Holder._meta.get_field("hand").check()
    assert [each.id for each in found] == ["mongo_contrib.E041", "mongo_contrib.E042"]
    assert ObjectId is not None
