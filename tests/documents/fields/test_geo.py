"""GeoJSON shapes: values, validation, indexes, forms, the server's refusals."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    GeoSphereIndex,
    PointField,
    PolygonField,
)
from mongo_contrib.documents.schema import collection_spec
from mongo_contrib.exceptions.geometries import geometry_sentence
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Every, Route, Site

LINE = [(0.0, 0.0), (10.0, 20.0)]
RING = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0)]
HOLE = [(1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 1.0)]
VALUES = {
    "point": ((13.4, 52.5), "Point"),
    "line": (LINE, "LineString"),
    "area": ([RING, HOLE], "Polygon"),
    "points": (LINE, "MultiPoint"),
    "lines": ([LINE, LINE], "MultiLineString"),
    "areas": ([[RING], [HOLE]], "MultiPolygon"),
}


def lists(value):
    return [lists(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", VALUES)
def test_shapes_are_accepted_as_coordinates_geojson_and_text(name):
    value, kind = VALUES[name]
    field = Site._meta.get_field(name)
    geojson = {"type": kind, "coordinates": lists(value)}
    for given in (value, lists(value), geojson, json.dumps(geojson), json.dumps(lists(value))):
        assert field.to_python(given) == value
    assert field.to_bson(value) == geojson
    assert field.from_bson(geojson) == value
    assert field.to_python(None) is field.to_python("") is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("line", [(0, 0)], "at least 2 positions; this one has 1"),
        ("line", [], "at least 2 positions; this one has 0"),
        ("line", [(0, 0), (181, 0)], "not on Earth"),
        ("line", [(0, 0), (0, 91)], "not on Earth"),
        ("line", [(0, 0), (float("nan"), 0)], "not on Earth"),
        ("line", [(0, 0), (float("inf"), 0)], "not on Earth"),
        ("line", [(0, 0), (1, 2, 3)], "not a position"),
        ("line", [(0, 0), ("1", "2")], "not a position"),
        ("line", [(0, 0), {"$gt": 1}], "not a position"),
        ("line", {"type": "Point", "coordinates": [0, 0]}, "a GeoJSON Point, not a LineString"),
        ("line", {"$geometry": 1}, "a GeoJSON None, not a LineString"),
        ("line", 5, "not a list of coordinates"),
        ("line", "{", "not valid JSON"),
        ("area", [], "at least one ring"),
        ("area", [RING[:3]], "at least 4 positions.*has 3"),
        ("area", [[*RING[:4], (1, 1)]], r"ends where it begins.*\(0.0, 0.0\).*\(1, 1\)"),
        ("area", RING, "not a position"),
        ("areas", [RING], "not a position"),
        ("points", (1, 2), "not a position"),
        ("shapes", {"type": "GeometryCollection", "geometries": 5}, "not a list of GeoJSON"),
        ("shapes", [{"type": "Circle", "coordinates": [0, 0]}], "not a GeoJSON geometry"),
        ("shapes", [{"type": "GeometryCollection", "geometries": []}], "not a GeoJSON geometry"),
        ("shapes", [{"type": "LineString", "coordinates": [[0, 0]]}], "at least 2 positions"),
        ("shapes", [{"type": ["Point"], "coordinates": [0, 0]}], "not a GeoJSON geometry"),
    ],
)
def test_what_rfc_7946_forbids_is_refused(name, value, message):
    with pytest.raises(ValidationError, match=message):
        Site._meta.get_field(name).to_python(value)


@pytest.mark.needs("geometry_collections")
@pytest.mark.django_db
def test_shapes_are_stored_read_and_saved():
    shapes = [
        {"type": "Point", "coordinates": (1.0, 2.0)},
        {"type": "Polygon", "coordinates": [RING]},
    ]
    site = Site.objects.create(
        **{name: value for name, (value, _) in VALUES.items()}, shapes=shapes
    )
    stored = Site.objects.collection.find_one()
    assert stored["a"] == {"type": "Polygon", "coordinates": lists([RING, HOLE])}
    assert stored["shapes"]["geometries"][0] == {"type": "Point", "coordinates": [1.0, 2.0]}
    read = Site.objects.get()
    assert {name: getattr(read, name) for name in VALUES} == {
        name: value for name, (value, _) in VALUES.items()
    }
    assert read.shapes == shapes
    assert read.unindexed is None
    with CaptureCommands() as sent:
        read.save()
        site.save()
    assert not len(sent)
    assert Site.objects.get(area=[RING, HOLE]) == site


@pytest.mark.django_db
def test_whole_numbers_of_others_stay_whole():
    Site.objects.collection.insert_one(
        {
            "name": "",
            "point": {"type": "Point", "coordinates": [1, 2]},
            "line": {"type": "LineString", "coordinates": [[0, 0], [1, 2.5]]},
        }
    )
    site = Site.objects.get()
    assert (site.point, site.line) == ((1, 2), [(0, 0), (1, 2.5)])
    with CaptureCommands() as sent:
        site.save()
    assert not len(sent)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "stored", [5, "x", {"type": "Point", "coordinates": [0, 0]}, {"a": 1}, [["x"]]]
)
def test_what_is_stored_and_no_shape_is_told(stored):
    key = Site.objects.collection.insert_one({"unindexed": stored}).inserted_id
    with pytest.raises(DataError, match=f"testapp.Site {key}: .*'unindexed'"):
        Site.objects.get().unindexed  # noqa: B018


def test_each_has_a_2dsphere_index_unless_it_says_no():
    keys = [index.keys for index in collection_spec(Site).indexes]
    assert sorted(keys) == [
        ((name, "2dsphere"),)
        for name in ("a", "areas", "line", "lines", "point", "points", "shapes")
    ]
    assert {index.needs for index in collection_spec(Site).indexes} == {"2dsphere"}
    (inside,) = collection_spec(Route).indexes
    assert inside.keys == (("stops.place", "2dsphere"),)


def test_an_index_that_is_declared_too_counts_once():
    keys = [index.keys for index in collection_spec(Every).indexes]
    assert keys.count((("point", "2dsphere"),)) == 1


@isolate_apps("tests.testapp")
def test_an_index_that_is_declared_with_a_name_keeps_it():
    class Named(Document):
        point = PointField()

        class Meta:
            app_label = "testapp"
            indexes = [GeoSphereIndex(fields=["point"], name="where")]

    assert [index.name for index in collection_spec(Named).indexes] == ["where"]


def test_fields_can_be_cloned_and_rebuilt():
    for name in ("point", "area", "unindexed"):
        field = Site._meta.get_field(name)
        clone = field.clone()
        assert clone.deconstruct()[3] == field.deconstruct()[3]
        assert clone.db_index is field.db_index


def test_forms_take_geojson():
    Form = modelform_factory(Site, fields=["area", "shapes", "point"])
    shown = Form(instance=Site(area=[RING], point=(1.5, 2.0)))
    assert json.loads(shown["area"].value()) == {"type": "Polygon", "coordinates": lists([RING])}
    assert shown["point"].value() == "1.5, 2.0"
    form = Form({"area": json.dumps(lists([RING])), "shapes": "", "point": "1, 2"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"area": [RING], "shapes": None, "point": (1.0, 2.0)}
    assert not Form(
        {"area": shown["area"].value(), "point": "1.5, 2.0"}, instance=shown.instance
    ).has_changed()
    form = Form({"area": "[[[0, 0], [1, 1], [0, 0]]]", "point": '{"type": "Point"}'})
    assert list(form.errors) == ["area", "point"]
    assert form.errors["area"] == [
        "A ring has at least 4 positions, the first and the last one being the same; "
        "this one has 3."
    ]


BOWTIE = [[(0, 0), (10, 10), (0, 10), (10, 0), (0, 0)]]


@pytest.mark.needs("refused_shapes")
@pytest.mark.needs("2dsphere")
@pytest.mark.django_db
def test_a_shape_that_the_server_refuses_is_told_by_field():
    with pytest.raises(DataError) as caught:
        Site.objects.create(area=BOWTIE)
    assert "the shape of 'a'" in str(caught.value)
    site = Site.objects.create(area=[RING])
    site.area = BOWTIE
    with pytest.raises(DataError, match=r"the shape of 'a'"):
        site.save()


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            'Can\'t extract geo keys: { _id: 1, g: { type: "Polygon", coordinates: [ [ [ 0, 0 ] '
            "] ] } }  Edges 0 and 2 cross. Edge locations in degrees: [0,0]-[1,1]",
            "the server can't index the shape of 'g': Edges 0 and 2 cross. Edge locations in "
            "degrees: [0,0]-[1,1]",
        ),
        (
            'Can\'t extract geo keys: { a: { type: "Point", coordinates: [ 1, 1 ] }, b: { type: '
            '"GeometryCollection", geometries: [ { type: "Point" } ] } }  Bad',
            "the server can't index the shape of 'a' or 'b': Bad",
        ),
        ("Can't extract geo keys: something else", "Can't extract geo keys: something else"),
    ],
)
def test_the_servers_words_become_a_sentence(message, sentence):
    assert geometry_sentence(message) == sentence


def test_polygons_say_what_they_are():
    assert PolygonField().get_internal_type() == "PolygonField"
