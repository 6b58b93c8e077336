"""Whatever a query string or an address holds, there is a page or a redirect, never a crash."""

import re
from urllib.parse import quote as percent

import pytest
from bson import ObjectId
from django.contrib.admin.utils import quote

from mongo_contrib.test import CaptureCommands

LIST = "/admin/shop/product/"

HOSTILE = ['{"$ne": 1}', "nonsense", "a\0b", "9" * 400, "-1", "[]", "(((", "x" * 5_000, " ", ""]

#: What `ChangeList` reads itself, look-ups by fields of every kind, and what is none of both.
PARAMETERS = re.findall(
    r"\S+",
    """
    q p o e all _facets _to_field _changelist_filters bogus $where id id__in pk__exact name
    name__icontains name__in name__isnull name__bogus name__$ne pieces pieces__gt pieces__range
    price made made__year added__date added__hour sold maker maker__isnull size size__width
    size__width__in size__bogus size__material__name tags tags__0 tags__len reviews reviews__stars
    reviews__author reviews__0__author
    """,
)

#: What the list filters and the date hierarchy of the full change list read.
FILTERS = re.findall(
    r"\S+",
    """
    kind__exact sold__exact made__gte made__isnull made__year made__year&made__month
    maker__id__exact price__isempty size__width tags reviews__author maker__country q o
    """,
)


@pytest.mark.parametrize(
    ("url", "parameter"),
    [("/lean/shop/product/", each) for each in [*PARAMETERS, "na\0me"]]
    + [(LIST, each) for each in FILTERS],
)
def test_query_strings(shop, client, url, parameter):
    client.raise_request_exception = False
    names = parameter.split("&")
    for value in HOSTILE:
        response = client.get(url, dict.fromkeys(names, value))
        assert response.status_code in (200, 302, 400), (parameter, value)
        if response.status_code == 302:
            assert response["Location"] == f"{url}?e=1", (parameter, value)


def test_an_unknown_parameter_goes_where_django_sends_it(shop, client):
    response = client.get(f"{LIST}?bogus=1")
    assert response.status_code == 302
    assert response["Location"] == f"{LIST}?e=1"
    assert client.get(response["Location"]).status_code == 200


def test_operators_of_a_query_string_find_nothing(shop, names):
    assert names('?name={"$ne": 1}') == []
    assert names('?id={"$ne": 1}') == []
    assert names('?tags={"$exists": true}') == []


def test_regular_expressions_of_a_query_string_are_not_run(shop, client):
    with CaptureCommands() as captured:
        for lookup in ("regex", "iregex"):
            assert client.get(f"{LIST}?name__{lookup}=(a%2B)%2B$").status_code == 400
    assert not any("$regex" in str(event.command) for event in captured)


@pytest.mark.parametrize("page", ["change", "delete", "history"])
@pytest.mark.parametrize("key", ["nonsense", '{"$ne": 1}', "a\0b", "_00", "x" * 3_000, "0" * 24])
def test_a_broken_id_leads_to_the_index_with_a_message(shop, client, page, key):
    response = client.get(f"{LIST}{percent(quote(key))}/{page}/")
    assert response.status_code == 302
    assert response["Location"] == "/admin/"
    assert "doesn’t exist" in client.get("/admin/").content.decode()


def test_a_deleted_document_too(shop, client):
    response = client.get(f"{LIST}{ObjectId()}/change/")
    assert response["Location"] == "/admin/"


@pytest.mark.parametrize("value", HOSTILE)
def test_forms(shop, client, form_of, change_url, value):
    client.raise_request_exception = False
    url = change_url(shop["Best"])
    data = form_of(url)
    everywhere = {name: value for name in data if not name.endswith("_FORMS")}
    counts = ["reviews-INITIAL_FORMS", "parts-INITIAL_FORMS"]
    for hostile in [everywhere, *({name: value} for name in counts)]:
        response = client.post(url, {**data, **hostile, "_continue": "1"})
        assert response.status_code in (200, 302), hostile


@pytest.mark.parametrize("value", HOSTILE)
def test_popups_and_autocompletion(shop, client, value):
    client.raise_request_exception = False
    for parameter in ("term", "page", "model_name", "field_name"):
        asked = {"app_label": "shop", "model_name": "product", "field_name": "maker"}
        response = client.get("/admin/autocomplete/", {**asked, parameter: value})
        assert response.status_code in (200, 400, 403, 404), (parameter, value)


@pytest.mark.parametrize("value", [value for value in HOSTILE if value])
def test_actions(shop, client, value):
    client.raise_request_exception = False
    for data in (
        {"action": value, "_selected_action": str(shop["Best"].pk)},
        {"action": "delete_selected", "_selected_action": value},
        {"action": "delete_selected", "_selected_action": value, "post": "yes"},
        {"action": "delete_selected", "index": value, "_selected_action": "x"},
    ):
        assert client.post(LIST, data).status_code in (200, 302), data
    from .shop.models import Product

    assert Product.objects.count() == 5


@pytest.mark.parametrize("value", [value for value in HOSTILE if value.strip()])
def test_view_on_site(shop, client, value):
    from django.contrib.contenttypes.models import ContentType

    from .shop.models import Product

    client.raise_request_exception = False
    key = ContentType.objects.get_for_model(Product).pk
    for path in (f"{percent(value)}/{shop['Best'].pk}", f"{key}/{percent(value)}"):
        assert client.get(f"/admin/r/{path}/").status_code == 404, path
