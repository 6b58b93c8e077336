"""Places: look-ups and near(), against distances computed in Python."""

import math

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import NotSupportedError, ProgrammingError
from django.db.models import Q

from mongo_contrib.documents import Box, Circle
from mongo_contrib.operators import Inc
from tests.testapp.models import Place, Region, Unindexed

CITIES = {
    "Berlin": (13.405, 52.52),
    "Potsdam": (13.0645, 52.3906),
    "Hamburg": (9.9937, 53.5511),
    "Munich": (11.582, 48.1351),
    "Paris": (2.3522, 48.8566),
    "Suva": (178.4419, -18.1248),
    "Apia": (-171.7667, -13.8333),
    "Null Island": (0.0, 0.0),
}
BERLIN = CITIES["Berlin"]

#: From the west of Germany to its east.
GERMANY = [[[5, 47], [15.5, 47], [15.5, 55.5], [5, 55.5], [5, 47]]]


def distance(one, two):
    """Return metres, by the formula of haversines on MongoDB's sphere."""
    (east, north), (west, south) = (tuple(map(math.radians, each)) for each in (one, two))
    half = (
        math.sin((north - south) / 2) ** 2
        + math.cos(north) * math.cos(south) * math.sin((east - west) / 2) ** 2
    )
    return 2 * 6_378_100 * math.asin(math.sqrt(half))


@pytest.fixture
def places(db):
    made = [Place(name=name, location=point) for name, point in CITIES.items()]
    return Place.objects.bulk_create([*made, Place(name="Nowhere")])


def names(queryset):
    return {place.name for place in queryset}


def found(**asked):
    return names(Place.objects.filter(**asked))


# Look-ups


@pytest.mark.parametrize("radius", [0, 1_000, 30_000, 300_000, 1_000_000, 10_000_000, 3e7])
def test_distances(places, radius):
    by_distance = {name: distance(point, BERLIN) for name, point in CITIES.items()}
    value = (BERLIN, radius)
    near = {name for name, metres in by_distance.items() if metres <= radius}
    assert found(location__distance_lte=value) == found(location__dwithin=value) == near
    assert found(location__distance_gt=value) == set(CITIES) - near
    assert found(location__within=Circle(BERLIN, radius)) == near
    assert names(Place.objects.exclude(location__distance_lte=value)) == (
        {*CITIES, "Nowhere"} - near
    )


def test_distances_are_strict_where_they_say_so(places):
    assert "Berlin" not in found(location__distance_lt=(BERLIN, 0))
    assert "Berlin" in found(location__distance_lte=(BERLIN, 0))
    assert found(location__distance_gte=(BERLIN, 0)) == set(CITIES)
    assert found(location__distance_gt=(BERLIN, 0)) == set(CITIES) - {"Berlin"}


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        (GERMANY, {"Berlin", "Potsdam", "Hamburg", "Munich"}),
        ({"type": "Polygon", "coordinates": GERMANY}, {"Berlin", "Potsdam", "Hamburg", "Munich"}),
        (
            {
                "type": "MultiPolygon",
                "coordinates": [GERMANY, [[[1, 48], [4, 48], [4, 50], [1, 48]]]],
            },
            {"Berlin", "Potsdam", "Hamburg", "Munich", "Paris"},
        ),
        (Box(5, 47, 15.5, 50), {"Munich"}),
        (Box(170, -20, -170, 0), {"Suva", "Apia"}),
        (Box(-180, -90, 180, 90), set(CITIES)),
        (Box(-1, -1, 1, 1), {"Null Island"}),
    ],
)
def test_within(places, shape, inside):
    assert found(location__within=shape) == inside
    assert Place.objects.filter(location__within=shape).count() == len(inside)


def test_conditions_on_places_combine(places):
    north = Q(location__within=Box(-180, 50, 180, 90))
    assert names(Place.objects.filter(north & ~Q(name="Berlin"))) == {"Potsdam", "Hamburg"}
    assert names(Place.objects.filter(north | Q(name="Suva"))) == {
        *("Berlin", "Potsdam", "Hamburg", "Suva")
    }
    assert Place.objects.filter(north).update(country="XX") == 3
    assert Place.objects.filter(north).delete()[0] == 3


@pytest.mark.parametrize(
    ("shape", "crossed"),
    [
        ((10, 51), {"Germany"}),
        ([(10, 51), (11, 51)], {"Germany"}),
        ([(2, 48), (10, 51)], {"Germany", "France"}),
        ([[[2, 48], [3, 48], [3, 49], [2, 48]]], {"France"}),
        ({"type": "Point", "coordinates": [100, 0]}, set()),
    ],
)
def test_intersects(db, shape, crossed):
    Region.objects.create(name="Germany", area=GERMANY)
    Region.objects.create(
        name="France", area=[[[-4, 43], [4.9, 43], [4.9, 50], [-4, 50], [-4, 43]]]
    )
    Region.objects.create(name="none")
    assert names(Region.objects.filter(area__intersects=shape)) == crossed
    assert names(Region.objects.filter(area__within=GERMANY)) == {"Germany"}


class Shape:
    """A geometry of another package."""

    __geo_interface__ = {"type": "Polygon", "coordinates": GERMANY}


def test_shapes_of_other_packages(places):
    assert len(found(location__within=Shape())) == 4


@pytest.mark.parametrize(
    ("name", "value", "error", "told"),
    [
        ("location__within", [[[0, 0], [1, 0], [1, 1]]], ValidationError, "'location'.*4"),
        ("location__within", [[[0, 0], [1, 0], [1, 1], [9, 9]]], ValidationError, "begins"),
        ("location__within", [[[0, 0], [1, 0], [1, 99], [0, 0]]], ValidationError, "99"),
        ("location__within", (1, 2), ValidationError, "Polygon"),
        ("location__within", {"$gt": ""}, ValidationError, "location"),
        (
            "location__within",
            {"type": "Polygon", "coordinates": {"$gt": 1}},
            ValidationError,
            "gt",
        ),
        ("location__within", Box(0, 50, 1, 40), ValidationError, "north"),
        ("location__within", Box(0, 50, 999, 60), ValidationError, "999"),
        ("location__within", Circle((0, 0), -1), ValueError, "-1"),
        ("location__within", "Berlin", ValidationError, "Berlin"),
        ("location__within", None, ValidationError, "None"),
        ("location__intersects", [], ValidationError, "location"),
        ("location__distance_lte", (0, 0), ValidationError, "location"),
        ("location__distance_lte", ((0, 0), "1km"), ValueError, "metres"),
        ("location__distance_lte", ((0, 0), float("nan")), ValueError, "distance"),
        ("location__distance_lte", ((0, 0), {"$gt": 1}), ValueError, "metres"),
        ("location__distance_lte", ((0, 91), 1), ValidationError, "91"),
        ("location__distance_lte", 5, ValueError, "point, metres"),
        ("name__within", GERMANY, FieldError, "within"),
    ],
)
def test_wrong_places_are_refused_when_filtering(name, value, error, told):
    with pytest.raises(error, match=told):
        Place.objects.filter(**{name: value})


def test_what_shapes_cannot_be_asked():
    with pytest.raises(NotSupportedError, match="Polygon"):
        Region.objects.filter(area__within=Box(0, 0, 1, 1))
    with pytest.raises(FieldError):
        Region.objects.filter(area__distance_lte=((0, 0), 5))


# near()

needs_near = pytest.mark.needs("near")


@needs_near
def test_the_nearest_come_first_with_their_distance(places, django_assert_num_queries):
    with django_assert_num_queries(1):
        near = list(Place.objects.near("location", BERLIN))
    expected = sorted(CITIES, key=lambda name: distance(CITIES[name], BERLIN))
    assert [place.name for place in near] == expected
    for place in near:
        assert place.distance == pytest.approx(distance(place.location, BERLIN), abs=1)
    near[0].name = "Spree-Athen"
    near[0].save()
    assert "distance" not in Place.objects.raw().get(name="Spree-Athen")


@needs_near
@pytest.mark.parametrize(
    "bounds",
    [
        {"max_distance": 300_000},
        {"min_distance": 10_000},
        {"max_distance": 1_000_000, "min_distance": 10_000},
        {"max_distance": 0},
        {},
    ],
)
def test_bounds_are_the_same_to_every_method(places, bounds):
    near = Place.objects.near("location", {"type": "Point", "coordinates": list(BERLIN)}, **bounds)
    low, high = bounds.get("min_distance", 0), bounds.get("max_distance", math.inf)
    expected = {name for name, point in CITIES.items() if low <= distance(point, BERLIN) <= high}
    assert names(near) == expected
    assert near.count() == len(expected) and near.exists() is bool(expected)
    assert near.update(country="XX") == len(expected)
    assert found(country="XX") == expected
    assert near.delete()[0] == len(expected)
    assert found() == {*CITIES, "Nowhere"} - expected


@needs_near
def test_near_is_a_set_like_any_other(places):
    near = Place.objects.filter(country="DE").near("location", BERLIN)
    assert [place.name for place in near[1:3]] == ["Potsdam", "Hamburg"]
    assert near[1:3].count() == 2 and near.first().name == "Berlin"
    assert [place.name for place in near.filter(name__startswith="P")] == ["Potsdam", "Paris"]
    assert [place.name for place in near.exclude(name="Berlin")[:1]] == ["Potsdam"]
    assert [place.name for place in near.order_by("name")[:2]] == ["Apia", "Berlin"]
    assert near.order_by("-distance").first().name in ("Suva", "Apia")
    assert list(near.values_list("name", flat=True)[:2]) == ["Berlin", "Potsdam"]
    name, metres = near.values_list("name", "distance")[1]
    assert name == "Potsdam" and 20_000 < metres < 30_000
    assert names(near.filter(distance__lt=30_000)) == {"Berlin", "Potsdam"}
    assert near.filter(distance__lt=30_000).count() == 2
    with pytest.raises(NotSupportedError, match="keys"):
        near.filter(distance__lt=30_000).update(country="XX")
    assert near.get(name="Paris").distance == pytest.approx(878_000, rel=0.01)
    assert [place.name for place in near.only("name")[:1]] == ["Berlin"]
    assert near.only("name")[0].distance == pytest.approx(0, abs=0.001)
    assert Place.objects.near("location", BERLIN, distance="metres")[1].metres > 20_000
    stages = near.pipeline([{"$limit": 1}, {"$project": {"name": 1, "_id": 0}}])
    assert list(stages) == [{"name": "Berlin"}]


@needs_near
def test_near_in_a_filter(places):
    asked = Place.objects.filter(location__near=BERLIN, location__max_distance=30_000)
    assert [place.name for place in asked] == ["Berlin", "Potsdam"]
    assert asked[1].distance > 20_000
    with pytest.raises(NotSupportedError, match=r"near\(\)"):
        Place.objects.filter(Q(location__near=BERLIN))
    with pytest.raises(NotSupportedError, match=r"near\(\)"):
        Place.objects.exclude(location__near=BERLIN)


@needs_near
def test_shapes_are_near_too(db):
    Region.objects.create(name="far", area=[[[50, 0], [51, 0], [51, 1], [50, 0]]])
    Region.objects.create(name="close", area=GERMANY)
    near = Region.objects.near("area", (16, 50))
    assert [region.name for region in near] == ["close", "far"]
    assert near.count() == 2 and near.exists()
    with pytest.raises(NotSupportedError, match="keys"):
        near.update(name="x")


@needs_near
def test_a_missing_index_is_told(db):
    Unindexed.objects.create(location=(1, 2))
    near = Unindexed.objects.near("location", (0, 0))
    with pytest.raises(ProgrammingError, match=r"GeoSphereIndex\(fields=\['location'\]\)"):
        list(near)
    # To count, none is needed.
    assert near.count() == 1


def test_wrong_searches_are_refused(db):
    with pytest.raises(FieldError, match="places"):
        Place.objects.near("name", BERLIN)
    with pytest.raises(FieldError, match="bogus"):
        Place.objects.near("bogus", BERLIN)
    with pytest.raises(ValidationError, match="location"):
        Place.objects.near("location", (1, 99))
    with pytest.raises(ValidationError, match="location"):
        Place.objects.near("location", {"$gt": ""})
    with pytest.raises(ValueError, match="metres"):
        Place.objects.near("location", BERLIN, max_distance="1km")
    with pytest.raises(ValueError, match="another name"):
        Place.objects.near("location", BERLIN, distance="name")
    with pytest.raises(TypeError, match="slice"):
        Place.objects.all()[:2].near("location", BERLIN)
    with pytest.raises(TypeError, match="twice"):
        Place.objects.near("location", BERLIN).near("location", BERLIN)
    with pytest.raises(TypeError, match="keys"):
        Place.objects.near("location", BERLIN).find_one_and_update(name=Inc(1))


@pytest.mark.asyncio
@needs_near
@pytest.mark.django_db(transaction=True)
async def test_near_on_an_event_loop():
    await Place.objects.acreate(name="a", location=(1, 1))
    near = Place.objects.near("location", (1, 1.001))
    assert [place.distance > 100 async for place in near] == [True]
    assert await near.acount() == 1
