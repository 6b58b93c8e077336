"""Which look-ups a query string may ask the change list for."""

import pytest
from django.contrib import admin
from django.test.utils import isolate_apps

from mongo_contrib.admin import MongoModelAdmin
from mongo_contrib.documents import Document, EmbeddedDocumentField, MapField
from tests.testapp.models import Page, RefBook, RefLine, RefOrder, RefShelf


@pytest.mark.parametrize(
    ("model", "lookup", "allowed"),
    [
        (RefOrder, "lines__0__quantity__gt", True),
        (RefOrder, "lines__0__product", True),
        (RefOrder, "lines__product__name__startswith", False),
        (RefOrder, "lines__0__product__name__startswith", False),
        (RefBook, "chapters__0__writers__name__startswith", False),
        (RefShelf, "cascading__0__name__startswith", False),
        (Page, "mentions__0__account__name__startswith", False),
    ],
)
def test_a_position_is_no_way_into_other_collections(model, lookup, allowed):
    assert MongoModelAdmin(model, admin.site).lookup_allowed(lookup, "x") is allowed


@isolate_apps("tests.testapp")
def test_the_key_of_a_map_is_none_either():
    class Shipment(Document):
        lines = MapField(EmbeddedDocumentField(RefLine))

        class Meta:
            app_label = "testapp"

    asked = MongoModelAdmin(Shipment, admin.site).lookup_allowed
    assert not asked("lines__first__product__name__startswith", "x")
    assert asked("lines__first__product", "x") and asked("lines__first__quantity", "1")
