"""Change lists: search, order, filters, pages, and how many commands they cost."""

import pytest

from mongo_contrib.test import CaptureCommands

LIST = "/admin/shop/product/"
LEAN = "/lean/shop/product/"


def test_the_order_is_that_of_meta_with_paths_into_embedded_documents(shop, names):
    assert names() == ["Best", "Bridge", "Brick", "Pencil", "Stray"]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("bri", ["Bridge", "Brick"]),
        ("oak", ["Best"]),
        ("bob", ["Best", "Stray"]),
        ("lego", ["Bridge", "Brick"]),
        ("bri lego", ["Bridge", "Brick"]),
        ("bri oak", []),
        ('"bri lego"', []),
        (".*", []),
        ("{'$ne': 1}", []),
    ],
)
def test_search_goes_into_embedded_documents_lists_and_across_references(
    shop, client, term, found
):
    response = client.get(LIST, {"q": term})
    assert [str(each) for each in response.context["cl"].result_list] == found


def test_a_number_or_an_id_is_searched_exactly(shop, client):
    url = "/admin/shop/maker/"
    for term, found in [(str(shop["Lego"].pk), ["Lego"]), ("osc", ["Bosch"]), ("12", [])]:
        response = client.get(url, {"q": term})
        assert [str(each) for each in response.context["cl"].result_list] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?o=1", ["Best", "Brick", "Bridge", "Pencil", "Stray"]),
        ("?o=-1", ["Stray", "Pencil", "Bridge", "Brick", "Best"]),
        ("?o=5.1", ["Brick", "Pencil", "Stray", "Bridge", "Best"]),
        ("?o=99.x.-", ["Best", "Bridge", "Brick", "Pencil", "Stray"]),
    ],
)
def test_columns_sort_also_embedded_ones(shop, names, query, found):
    if query == "?o=1":
        found = sorted(found)
    if query == "?o=-1":
        found = sorted(found, reverse=True)
    result = names(query)
    if query == "?o=99.x.-":
        assert sorted(result) == sorted(found)
    else:
        assert result == found


def test_a_column_of_another_collection_sorts_by_one_lookup(shop, client, names):
    response = client.get(LIST)
    assert {"maker__country", "size__width"} <= set(response.context["cl"].sortable_by)
    countries = {"Best": "Germany", "Bridge": "Denmark", "Brick": "Denmark", "Pencil": "Germany"}
    up = [countries.get(name, "") for name in names("?o=4")]
    assert up == sorted(up)
    assert [countries.get(name, "") for name in names("?o=-4")] == up[::-1]
    with CaptureCommands() as commands:
        client.get(f"{LIST}?o=4")
    assert sum("$lookup" in str(event.command) for event in commands) == 1


@pytest.mark.parametrize("url", [LIST, LEAN])
def test_pages_overlap_nowhere_though_the_order_is_the_index_alone(db, client, url):
    from .shop.models import Product

    Product.objects.bulk_create([Product(name="same") for _ in range(45)])
    seen = []
    for page in (1, 2, 3):
        response = client.get(f"{url}?p={page}")
        seen += [each.pk for each in response.context["cl"].result_list]
    assert len(seen) == len(set(seen)) == 45


def test_a_page_is_read_by_the_index_unless_something_narrows_it(shop, client):
    with CaptureCommands() as captured:
        client.get(LEAN)
    sorted_by = [list(event.command["sort"]) for event in captured if _is_page(event)]
    assert ["size.width", "name"] in sorted_by
    assert not any("_id" in each for each in sorted_by)
    response = client.get(f"{LEAN}?kind__exact=toy")
    # The key decides where no index does.
    assert response.context["cl"].queryset.query.order_by[-1] == "-pk"


def _is_page(event):
    return event.command.get("find") == "shop_product" and "sort" in event.command


def test_a_page_takes_the_same_commands_for_one_document_and_for_many(shop, client):
    from .shop.models import Product

    client.get(LIST)
    with CaptureCommands() as few:
        client.get(LIST)
    Product.objects.bulk_create(
        [Product(name=f"n{n}", maker=shop["Lego"], made="2024-01-01") for n in range(200)]
    )
    with CaptureCommands() as many:
        client.get(LIST)
    assert sorted(few.names) == sorted(many.names), str(many)
    # Session and user; the makers of filter and column; one for each list of values (4), count,
    # page, the bounds of dates and their list.
    assert len(many) <= 14, str(many)


def test_the_whole_is_not_counted_beside_what_was_found(shop, client):
    response = client.get(f"{LIST}?q=best")
    assert response.context["cl"].full_result_count is None
    assert "1 result" in response.content.decode()


def test_list_editable_saves_what_was_changed(shop, client, form_of):
    data = form_of(LIST)
    assert data["form-INITIAL_FORMS"] == "5"
    data["form-0-sold"] = "on"
    response = client.post(LIST, {**data, "_save": "Save"})
    assert response.status_code == 302
    shop["Best"].refresh_from_db()
    assert shop["Best"].sold is True
    messages = client.get(response["Location"]).content.decode()
    assert "1 product was changed successfully." in messages


def test_list_editable_refuses_a_forged_id(shop, client, form_of):
    data = form_of(LIST)
    data.update({"form-0-sold": "on", "form-0-id": "nonsense"})
    response = client.post(LIST, {**data, "_save": "Save"})
    assert response.status_code == 200
    shop["Best"].refresh_from_db()
    assert shop["Best"].sold is False


def test_date_hierarchy(shop, client, names):
    content = client.get(LIST).content.decode()
    assert "?made__year=2024" in content
    assert "?made__year=2023" in content
    assert names("?made__year=2024") == ["Best", "Brick"]
    assert "made__month=5" in client.get(f"{LIST}?made__year=2024").content.decode()
    assert names("?made__year=2024&made__month=5&made__day=17") == ["Best"]


def test_show_all_and_pages(db, client, names):
    from .shop.models import Product

    Product.objects.bulk_create([Product(name=f"p{n:02}") for n in range(45)])
    assert len(names()) == 20
    assert len(names("?p=3")) == 5
    assert len(names("?all=")) == 45


def test_the_site_of_a_popup(shop, client):
    response = client.get(f"{LIST}?_popup=1&_to_field=id")
    assert response.status_code == 200
    assert str(shop["Best"].pk) in response.content.decode()


def test_an_index_that_ends_with_the_key_serves_djangos_order(db):
    from django.db import models

    from mongo_contrib.documents.index_keys import index_keys

    from .shop.models import Product

    index = models.Index(fields=["-size__width", "name", "-pk"])
    assert index_keys(Product, index) == (("size.width", -1), ("name", 1), ("_id", -1))
