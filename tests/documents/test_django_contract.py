"""Django's private API that documents lean on: one test for each, to fail first when it moves.

The list is in the design of the project; what the engine leans on is tested beside it, in
tests/db/test_django_contract.py.
"""

from __future__ import annotations

import threading

import django
import pytest
from bson import ObjectId
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Avg, Count, Prefetch, Q
from django.db.models.deletion import Collector, get_candidate_relations_to_delete
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    ValuesIterable,
    ValuesListIterable,
)
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, DocumentQuerySet
from mongo_contrib.query.query import DocumentQuery
from tests.testapp.models import Address, Author, Book, Labelled, Mixed, Publisher

pytestmark = pytest.mark.django_db


def test_save_ends_in_save_table(monkeypatch):
    """`Model.save_base()` leaves the writing, and nothing else, to `_save_table()`."""
    seen = []

    def save_table(self, raw=False, cls=None, *args, **kwargs):
        seen.append((cls, args, kwargs))
        return False

    monkeypatch.setattr(Author, "_save_table", save_table)
    Author(name="x").save()
    assert seen == [(Author, (False, False, "default", None), {})]


@isolate_apps("tests.testapp")
def test_the_base_manager_comes_from_the_first_base_unless_it_is_forced():
    class Plain(Labelled):
        class Meta:
            app_label = "testapp"

    assert not isinstance(Plain._base_manager.all(), DocumentQuerySet)
    assert isinstance(Mixed._base_manager.all(), DocumentQuerySet)


@isolate_apps("tests.testapp")
def test_indexes_are_named_while_the_class_is_prepared():
    class Thing(Document):
        at = models.ForeignKey("self", models.CASCADE, null=True)

        class Meta:
            app_label = "testapp"
            indexes = (models.Index(fields=["-at"]),)

    assert [index.name for index in Thing._meta.indexes] == ["at_id_-1"]


def test_lookups_are_validated_by_filter_not_by_the_query():
    """The admin answers `?bogus=1` by what `filter()` raises."""
    for name in ("bogus", "title__bogus", "author__bogus", "remarks__bogus", "pk__bogus"):
        with pytest.raises(FieldError):
            Book.objects.filter(**{name: 1})


@pytest.mark.parametrize("key", ["x", "", "6500", "{'$ne': null}", "\0"])
def test_a_malformed_id_matches_nothing_and_asks_nobody(key, assert_num_commands):
    with assert_num_commands(0):
        assert not Book.objects.filter(pk=key).exists()
        assert not Book.objects.filter(author=key).exists()
        assert list(Book.objects.filter(pk__in=[key])) == []
        with pytest.raises(Book.DoesNotExist):
            Book.objects.get(pk=key)


def test_our_own_forward_descriptor_is_the_one_that_prefetches():
    author = Author.objects.create(name="Ann")
    book = Book.objects.create(title="x", author=author)
    descriptor = Book.author
    queryset, key_of, match_of, single, cache, is_descriptor = descriptor.get_prefetch_querysets(
        [book]
    )
    assert [key_of(each) for each in queryset] == [match_of(book)] == [author.pk]
    assert (single, cache, is_descriptor) == (True, "author", False)


def test_the_reverse_side_prefetches_by_add_q_with_reuse_all(monkeypatch):
    seen = []
    original = DocumentQuery.add_q

    def add_q(self, q, reuse_all=False):
        seen.append(reuse_all)
        return original(self, q, reuse_all)

    monkeypatch.setattr(DocumentQuery, "add_q", add_q)
    Author.objects.create(name="Ann")
    list(Author.objects.prefetch_related("books"))
    assert seen == [True]


def test_a_prefetch_of_a_slice_is_refused_clearly():
    Author.objects.create(name="Ann")
    with pytest.raises(Exception, match="window functions") as caught:
        list(Author.objects.prefetch_related(Prefetch("books", Book.objects.all()[:2])))
    assert type(caught.value).__name__ == "NotSupportedError"


def test_iterables_are_djangos_own_classes():
    """in_bulk(), contains() and prefetching ask by `issubclass`."""
    books = Book.objects.all()
    assert issubclass(books._iterable_class, ModelIterable)
    assert books.values("title")._iterable_class is ValuesIterable
    assert books.values_list("title")._iterable_class is ValuesListIterable
    assert books.values_list("title", flat=True)._iterable_class is FlatValuesListIterable


def test_in_bulk_reads_query_selected():
    book = Book.objects.create(title="x")
    assert Book.objects.in_bulk([book.pk]) == {book.pk: book}
    if django.VERSION >= (6, 1):
        assert Book.objects.values("title").in_bulk([book.pk]) == {book.pk: {"title": "x"}}
        assert Book.objects.values_list("title", flat=True).in_bulk([book.pk]) == {book.pk: "x"}
    assert Author.objects.in_bulk(["a@example.org"], field_name="email") == {}


def test_prefetch_related_reads_filtered_relations():
    assert Book.objects.prefetch_related("author").query._filtered_relations == {}


def test_filters_of_aggregates_are_read_on_every_django():
    Book.objects.create(title="a", pages=1)
    Book.objects.create(title="b", pages=3)
    assert Book.objects.aggregate(
        n=Count("pk", filter=Q(pages__gt=1)), mean=Avg("pages"), none=Avg("pages", default=7)
    ) == {"n": 1, "mean": 2.0, "none": 2.0}
    assert Book.objects.none().aggregate(x=Avg("pages", default=7)) == {"x": 7}


def test_django_filter_asks_for_transforms_when_a_class_is_made():
    django_filters = pytest.importorskip("django_filters")

    class BookFilter(django_filters.FilterSet):
        class Meta:
            model = Book
            fields = {"title": ["icontains"], "added": ["year__gt", "date"], "pages": ["lt"]}

    Book.objects.create(title="Momo", pages=3)
    found = BookFilter({"title__icontains": "MO", "pages__lt": "4"}, Book.objects.all()).qs
    assert [book.title for book in found] == ["Momo"]
    assert not BookFilter({"pages__lt": "x"}).is_valid()


def test_the_collector_deletes_by_two_kinds_of_queries_only():
    """`Collector` sends pk lists through the engine's compiler, and query sets through us."""
    author = Author.objects.create(name="Ann")
    Book.objects.create(title="x", author=author)
    collector = Collector(using="default", origin=author)
    collector.collect([author])
    assert collector.can_fast_delete(Book.objects.all()) is False
    assert collector.delete()[0] == 2


def test_embedded_classes_stand_in_the_registry_and_find_nothing(assert_num_commands):
    from django.apps import apps

    assert Address in apps.get_models()
    with assert_num_commands(0):
        assert list(Address._default_manager.all()) == []
        assert list(Address._base_manager.all()) == []
        assert Address.objects.count() == 0


def test_related_managers_are_made_of_the_default_managers_class():
    publisher = Publisher.objects.create(name="Insel")
    assert isinstance(publisher.book_set.all(), DocumentQuerySet)
    assert publisher.book_set.cheap().count() == 0


def test_foreign_keys_validate_through_the_base_manager():
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match=r"not a valid choice|does not exist"):
        Book(title="x", author_id=ObjectId()).full_clean()


def test_a_callable_default_of_a_list_adds_no_hidden_initial_value():
    assert Book._meta.get_field("tags").formfield().show_hidden_initial is False


@isolate_apps("tests.testapp")
def test_a_parent_is_taken_for_abstract_only_while_and_where_its_child_is_made():
    """`ModelBase` copies the fields of abstract parents; `SharedOptions` says which are."""
    seen = {}

    class Watching(models.CharField):
        def contribute_to_class(self, cls, name, private_only=False):
            super().contribute_to_class(cls, name, private_only)
            if cls.__name__ == "Yacht":
                seen["here"] = Ship._meta.abstract
                thread = threading.Thread(target=lambda: seen.update(there=Ship._meta.abstract))
                thread.start()
                thread.join()

    class Owner(Document):
        class Meta:
            app_label = "testapp"

    class Ship(Document):
        name = Watching(max_length=5)
        owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="ships")

        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    def prepared(sender, **kwargs):
        seen["prepared"] = Ship._meta.abstract

    models.signals.class_prepared.connect(prepared)
    try:

        class Yacht(Ship):
            class Meta:
                app_label = "testapp"

    finally:
        models.signals.class_prepared.disconnect(prepared)
    assert seen == {"here": True, "there": False, "prepared": False}
    assert Yacht._meta.parents == {}
    assert [field.name for field in Yacht._meta.local_fields] == ["id", "name", "owner", "_cls"]
    assert Yacht._meta.get_field("name") is not Ship._meta.get_field("name")
    # Of the copied reference Django sees nothing from the other side.
    assert [each.related_model for each in Owner._meta.related_objects] == [Ship]
    assert Yacht._meta.get_field("owner").remote_field.hidden


@isolate_apps("tests.testapp")
def test_who_refers_to_a_base_is_told_to_its_heirs_and_who_refers_to_heirs_to_deletion():
    """`Options._relation_tree` and `get_fields(include_hidden=True)` are what Django asks."""

    class Ship(Document):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Yacht(Ship):
        class Meta:
            app_label = "testapp"

    class Port(Document):
        ship = models.ForeignKey(Ship, on_delete=models.CASCADE)
        yacht = models.ForeignKey(Yacht, on_delete=models.CASCADE, related_name="+ports")

        class Meta:
            app_label = "testapp"

    def fields_to(model):
        return {relation.field.name for relation in get_candidate_relations_to_delete(model._meta)}

    assert [relation.field.name for relation in Ship._meta.related_objects] == ["ship"]
    assert "ship" in [relation.field.name for relation in Yacht._meta.related_objects]
    assert fields_to(Ship) == fields_to(Yacht) == {"ship", "yacht"}
    apps = Ship._meta.apps
    apps.clear_cache()
    assert fields_to(Ship) == {"ship", "yacht"}
