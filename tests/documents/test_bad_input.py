"""What can't be stored is refused in a sentence that names the document and the field."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db.utils import DataError
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentField
from mongo_contrib.exceptions import DocumentTooLarge, ValueNotStorable
from tests.testapp.models import Every

pytestmark = pytest.mark.django_db


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


def test_dots_and_dollars_in_keys_are_kept_and_changed():
    value = {"a.b": 1, "$set": {"x": 1}, "": 2, "plain": {"$inc": 1, "c.d": 2}}
    every = Every.objects.create(json=value)
    assert Every.objects.get(pk=every.pk).json == value
    again = Every.objects.get(pk=every.pk)
    again.json["a.b"] = 5
    again.json["plain"]["c.d"] = 6
    again.json["$unset"] = True
    again.save()
    assert stored(every)["json"] == {
        "a.b": 5,
        "$set": {"x": 1},
        "": 2,
        "plain": {"$inc": 1, "c.d": 6},
        "$unset": True,
    }


def many(every):
    Every.objects.bulk_create([Every(text="fine"), every])


@pytest.mark.parametrize("save", [lambda every: every.save(), many])
def test_a_document_that_is_too_large_names_its_largest_field(save):
    every = Every(text="x", data=b"x" * 17_000_000)
    message = r"testapp.Every.* has 17,000,\d+ bytes.* 'data'"
    with pytest.raises(DocumentTooLarge, match=message):
        save(every)
    assert not Every.objects.exists()


def test_so_does_an_update_that_makes_it_too_large():
    every = Every.objects.create(text="x")
    every.data = b"x" * 17_000_000
    with pytest.raises(DocumentTooLarge, match=f"testapp.Every {every.pk} .*'data'"):
        every.save()


def cycle():
    value = {}
    value["self"] = [value]
    return value


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("value", [cycle(), deep(5_000)])
@pytest.mark.parametrize("save", [lambda every: every.save(), many])
def test_what_holds_itself_is_no_recursion_error(save, value):
    with pytest.raises(DataError, match="'json'"):
        save(Every(json=value))


@isolate_apps("tests.testapp")
def test_embedded_documents_that_hold_themselves():
    class Node(EmbeddedDocument):
        child = EmbeddedDocumentField("self", null=True)

        class Meta:
            app_label = "testapp"

    class Tree(Document):
        root = EmbeddedDocumentField(Node)

        class Meta:
            app_label = "testapp"

    node = Node()
    node.child = node
    with pytest.raises(ValueNotStorable, match=r"Tree.*'root' holds itself"):
        Tree(root=node).save()


@pytest.mark.parametrize("save", [lambda every: every.save(), many])
def test_numbers_that_are_too_large_name_the_field(save):
    with pytest.raises(DataError, match="'big'"):
        save(Every(big=2**70))
    with pytest.raises(DataError, match="'json"):
        save(Every(json={"a": [2**70]}))


def test_keys_that_are_none_name_the_field():
    with pytest.raises((DataError, TypeError), match="json"):
        Every(json={1: 2}).save()
    with pytest.raises((DataError, TypeError, ValueError), match="json"):
        Every(json={"a\0b": 2}).save()


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("decimal", "x", ValidationError),
        ("day", "yesterday", ValidationError),
        ("number", "x", ValueError),
        ("number", [1], ValidationError),
        ("home", "x", ValidationError),
        ("numbers", 5, ValidationError),
    ],
)
def test_a_value_of_a_wrong_type_is_named_with_document_and_field(field, value, error):
    every = Every.objects.create()
    setattr(every, field, value)
    with pytest.raises(error) as told:
        every.save()
    message = str(told.value)
    for part in (f"testapp.Every {every.pk}", repr(field), repr(value)):
        assert part in message
    with pytest.raises(error, match=r"testapp\.Every \w+"):
        Every.objects.create(**{field: value})
    with pytest.raises(error, match=rf"testapp\.Every \w+.*{field!r}"):
        Every.objects.bulk_create([Every(), Every(**{field: value})])
