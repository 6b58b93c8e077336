from atlas.geonames import Selection, cities
from atlas.models import Country


def test_cities_know_their_rank_and_share(records):
    germany = Country(code="DE", population=10_000_000)
    hamburg, munich, augsburg = cities(records.values(), {"DE": germany})
    assert [c.statistics.national_rank for c in (hamburg, munich, augsburg)] == [1, 2, 3]
    assert munich.statistics.national_share == 12.6
    assert munich.names == ["München", "Monaco di Baviera", "ミュンヘン"]
    assert munich.location == (11.57549, 48.13743)
    assert "munchen" in munich.search_terms


def test_selections_hold_each_other():
    large, towns = Selection.LARGE.records(), Selection.TOWNS.records()
    assert 5_000 < len(large) < 10_000
    assert len(towns) > 30_000
    assert large.keys() < towns.keys()


def test_every_country_is_valid(all_countries):
    assert len(all_countries) > 200
    for country in all_countries:
        country.clean_fields()
