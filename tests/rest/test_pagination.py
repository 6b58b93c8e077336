"""Pages: that they are bounded, don't overlap, and what they cost."""

import base64

import pytest
from rest_framework import pagination

from mongo_contrib.rest.pagination import bounded
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Author, Book

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rest.urls")]


@pytest.fixture
def shelf():
    Book.objects.bulk_create(Book(title=f"Book {n}", pages=n // 2) for n in range(10))


def follow(api, path):
    """All results of all pages, and the sizes of the pages."""
    titles, sizes = [], []
    while path:
        answer = api.get(path)
        assert answer.status_code == 200
        page = answer.json()
        sizes.append(len(page["results"]))
        titles += [book["title"] for book in page["results"]]
        path = page["next"]
    return titles, sizes


def test_without_settings_there_are_pages_of_a_bounded_size(api, settings):
    settings.MONGO_REST_PAGE_SIZE = 4
    Author.objects.bulk_create(Author(name=str(n)) for n in range(10))
    page = api.get("/authors/").json()
    assert page["count"] == 10
    assert [author["name"] for author in page["results"]] == ["0", "1", "2", "3"]
    assert [author["name"] for author in api.get(page["next"]).json()["results"]] == list("4567")


@pytest.mark.parametrize("path", ["/slices/", "/cursors/", "/books/?ordering=pages"])
def test_every_document_is_on_exactly_one_page(api, shelf, path, settings):
    settings.MONGO_REST_PAGE_SIZE = 3
    titles, sizes = follow(api, path)
    assert sorted(titles) == sorted(Book.objects.values_list("title", flat=True))
    assert sizes == [3, 3, 3, 1]


def test_a_client_gets_no_more_than_the_bound(api, shelf, settings):
    settings.MONGO_REST_MAX_PAGE_SIZE = 4
    assert len(api.get("/slices/?limit=1000000000").json()["results"]) == 4
    assert len(api.get("/slices/?limit=2").json()["results"]) == 2


def test_what_a_paginator_says_itself_counts():
    class Own(pagination.PageNumberPagination):
        page_size = 7
        page_size_query_param = "size"
        max_page_size = 70_000

    paginator = bounded(Own())
    assert (paginator.page_size, paginator.max_page_size) == (7, 70_000)
    assert bounded(None) is None


@pytest.mark.parametrize("path", ["/books/", "/slices/"])
def test_a_page_costs_a_count_and_a_find(api, shelf, path):
    with CaptureCommands() as commands:
        api.get(path)
    assert sorted(commands.names) == ["aggregate", "find"]


def test_a_page_by_cursor_costs_one_find_of_one_more_than_the_page(api, shelf):
    with CaptureCommands() as commands:
        api.get("/cursors/")
    assert [(event.name, event.command["limit"]) for event in commands] == [("find", 4)]


@pytest.mark.parametrize("position", ["foo", '{"$ne": 1}', "\0", "1e400", "", "None", "nan"])
def test_a_forged_cursor_is_not_found(api, shelf, position):
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    answer = api.get("/cursors/", {"cursor": cursor})
    assert answer.status_code in (400, 404)
    assert "detail" in answer.json() or "non_field_errors" in answer.json()
