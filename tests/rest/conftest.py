"""A client of the API, and something to ask for."""

import pytest
from rest_framework.test import APIClient

from tests.testapp.models import Author, Book, Remark


@pytest.fixture
def api():
    """A client that sends JSON and to which an exception in a view is a 500, as to a visitor."""
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return client


@pytest.fixture
def ann(db):
    return Author.objects.create(name="Ann", email="ann@example.com")


@pytest.fixture
def book(ann):
    return Book.objects.create(
        title="Momo", pages=300, author=ann, tags=["time"], remarks=[Remark(author="Bob", stars=3)]
    )
