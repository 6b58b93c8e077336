"""What the admin refuses at start-up."""

import pytest
from django.contrib import admin

from mongo_contrib.admin import MongoAdminSite, MongoModelAdmin

from .shop.models import Part, Product


def check(model, **options):
    made = type("Admin", (MongoModelAdmin,), options)(model, MongoAdminSite())
    return {error.id: f"{error.msg} {error.hint or ''}" for error in made.check()}


@pytest.mark.parametrize(
    ("model", "options", "id", "says"),
    [
        (Part, {"date_hierarchy": "product__made"}, "mongo_admin.E003", "beyond the document"),
        (Part, {"ordering": ["-product__maker__name"]}, "mongo_admin.E004", "maker__name"),
        (Part, {"ordering": ["nothing"]}, "mongo_admin.E004", "nothing"),
        (Part, {"ordering": "name"}, "admin.E031", "list or tuple"),
        (Part, {"search_fields": ["@name"]}, "mongo_admin.E005", "search"),
        (Part, {"search_fields": ["product"]}, "mongo_admin.E005", "product"),
        (Product, {"list_filter": ["reviews"]}, "mongo_admin.E006", "reviews__author"),
        (Product, {"list_filter": ["size"]}, "mongo_admin.E006", "size__width"),
        (Product, {"list_filter": ["size__nothing"]}, "admin.E116", "size__nothing"),
        (Product, {"list_display": ["size__nothing"]}, "admin.E108", "size__nothing"),
    ],
)
def test_what_a_collection_cannot_do(model, options, id, says):
    found = check(model, **options)
    assert list(found) == [id]
    assert says in found[id]


def test_what_it_can_do():
    assert (
        check(
            Product,
            date_hierarchy="size__measured",
            ordering=["size__width", "-name"],
            search_fields=["name", "=pieces", "^tags", "pk__exact", "size__width", "parts__name"],
            list_filter=[
                "size__measured",
                "reviews__stars",
                "maker__name",
                "parts",
                ("size", admin.EmptyFieldListFilter),
            ],
            list_display=["size__width", "maker__name", "reviews"],
        )
        == {}
    )
