"""django-filter, search and ordering over documents."""

import datetime

import pytest
from django import forms

from mongo_contrib.rest import DocumentFilterSet
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Remark

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rest.urls")]


@pytest.fixture
def shelf(ann):
    bob = Author.objects.create(name="Bob (B.)")
    return Book.objects.bulk_create(
        [
            Book(
                title="Momo",
                pages=300,
                author=ann,
                tags=["time", "child"],
                published=datetime.date(1973, 9, 1),
            ),
            Book(
                title="Emil",
                pages=170,
                author=bob,
                tags=["city"],
                remarks=[Remark(author="Ann", address=Address(city="Berlin"))],
            ),
            Book(
                title="Krabat",
                pages=250,
                tags=[],
                remarks=[Remark(author="Carl"), Remark(author="Ann")],
            ),
        ]
    )


def titles(api, query, prefix="books"):
    answer = api.get(f"/{prefix}/", query)
    assert answer.status_code == 200, answer.content
    return [book["title"] for book in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"pages": 300}, ["Momo"]),
        ({"pages__gt": 170}, ["Momo", "Krabat"]),
        ({"pages__range": "170,250"}, ["Emil", "Krabat"]),
        ({"published": "1973-09-01"}, ["Momo"]),
        ({"published__year": 1973}, ["Momo"]),
        ({"tags": "time"}, ["Momo"]),
        ({"tags__icontains": "CIT"}, ["Emil"]),
        ({"remarks__author": "Ann"}, ["Emil", "Krabat"]),
        ({"remarks__address__city__startswith": "Ber"}, ["Emil"]),
        ({"author__isnull": "true"}, ["Krabat"]),
        ({"pages": ""}, ["Momo", "Emil", "Krabat"]),
        ({"pages__gt": 170, "tags": "child"}, ["Momo"]),
        ({"unknown": 1}, ["Momo", "Emil", "Krabat"]),
        ({"search": "mo"}, ["Momo"]),
        ({"search": "ann"}, ["Momo", "Emil", "Krabat"]),
        ({"search": "bob (b.)"}, []),
        ({"search": '"bob (b.)"'}, ["Emil"]),
        ({"search": "ci"}, ["Emil"]),
        ({"search": ".*"}, ["Emil", "Krabat"]),
        ({"ordering": "pages"}, ["Emil", "Krabat", "Momo"]),
        ({"ordering": "-title,pages"}, ["Momo", "Krabat", "Emil"]),
        ({"ordering": "tags"}, ["Momo", "Emil", "Krabat"]),
    ],
    ids=str,
)
def test_filters_search_and_ordering(api, shelf, query, found):
    assert titles(api, query) == found


def test_filters_by_reference_and_key(api, shelf, ann):
    assert titles(api, {"author": str(ann.pk)}) == ["Momo"]
    assert titles(api, {"id": str(shelf[1].pk)}) == ["Emil"]
    assert titles(api, {"id__in": f"{shelf[1].pk},{shelf[2].pk}"}) == ["Emil", "Krabat"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"author": "nope"}, "author"),
        ({"author": "0" * 24}, "author"),
        ({"id": "nope"}, "id"),
        ({"id__in": "nope"}, "id__in"),
        ({"pages": "many"}, "pages"),
        ({"published": "yesterday"}, "published"),
    ],
)
def test_a_filter_that_is_none_is_an_error_of_its_field(api, shelf, query, field):
    answer = api.get("/books/", query)
    assert answer.status_code == 400
    assert answer.json().keys() == {field}


def test_too_long_a_text_is_no_failure_of_the_site(api, shelf):
    for query in ({"search": "x" * 33_000}, {"tags__icontains": "x" * 33_000}):
        answer = api.get("/books/", query)
        assert (answer.status_code, "32,764 bytes" in str(answer.json())) == (400, True)


def test_a_stock_filter_set_works_as_it_is(api, shelf, ann):
    assert titles(api, {"writer": str(ann.pk)}, "filtered") == ["Momo"]
    assert titles(api, {"pages__gte": 170, "pages__lt": 300}, "filtered") == ["Emil", "Krabat"]
    assert titles(api, {"author__name": "Ann"}, "filtered") == ["Momo"]
    assert titles(api, {"title__icontains": "MO"}, "filtered") == ["Momo"]


def test_search_over_a_reference_backward_finds_each_document_once(api, shelf, ann):
    Book.objects.create(title="Momo again", author=ann)
    found = api.get("/authors/", {"search": "momo"}).json()
    assert (found["count"], [author["name"] for author in found["results"]]) == (1, ["Ann"])


def test_a_reference_is_typed_not_chosen_from_all_there_are(api, shelf):
    Author.objects.bulk_create(Author(name=str(n)) for n in range(30))
    with CaptureCommands() as commands:
        page = api.get("/books/", HTTP_ACCEPT="text/html").content.decode()
    read = [event for event in commands if event.collection == "testapp_author"]
    assert 'name="author"' in page
    # The form to add a book offers them, up to the framework's HTML_SELECT_CUTOFF.
    assert [event.command.get("limit") for event in read] == [1000]


def test_a_filter_set_knows_what_documents_add():
    class Filters(DocumentFilterSet):
        class Meta:
            model = Every
            fields = [
                "id",
                "reference",
                "numbers",
                "days",
                "home__city",
                "remarks__address__since",
            ]

    made = {name: type(each.field) for name, each in Filters.get_filters().items()}
    assert made.keys() == set(Filters.Meta.fields)
    assert made["numbers"] is forms.DecimalField
    assert made["home__city"] is forms.CharField
    assert made["remarks__address__since"] is forms.DateField


@pytest.mark.parametrize("name", ["nope", "home__nope", "home__city__nope", "text__nope"])
def test_a_filter_set_refuses_unknown_names(name):
    with pytest.raises(TypeError, match=f"non-model field names: {name}"):

        class Filters(DocumentFilterSet):
            class Meta:
                model = Every
                fields = [name]
