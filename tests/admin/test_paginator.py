"""Counting for pages."""

import pytest
from django.db import transaction

from mongo_contrib.admin.paginator import DocumentPaginator
from mongo_contrib.test import CaptureCommands

from .shop.models import Maker


@pytest.fixture
def paginator(db, monkeypatch):
    """Counts exactly up to three; there are five."""
    monkeypatch.setattr(DocumentPaginator, "exact_count", 3)
    Maker.objects.bulk_create([Maker(name=f"m{n}") for n in range(5)])
    return lambda queryset: DocumentPaginator(queryset, 2)


def test_a_big_collection_is_not_counted_one_by_one(paginator):
    with CaptureCommands() as captured:
        assert paginator(Maker.objects.all()).count == 5
    assert captured.names == ["aggregate", "count"]
    assert {"$limit": 4} in captured[0].command["pipeline"]


def test_a_small_one_is(paginator, monkeypatch):
    monkeypatch.setattr(DocumentPaginator, "exact_count", 5)
    with CaptureCommands() as captured:
        assert paginator(Maker.objects.all()).num_pages == 3
    assert captured.names == ["aggregate"]


def test_what_is_narrowed_is_counted(paginator):
    with CaptureCommands() as captured:
        assert paginator(Maker.objects.exclude(name="m1")).count == 4
    assert captured.names == ["aggregate"]
    assert paginator(Maker.objects.all()[:4]).count == 4
    assert paginator([1, 2, 3, 4, 5]).count == 5


@pytest.mark.django_db(transaction=True)
def test_in_a_transaction_the_server_counts(paginator):
    with transaction.atomic():
        Maker.objects.create(name="m5")
        assert paginator(Maker.objects.all()).count == 6
