"""Every field of documents over the API: what is got can be put."""

from __future__ import annotations

import json

import pytest
from bson import DBRef, Decimal128, Int64, ObjectId, Regex
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from mongo_contrib.rest.serializers import DocumentSerializer
from tests.testapp.models import Anything, Game, Invoice, Player, Ranking, Site

ID = ObjectId("650000000000000000000001")
RING = [[0, 0], [4, 0], [4, 4], [0, 0]]

pytestmark = pytest.mark.django_db


def serializer(document):
    class Meta:
        model = document
        fields = "__all__"

    return type("Serializer", (DocumentSerializer,), {"Meta": Meta})


def test_any_value_goes_out_and_in_as_extended_json():
    document = Anything.objects.create(
        value=Regex("a"),
        data={"id": ID, "price": Decimal128("1.50"), "n": Int64(5), "a.b": {"$x": 1}},
        map={"x": ID},
        list=[ID, 1],
    )
    before = Anything.objects.collection.find_one()
    sent = serializer(Anything)(document).data
    assert sent["data"]["id"] == {"$oid": str(ID)}
    assert sent["list"] == [{"$oid": str(ID)}, 1]
    sent.pop("json")
    form = serializer(Anything)(document, data=sent)
    assert form.is_valid(), form.errors
    form.save()
    assert Anything.objects.collection.find_one() == before
    assert type(Anything.objects.get().data["n"]) is Int64


@pytest.mark.parametrize("value", [ID, DBRef("somewhere", 1), {"a": ID}, [Decimal128("1")]])
def test_what_json_lacks_can_always_be_rendered(value):
    sent = serializer(Anything)(Anything(json=value)).data
    assert json.loads(JSONRenderer().render(sent["json"])) == sent["json"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"data": [1]}, "data"),
        ({"data": "x"}, "data"),
        ({"data": {"a": {"$oid": "zz"}}}, "data"),
        ({"value": {"$date": "no"}}, "value"),
        ({"data": {"a": 2**70}}, "data"),
        ({"data": {"a\0": 1}}, "data"),
        ({"map": 5}, "map"),
        ({"list": {"a": 1}}, "list"),
    ],
)
def test_what_is_no_value_is_an_error_of_the_field(values, field):
    form = serializer(Anything)(data=values)
    with pytest.raises(serializers.ValidationError) as caught:
        form.is_valid(raise_exception=True)
        form.save()
    assert field in caught.value.detail
    assert not Anything.objects.exists()


def test_maps_are_objects_of_their_values():
    Serializer = serializer(Game)
    form = Serializer(
        data={
            "name": "x",
            "scores": {"alice": "3"},
            "prices": {"x": "1.5"},
            "players": {"a": {"name": "Ann", "born": "2020-01-02"}},
            "moves": {"a": ["up"]},
            "rounds": {"1": {"x": 7}},
            "teams": {"red": [{"name": "Cid", "points": 2}]},
            "log": [{"a": {"$oid": str(ID)}}],
        }
    )
    assert form.is_valid(), form.errors
    game = form.save()
    read = Game.objects.get()
    assert (read.scores, read.log) == ({"alice": 3}, [{"a": ID}])
    assert isinstance(read.players["a"], Player)
    assert read.teams["red"][0].points == 2
    data = Serializer(read).data
    assert data["players"] == {"a": {"name": "Ann", "points": 0, "born": "2020-01-02"}}
    assert data["rounds"] == {"1": {"x": 7}} and data["prices"] == {"x": "1.50"}
    form = Serializer(game, data={"scores": {"bob": "x"}, "players": {"a": {}}}, partial=True)
    assert not form.is_valid()
    assert "bob" in form.errors["scores"]
    assert form.errors["players"] == {"a": {"name": ["This field is required."]}}


@pytest.mark.needs("geometry_collections")
def test_shapes_are_geojson():
    Serializer = serializer(Site)
    area = {"type": "Polygon", "coordinates": [RING]}
    shapes = {"type": "GeometryCollection", "geometries": [area]}
    form = Serializer(data={"area": area, "line": [[0, 0], [1, 1]], "shapes": shapes})
    assert form.is_valid(), form.errors
    form.save()
    data = Serializer(Site.objects.get()).data
    assert data["area"] == area
    assert data["line"] == {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    assert data["shapes"] == shapes
    form = Serializer(data={"area": {"type": "Polygon", "coordinates": [RING[:3]]}, "line": 5})
    assert not form.is_valid()
    assert set(form.errors) == {"area", "line"}
    assert "at least 4 positions" in form.errors["area"][0]


def test_numbers_of_a_sequence_are_read_only():
    Serializer = serializer(Invoice)
    form = Serializer(data={"number": 7, "title": "x"})
    assert form.is_valid(), form.errors
    form.save()
    assert (form.data["number"], form.data["text"]) == (1, "INV-00001")


def test_bounds_of_lists_are_checked():
    form = serializer(Ranking)(data={"few": [1]})
    assert not form.is_valid()
    assert form.errors == {"few": ["Has 1 elements; there must be at least 2."]}
    form = serializer(Ranking)(data={"numbers": [3, 1]})
    assert form.is_valid(), form.errors
    assert form.save().numbers == [1, 3]
