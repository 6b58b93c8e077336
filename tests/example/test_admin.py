import pytest
from django.contrib.auth import get_user_model

pytestmark = pytest.mark.usefixtures("atlas_site", "three_cities")


@pytest.fixture
def admin(client):
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@example.com", "x"))
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "MÜNCH"}, ["Munich"]),
        ({"country__continent__exact": "EU"}, ["Hamburg", "Munich", "Augsburg"]),
        ({"country__continent__exact": "AS"}, []),
        ({"over": "1000000"}, ["Hamburg", "Munich"]),
        ({"over": "nonsense"}, ["Hamburg", "Munich", "Augsburg"]),
    ],
)
def test_search_and_filters(admin, query, found):
    response = admin.get("/admin/atlas/city/", query)
    assert [city.name for city in response.context["cl"].result_list] == found


def test_city_with_its_notes_and_photos(admin, three_cities):
    page = admin.get(f"/admin/atlas/city/{three_cities['Munich'].pk}/change/")
    assert [set_.formset.prefix for set_ in page.context["inline_admin_formsets"]] == [
        "photos",
        "notes",
    ]


@pytest.mark.parametrize("name", ["country", "photo"])
def test_other_lists(admin, name):
    assert admin.get(f"/admin/atlas/{name}/").status_code == 200
