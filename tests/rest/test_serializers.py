"""Serializers of documents: every kind of field, there and back."""

import datetime
import decimal
import json
import uuid

import pytest
from bson import Decimal128, ObjectId
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.test.utils import isolate_apps
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    ListField,
)
from mongo_contrib.rest import DocumentSerializer, EmbeddedDocumentSerializer
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Loan, Publisher, Remark, Ticket

pytestmark = pytest.mark.django_db


def serializer_of(document, **meta):
    meta.setdefault("fields", "__all__")
    return type(
        "Made", (DocumentSerializer,), {"Meta": type("Meta", (), {"model": document, **meta})}
    )


def rendered(data):
    return json.loads(JSONRenderer().render(data))


EVERY = {
    "text": "Grüße",
    "slug": "a-b",
    "small": 1,
    "big": 2**40,
    "flag": False,
    "number": 1.5,
    "decimal": "1.250",
    "day": "2024-02-29",
    "moment": "2024-03-31T03:30:00.123000+02:00",
    "time": "12:30:00.000001",
    "duration": "1 02:03:04.000005",
    "uuid": "12345678-1234-5678-1234-567812345678",
    "json": {"a": [1, None, {"b": True}]},
    "address": "::1",
    "url": "https://example.com/",
    "reference": "0123456789abcdef01234567",
    "point": {"type": "Point", "coordinates": [13.4, 52.5]},
    "numbers": [1, 2],
    "matrix": [[1.0, 2.5], [3.0]],
    "days": ["2024-02-29"],
    "home": {"street": "", "city": "Ulm", "zip_code": None, "since": "2020-01-01"},
    "remarks": [
        {
            "author": "Ann",
            "stars": 5,
            "written": None,
            "address": {"street": "S", "city": "Bonn", "zip_code": "1", "since": None},
        }
    ],
}


def test_each_kind_of_field_comes_back_as_it_was_sent():
    serializer = serializer_of(Every)(data=EVERY)
    assert serializer.is_valid(), serializer.errors
    every = serializer.save()
    again = rendered(serializer_of(Every)(Every.objects.get()).data)
    assert again.pop("id") == str(every.pk)
    assert again.pop("data") is None
    assert again == EVERY


def test_each_kind_of_field_is_stored_as_its_type():
    serializer = serializer_of(Every)(data=EVERY)
    serializer.is_valid(raise_exception=True)
    every = serializer.save()
    assert every.reference == ObjectId(EVERY["reference"])
    assert every.home == Address(city="Ulm", since=datetime.date(2020, 1, 1))
    assert every.remarks[0].address.city == "Bonn"
    stored = Every.objects.collection.find_one()
    assert stored["decimal"] == Decimal128("1.250")
    assert stored["uuid"] == uuid.UUID(EVERY["uuid"])
    assert stored["point"] == EVERY["point"]
    assert stored["days"] == [datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)]
    assert stored["home"]["town"] == "Ulm"
    assert stored["duration"] == 93784000005


def test_null_everywhere_is_null_in_the_answer():
    Every.objects.create()
    data = rendered(serializer_of(Every)(Every.objects.get()).data)
    assert data.pop("id")
    assert data.pop("remarks") == []
    assert set(map(json.dumps, data.values())) == {"null"}


def test_bytes_are_base64():
    Every.objects.create(data=b"\x00\xff")
    assert serializer_of(Every)(Every.objects.get()).data["data"] == "AP8="


def test_bson_in_a_json_field_is_extended_json():
    key = ObjectId()
    Every.objects.collection.insert_one(
        {"json": {"key": key, "price": Decimal128("1.5"), "list": [b"x"]}}
    )
    shown = rendered(serializer_of(Every)(Every.objects.get()).data)["json"]
    assert shown["key"] == {"$oid": str(key)}
    assert shown["price"] == {"$numberDecimal": "1.5"}


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("reference", "x", "24 hexadecimal digits"),
        ("reference", 1, "24 hexadecimal digits"),
        ("point", [181, 0], "not on Earth"),
        ("point", {"type": "LineString", "coordinates": [1, 2]}, "GeoJSON Point"),
        ("point", {"coordinates": [1, 2]}, "GeoJSON Point"),
        ("point", [1, 2, 3], "GeoJSON Point"),
        ("point", ["1", "2"], "GeoJSON Point"),
        ("point", "13.4, 52.5", "GeoJSON Point"),
        ("numbers", "1,2", "Expected a list"),
        ("numbers", [1, "x"], "valid integer"),
        ("home", [], "Invalid data. Expected a dictionary"),
        ("home", {}, "required"),
        ("home", {"city": "x" * 101}, "100 characters"),
        ("remarks", {}, "Expected a list"),
        ("remarks", [None], "null"),
        ("remarks", [{"author": "Ann", "stars": "many"}], "valid integer"),
        ("remarks", [{"author": "Ann", "address": {}}], "required"),
        ("number", "nan", "valid number"),
        ("number", "-inf", "valid number"),
    ],
)
def test_what_a_field_does_not_take_is_an_error_of_that_field(field, value, error):
    serializer = serializer_of(Every)(data={field: value})
    assert not serializer.is_valid()
    assert serializer.errors.keys() == {field}
    assert error in json.dumps(serializer.errors)


def test_errors_of_embedded_documents_say_where():
    remarks = [{"author": "Ann"}, {"author": "", "address": {"city": None}}]
    serializer = serializer_of(Book)(data={"title": "T", "remarks": remarks})
    assert not serializer.is_valid()
    assert serializer.errors["remarks"][1] == {
        "author": ["This field may not be blank."],
        "address": {"city": ["This field may not be null."]},
    }


# Embedded documents, in part


def test_put_keeps_what_the_serializer_of_an_embedded_document_does_not_show():
    class City(EmbeddedDocumentSerializer):
        class Meta:
            model = Address
            fields = ["city"]

    class Serializer(DocumentSerializer):
        home = City()

        class Meta:
            model = Publisher
            fields = ["name", "home"]

    publisher = Publisher.objects.create(name="A", home=Address(street="S", city="Ulm"))
    serializer = Serializer(publisher, data={"name": "A", "home": {"city": "Bonn"}})
    assert serializer.is_valid(), serializer.errors
    with CaptureCommands() as commands:
        serializer.save()
    assert [event.command["updates"][0]["u"] for event in commands] == [
        {"$set": {"home.town": "Bonn"}}
    ]
    assert serializer.data == {"name": "A", "home": {"city": "Bonn"}}


def test_a_path_as_source_changes_only_its_end():
    class Serializer(DocumentSerializer):
        city = serializers.CharField(source="home.city", required=False)

        class Meta:
            model = Publisher
            fields = ["name", "city"]

    publisher = Publisher.objects.create(name="A", home=Address(street="S", city="Ulm"))
    serializer = Serializer(publisher, data={"name": "A", "city": "Bonn"})
    assert serializer.is_valid(), serializer.errors
    assert serializer.save().home == Address(street="S", city="Bonn")
    made = Serializer(data={"name": "B", "city": "Rome"})
    assert made.is_valid(), made.errors
    assert made.save().home == Address(city="Rome")


def test_patch_asks_all_of_an_embedded_document_that_is_new():
    partly = {"home": {"street": "S"}}
    publisher = Publisher.objects.create(name="A")
    serializer = serializer_of(Publisher)(publisher, data=partly, partial=True)
    assert not serializer.is_valid()
    assert serializer.errors == {"home": {"city": ["This field is required."]}}
    publisher.home = Address(city="Ulm")
    serializer = serializer_of(Publisher)(publisher, data=partly, partial=True)
    assert serializer.is_valid(), serializer.errors
    assert serializer.save().home == Address(street="S", city="Ulm")


@pytest.mark.parametrize("remarks", [[{}], [{"stars": 1}], [{"author": "A", "address": {}}]])
def test_patch_asks_all_of_elements_of_a_list(remarks):
    book = Book.objects.create(
        title="T", remarks=[Remark(author="Ann", address=Address(city="U"))]
    )
    serializer = serializer_of(Book)(book, data={"remarks": remarks}, partial=True)
    assert not serializer.is_valid()
    assert "This field is required." in json.dumps(serializer.errors)


def test_null_takes_an_embedded_document_away():
    publisher = Publisher.objects.create(name="A", home=Address(city="Ulm"))
    serializer = serializer_of(Publisher)(publisher, data={"home": None}, partial=True)
    assert serializer.is_valid(), serializer.errors
    serializer.save()
    assert "home" not in Publisher.objects.collection.find_one()


def test_validate_methods_see_dicts_as_in_any_serializer():
    seen = []

    class Serializer(DocumentSerializer):
        class Meta:
            model = Publisher
            fields = "__all__"

        def validate_home(self, value):
            seen.append(value)
            return {**value, "city": value["city"].upper()}

    serializer = Serializer(data={"name": "A", "home": {"city": "Ulm"}})
    assert serializer.is_valid(), serializer.errors
    assert seen == [{"city": "Ulm"}]
    assert serializer.save().home.city == "ULM"


# References


def test_references_are_keys_and_whole_documents_with_depth():
    ann = Author.objects.create(name="Ann")
    book = Book.objects.create(title="T", author=ann)
    loan = Loan.objects.create(book=book)
    flat = rendered(serializer_of(Loan)(loan).data)
    assert flat["book"] == str(book.pk)
    nested = rendered(serializer_of(Loan, depth=2)(loan).data)
    assert nested["book"]["title"] == "T"
    assert nested["book"]["author"] == {"id": str(ann.pk), "name": "Ann", "email": None}


def test_a_reference_costs_no_query_to_show():
    ann = Author.objects.create(name="Ann")
    Book.objects.bulk_create(Book(title=str(n), author=ann) for n in range(3))
    with CaptureCommands() as commands:
        data = serializer_of(Book)(Book.objects.all(), many=True).data
    assert [book["author"] for book in data] == [str(ann.pk)] * 3
    assert commands.names == ["find"]


def test_references_backward_can_be_shown():
    ann = Author.objects.create(name="Ann")
    book = Book.objects.create(title="T", author=ann)
    Ticket.objects.create(code="A1", holder=ann, expires=datetime.datetime.now(datetime.UTC))
    data = rendered(serializer_of(Author, fields=["books", "ticket"])(ann).data)
    assert data == {"books": [str(book.pk)], "ticket": "A1"}


@pytest.mark.parametrize(
    "value",
    ["nope", "0" * 24, 1, 2**70, True, [], {}, {"$ne": 1}, ["0" * 24], "a\0b", "\ud800"],
    ids=ascii,
)
def test_a_reference_to_nothing_is_an_error_of_its_field(value):
    serializer = serializer_of(Book)(data={"title": "T", "author": value})
    assert not serializer.is_valid()
    assert serializer.errors.keys() == {"author"}


def test_a_stock_field_for_references_can_be_rendered():
    class Serializer(DocumentSerializer):
        author = serializers.PrimaryKeyRelatedField(queryset=Author.objects.all())

        class Meta:
            model = Book
            fields = ["author", "author_id"]

    book = Book.objects.create(title="T", author=Author.objects.create(name="Ann"))
    key = str(book.author_id)
    assert rendered(Serializer(book).data) == {"author": key, "author_id": key}


def test_stock_fields_for_references_work():
    class Serializer(DocumentSerializer):
        author = serializers.SlugRelatedField("name", queryset=Author.objects.all())
        publisher = serializers.StringRelatedField()

        class Meta:
            model = Book
            fields = ["title", "author", "publisher"]

    Author.objects.create(name="Ann")
    serializer = Serializer(data={"title": "T", "author": "Ann"})
    assert serializer.is_valid(), serializer.errors
    book = serializer.save()
    book.publisher = Publisher.objects.create(name="Piper")
    assert Serializer(book).data == {"title": "T", "author": "Ann", "publisher": "Piper"}
    refused = Serializer(data={"title": "T", "author": {"$ne": ""}})
    assert not refused.is_valid()


@pytest.mark.urls("tests.rest.urls")
def test_hyperlinks(api, book):
    (shown,) = api.get("/linked/").json()["results"]
    assert shown == {
        "url": f"http://testserver/books/{book.pk}/",
        "title": "Momo",
        "author": f"http://testserver/authors/{book.author_id}/",
    }
    assert api.get(shown["author"]).json()["name"] == "Ann"
    made = api.post("/linked/", {"title": "T", "author": shown["author"]})
    assert made.status_code == 201
    for wrong in ("http://testserver/authors/nope/", "/books/1/", {"$ne": 1}, "x\0"):
        refused = api.post("/linked/", {"title": "T", "author": wrong})
        assert refused.status_code == 400
        assert refused.json().keys() == {"author"}


# Several at once


def test_many_are_created_and_a_duplicate_among_them_is_an_error():
    serializer = serializer_of(Publisher)(data=[{"name": "A"}, {"name": "B"}], many=True)
    assert serializer.is_valid(), serializer.errors
    assert [publisher.name for publisher in serializer.save()] == ["A", "B"]
    twice = serializer_of(Publisher)(data=[{"name": "C"}, {"name": "C"}], many=True)
    assert twice.is_valid(), twice.errors
    with pytest.raises(serializers.ValidationError) as caught:
        twice.save()
    assert caught.value.get_codes() == {"name": ["unique"]}


# What is refused when the class is made


def test_options_of_model_fields_become_options_of_serializer_fields():
    fields = serializer_of(Book)().fields
    assert fields["tags"].child.max_length == 30
    assert fields["title"].max_length == 200
    assert not fields["tags"].required
    assert fields["tags"].allow_empty
    assert fields["price"].decimal_places == 2
    assert fields["id"].read_only


def test_a_field_that_does_not_exist_is_refused():
    with pytest.raises(ImproperlyConfigured, match="nope"):
        serializer_of(Book, fields=["nope"])().fields  # noqa: B018


@isolate_apps("tests.testapp")
def test_a_list_that_must_not_be_empty():
    class Playlist(Document):
        songs = ListField(models.CharField(max_length=5, choices={"a": "A"}))
        pair = EmbeddedDocumentListField(Address, blank=False)

        class Meta:
            app_label = "testapp"

    serializer = serializer_of(Playlist)(data={"songs": [], "pair": []})
    assert not serializer.is_valid()
    assert serializer.errors["songs"][0].code == "empty"
    assert serializer.errors["pair"]["non_field_errors"][0].code == "empty"
    wrong = serializer_of(Playlist)(data={"songs": ["b"], "pair": [{"city": "U"}]})
    assert not wrong.is_valid()
    assert wrong.errors == {"songs": {0: ['"b" is not a valid choice.']}}


@isolate_apps("tests.testapp")
def test_a_unique_field_of_an_embedded_document_is_refused_by_its_path():
    class Chip(EmbeddedDocument):
        serial = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"

    class Gadget(Document):
        chip = EmbeddedDocumentField(Chip)

        class Meta:
            app_label = "testapp"

    collection = connection.database[Gadget._meta.db_table]
    collection.create_index("chip.serial", unique=True)
    data = {"chip": {"serial": "1"}}
    for valid in (True, False):
        serializer = serializer_of(Gadget)(data=data)
        assert serializer.is_valid(), serializer.errors
        if valid:
            serializer.save()
            continue
        with pytest.raises(serializers.ValidationError, match=r"chip__serial"):
            serializer.save()
    collection.drop()


def test_decimals_keep_their_places():
    book = Book.objects.create(title="T", price=decimal.Decimal("2.5"))
    assert serializer_of(Book)(Book.objects.get(pk=book.pk)).data["price"] == "2.50"
