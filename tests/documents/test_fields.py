"""Our own fields: validation, forms and text."""

from __future__ import annotations

import datetime

import pytest
from bson import ObjectId
from django import forms
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.forms import modelform_factory

from mongo_contrib.documents import ListField, ObjectIdField, PointField
from tests.testapp.models import Address, Author, Book, Every, Publisher, Remark, Ticket

ID = "650000000000000000000001"


@pytest.mark.parametrize("value", [ID, ObjectId(ID), None])
def test_object_ids_are_accepted_as_themselves_and_as_text(value):
    expected = None if value is None else ObjectId(ID)
    assert ObjectIdField().to_python(value) == expected


@pytest.mark.parametrize("value", ["", "1", ID + "0", "g" * 24, 7, b"123456789012", {"$oid": ID}])
def test_other_values_are_no_object_ids(value):
    with pytest.raises(ValidationError, match=r"24 hexadecimal digits"):
        ObjectIdField().to_python(value)


def test_fields_can_be_cloned_and_rebuilt():
    for name in ("numbers", "matrix", "home", "remarks", "point", "reference"):
        original = Every._meta.get_field(name)
        copy = original.clone()
        assert type(copy) is type(original)
        assert copy.deconstruct()[1] == original.deconstruct()[1]
        assert copy.deconstruct()[3] == original.deconstruct()[3]


class TestListField:
    field = ListField(models.IntegerField(validators=[MaxValueValidator(9)]))

    def test_elements_are_converted_and_validated_with_their_position(self):
        assert self.field.clean(["1", 2], None) == [1, 2]
        with pytest.raises(ValidationError, match=r"Item 2: .*must be an integer"):
            self.field.clean([1, "x"], None)
        with pytest.raises(ValidationError, match=r"Item 1: .*less than or equal to 9"):
            self.field.clean([10], None)

    @pytest.mark.parametrize("value", [b"12", {"a": 1}, 5])
    def test_what_is_no_list_is_refused(self, value):
        with pytest.raises(ValidationError, match=r"is not a list"):
            self.field.clean(value, None)

    def test_text_is_extended_json(self):
        assert self.field.to_python("[1, 2]") == [1, 2]
        with pytest.raises(ValidationError, match=r"not valid JSON"):
            self.field.to_python("[1, ")

    def test_the_form_has_one_element_a_line(self):
        field = self.field.formfield(required=False)
        assert field.prepare_value([1, 2]) == "1\n2"
        assert field.clean(" 1 \n\n2\r\n") == [1, 2]
        assert not field.has_changed([1, 2], "1\n2\n")
        assert field.has_changed([1, 2], "2\n1")
        with pytest.raises(ValidationError, match=r"Line 2: Enter a whole number"):
            field.clean("1\nx")
        assert field.clean("") == []

    def test_an_empty_list_in_a_required_field_is_refused(self):
        with pytest.raises(ValidationError, match=r"required"):
            self.field.formfield().clean("")


class TestPointField:
    @pytest.mark.parametrize(
        "value",
        [
            (13.4, 52.5),
            [13.4, 52.5],
            "13.4, 52.5",
            {"type": "Point", "coordinates": [13.4, 52.5]},
            '{"type": "Point", "coordinates": [13.4, 52.5]}',
        ],
    )
    def test_points_are_accepted_in_these_shapes(self, value):
        assert PointField().to_python(value) == (13.4, 52.5)

    @pytest.mark.parametrize(
        "value",
        ["13", "a, b", (1,), (1, 2, 3), {"type": "Polygon", "coordinates": []}, {"$ne": 1}, 7],
    )
    def test_other_values_are_no_points(self, value):
        with pytest.raises(ValidationError, match=r"longitude, latitude"):
            PointField().to_python(value)

    @pytest.mark.parametrize("value", [(180.1, 0), (0, -90.5), (float("inf"), 0)])
    def test_points_lie_on_earth(self, value):
        with pytest.raises(ValidationError, match=r"not on Earth"):
            PointField().to_python(value)

    def test_the_form_has_a_pair(self):
        field = PointField().formfield()
        assert field.prepare_value((13.4, 52.5)) == "13.4, 52.5"
        assert field.clean("13.4, 52.5") == (13.4, 52.5)
        assert not field.has_changed((13.4, 52.5), "13.4, 52.5")
        with pytest.raises(ValidationError):
            field.clean("north")


class TestEmbedded:
    def test_embedded_documents_are_validated_with_their_position(self):
        remark = Remark(author="", stars=1)
        with pytest.raises(ValidationError, match=r"Item 1: author: This field cannot be blank"):
            Book(title="x", remarks=[remark]).full_clean()
        with pytest.raises(ValidationError) as caught:
            Publisher(name="x", home=Address(city="")).full_clean(validate_unique=False)
        assert caught.value.message_dict == {"home": ["city: This field cannot be blank."]}

    def test_dicts_give_the_fields_by_name(self):
        field = Publisher._meta.get_field("home")
        assert field.to_python({"city": "Ulm"}) == Address(city="Ulm")
        with pytest.raises(ValidationError, match=r"no field town"):
            field.to_python({"town": "Ulm"})
        with pytest.raises(ValidationError, match=r"not a testapp.Address"):
            field.to_python(Remark())


@pytest.mark.django_db
class TestModelForms:
    def test_a_form_saves_a_document(self):
        author = Author.objects.create(name="Ann")
        Form = modelform_factory(Book, fields=["title", "pages", "tags", "author", "published"])
        form = Form(
            {
                "title": "Momo",
                "pages": "3",
                "tags": "a\nb",
                "author": str(author.pk),
                "published": "2026-01-02",
            }
        )
        assert form.is_valid(), form.errors
        book = form.save()
        book = Book.objects.get(pk=book.pk)
        assert (book.tags, book.author, book.published) == (
            ["a", "b"],
            author,
            datetime.date(2026, 1, 2),
        )
        assert not Form(
            {**Form(instance=book).initial, "tags": "a\nb", "author": str(author.pk)},
            instance=book,
        ).has_changed()

    @pytest.mark.parametrize("hostile", ["{'$ne': 1}", "zz", "650000000000000000000009"])
    def test_a_reference_to_nothing_is_an_error_of_the_form(self, hostile):
        form = modelform_factory(Book, fields=["author"])({"author": hostile})
        assert form.errors == {
            "author": ["Select a valid choice. That choice is not one of the available choices."]
        }

    def test_duplicates_are_errors_of_the_form(self):
        Publisher.objects.create(name="Insel")
        form = modelform_factory(Publisher, fields=["name"])({"name": "Insel"})
        assert form.errors == {"name": ["Publisher with this Name already exists."]}

    def test_a_constraint_with_a_condition_is_validated_without_sql(self):
        insel = Publisher.objects.create(name="Insel")
        Book.objects.create(title="Long", pages=200, publisher=insel)
        Form = modelform_factory(Book, fields=["title", "pages", "publisher"])
        data = {"title": "Long", "publisher": str(insel.pk)}
        assert Form({**data, "pages": "50"}).is_valid()
        form = Form({**data, "pages": "101"})
        assert form.errors == {"__all__": ["Book with this Title and Publisher already exists."]}
        other = Book.objects.create(title="Other", pages=300, publisher=insel)
        assert Form(
            {"title": "Other", "pages": "301", "publisher": insel.pk}, instance=other
        ).is_valid()


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["json", "jsonl", "xml", "python"])
def test_every_field_survives_a_serializer(format):
    every = Every(
        text="ä\n<b>",
        small=1,
        big=2**60,
        flag=False,
        number=1.5,
        decimal="1.250",
        day=datetime.date(2026, 1, 2),
        moment=datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.UTC),
        time=datetime.time(1, 2, 3),
        duration=datetime.timedelta(seconds=5),
        uuid="12345678123456781234567812345678",
        data=b"\0\xff",
        json={"a": [1, None]},
        address="10.0.0.1",
        reference=ObjectId(ID),
        point=(13.4, 52.5),
        numbers=[1, 2],
        matrix=[[1.5], []],
        days=[datetime.date(2026, 1, 2)],
        home=Address(city="Ulm", since=datetime.date(2026, 1, 2)),
        remarks=[Remark(author="A", address=Address(city="Bonn"))],
    )
    every.save()
    stored = Every.objects.collection.find_one()
    text = serializers.serialize(format, [every])
    Every.objects.all().delete()
    for loaded in serializers.deserialize(format, text):
        loaded.save()
    again = Every.objects.collection.find_one()
    assert again == stored


@pytest.mark.django_db
def test_a_key_of_text_and_references_survive_a_serializer():
    author = Author.objects.create(name="Ann")
    Ticket.objects.create(
        code="A1", holder=author, expires=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    )
    text = serializers.serialize("json", [*Author.objects.all(), *Ticket.objects.all()])
    Ticket.objects.all().delete()
    Author.objects.all().delete()
    for loaded in serializers.deserialize("json", text):
        loaded.save()
    assert Ticket.objects.get(pk="A1").holder == author


def test_the_object_id_form_field_refuses_what_is_none():
    field = ObjectIdField().formfield()
    assert isinstance(field, forms.CharField)
    assert field.clean(ID) == ObjectId(ID)
    with pytest.raises(ValidationError, match=r"24 hexadecimal digits"):
        field.clean("x")
