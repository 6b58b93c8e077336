"""DictField and MapField: values, validation, look-ups, saving, forms."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from bson import Decimal128, Int64, ObjectId, Regex
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, models
from django.db.models import F
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import DictField, Document, EmbeddedDocumentField, MapField
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Anything, Game, Player

UTC = datetime.UTC
ID = ObjectId("650000000000000000000001")

pytestmark = pytest.mark.django_db


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


# DictField


def test_the_default_is_an_empty_dict_of_ones_own():
    one, other = Anything(), Anything()
    assert one.data == {} and one.data is not other.data
    assert DictField(null=True).get_default() is None


def test_changes_inside_are_seen_and_sent_as_paths():
    saved = Anything.objects.create(data={"a": {"b": 1, "c": 2}, "d": [1]})
    read = Anything.objects.get(pk=saved.pk)
    read.data["a"]["b"] = 5
    del read.data["a"]["c"]
    with CaptureCommands() as sent:
        read.save()
    (update,) = sent[0].command["updates"]
    assert update["u"] == {"$set": {"d.a.b": 5}, "$unset": {"d.a.c": ""}}
    assert stored(saved)["d"] == {"a": {"b": 5}, "d": [1]}


@pytest.mark.parametrize("key", ["a.b", "$a", "", "$set", "."])
def test_keys_that_no_path_can_name_are_stored_and_changed(key):
    saved = Anything.objects.create(data={key: 1, "x": 1})
    read = Anything.objects.get(pk=saved.pk)
    read.data[key] = 2
    with CaptureCommands() as sent:
        read.save()
    (update,) = sent[0].command["updates"]
    assert update["u"] == {"$set": {"d": {key: 2, "x": 1}}}
    assert Anything.objects.get(data={key: 2, "x": 1}) == saved
    read.data = {}
    read.save()
    assert stored(saved)["d"] == {}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1], ValidationError, r"“\[1\]” is not a dict"),
        ("x", ValidationError, r"“x” is not a dict"),
        ({1: 2}, TypeError, r"'data' has the key 1; keys of documents are strings"),
        ({"a\0": 2}, DataError, r"'data' has the key 'a\\x00'; no key holds a NUL"),
        ({"a": [{"b": {1}}]}, TypeError, r"'data' holds a set at 'a.0.b'.* store a list"),
        ({"a": Decimal(1)}, TypeError, r"'data' holds a Decimal at 'a'.*Decimal128"),
        ({"a": datetime.date(2026, 1, 1)}, TypeError, r"holds a date at 'a'.*a datetime"),
        ({"a": datetime.datetime(2026, 1, 1)}, ValueError, r"naive datetime .* at 'a'.*USE_TZ"),
        ({"a": 2**63}, DataError, r"'data' holds 9223372036854775808 at 'a'"),
        ({"a": object}, TypeError, r"'data' holds a type at 'a'"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name_and_path(value, error, message):
    document = Anything(data=value)
    with pytest.raises(error, match=message):
        document.save()
    with pytest.raises(ValidationError):
        document.full_clean()
    assert not Anything.objects.exists()


def test_what_holds_itself_is_refused():
    value: dict = {}
    value["a"] = value
    with pytest.raises(DataError, match=r"'data' is nested more than 180 levels deep"):
        Anything(data=value).save()


def test_subclasses_and_tuples_become_what_is_stored():
    class Text(str):
        pass

    class Number(int):
        pass

    saved = Anything.objects.create(data={Text("a"): (Text("b"), Number(5), bytearray(b"x"))})
    assert stored(saved)["d"] == {"a": ["b", 5, b"x"]}
    with CaptureCommands() as sent:
        Anything.objects.get(pk=saved.pk).save()
        saved.save()
    assert len(sent) == 1


def test_a_broken_stored_dict_is_told_and_its_neighbours_are_readable():
    good = Anything.objects.create(data={"a": 1})
    Anything.objects.collection.insert_one({"_id": ID, "d": 5})
    with pytest.raises(DataError, match=rf"testapp.Anything {ID}: .*'data'.*5"):
        Anything.objects.get(pk=ID).data  # noqa: B018
    assert Anything.objects.get(pk=good.pk).data == {"a": 1}


@pytest.mark.parametrize(
    "query",
    [
        {"data__a__b": 1},
        {"data__a__b__gte": 1},
        {"data__id": ID},
        {"data__when__gt": datetime.datetime(2025, 1, 1, tzinfo=UTC)},
        {"data__price": Decimal128("1.50")},
        {"data__list__0": 7},
        {"data__list__contains": [7]},
        {"data__has_key": "a"},
        {"data__has_keys": ["a", "id"]},
        {"data__has_any_keys": ["nobody", "a"]},
        {"data__a__has_key": "b"},
        {"data__nothing__isnull": True},
        {"data__null": None},
        {"data__contains": {"a": {"b": 1}}},
        {"data__text__icontains": "LLO"},
        {"data__pattern": Regex("a.c", 2)},
        {"data__pattern__in": [Regex("a.c", 2), Regex("x")]},
        {"data__a": {"b": 1}},
    ],
    ids=lambda query: next(iter(query)),
)
def test_lookups_lead_into_keys(query):
    document = Anything.objects.create(
        data={
            "a": {"b": 1},
            "id": ID,
            "when": datetime.datetime(2026, 1, 1, tzinfo=UTC),
            "price": Decimal128("1.5"),
            "list": [7, 8],
            "null": None,
            "text": "hello",
            "pattern": Regex("a.c", 2),
        }
    )
    Anything.objects.create(data={"nothing": 1, "pattern": "abc", "null": 1})
    assert list(Anything.objects.filter(**query)) == [document]


@pytest.mark.parametrize("key", ["$where", "a.b", ""])
def test_a_key_that_no_path_can_name_is_told(key):
    with pytest.raises(FieldError, match=r"is no key that a look-up into 'data' can name"):
        Anything.objects.filter(**{f"data__{key}__gt": 1})
    with pytest.raises(FieldError, match=r"is no key"):
        Anything.objects.filter(data__has_key=key)


def test_operators_from_outside_are_only_values():
    Anything.objects.create(data={"a": 1})
    assert not Anything.objects.filter(data__a={"$ne": 0}).exists()
    assert not Anything.objects.filter(data={"$ne": 0}).exists()


def test_updates_and_values_lead_into_keys():
    document = Anything.objects.create(data={"a": {"b": 1}})
    Anything.objects.filter(pk=document.pk).update(data__a__b=5, data__c=ID)
    assert stored(document)["d"] == {"a": {"b": 5}, "c": ID}
    assert list(Anything.objects.values_list("data__a__b", flat=True)) == [5]
    assert [each.pk for each in Anything.objects.order_by("-data__a__b")] == [document.pk]


def test_the_form_takes_extended_json():
    Form = modelform_factory(Anything, fields=["data"])
    document = Anything.objects.create(data={"id": ID, "n": Int64(5)})
    form = Form(instance=document)
    shown = form["data"].value()
    html = str(form["data"])
    assert "<textarea" in html and "$oid" in html
    assert not Form({"data": shown}, instance=document).has_changed()
    form = Form({"data": '{"n": {"$numberLong": "6"}}'}, instance=document)
    assert form.save().data == {"n": 6}
    assert type(document.data["n"]) is Int64
    assert Form({"data": "["}).errors == {"data": ["“[” is not valid JSON."]}
    assert Form({"data": ""}).is_valid()


@pytest.mark.parametrize("name", ["data", "map"])
def test_what_the_driver_takes_for_a_reference_stays_a_dict(name, assert_num_commands):
    value = {"$ref": "somewhere", "$id": ID, "more": 1}
    document = Anything.objects.get(pk=Anything.objects.create(**{name: value}).pk)
    assert getattr(document, name) == value
    with assert_num_commands(0):
        document.save()


# MapField


def test_maps_store_each_value_by_its_field():
    game = Game.objects.create(
        scores={"alice": "3", "": 4, "b.c": 5},
        prices={"x": "1.5"},
        players={"a": Player(name="Ann", born=datetime.date(2020, 1, 2)), "b": {"name": "Bob"}},
        moves={"a": ["up"]},
        rounds={"1": {"x": 7}},
        teams={"red": [Player(name="Cid")]},
        log=[{"at": ID}],
    )
    day = datetime.datetime(2020, 1, 2, tzinfo=UTC)
    assert stored(game) == {
        "_id": game.pk,
        "name": "",
        "s": {"alice": 3, "": 4, "b.c": 5},
        "prices": {"x": Decimal128("1.50")},
        "players": {
            "a": {"name": "Ann", "points": 0, "b": day},
            "b": {"name": "Bob", "points": 0},
        },
        "moves": {"a": ["up"]},
        "rounds": {"1": {"x": 7}},
        "teams": {"red": [{"name": "Cid", "points": 0}]},
        "log": [{"at": ID}],
    }
    read = Game.objects.get()
    assert read.prices == {"x": Decimal("1.50")}
    assert read.players["a"].born == datetime.date(2020, 1, 2)
    assert read.teams["red"][0].name == "Cid"
    with CaptureCommands() as sent:
        read.save()
        game.save()
    assert len(sent) == 0


def test_a_save_sends_the_changed_keys_only():
    Game.objects.create(scores={"a": 1, "b": 2}, players={"x": Player(name="X")})
    one, other = Game.objects.get(), Game.objects.get()
    one.scores["a"] = 10
    one.players["x"].points = 3
    del one.scores["b"]
    other.scores["c"] = 30
    with CaptureCommands() as sent:
        one.save()
        other.save()
    assert [event.command["updates"][0]["u"] for event in sent] == [
        {"$set": {"s.a": 10, "players.x.points": 3}, "$unset": {"s.b": ""}},
        {"$set": {"s.c": 30}},
    ]
    assert Game.objects.get().scores == {"a": 10, "c": 30}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scores": {"bob": "x"}}, r"Key “bob”: .*“x” value must be an integer"),
        ({"scores": {"bob": {"$gt": 1}}}, r"Key “bob”: .*(must be an integer|single value)"),
        ({"scores": {1: 1}}, r"1 is no key"),
        ({"scores": [1]}, r"“\[1\]” is not a dict"),
        ({"players": {"x": {"nme": "a"}}}, r"Key “x”: .*no field nme"),
        ({"players": {"x": Player(name="")}}, r"Key “x”: name: This field cannot be blank"),
        ({"rounds": {"1": {"x": "y"}}}, r"Key “1”: Key “x”: "),
        ({"moves": {"a": ["too long"]}}, r"Key “a”: Item 1: .*at most 5 characters"),
    ],
)
def test_errors_name_the_key(values, message):
    with pytest.raises(ValidationError, match=message):
        Game(**values).full_clean()


def test_a_save_without_validation_names_the_key_too():
    with pytest.raises(ValueError, match=r"Key “bob”: .*'x'"):
        Game(scores={"bob": "x"}).save()
    with pytest.raises(DataError, match=r"Key “bob”: .* 64-bit"):
        Game(scores={"bob": 2**70}).save()
    with pytest.raises(DataError, match=r"Key “a”"):
        Game(prices={"a": Decimal("123456789")}).save()


def test_a_broken_value_is_told_by_key():
    Game.objects.collection.insert_one({"_id": ID, "prices": {"a": "many"}})
    with pytest.raises(DataError, match=rf"Game {ID}: .*'prices'.*Key “a”"):
        Game.objects.get(pk=ID).prices  # noqa: B018


@pytest.mark.parametrize(
    "query",
    [
        {"scores__alice__gte": "3"},
        {"scores__alice": 3},
        {"scores__alice__in": ["3", 9]},
        {"scores__alice__range": ("2", "4")},
        {"scores__bob__isnull": True, "name": "one"},
        {"scores__has_key": "alice"},
        {"scores": {"alice": 3}},
        {"players__a__name__icontains": "AN"},
        {"players__a__born": "2020-01-02"},
        {"players__a__born__year": 2020},
        {"moves__x__0": "up"},
        {"moves__x__contains": ["up"]},
        {"moves__x__len": 2},
        {"rounds__1__y__lt": "8"},
        {"teams__red__name": "Cid"},
        {"teams__red__0__points": "4"},
        {"prices__x": "1.5"},
        {"log__0__a": 1},
    ],
    ids=lambda query: next(iter(query)),
)
def test_lookups_are_cast_by_the_value_field(query):
    game = Game.objects.create(
        name="one",
        scores={"alice": 3},
        prices={"x": "1.50"},
        players={"a": Player(name="Ann", born=datetime.date(2020, 1, 2))},
        moves={"x": ["up", "down"]},
        rounds={"1": {"y": 7}},
        teams={"red": [Player(name="Cid", points=4)]},
        log=[{"a": 1}],
    )
    Game.objects.create(name="two", scores={"bob": 1})
    assert list(Game.objects.filter(**query)) == [game]


def test_a_value_of_the_wrong_type_is_refused_in_a_lookup():
    with pytest.raises(ValueError, match=r"expected a number but got 'many'"):
        Game.objects.filter(scores__alice="many")
    with pytest.raises(ValidationError):
        Game.objects.filter(scores__alice={"$ne": 1})
    with pytest.raises(FieldError, match=r"'\$x' is no key"):
        Game.objects.filter(**{"scores__$x__gt": 1})


def test_updates_lead_into_maps():
    game = Game.objects.create(scores={"alice": 3}, players={"a": Player(name="Ann")})
    Game.objects.update(scores__alice=F("scores__alice") + 4)
    Game.objects.update(scores__bob="7", players__a__points=F("players__a__points") + 1)
    assert stored(game)["s"] == {"alice": 7, "bob": 7}
    assert stored(game)["players"]["a"]["points"] == 1
    assert list(Game.objects.values_list("scores__bob", flat=True)) == [7]


def test_the_form_of_a_map_converts_its_values():
    Form = modelform_factory(Game, fields=["scores", "players"])
    game = Game(scores={"a": 1}, players={"x": Player(name="X", born=datetime.date(2020, 1, 2))})
    shown = {name: Form(instance=game)[name].value() for name in ("scores", "players")}
    assert shown["scores"] == '{"a": 1}'
    assert "scores" in Form({**shown, "scores": '{"a": 1e999}'}).errors
    assert not Form(shown, instance=game).has_changed()
    form = Form({"scores": '{"a": "5"}', "players": '{"y": {"name": "Y"}}'}, instance=game)
    assert form.is_valid(), form.errors
    assert form.save(commit=False).scores == {"a": 5}
    assert game.players["y"].name == "Y"
    errors = Form({"scores": '{"a": "x"}', "players": ""}).errors
    assert errors == {"scores": ["Key “a”: “x” value must be an integer."]}


def test_maps_can_be_cloned_and_rebuilt():
    for name in ("scores", "players", "rounds"):
        field = Game._meta.get_field(name)
        clone = field.clone()
        assert type(clone.value_field) is type(field.value_field)
        assert clone.deconstruct()[3] == field.deconstruct()[3]


@isolate_apps("tests.testapp")
def test_fields_of_an_abstract_class_are_not_shared():
    class Base(Document):
        scores = MapField(models.IntegerField())
        me = MapField(EmbeddedDocumentField(Player))

        class Meta:
            abstract = True
            app_label = "testapp"

    class One(Base):
        class Meta:
            app_label = "testapp"

    class Two(Base):
        class Meta:
            app_label = "testapp"

    inner = [each._meta.get_field("scores").value_field for each in (One, Two)]
    assert inner[0] is not inner[1]
    assert [field.model for field in inner] == [One, Two]


@isolate_apps("tests.testapp")
def test_a_map_of_references_is_refused():
    class Wrong(Document):
        of = MapField(models.ForeignKey(Game, on_delete=models.CASCADE))

        class Meta:
            app_label = "testapp"

    assert "mongo_contrib.E020" in [error.id for error in Wrong.check()]
