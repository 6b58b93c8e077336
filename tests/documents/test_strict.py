"""Classes that read only documents which fit them."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.db import DataError

from mongo_contrib.exceptions import DocumentMismatch
from tests.testapp.models import StrictPart, StrictThing

pytestmark = pytest.mark.django_db


def insert(**values):
    key = ObjectId()
    StrictThing.objects.collection.insert_one({"_id": key, **values})
    return key


def test_what_fits_is_read():
    insert(name="x")
    StrictThing.objects.create(name="y", part=StrictPart(code="c"))
    assert [each.size for each in StrictThing.objects.order_by("name")] == [0, 0]
    assert StrictThing.objects.get(name="y").part.code == "c"


def test_unknown_and_missing_fields_are_named():
    key = insert(size=1, colour="red", weight=2)
    good = insert(name="good")
    with pytest.raises(DocumentMismatch) as caught:
        StrictThing.objects.get(pk=key)
    error = caught.value
    assert (error.key, error.document) == (key, "testapp.StrictThing")
    assert (error.missing, error.unknown) == (("name",), ("colour", "weight"))
    assert str(error).startswith(
        f"testapp.StrictThing {key}: the stored document lacks 'name' and has 'colour', 'weight'"
    )
    with pytest.raises(DocumentMismatch):
        list(StrictThing.objects.all())
    assert StrictThing.objects.get(pk=good).name == "good"


def test_a_document_that_does_not_fit_can_be_seen_and_repaired():
    key = insert(name="x", colour="red")
    (document,) = StrictThing.objects.filter(pk=key).pipeline([])
    assert document["colour"] == "red"
    assert StrictThing.objects.values_list("name", flat=True)[0] == "x"
    StrictThing.objects.collection.update_one({"_id": key}, {"$unset": {"colour": ""}})
    assert StrictThing.objects.get(pk=key).name == "x"


def test_a_projection_is_looked_at_as_far_as_it_goes():
    insert(size=1, colour="red")
    # What nobody asked for is neither unknown nor missing.
    assert StrictThing.objects.only("size").get().size == 1
    with pytest.raises(DocumentMismatch, match="lacks 'name'"):
        StrictThing.objects.defer("size").get()


def test_null_and_defaults_may_be_missing():
    insert(name="x", note=None)
    assert StrictThing.objects.get().note is None


def test_embedded_classes_have_their_own():
    key = insert(name="x", part={"code": "c", "colour": "red"})
    found = StrictThing.objects.get()
    with pytest.raises(DataError, match=rf"{key}.*'part'.*StrictPart.*has 'colour'"):
        _ = found.part
    assert found.name == "x"
