"""What other programs have stored in other forms than ours stays, unless it is changed."""

from __future__ import annotations

import datetime
import secrets
from decimal import Decimal

import pytest
from bson import Decimal128, Int64, ObjectId
from django.db import DataError, models
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    ListField,
    MapField,
)

pytestmark = pytest.mark.django_db

NOON = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)


class SaltedField(models.TextField):
    """Stored in another form each time, as encrypted texts are."""

    def get_db_prep_save(self, value, connection):
        return f"{secrets.token_hex(4)}:{value}"

    def from_db_value(self, value, expression, connection):
        return value.partition(":")[2]


@isolate_apps("tests.testapp")
def test_what_is_encrypted_is_sent_if_it_has_changed(assert_num_commands):
    class Letter(Document):
        name = models.CharField(max_length=9)
        text = SaltedField()

        class Meta:
            app_label = "testapp"

    letter = Letter.objects.get(pk=Letter.objects.create(text="Dear Ann").pk)
    before = stored(Letter, letter.pk)["text"]
    with assert_num_commands(0):
        letter.save()
    letter.name = "b"
    letter.save()
    assert stored(Letter, letter.pk) == {"name": "b", "text": before}
    letter.text = "Dear Bob"
    letter.save()
    assert Letter.objects.get(pk=letter.pk).text == "Dear Bob"


@pytest.fixture
def Offer():
    with isolate_apps("tests.testapp"):

        class Part(EmbeddedDocument):
            price = models.DecimalField(max_digits=8, decimal_places=2)
            count = models.IntegerField(default=1)

            class Meta:
                app_label = "testapp"
                allow_inheritance = True

        class SparePart(Part):
            day = models.DateField()

            class Meta:
                app_label = "testapp"

        class Offer(Document):
            name = models.CharField(max_length=20)
            price = models.DecimalField(max_digits=8, decimal_places=2)
            weight = models.FloatField()
            day = models.DateField()
            time = models.TimeField()
            part = EmbeddedDocumentField(Part)
            parts = EmbeddedDocumentListField(Part)
            prices = ListField(models.DecimalField(max_digits=8, decimal_places=2))
            rates = MapField(models.FloatField())

            class Meta:
                app_label = "testapp"

        yield Offer


FOREIGN = {
    "name": "a",
    "price": Decimal128("1.239"),
    "weight": Int64(2**53 + 1),
    "day": NOON,
    "time": "10:00",
    "part": {"_cls": "Part.SparePart", "price": Decimal128("1.5"), "count": 1, "day": NOON},
    "parts": [
        {"_cls": "Part", "price": Decimal128("1.5"), "count": 1},
        {"_cls": "Part.SparePart", "price": Decimal128("2"), "count": 1, "day": NOON},
    ],
    "prices": [Decimal128("1"), Decimal128("2")],
    "rates": {"a": 1, "b": 2},
}


@pytest.fixture
def pk(Offer):
    pk = ObjectId()
    Offer.objects.collection.insert_one({"_id": pk, **FOREIGN})
    yield pk
    Offer.objects.collection.drop()


def stored(Offer, pk):
    document = Offer.objects.collection.find_one({"_id": pk})
    del document["_id"]
    return document


def test_a_save_leaves_what_it_was_not_about(Offer, pk):
    offer = Offer.objects.get(pk=pk)
    offer.name = "b"
    offer.save()
    assert stored(Offer, pk) == {**FOREIGN, "name": "b"}


def test_looking_is_no_change(Offer, pk, assert_num_commands):
    offer = Offer.objects.get(pk=pk)
    assert offer.part.price + offer.parts[1].price + offer.prices[0] == Decimal("4.5")
    assert offer.rates["a"] == 1.0
    with assert_num_commands(0):
        offer.save()


def test_what_others_have_written_since_stays(Offer, pk):
    offer = Offer.objects.get(pk=pk)
    Offer.objects.filter(pk=pk).update(price=5, weight=1.5)
    offer.part.count = 7
    offer.save()
    offer = Offer.objects.get(pk=pk)
    assert (offer.price, offer.weight, offer.part.count) == (5, 1.5, 7)


def test_what_lies_beside_a_change_stays(Offer, pk):
    offer = Offer.objects.get(pk=pk)
    offer.part.count = 2
    offer.parts[1].count = 3
    offer.prices.append(Decimal(3))
    offer.rates["b"] = 2.5
    offer.save()
    first, second = FOREIGN["parts"]
    assert stored(Offer, pk) == {
        **FOREIGN,
        "part": {**FOREIGN["part"], "count": 2},
        "parts": [first, {**second, "count": 3}],
        "prices": [*FOREIGN["prices"], Decimal128("3.00")],
        "rates": {"a": 1, "b": 2.5},
    }


@pytest.mark.parametrize("price", ["NaN", "Infinity", "123456789012.5"])
def test_what_the_field_would_not_take_stays(Offer, pk, price):
    Offer.objects.collection.update_one({"_id": pk}, {"$set": {"price": Decimal128(price)}})
    offer = Offer.objects.get(pk=pk)
    offer.name = "b"
    offer.save()
    assert stored(Offer, pk) == {**FOREIGN, "name": "b", "price": Decimal128(price)}
    offer.price = Decimal("1e12")
    with pytest.raises(DataError, match="price"):
        offer.save()


def test_changes_are_written_in_our_form(Offer, pk):
    offer = Offer.objects.get(pk=pk)
    offer.price, offer.weight, offer.time = Decimal(2), 3, datetime.time(11)
    offer.part.price = Decimal(7)
    offer.save()
    found = stored(Offer, pk)
    assert found["price"] == Decimal128("2.00")
    assert (found["weight"], type(found["weight"])) == (3.0, float)
    assert found["time"] == "11:00:00.000000"
    assert found["part"]["price"] == Decimal128("7.00")
    assert found["day"] == NOON


@isolate_apps("tests.testapp")
def test_what_changes_at_each_save_does_so_wherever_it_lies():
    class Note(EmbeddedDocument):
        text = models.CharField(max_length=9)

        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Dated(Note):
        at = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = "testapp"

    class Board(Document):
        name = models.CharField(max_length=9)
        one = EmbeddedDocumentField(Note)
        by_key = MapField(EmbeddedDocumentField(Dated))
        by_list = MapField(EmbeddedDocumentListField(Dated))

        class Meta:
            app_label = "testapp"

    pk = Board.objects.create(one=Dated(), by_key={"a": Dated()}, by_list={"a": [Dated()]}).pk
    long_ago = {"text": "", "at": NOON}
    one = {"_cls": "Note.Dated", **long_ago}
    by_key, by_list = {"a": {**long_ago}}, {"a": [{**long_ago}]}
    change = {"one": one, "by_key": by_key, "by_list": by_list}
    Board.objects.collection.update_one({"_id": pk}, {"$set": change})
    board = Board.objects.get(pk=pk)
    board.name = "b"
    board.save()
    board = Board.objects.get(pk=pk)
    assert NOON not in (board.one.at, board.by_key["a"].at, board.by_list["a"][0].at)
