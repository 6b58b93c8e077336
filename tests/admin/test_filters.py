"""List filters."""

import pytest

LIST = "/admin/shop/product/"


def choices(response, title):
    (found,) = [spec for spec in response.context["cl"].filter_specs if spec.title == title]
    return [str(choice["display"]) for choice in found.choices(response.context["cl"])]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind__exact=tool", ["Best"]),
        ("sold__exact=1", ["Brick"]),
        ("made__gte=2024-01-01&made__lt=2025-01-01", ["Best", "Brick"]),
        ("made__isnull=True", ["Bridge", "Stray"]),
        ("maker__isnull=True", ["Stray"]),
        ("price__isempty=0", ["Best"]),
        ("size__width=300", ["Bridge"]),
        ("size__width__isnull=True", ["Brick", "Pencil", "Stray"]),
        ("tags=red", ["Best", "Bridge"]),
        ("reviews__author=Bob", ["Best", "Stray"]),
        ("reviews__author=Bob&tags=red", ["Best"]),
        ("maker__country=Germany", ["Best", "Pencil"]),
        ("maker__name__startswith=Le", None),
    ],
)
def test_filters(shop, client, names, query, found):
    if found is None:
        # No list filter: Django allows no look-up across a reference then.
        assert client.get(f"{LIST}?{query}").status_code == 400
    else:
        assert names(f"?{query}") == found


def test_a_related_filter_takes_ids(shop, client, names):
    assert names(f"?maker__id__exact={shop['Lego'].pk}") == ["Bridge", "Brick"]
    assert choices(client.get(LIST), "maker") == ["All", "Bosch", "Faber", "Lego", "-"]


def test_choices_are_values_of_embedded_documents_and_items_of_lists(shop, client):
    response = client.get(LIST)
    assert choices(response, "width in mm") == ["All", "300", "500", "-"]
    assert choices(response, "tags") == ["All", "new", "red"]
    assert choices(response, "author") == ["All", "Bob", "Eve"]
    assert choices(response, "country") == ["All", "Denmark", "Germany"]


def test_facets_count(shop, client):
    response = client.get(f"{LIST}?_facets=True")
    assert choices(response, "kind") == ["All", "Toy (3)", "Tool (1)", "Book (1)"]
    assert choices(response, "tags") == ["All", "new (1)", "red (2)"]
    assert choices(response, "author") == ["All", "Bob (2)", "Eve (1)"]
    assert choices(response, "width in mm") == ["All", "300 (1)", "500 (1)", "- (3)"]
    assert choices(response, "maker") == [
        "All",
        "Bosch (1)",
        "Faber (1)",
        "Lego (2)",
        "- (1)",
    ]


def test_there_are_at_most_so_many_choices(db, client, monkeypatch):
    from mongo_contrib.admin import filters

    from .shop.models import Product

    Product.objects.bulk_create([Product(name="x", tags=[f"t{n}"]) for n in range(8)])
    monkeypatch.setattr(filters, "MAX_CHOICES", 3)
    assert choices(client.get(LIST), "tags") == ["All", "t0", "t1", "t2"]
