"""Documents of several classes, and dynamic ones, in JSON."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bson import Decimal128

from mongo_contrib.rest import DocumentSerializer
from tests.testapp.models import (
    BankPayment,
    CardPayment,
    Delivery,
    Dog,
    Loose,
    Pickup,
    Purchase,
)

pytestmark = pytest.mark.django_db


class PurchaseSerializer(DocumentSerializer):
    class Meta:
        model = Purchase
        fields = "__all__"


def saved(data, instance=None, **options):
    serializer = PurchaseSerializer(instance, data=data, **options)
    assert serializer.is_valid(), serializer.errors
    return serializer.save()


def test_what_is_shown_can_be_sent_back():
    purchase = Purchase.objects.create(
        payment=BankPayment(amount=Decimal("9.50"), iban="DE1"),
        refunds=[CardPayment(amount=1, number="4111")],
        way=Delivery(street="Elm"),
        stops=[Pickup(shop="North"), Delivery(street="Oak")],
    )
    shown = PurchaseSerializer(purchase).data
    assert shown["payment"] == {**{"_cls": "Payment.BankPayment", "amount": "9.50", "iban": "DE1"}}
    assert shown["way"] == {"_cls": "Delivery", "street": "Elm", "note": None}
    assert [each["_cls"] for each in shown["stops"]] == ["Pickup", "Delivery"]
    copied = saved({name: value for name, value in shown.items() if name != "id"})
    found = Purchase.objects.get(pk=copied.pk)
    for name in ("payment", "refunds", "way", "stops"):
        assert getattr(found, name) == getattr(purchase, name)


def test_another_class_takes_the_place():
    purchase = saved({"payment": {"amount": "2.00"}, "way": {"_cls": "Pickup", "shop": "x"}})
    assert type(purchase.payment).__name__ == "Payment"
    saved(
        {"payment": {"_cls": "instant", "amount": "3.00", "iban": "i"}, "way": None},
        instance=purchase,
        partial=True,
    )
    found = Purchase.objects.get()
    assert (type(found.payment).__name__, found.way) == ("InstantPayment", None)


@pytest.mark.parametrize(
    "data, message",
    [
        ({"way": {"shop": "x"}}, "“_cls” must be one of: Pickup, Delivery."),
        ({"way": {"_cls": "Barter"}}, "“_cls” must be one of"),
        ({"way": {"_cls": {"$ne": 1}}}, "“_cls” must be one of"),
        ({"way": "x"}, "Must be an object"),
        ({"way": {"_cls": "Pickup"}}, "required"),
        ({"stops": [{"_cls": "Pickup", "shop": "y"}, 5]}, "Must be an object"),
        ({"payment": {"_cls": "Payment.CardPayment", "amount": "x", "number": ""}}, "number"),
    ],
)
def test_what_is_wrong_is_told(data, message):
    serializer = PurchaseSerializer(data=data)
    assert not serializer.is_valid()
    assert message in str(serializer.errors)


def test_a_subclass_has_all_its_fields():
    class DogSerializer(DocumentSerializer):
        class Meta:
            model = Dog
            fields = "__all__"

    serializer = DogSerializer(data={"name": "Rex", "breed": "pug", "age": 3})
    assert serializer.is_valid(), serializer.errors
    dog = serializer.save()
    assert Dog.objects.get() == dog and dog.breed == "pug"
    assert "_cls" not in DogSerializer(dog).data


def test_undeclared_values_are_shown_and_not_taken():
    class LooseSerializer(DocumentSerializer):
        class Meta:
            model = Loose
            fields = "__all__"

    document = Loose.objects.create(title="x", price=Decimal128("1.5"), nested={"a": [1]})
    shown = LooseSerializer(document).data["dynamic"]
    assert shown == {"price": {"$numberDecimal": "1.5"}, "nested": {"a": [1]}}
    serializer = LooseSerializer(document, data={"title": "y", "dynamic": {"a": 1}, "b": 2})
    assert serializer.is_valid(), serializer.errors
    serializer.save()
    assert set(Loose.objects.get().dynamic) == {"price", "nested"}
