"""One line exposes a class."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.viewsets import ReadOnlyModelViewSet

from mongo_contrib import rest
from mongo_contrib.rest import DocumentViewSet, MongoRouter
from tests.testapp.models import Author, Book


def test_a_class_is_enough():
    router = MongoRouter()
    router.register("books", Book)
    names = {url.name for url in router.urls}
    assert {"book-list", "book-detail", "api-root"} <= names


def test_attributes_are_those_of_the_view_set():
    router = MongoRouter()
    router.register("books", Book, "volume", search_fields=["title"], max_time_ms=5)
    ((prefix, made, basename),) = router.registry
    assert (prefix, basename) == ("books", "volume")
    assert issubclass(made, DocumentViewSet)
    assert (made.search_fields, made.max_time_ms) == (["title"], 5)


def test_view_sets_are_registered_as_ever():
    class Authors(ReadOnlyModelViewSet):
        queryset = Author.objects.all()

    router = MongoRouter()
    router.register("authors", Authors)
    assert router.registry == [("authors", Authors, "author")]
    with pytest.raises(TypeError, match="search_fields"):
        router.register("more", Authors, search_fields=["name"])


def test_two_under_one_name_are_refused():
    router = MongoRouter()
    router.register("books", Book)
    with pytest.raises(ImproperlyConfigured, match="book"):
        router.register("volumes", Book)


def test_the_package_names_all_that_is_public():
    assert sorted(rest.__all__) == rest.__all__
    for name in rest.__all__:
        assert getattr(rest, name).__name__ == name
    with pytest.raises(AttributeError, match="nope"):
        rest.nope  # noqa: B018
