"""Where names with double underscores lead; no server is needed for that."""

import pytest
from django.core.exceptions import FieldError

from mongo_contrib.query.paths import resolve
from tests.testapp.models import Author, Book, Every, Loan, Ticket


@pytest.mark.parametrize(
    ("model", "name", "path", "rest"),
    [
        (Book, "title", "title", []),
        (Book, "pk", "_id", []),
        (Book, "id", "_id", []),
        (Ticket, "pk", "_id", []),
        (Ticket, "code__iexact", "_id", ["iexact"]),
        (Book, "title__icontains", "title", ["icontains"]),
        (Book, "added__date__gte", "added", ["date", "gte"]),
        (Book, "author", "author_id", []),
        (Book, "author_id", "author_id", []),
        (Book, "author_id__in", "author_id", ["in"]),
        (Book, "author__id", "author_id", []),
        (Book, "author__pk__in", "author_id", ["in"]),
        (Book, "author__isnull", "author_id", ["isnull"]),
        (Book, "tags", "tags", []),
        (Book, "tags__0", "tags.0", []),
        (Book, "tags__0__startswith", "tags.0", ["startswith"]),
        (Book, "tags__len__gt", "tags", ["len", "gt"]),
        (Every, "home__city", "home.town", []),
        (Every, "home__since__year", "home.since", ["year"]),
        (Every, "matrix__0__1", "matrix.0.1", []),
        (Every, "remarks__0__stars__gt", "remarks.0.stars", ["gt"]),
        (Book, "extra__a__b__icontains", "extra.a.b", ["icontains"]),
        (Book, "extra__in", "extra", ["in"]),
    ],
)
def test_names_lead_to_stored_paths(model, name, path, rest):
    found = resolve(model, name)
    assert (found.path, found.rest, found.relation, found.list_path) == (path, rest, None, None)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("remarks__author", "remarks.author"),
        ("remarks__address__city__in", "remarks.address.town"),
    ],
)
def test_names_through_a_list_say_which(name, path):
    found = resolve(Every, name)
    assert (found.path, found.list_path) == (path, "remarks")


@pytest.mark.parametrize(
    ("model", "name", "relation", "remainder"),
    [
        (Book, "author__name", "author", "name"),
        (Book, "author__name__iexact", "author", "name__iexact"),
        (Loan, "book__author__name", "book", "author__name"),
        (Author, "books", "books", ""),
        (Author, "books__title", "books", "title"),
        (Author, "books__pk__in", "books", "pk__in"),
        (Author, "ticket__code", "ticket", "code"),
        (Author, "books__loans__note", "books", "loans__note"),
    ],
)
def test_names_across_references_say_what_is_left(model, name, relation, remainder):
    found = resolve(model, name)
    assert (found.relation.name, found.remainder) == (relation, remainder)


@pytest.mark.parametrize(
    ("model", "name", "choices"),
    [
        (Book, "bogus", "author"),
        (Book, "", "author"),
        (Book, "__class__", "author"),
        (Book, "author__bogus__name", None),
        (Every, "home__bogus", None),
        (Every, "bogus__home", "home"),
        (Author, "book", "books"),
        (Book, "extra__$where", "key"),
        (Book, "extra__a.b", "key"),
        (Book, "extra__a__", "key"),
        (Book, "tags__$ne", None),
        (Book, "$where", "author"),
        (Book, "title.x", "author"),
    ],
)
def test_names_that_lead_nowhere_are_refused_when_filtering(model, name, choices):
    with pytest.raises(FieldError, match=choices):
        model.objects.filter(**{name: 1})
