"""The short ways of filter(), get() and bulk_create() lead where the long ones do."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.db import IntegrityError, transaction
from django.db.models import Q

from mongo_contrib.documents import DocumentQuerySet
from mongo_contrib.query import filters, plain
from tests.testapp.models import Author, Book, Every, Remark, Ticket

pytestmark = pytest.mark.django_db
KEY = ObjectId("5f5f5f5f5f5f5f5f5f5f5f5f")


@pytest.mark.parametrize(
    ("asked", "is_plain"),
    [
        ({"pk": KEY}, True),
        ({"pk": str(KEY)}, False),
        ({"pk": {"$ne": None}}, False),
        ({"title": "x", "pages": 3}, True),
        ({"title": "x", "title__exact": "y"}, False),
        ({"pages__in": [1, 2]}, True),
        ({"pages__in": [1, None]}, False),
        ({"pages__in": []}, False),
        ({"pages": 2**70}, False),
        ({"pages": True}, False),
        ({"author": KEY}, True),
        ({"author__in": [KEY]}, True),
        ({"author__name": "x"}, False),
        ({"remarks__author": "x"}, True),
        ({"remarks__author": "x", "remarks__stars": 3}, False),
        ({"tags": "x"}, False),
        ({"extra": "x"}, False),
        ({"title__icontains": "x"}, False),
        ({"price": "1.5"}, False),
    ],
)
def test_plain_conditions_are_those_of_the_long_way(monkeypatch, asked, is_plain):
    found = plain.plain_condition(Book, asked.items())
    assert (found is not None) is is_plain
    if is_plain:
        monkeypatch.setattr(filters, "plain_condition", lambda *args: None)
        assert found == filters.build(Book, Q(**asked))


def test_names_of_requests_are_not_kept_without_end():
    for number in range(plain._MAX_NAMES + 10):
        plain.plain_condition(Ticket, {f"nothing{number}": 1}.items())
    assert len(Ticket._plain_names) <= plain._MAX_NAMES


def test_get_finds_one_or_says_what_else():
    one, two = Author.objects.create(name="a"), Author.objects.create(name="b")
    assert Author.objects.get(pk=one.pk) == one and Author.objects.get(name="b") == two
    assert Author.objects.get(Q(name="a"), pk=one.pk) == one
    with pytest.raises(Author.DoesNotExist, match="Author matching query does not exist"):
        Author.objects.get(pk=KEY)
    with pytest.raises(Author.DoesNotExist):
        Author.objects.filter(name="b").get(pk=one.pk)
    with pytest.raises(Author.DoesNotExist):
        Author.objects.none().get(pk=one.pk)
    Author.objects.create(name="a")
    with pytest.raises(Author.MultipleObjectsReturned, match="it returned 2!"):
        Author.objects.get(name="a")
    with pytest.raises(Exception, match="Cannot resolve keyword 'nonsense'"):
        Author.objects.get(nonsense=1)
    Author.objects.bulk_create(Author(name="many") for _ in range(25))
    with pytest.raises(Author.MultipleObjectsReturned, match="more than 20!"):
        Author.objects.get(name="many")


def test_get_keeps_what_makes_the_set_what_it_is(assert_num_commands):
    author = Author.objects.create(name="a")
    book = Book.objects.create(title="x", author=author, remarks=[Remark(author="r")])
    some = Book.objects.only("title").get(pk=book.pk)
    assert "pages" in some.get_deferred_fields()
    with_author = Book.objects.select_related("author").get(pk=book.pk)
    with assert_num_commands(0):
        assert with_author.author.name == "a"
    found = author.books.get(title="x")
    with assert_num_commands(0):
        assert found.author is author
    assert Book.objects.values("title").get(pk=book.pk) == {"title": "x"}


def test_a_query_set_that_has_a_say_is_asked():
    class Loud(DocumentQuerySet):
        def filter(self, *args, **kwargs):
            return super().filter(name=kwargs["name"].lower())

        def _filter_or_exclude(self, negate, args, kwargs):
            kwargs["name"] = kwargs["name"].lower()
            return super()._filter_or_exclude(negate, args, kwargs)

    Author.objects.create(name="a")
    assert Loud(Author).get(name="A").name == "a"


@pytest.mark.needs("transactions")
def test_what_get_reads_in_a_transaction_is_known_to_be_so():
    author = Author.objects.create(name="a")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Author.objects.filter(pk=author.pk).update(name="b")
        found = Author.objects.get(pk=author.pk)
        raise ZeroDivisionError
    found.save()
    assert Author.objects.get(pk=author.pk).name == "b"


@pytest.mark.needs("transactions")
def test_bulk_create_inserts_all_or_none():
    with pytest.raises(IntegrityError):
        Author.objects.bulk_create([Author(name=str(n), email="same@x.org") for n in range(3)])
    assert not Author.objects.exists()


def test_bulk_create_tells_documents_that_they_are_saved(assert_num_commands):
    made = Author.objects.bulk_create(Author(name=str(n)) for n in range(5))
    assert all(each.pk and not each._state.adding and each._state.db == "default" for each in made)
    with assert_num_commands(0):
        made[0].save()
    made[0].name = "changed"
    made[0].save()
    assert Author.objects.get(pk=made[0].pk).name == "changed"
    assert Author.objects.bulk_create([]) == []
    with pytest.raises(ValueError, match="positive"):
        Author.objects.bulk_create([Author(name="x")], batch_size=-1)
    assert len(Author.objects.bulk_create([Author(name="x") for _ in range(5)], batch_size=2)) == 5


def test_rows_of_missing_values_are_whole():
    Every.objects.create(text="a")
    Every.objects.create(slug="b")
    rows = Every.objects.order_by("pk").values_list("text", "slug")
    assert list(rows) == [("a", None), (None, "b")]
