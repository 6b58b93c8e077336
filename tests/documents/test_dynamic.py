"""Documents with keys that no field is declared for."""

from __future__ import annotations

import copy
import datetime
import pickle
import uuid

import pytest
from bson import Binary, Code, Decimal128, Int64, ObjectId, Regex, Timestamp
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, models
from django.forms import modelform_factory
from django.utils import timezone

from tests.testapp.models import Gadget, Loose, LooseKind, LooserKind, Publisher

pytestmark = pytest.mark.django_db

MOMENT = datetime.datetime(2024, 3, 1, 12, 30, 0, 5000, tzinfo=datetime.UTC)

EVERY = {
    "text": "x",
    "flag": True,
    "small": 5,
    "big": Int64(5),
    "number": 2.0,
    "exact": Decimal128("1.50"),
    "moment": MOMENT,
    "nothing": None,
    "key": ObjectId("0123456789abcdef01234567"),
    "unique": uuid.UUID(int=7),
    "data": b"\x00\x01",
    "typed": Binary(b"abc", 9),
    "pattern": Regex("^a", "i"),
    "code": Code("return 1"),
    "stamp": Timestamp(5, 1),
    "nested": {"a": [1, {"b": Int64(2)}], "when": MOMENT},
    "items": [1, 2.0, Decimal128("3"), "x", None, [1]],
}


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


def insert(**values):
    key = ObjectId()
    Loose.objects.collection.insert_one({"_id": key, "title": "t", "gadgets": [], **values})
    return key


def test_any_type_survives_a_round_trip(django_assert_num_queries):
    key = insert(**EVERY)
    before = Loose.objects.collection.find_one({"_id": key})
    found = Loose.objects.get(pk=key)
    assert dict(found.dynamic) == EVERY
    assert [type(value) for value in found.dynamic.values()] == list(map(type, EVERY.values()))
    assert timezone.is_aware(found.moment)
    with django_assert_num_queries(0):
        found.save()
    found.title = "other"
    found.save()
    copied = Loose(title="t", **EVERY)
    copied.save()
    again = stored(copied)
    for name, value in EVERY.items():
        assert again[name] == value and type(again[name]) is type(before[name])
    assert stored(found) == {**before, "title": "other"}


def test_values_are_attributes():
    insert(colour="red", nested={"a": 1})
    found = Loose.objects.get()
    assert found.colour == "red"
    assert found.nested["a"] == 1
    assert found.dynamic["colour"] == "red"
    assert "colour" in dir(found) and not hasattr(found, "bogus")
    with pytest.raises(AttributeError, match="'Loose' object has no attribute 'bogus'"):
        _ = found.bogus
    with pytest.raises(AttributeError, match="'bogus'"):
        del found.bogus


def test_only_what_changed_is_sent(django_assert_num_queries):
    key = insert(colour="red", nested={"a": 1, "b": {"c": 2}}, gone=1, theirs=1)
    found = Loose.objects.get(pk=key)
    Loose.objects.collection.update_one(
        {"_id": key}, {"$set": {"theirs": 2, "nested.a": 9, "new": True}}
    )
    found.colour = "blue"
    found.nested["b"]["c"] = 3
    found.size = 7
    del found.gone
    with django_assert_num_queries(1):
        found.save()
    document = stored(found)
    assert "gone" not in document
    assert document["theirs"] == 2 and document["new"] is True
    assert document["nested"] == {"a": 9, "b": {"c": 3}}
    assert (document["colour"], document["size"]) == ("blue", 7)
    with django_assert_num_queries(0):
        found.save()


def test_the_constructor_takes_any_keyword():
    document = Loose.objects.create(title="x", colour="red", nested={"a": 1})
    assert (document.colour, stored(document)["nested"]) == ("red", {"a": 1})
    assert Loose(title="x", dynamic={"a": 1}, b=2).dynamic == {"a": 1, "b": 2}
    with pytest.raises(TypeError):
        Loose(_hidden=1)


def test_what_begins_with_an_underscore_is_not_stored():
    document = Loose(title="x")
    document._secret = 1
    document.save()
    assert "_secret" not in stored(document)


def test_taken_names_are_reached_by_the_mapping():
    key = insert(save="x", objects=[1], shout="y", _private=3, pk="z", dynamic=4)
    found = Loose.objects.get(pk=key)
    assert callable(found.save) and found.shout() == "T" and found.pk == key
    assert found.dynamic["save"] == "x"
    assert found.dynamic["dynamic"] == 4
    found.dynamic["save"] = "new"
    found.dynamic["delete"] = 1
    found.save()
    document = stored(found)
    assert (document["save"], document["delete"], document["_private"]) == ("new", 1, 3)
    assert Loose.objects.get(dynamic__save="new") == found
    found.dynamic["contains"] = "x"
    found.save()
    assert Loose.objects.get(dynamic__contains="x") == found
    # Django asks for these on whatever it is given.
    insert(resolve_expression="x", as_sql=1)
    other = Loose.objects.get(dynamic__as_sql=1)
    assert not hasattr(other, "resolve_expression")
    assert other.dynamic["resolve_expression"] == "x"


@pytest.mark.parametrize("key", ["", "a.b", "$a", "a\0", "city", "_id", "title"])
def test_keys_that_cannot_be(key):
    with pytest.raises(ValueError, match=r"testapp\.Loose"):
        Loose(title="x").dynamic[key] = 1
    with pytest.raises(TypeError):
        Loose(title="x").dynamic[5] = 1


def test_odd_keys_that_are_stored_stay():
    key = insert(**{"a.b": 1, "$c": 2})
    found = Loose.objects.get(pk=key)
    assert found.dynamic["a.b"] == 1
    found.title = "other"
    found.save()
    assert stored(found)["a.b"] == 1
    found.dynamic["a.b"] = 5
    with pytest.raises(DataError, match=r"'a\.b' can't be changed by a save"):
        found.save()


@pytest.mark.parametrize(
    "value", [{1, 2}, datetime.date(2024, 1, 1), object(), {1: 2}, 2**70, {"a": {"b": {3}}}]
)
def test_values_that_cannot_be(value):
    document = Loose(title="x", odd=value)
    with pytest.raises(ValidationError, match="odd"):
        document.full_clean()
    with pytest.raises((TypeError, DataError), match="odd"):
        document.save()


def test_what_django_hangs_on_instances_is_not_stored():
    document = Loose(title="x")
    document.publisher = Publisher(name="p")
    document.found = [Publisher(name="p")]
    document.save()
    assert document.publisher.name == "p"
    assert stored(document).keys() == {"_id", "title", "gadgets"}
    annotated = Loose.objects.annotate(double=models.F("title")).get()
    annotated.title = "y"
    annotated.save()
    assert "double" not in stored(annotated)


# Queries


def test_undeclared_keys_can_be_asked_for():
    insert(n=1, nested={"a": 1}, tags=["x", "y"], when=MOMENT)
    insert(n=2, nested={"a": 2}, colour="Red")
    insert(n="three")
    assert Loose.objects.get(n=1).tags == ["x", "y"]
    assert Loose.objects.get(nested__a__gt=1).n == 2
    assert Loose.objects.get(tags="x").n == 1
    assert Loose.objects.get(colour__icontains="RE").n == 2
    assert Loose.objects.get(when__gte=MOMENT).n == 1
    assert Loose.objects.filter(n__in=[1, 2]).count() == 2
    assert Loose.objects.filter(colour__isnull=True).count() == 2
    assert Loose.objects.exclude(n=1).count() == 2
    assert Loose.objects.get(nested={"a": 2}).n == 2
    assert list(Loose.objects.order_by("n").values_list("n", flat=True)) == [1, 2, "three"]
    assert Loose.objects.order_by("-n")[0].n == "three"
    assert [each["nested"] for each in Loose.objects.filter(n=1).values("n", "nested")] == [
        {"a": 1}
    ]
    assert Loose.objects.values_list("nested__a", flat=True).get(n=2) == 2
    assert Loose.objects.aggregate(models.Sum("n")) == {"n__sum": 3}
    assert Loose.objects.filter(n__lt=models.F("nested__a") + 1).count() == 2


def test_request_data_never_becomes_an_operator():
    insert(password="secret")
    for value in ({"$ne": ""}, {"$gt": ""}, {"$regex": ".*"}, {"$exists": True}):
        assert not Loose.objects.filter(password=value).exists()
        assert not Loose.objects.filter(password__in=[value]).exists()
        assert not Loose.objects.filter(password__gt=value).exists()
    for name in ("$where", "a.b", "$or", "a__$gt", "password__$ne", ""):
        with pytest.raises(FieldError):
            Loose.objects.filter(**{name: 1})
    with pytest.raises(FieldError, match="'town'"):
        Loose.objects.filter(city="x")
    with pytest.raises(FieldError, match="name a key"):
        Loose.objects.filter(dynamic=1)


def test_update_of_undeclared_keys():
    key = insert(n=1, nested={"a": 1})
    Loose.objects.update(n=models.F("n") + 1, colour="red", nested__a=5, title="x")
    document = Loose.objects.collection.find_one({"_id": key})
    assert (document["n"], document["colour"], document["nested"]) == (2, "red", {"a": 5})
    Loose.objects.update(colour={"$inc": 1})
    assert Loose.objects.get().colour == {"$inc": 1}


def test_get_or_create_and_update_or_create():
    document, created = Loose.objects.get_or_create(code=5, defaults={"title": "x", "extra": 1})
    assert created and stored(document)["code"] == 5 and document.extra == 1
    document, created = Loose.objects.update_or_create(code=5, defaults={"extra": 2})
    assert not created and Loose.objects.get().extra == 2
    Loose.objects.bulk_create([Loose(title="b", extra=3)])
    assert Loose.objects.get(extra=3).title == "b"


def test_only_and_defer(django_assert_num_queries):
    insert(a=1, b={"c": 2})
    with django_assert_num_queries(1):
        found = Loose.objects.only("title", "a").get()
        assert found.title == "t"
    with django_assert_num_queries(1):
        assert (found.a, found.b) == (1, {"c": 2})
    found.b["c"] = 3
    del found.a
    with django_assert_num_queries(1):
        found.save()
    assert stored(found).keys() == {"_id", "title", "gadgets", "b"}
    assert stored(found)["b"] == {"c": 3}
    Loose.objects.all().delete()
    insert(a=1, b={"c": 2})
    with django_assert_num_queries(1):
        found = Loose.objects.defer("title").get()
        assert found.a == 1
    found = Loose.objects.defer("b").get()
    with django_assert_num_queries(1):
        assert found.b == {"c": 2}
    found = Loose.objects.only("title").get()
    with django_assert_num_queries(1):
        found.new = 1
        found.save()
    assert stored(found)["a"] == 1 and stored(found)["new"] == 1


def test_refresh_from_db():
    insert(a=1, b=2)
    found = Loose.objects.get()
    Loose.objects.collection.update_one({}, {"$set": {"a": 5, "c": 1}, "$unset": {"b": ""}})
    found.refresh_from_db()
    assert found.dynamic == {"a": 5, "c": 1}
    found.a = 6
    found.save()
    assert stored(found)["a"] == 6


def test_a_document_written_unread():
    key = insert(a=1)
    Loose(pk=key, title="new", b=2).save()
    document = Loose.objects.collection.find_one({"_id": key})
    assert (document["title"], document["a"], document["b"]) == ("new", 1, 2)


def test_copies_are_copies():
    insert(a=1)
    found = Loose.objects.get()
    assert found.a == 1
    for copied in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        copied.a = 2
        copied.b = 3
        assert found.dynamic == {"a": 1}


# What surrounds them


def test_fixtures_keep_what_is_undeclared():
    document = Loose.objects.create(title="x", **EVERY)
    text = serializers.serialize("json", [document])
    before = stored(document)
    Loose.objects.all().delete()
    for each in serializers.deserialize("json", text):
        each.save()
    assert stored(document) == before


def test_forms_ignore_what_is_undeclared():
    insert(a=1)
    found = Loose.objects.get()
    form_class = modelform_factory(Loose, fields="__all__")
    assert list(form_class.base_fields) == ["title", "town", "gadget"]
    form = form_class({"title": "new"}, instance=found)
    assert form.is_valid(), form.errors
    form.save()
    assert stored(found)["a"] == 1 and stored(found)["title"] == "new"


def test_embedded_documents_are_dynamic_too(django_assert_num_queries):
    Loose.objects.create(
        title="x",
        gadget=Gadget(kind="k", power=5, deep={"a": 1}),
        gadgets=[Gadget(kind="l", power=7), {"kind": "m"}],
    )
    found = Loose.objects.get(gadget__power=5)
    assert found.gadget.power == 5
    assert Loose.objects.get(gadgets__power__gt=6) == found
    assert Loose.objects.get(gadget__deep__a=1) == found
    with django_assert_num_queries(0):
        found.save()
    found.gadget.deep["b"] = 2
    del found.gadget.power
    found.gadgets[1].size = 3
    found.save()
    document = stored(found)
    assert document["gadget"] == {"kind": "k", "deep": {"a": 1, "b": 2}}
    assert document["gadgets"][1] == {"kind": "m", "size": 3}
    assert Loose.objects.get().gadget == Gadget(kind="k", deep={"a": 1, "b": 2})
    assert Gadget(kind="k", a=1) != Gadget(kind="k", a=2)
    assert not Loose.objects.filter(gadget__isnull=True).exists()


def test_dynamic_and_of_several_classes():
    LooserKind.objects.create(name="a", size=3, colour="red")
    LooseKind.objects.create(name="b", size="big")
    assert [type(each) for each in LooseKind.objects.order_by("name")] == [LooserKind, LooseKind]
    found = LooseKind.objects.get(name="a")
    assert (found.size, found.colour) == (3, "red")
    assert LooseKind.objects.get(name="b").dynamic == {"size": "big"}
    assert LooseKind.objects.only("name").get(name="b").size == "big"


def test_plain_documents_leave_unknown_keys_alone():
    key = ObjectId()
    Publisher.objects.collection.insert_one({"_id": key, "name": "p", "legacy": {"a": 1}})
    found = Publisher.objects.get(pk=key)
    assert not hasattr(found, "legacy")
    found.name = "q"
    found.save()
    document = Publisher.objects.collection.find_one({"_id": key})
    assert document == {"_id": key, "name": "q", "legacy": {"a": 1}}
