import pytest

from atlas.management.commands.load_atlas import is_slow
from atlas.models import SEARCH_TERMS, City, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("München", "munchen"),
        (" ÉVREUX ", "evreux"),
        ("Straße", "strasse"),
        ("東京", "東京"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


def test_search_terms_are_distinct_and_bounded():
    city = City(name="Ulm", names=["ULM", "Úlm", "", *map(str, range(500))])
    city.set_search_terms()
    assert city.search_terms[:3] == ["ulm", "0", "1"]
    assert len(city.search_terms) == SEARCH_TERMS


@pytest.mark.parametrize("text", ["mun", "MÜNCHEN", "monaco di", "ミュン"])
def test_search_finds_beginnings_of_any_name(three_cities, text):
    assert [city.name for city in City.objects.search(text)] == ["Munich"]


@pytest.mark.parametrize("text", ["unich", ".*", "^m", "$ne", "\0"])
def test_search_takes_text_literally(three_cities, text):
    assert list(City.objects.search(text)) == []


def test_saving_renews_the_search_terms(three_cities):
    munich = three_cities["Munich"]
    munich.name = "Minga"
    munich.save()
    assert City.objects.search("minga").get() == munich
    assert not City.objects.search("munich").exists()


def test_around(three_cities):
    around = City.objects.around(three_cities["Munich"].location, km=100)
    assert {city.name for city in around} == {"Munich", "Augsburg"}


def test_largest_first(three_cities):
    assert [city.name for city in City.objects.all()] == ["Hamburg", "Munich", "Augsburg"]


def test_search_is_served_by_its_index(three_cities, connection):
    if is_slow(connection):
        pytest.skip("the Python server uses no index to find beginnings")
    assert "city_search" in str(City.objects.search("mun").order_by().explain())


@pytest.mark.parametrize(
    ("text", "name"),
    [("mun", ""), ("Münche", "München"), ("monaco", "Monaco di Baviera"), ("x", "")],
)
def test_found_as(three_cities, text, name):
    assert three_cities["Munich"].found_as(text) == name
