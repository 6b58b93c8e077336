import pytest
from django.core.files.base import ContentFile

from atlas.models import City, Note, Photo
from atlas.pagination import BoundedPaginator

pytestmark = pytest.mark.usefixtures("atlas_site", "three_cities")


def names(response):
    return [city.name for city in response.context["page_obj"]]


def test_list(client):
    response = client.get("/")
    assert names(response) == ["Hamburg", "Munich", "Augsburg"]
    assert "3 cities." in response.text
    assert "1,973,896" in response.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "münch"}, ["Munich"]),
        ({"q": "x"}, []),
        ({"country": "DE", "q": "aug"}, ["Augsburg"]),
        ({"country": "FR"}, []),
        ({"q": "m" * 101}, []),
        ({"q": "\0"}, []),
    ],
)
def test_search(client, query, found):
    response = client.get("/", query)
    assert response.status_code == 200
    assert names(response) == found


def test_unknown_page_is_not_found(client):
    assert client.get("/", {"page": "7"}).status_code == 404


def test_list_costs_the_same_for_any_number_of_cities(client, assert_num_commands):
    # Countries of the form, a bounded count, a page of cities, their countries.
    with assert_num_commands(4):
        client.get("/")


def test_count_is_bounded(monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "bound", 2)
    paginator = BoundedPaginator(City.objects.all(), 1)
    assert (paginator.count, paginator.num_pages, paginator.reached_bound) == (2, 2, True)


def test_city(client, three_cities):
    munich = three_cities["Munich"]
    munich.notes = [Note(text="Has a river.", author="Isa")]
    munich.save()
    Photo(city=munich, caption="A bridge").image.save("bridge.jpg", ContentFile(b"bytes"))
    response = client.get(munich.get_absolute_url())
    for text in ("Munich", "Germany", "no. 2", "Has a river.", "Isa", "ミュンヘン"):
        assert text in response.text
    assert [(round(km), city.name) for km, city in response.context["nearby"]] == [
        (56, "Augsburg")
    ]
    photo = Photo.objects.get()
    assert f'<img src="{photo.page_url}" alt="A bridge"></a>' in response.text
    assert f'<a href="{photo.image.url}">' in response.text
    assert b"".join(client.get(photo.image.url)) == b"bytes"


@pytest.mark.parametrize("address", ["/city/nonsense/", f"/city/{'0' * 24}/", "/city/$ne/"])
def test_no_such_city(client, address):
    assert client.get(address).status_code == 404


def test_people_see_and_end_their_sessions(client, admin_client, admin_user):
    assert client.get("/account/sessions/").status_code == 302
    client.force_login(admin_user)
    response = client.get("/account/sessions/")
    assert [template.name for template in response.templates][:3] == [
        "mongo_sessions/session_list.html",
        "atlas/account.html",
        "atlas/base.html",
    ]
    assert "<title>Your sessions</title>" in response.text
    assert response.text.count("<li>") + response.text.count("<li aria-current") == 2
    assert client.post("/account/sessions/end-others/").status_code == 302
    assert "1 session was ended." in client.get("/account/sessions/").text
    assert admin_client.get("/admin/").status_code == 302
