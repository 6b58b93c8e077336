"""Lists of references: Django's many-to-many, kept in the document itself."""

from __future__ import annotations

import json

import pytest
from bson import ObjectId
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import call_command
from django.db import models
from django.db.models import Count, Prefetch, Q
from django.db.models.signals import m2m_changed
from django.db.utils import NotSupportedError
from django.test.utils import isolate_apps

from mongo_contrib.documents import PULL, Document, ReferenceListField
from mongo_contrib.documents.schema import collection_spec
from tests.testapp.models import RefBook, RefChapter, RefCountry, RefPerson, RefShelf, RefTag

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    finland = RefCountry.objects.create(name="Finland")
    return RefPerson.objects.bulk_create(
        [RefPerson(name=name, country=finland) for name in ("Tove", "Lars", "Ham")]
    )


@pytest.fixture
def book(people):
    tove, lars, _ = people
    return RefBook.objects.create(title="Moomin", authors=[lars, tove])


def stored(book):
    return RefBook.objects.collection.find_one({"_id": book.pk})


def names(queryset):
    return [each.name for each in queryset]


# The value


def test_a_list_is_saved_with_the_document_by_one_command(people, assert_num_commands):
    tove, lars, ham = people
    with assert_num_commands(1):
        book = RefBook.objects.create(title="x", authors=[lars, tove.pk, str(ham.pk), lars])
    assert stored(book)["authors_id"] == [lars.pk, tove.pk, ham.pk]
    book.authors = [ham]
    book.title = "y"
    with assert_num_commands(1):
        book.save()
    assert stored(book) == {
        "_id": book.pk,
        "title": "y",
        "authors_id": [ham.pk],
        "tags_id": [],
        "chapters": [],
    }
    with assert_num_commands(0):
        book.save()
    with assert_num_commands(0):
        assert RefBook(title="z", authors=[tove]).authors_id == [tove.pk]


def test_the_order_is_the_stored_one(people, book):
    tove, lars, ham = people
    assert names(book.authors.all()) == ["Lars", "Tove"]
    book.authors.set([ham, tove, lars])
    found = RefBook.objects.get().authors
    assert names(found.all()) == ["Ham", "Tove", "Lars"]
    assert names(found.all()[1:]) == ["Tove", "Lars"]
    assert (found.first(), found.last()) == (ham, lars)
    assert names(found.filter(name__contains="a")) == ["Ham", "Lars"]
    assert names(found.order_by("name")) == ["Ham", "Lars", "Tove"]
    assert list(found.values_list("name", flat=True)) == ["Ham", "Tove", "Lars"]
    assert names(found.reverse()) == ["Lars", "Tove", "Ham"]
    assert found.count() == 3 and found.exists() and found.contains(lars)
    assert names(found.short()) == ["Ham"]
    assert str(found) == "Ham, Tove, Lars"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([RefPerson(name="unsaved")], ValueError),
        ([RefCountry(pk=ObjectId())], TypeError),
        (["no id"], ValidationError),
        ([None], ValidationError),
        ("abc", ValidationError),
        ({"$in": []}, ValidationError),
        ([{"$ne": 1}], ValidationError),
        (5, ValidationError),
    ],
)
def test_what_is_no_list_of_keys_is_refused(given, error):
    with pytest.raises(error):
        RefBook(title="x", authors=given)


def test_keys_of_nothing_are_refused_by_validation(people, assert_num_commands):
    gone = ObjectId()
    book = RefBook(title="x", authors=[people[0], gone])
    with assert_num_commands(1), pytest.raises(ValidationError) as caught:
        book.clean_fields()
    assert caught.value.message_dict == {
        "authors": [f"There is no ref person with the key {gone}."]
    }


# Writing at once


def test_add_and_remove_write_at_once_and_read_back(people, book, assert_num_commands):
    tove, lars, ham = people
    other = RefBook.objects.get()
    with assert_num_commands(1) as captured:
        other.authors.add(ham)
    assert captured.names == ["findAndModify"]
    with assert_num_commands(1):
        book.authors.remove(tove)
    assert book.authors_id == [lars.pk, ham.pk] == stored(book)["authors_id"]
    book.authors.add(lars.pk, tove)
    assert stored(book)["authors_id"] == [lars.pk, ham.pk, tove.pk]
    with assert_num_commands(0):
        book.save()
    book.authors.clear()
    assert stored(book)["authors_id"] == book.authors_id == []
    book.authors.set([tove, lars])
    with assert_num_commands(0):
        book.authors.set([tove, lars])
        book.authors.add()
    assert stored(book)["authors_id"] == [tove.pk, lars.pk]


def test_what_was_assigned_is_saved_with_what_is_added(people, book):
    tove, _lars, ham = people
    book.authors = [ham]
    book.authors.add(tove)
    assert stored(book)["authors_id"] == [ham.pk, tove.pk]


def test_before_the_first_save_nothing_is_written(people, assert_num_commands):
    tove, lars, _ = people
    book = RefBook(title="x")
    with assert_num_commands(0):
        book.authors.add(tove)
        book.authors.add(lars)
        book.authors.remove(tove)
    book.save()
    assert stored(book)["authors_id"] == [lars.pk]


def test_create_and_its_kin_add_what_they_make(book):
    book.authors.create(name="Signe")
    assert names(book.authors.all()) == ["Lars", "Tove", "Signe"]
    assert book.authors.get_or_create(name="Tove")[1] is False
    made, created = book.authors.get_or_create(name="Per")
    assert created and book.authors.contains(made)
    made, created = book.authors.update_or_create(name="Per", defaults={"name": "Olov"})
    assert not created and made.name == "Olov"
    assert names(RefBook.objects.get().authors.all()) == ["Lars", "Tove", "Signe", "Olov"]
    with pytest.raises(TypeError, match="through_defaults"):
        book.authors.add(made, through_defaults={"a": 1})


def test_a_document_that_is_gone_takes_nothing(people, book):
    RefBook.objects.collection.delete_one({"_id": book.pk})
    with pytest.raises(RefBook.DoesNotExist, match="is not stored any more"):
        book.authors.add(people[2])


def test_m2m_changed_is_sent(people, book):
    tove, lars, ham = people
    seen = []

    def note(action, instance, reverse, model, pk_set, **kwargs):
        seen.append((action, instance, reverse, model, pk_set))

    m2m_changed.connect(note, sender=RefBook.authors.through)
    try:
        book.authors.add(ham, tove)
        book.authors.set([tove])
        lars.refbook_set.add(book)
        book.authors.clear()
    finally:
        m2m_changed.disconnect(note, sender=RefBook.authors.through)
    lost = {lars.pk, ham.pk}
    assert seen == [
        ("pre_add", book, False, RefPerson, {ham.pk}),
        ("post_add", book, False, RefPerson, {ham.pk}),
        ("pre_remove", book, False, RefPerson, lost),
        ("post_remove", book, False, RefPerson, lost),
        ("pre_add", lars, True, RefBook, {book.pk}),
        ("post_add", lars, True, RefBook, {book.pk}),
        ("pre_clear", book, False, RefPerson, None),
        ("post_clear", book, False, RefPerson, None),
    ]


def test_lists_within_embedded_documents_are_saved_with_the_document(people, assert_num_commands):
    tove, lars, _ = people
    book = RefBook(title="x", chapters=[RefChapter(title="1", writers=[tove])])
    book.chapters[0].writers.add(lars)
    book.save()
    found = RefBook.objects.get()
    assert names(found.chapters[0].writers.all()) == ["Tove", "Lars"]
    with assert_num_commands(0):
        found.chapters[0].writers.remove(tove)
    found.save()
    assert stored(book)["chapters"] == [{"title": "1", "writers_id": [lars.pk]}]
    assert RefBook.objects.get(chapters__writers=lars) == book
    assert RefBook.objects.get(chapters__writers__name="Lars") == book


# The other side


def test_the_reverse_manager(people, book, assert_num_commands):
    tove, lars, ham = people
    second = RefBook.objects.create(title="Snork")
    with assert_num_commands(1) as captured:
        ham.refbook_set.add(book, second.pk)
    assert captured.names == ["update"]
    assert book.authors_id == [lars.pk, tove.pk, ham.pk]
    with assert_num_commands(0):
        book.save()
    assert {each.title for each in ham.refbook_set.all()} == {"Moomin", "Snork"}
    ham.refbook_set.remove(book)
    assert book.authors_id == stored(book)["authors_id"] == [lars.pk, tove.pk]
    assert ham.refbook_set.filter(title="Snork").count() == 1
    made = ham.refbook_set.create(title="Third", authors=[tove])
    assert stored(made)["authors_id"] == [tove.pk, ham.pk]
    assert ham.refbook_set.get_or_create(title="Third")[1] is False
    assert stored(ham.refbook_set.get_or_create(title="Fourth")[0])["authors_id"] == [ham.pk]
    ham.refbook_set.update_or_create(title="Fourth", defaults={"title": "Fifth"})
    ham.refbook_set.set([book, made])
    assert {each.title for each in ham.refbook_set.all()} == {"Moomin", "Third"}
    ham.refbook_set.clear()
    assert ham.refbook_set.count() == 0 and RefBook.objects.count() == 4
    with pytest.raises(ValueError, match="saved"):
        RefPerson(name="x").refbook_set.all()
    with pytest.raises(ValueError, match="not saved"):
        ham.refbook_set.add(RefBook(title="new"))
    with pytest.raises(TypeError, match=r"use refbook_set\.set"):
        ham.refbook_set = [book]


# Prefetching


def test_both_sides_are_prefetched_by_one_query(people, book, assert_num_commands):
    _tove, lars, ham = people
    RefBook.objects.create(title="Alone", authors=[ham, lars])
    RefBook.objects.create(title="Nobody")
    with assert_num_commands(2):
        found = {
            each.title: names(each.authors.all())
            for each in RefBook.objects.prefetch_related("authors")
        }
    assert found == {"Moomin": ["Lars", "Tove"], "Alone": ["Ham", "Lars"], "Nobody": []}
    with assert_num_commands(2):
        found = {
            each.name: sorted(one.title for one in each.refbook_set.all())
            for each in RefPerson.objects.prefetch_related("refbook_set")
        }
    assert found == {"Tove": ["Moomin"], "Lars": ["Alone", "Moomin"], "Ham": ["Alone"]}
    with assert_num_commands(3):
        countries = RefBook.objects.prefetch_related("authors__country", "tags")
        assert {a.country.name for b in countries for a in b.authors.all()} == {"Finland"}
    with assert_num_commands(2):
        found = RefBook.objects.select_related("authors").get(title="Alone")
        assert names(found.authors.all()) == ["Ham", "Lars"]


def test_prefetch_takes_query_sets_and_other_attributes(people, book, assert_num_commands):
    some = Prefetch("authors", RefPerson.objects.filter(name="Tove"), to_attr="toves")
    assert names(RefBook.objects.prefetch_related(some).get().toves) == ["Tove"]
    ordered = Prefetch("authors", RefPerson.objects.order_by("-name"))
    with assert_num_commands(2):
        found = RefBook.objects.prefetch_related(ordered).get()
        assert names(found.authors.all()) == ["Tove", "Lars"]
    nested = Prefetch("authors", RefPerson.objects.select_related("country"))
    with assert_num_commands(3):
        found = RefBook.objects.prefetch_related(nested).get()
        assert {each.country.name for each in found.authors.all()} == {"Finland"}
    with pytest.raises(NotSupportedError, match="sliced"):
        list(RefBook.objects.prefetch_related(Prefetch("authors", RefPerson.objects.all()[:1])))
    found.authors.add(people[2])
    assert names(found.authors.all()) == ["Lars", "Tove", "Ham"]


# Look-ups


def test_lookups(people, book):
    tove, lars, ham = people
    alone = RefBook.objects.create(title="Alone", authors=[ham])
    nobody = RefBook.objects.create(title="Nobody")

    def found(*args, **kwargs):
        return {each.title for each in RefBook.objects.filter(*args, **kwargs)}

    assert (
        found(authors=lars) == found(authors=lars.pk) == found(authors=str(lars.pk)) == {"Moomin"}
    )
    assert found(authors_id=lars.pk) == found(authors__pk=lars.pk) == {"Moomin"}
    assert found(authors__in=[ham, tove]) == {"Moomin", "Alone"}
    assert found(authors__in=RefPerson.objects.filter(name="Ham")) == {"Alone"}
    assert found(authors__name="Tove") == {"Moomin"}
    assert found(authors__name__in=["Tove", "Ham"]) == {"Moomin", "Alone"}
    assert found(authors__country__name="Finland") == {"Moomin", "Alone"}
    assert found(authors__name="Tove", authors__country__name="Norway") == set()
    assert found(authors__isnull=True) == found(authors=None) == {"Nobody"}
    assert found(authors__isnull=False) == {"Moomin", "Alone"}
    assert found(authors__name__isnull=True) == {"Nobody"}
    assert found(authors__len=2) == {"Moomin"}
    assert found(authors__len__gt=0) == {"Moomin", "Alone"}
    assert found(authors__contains=[tove, lars]) == {"Moomin"}
    assert found(authors__0=lars) == {"Moomin"}
    assert found(authors__0=tove) == set()
    assert found(authors=[lars, tove]) == {"Moomin"}
    assert found(Q(authors=ham) | Q(title="Nobody")) == {"Alone", "Nobody"}
    assert set(RefBook.objects.exclude(authors=ham)) == {book, nobody}
    assert set(RefBook.objects.exclude(authors__name="Tove")) == {alone, nobody}
    with pytest.raises(ValueError, match="RefPerson"):
        found(authors=RefCountry(pk=ObjectId()))
    with pytest.raises(FieldError):
        found(authors__nonsense=1)
    with pytest.raises(FieldError):
        found(authors__icontains="x")


def test_lookups_from_the_other_side(people, book):
    _, lars, ham = people
    RefBook.objects.create(title="Alone", authors=[ham, lars])

    def found(**kwargs):
        return {each.name for each in RefPerson.objects.filter(**kwargs)}

    assert found(refbook__title="Moomin") == {"Tove", "Lars"}
    assert found(refbook=book) == {"Tove", "Lars"}
    assert found(refbook__isnull=True) == set()
    assert found(country__refperson__refbook__title="Alone") == {"Tove", "Lars", "Ham"}
    assert {each.slug for each in RefTag.objects.filter(tagged__title="x")} == set()


def test_keys_of_other_types(assert_num_commands):
    red, blue = RefTag.objects.create(slug="red"), RefTag.objects.create(slug="$blue")
    book = RefBook.objects.create(title="x", tags=[blue, red])
    assert stored(book)["tags_id"] == ["$blue", "red"]
    assert [each.slug for each in book.tags.all()] == ["$blue", "red"]
    assert [each.title for each in red.tagged.all()] == ["x"]


def test_values_and_updates(people, book):
    tove, lars, ham = people
    assert RefBook.objects.values_list("authors", flat=True).get() == [lars.pk, tove.pk]
    assert RefBook.objects.values_list("authors__name", flat=True).get() == ["Lars", "Tove"]
    RefBook.objects.update(authors=[ham])
    assert stored(book)["authors_id"] == [ham.pk]
    RefBook.objects.bulk_update([RefBook(pk=book.pk, title="x", authors=[tove])], ["authors"])
    assert stored(book)["authors_id"] == [tove.pk]
    assert RefBook.objects.only("title").get().authors_id == [tove.pk]
    assert RefBook.objects.aggregate(n=Count("pk"))["n"] == 1


# Gone


def test_keys_of_what_is_gone_are_skipped_and_told(people, book, assert_num_commands):
    tove, lars, _ = people
    RefPerson.objects.collection.delete_one({"_id": lars.pk})
    book = RefBook.objects.get()
    assert names(book.authors.all()) == ["Tove"]
    assert names(RefBook.objects.prefetch_related("authors").get().authors.all()) == ["Tove"]
    with assert_num_commands(1):
        assert book.authors.dangling() == [lars.pk]
    assert book.authors.keys == [lars.pk, tove.pk]
    assert book.authors.pull_dangling() == [lars.pk]
    assert stored(book)["authors_id"] == [tove.pk]
    assert book.authors.dangling() == []


# Forms, fixtures, schema


class BookForm(forms.ModelForm):
    class Meta:
        model = RefBook
        fields = ["title", "authors"]


def test_a_form_saves_the_document_and_its_list_by_one_command(people, assert_num_commands):
    tove, lars, ham = people
    form = BookForm({"title": "x", "authors": [str(ham.pk), str(tove.pk)]})
    assert isinstance(form.fields["authors"], forms.ModelMultipleChoiceField)
    assert form.is_valid(), form.errors
    with assert_num_commands(1):
        book = form.save()
    assert set(stored(book)["authors_id"]) == {ham.pk, tove.pk}
    book.authors.set([tove, ham])
    form = BookForm(instance=book)
    assert form.initial["authors"] == [tove.pk, ham.pk]
    assert str(form).count(" selected") == 2
    same = BookForm({"title": "x", "authors": [str(ham.pk), str(tove.pk)]}, instance=book)
    assert not same.has_changed() and same.is_valid()
    with assert_num_commands(0):
        same.save()
    more = BookForm({"title": "x", "authors": [k.pk for k in (lars, ham)]}, instance=book)
    more.save()
    assert stored(book)["authors_id"] == [ham.pk, lars.pk]
    wrong = BookForm({"title": "x", "authors": [str(ObjectId())]}, instance=book)
    assert "authors" in wrong.errors


@isolate_apps("tests.testapp")
def test_a_list_that_is_not_blank_is_required():
    class Required(Document):
        people = ReferenceListField(RefPerson, related_name="+")

        class Meta:
            app_label = "testapp"

    assert Required._meta.get_field("people").formfield().required
    with pytest.raises(ValidationError, match="blank"):
        Required().full_clean()


@pytest.mark.parametrize("format", ["json", "python", "yaml"])
def test_fixtures_hold_the_keys(people, book, format):
    if format == "yaml":
        pytest.importorskip("yaml")
    RefTag.objects.create(slug="red").tagged.add(book)
    text = serializers.serialize(format, RefBook.objects.all())
    if format == "json":
        fields = json.loads(text)[0]["fields"]
        assert fields["authors"] == [str(people[1].pk), str(people[0].pk)]
        assert fields["tags"] == ["red"]
    before = stored(book)
    RefBook.objects.all().delete()
    for each in serializers.deserialize(format, text):
        each.save()
    assert stored(book) == before


def test_dumpdata_and_loaddata(people, book, tmp_path):
    before = stored(book)
    path = tmp_path / "books.json"
    call_command("dumpdata", "testapp.RefBook", output=str(path))
    RefBook.objects.all().delete()
    call_command("loaddata", str(path), verbosity=0)
    assert stored(book) == before


def test_it_has_an_index():
    keys = [index.keys for index in collection_spec(RefBook).indexes]
    assert (("authors_id", 1),) in keys
    assert RefBook._meta.get_field("authors").deconstruct()[3]["on_delete"] is PULL


@isolate_apps("tests.testapp", "django.contrib.contenttypes")
def test_checks():
    class Wrong(Document):
        rows = ReferenceListField(ContentType, related_name="+")
        nulled = ReferenceListField(RefPerson, models.SET_NULL, related_name="+")
        single = models.ForeignKey(RefPerson, PULL, related_name="+")

        class Meta:
            app_label = "testapp"

    found = {error.id for error in Wrong.check()}
    assert {"mongo_contrib.E060", "mongo_contrib.E061", "mongo_contrib.E062"} <= found
    assert not [error for model in (RefBook, RefShelf, RefChapter) for error in model.check()]
    with pytest.raises(TypeError, match="first argument"):
        ReferenceListField(5)
    with pytest.raises(TypeError, match="on_delete"):
        ReferenceListField(RefPerson, "CASCADE")


def test_a_refreshed_list_is_read_again_though_it_was_prefetched(people, book):
    tove, _, ham = people
    held = RefBook.objects.prefetch_related("authors").get(pk=book.pk)
    held.authors_id.append(tove.pk)
    RefBook.objects.get(pk=book.pk).authors.set([ham])
    held.refresh_from_db(fields=["authors"])
    assert held.authors_id == [ham.pk]
    assert names(held.authors.all()) == ["Ham"]
