"""Lists of references and generic references in serializers."""

from __future__ import annotations

import pytest
from bson import ObjectId
from rest_framework import serializers

from mongo_contrib.rest.serializers import DocumentSerializer
from tests.testapp.models import RefBook, RefChapter, RefCountry, RefPerson, RefRemark, RefTag

pytestmark = pytest.mark.django_db


class BookSerializer(DocumentSerializer):
    class Meta:
        model = RefBook
        fields = ["title", "authors", "tags", "chapters"]


class SlugSerializer(DocumentSerializer):
    authors = serializers.SlugRelatedField("name", many=True, queryset=RefPerson.objects.all())

    class Meta:
        model = RefBook
        fields = ["authors"]


class DeepSerializer(DocumentSerializer):
    class Meta:
        model = RefBook
        fields = ["authors"]
        depth = 1


class RemarkSerializer(DocumentSerializer):
    class Meta:
        model = RefRemark
        fields = ["text", "subject", "about"]


class PersonSerializer(DocumentSerializer):
    class Meta:
        model = RefPerson
        fields = ["name", "refbook_set"]


@pytest.fixture
def people():
    return RefPerson.objects.bulk_create([RefPerson(name=name) for name in ("Tove", "Lars")])


def test_keys_are_shown_without_asking_for_what_they_lead_to(people, assert_num_commands):
    tove, lars = people
    RefTag.objects.create(slug="red")
    RefBook.objects.create(
        title="x", authors=[lars, tove], tags=["red"], chapters=[RefChapter(writers=[tove])]
    )
    with assert_num_commands(1):
        data = BookSerializer(RefBook.objects.get()).data
    assert data == {
        "title": "x",
        "authors": [str(lars.pk), str(tove.pk)],
        "tags": ["red"],
        "chapters": [{"title": "", "writers": [str(tove.pk)]}],
    }
    assert SlugSerializer(RefBook.objects.get()).data == {"authors": ["Lars", "Tove"]}
    assert [each["name"] for each in DeepSerializer(RefBook.objects.get()).data["authors"]] == [
        "Lars",
        "Tove",
    ]
    with assert_num_commands(2):
        found = RefPerson.objects.prefetch_related("refbook_set")
        shown = PersonSerializer(found, many=True).data
    assert {each["name"]: len(each["refbook_set"]) for each in shown} == {"Lars": 1, "Tove": 1}


def test_lists_are_written_with_the_document(people, assert_num_commands):
    tove, lars = people
    chapters = [{"title": "1", "writers": [str(lars.pk), str(tove.pk)]}]
    data = {"title": "x", "authors": [str(lars.pk)], "chapters": chapters}
    serializer = BookSerializer(data=data)
    assert serializer.is_valid(), serializer.errors
    with assert_num_commands(1):
        book = serializer.save()
    assert RefBook.objects.collection.find_one() == {
        "_id": book.pk,
        "title": "x",
        "authors_id": [lars.pk],
        "tags_id": [],
        "chapters": [{"title": "1", "writers_id": [lars.pk, tove.pk]}],
    }
    serializer = BookSerializer(book, data={"authors": [str(tove.pk)]}, partial=True)
    assert serializer.is_valid(), serializer.errors
    with assert_num_commands(1):
        serializer.save()
    assert RefBook.objects.get().authors_id == [tove.pk]
    serializer = SlugSerializer(book, data={"authors": ["Lars", "Tove"]})
    assert serializer.is_valid(), serializer.errors
    serializer.save()
    assert RefBook.objects.get().authors_id == [lars.pk, tove.pk]


@pytest.mark.parametrize(
    "wrong", [[str(ObjectId())], ["x"], "x", [{"$ne": 1}], {"$in": []}, [None], 5]
)
def test_what_is_no_list_of_keys_is_an_error_of_the_field(wrong):
    serializer = BookSerializer(data={"title": "x", "authors": wrong})
    assert not serializer.is_valid()
    assert list(serializer.errors) == ["authors"]


def test_generic_references(people, assert_num_commands):
    tove, _ = people
    country = RefCountry.objects.create(name="Finland")
    RefRemark.objects.create(text="x", subject=tove, about=country)
    with assert_num_commands(1):
        data = RemarkSerializer(RefRemark.objects.get()).data
    assert data == {
        "text": "x",
        "subject": {"model": "testapp.refperson", "pk": str(tove.pk)},
        "about": {"model": "testapp.refcountry", "pk": str(country.pk)},
    }
    serializer = RemarkSerializer(data={**data, "text": "y"})
    assert serializer.is_valid(), serializer.errors
    assert serializer.save().subject == tove
    empty = RemarkSerializer(data={"text": "z", "subject": None})
    assert empty.is_valid() and empty.save().subject is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "testapp.refperson", "pk": str(ObjectId())},
        {"model": "testapp.refperson", "pk": {"$ne": 1}},
        {"model": "testapp.refplace", "pk": 1},
        {"model": {"$ne": 1}, "pk": 1},
        {"pk": 1},
        "x",
        5,
        [],
    ],
)
def test_what_is_no_reference_is_an_error_of_the_field(wrong):
    serializer = RemarkSerializer(data={"text": "x", "subject": wrong})
    assert not serializer.is_valid()
    assert list(serializer.errors) == ["subject"]
