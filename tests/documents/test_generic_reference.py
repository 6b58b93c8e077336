"""References to documents of any class."""

from __future__ import annotations

import django
import pytest
from bson import DBRef, ObjectId
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.prefetch import GenericPrefetch
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError
from django.db.utils import NotSupportedError
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, GenericReferenceField, Reference
from tests.testapp.models import (
    RefBook,
    RefCountry,
    RefOrder,
    RefPerson,
    RefPlace,
    RefProduct,
    RefRemark,
    RefTag,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def subjects():
    return [
        RefCountry.objects.create(name="Finland"),
        RefTag.objects.create(slug="red"),
        RefBook.objects.create(title="Moomin"),
    ]


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


def test_it_is_stored_as_class_and_key_and_fetched_when_asked_for(subjects, assert_num_commands):
    for subject in subjects:
        remark = RefRemark.objects.create(text="x", subject=subject)
        name = subject._meta.label_lower
        assert stored(remark) == {
            "_id": remark.pk,
            "text": "x",
            "subject": {"model": name, "pk": subject.pk},
        }
        with assert_num_commands(1):
            found = RefRemark.objects.get(pk=remark.pk)
        assert found.subject_ref == Reference(type(subject), subject.pk)
        with assert_num_commands(1):
            assert found.subject == subject
            assert found.subject is found.subject
        with assert_num_commands(0):
            found.save()
    with assert_num_commands(0):
        assert RefRemark(subject=subjects[0]).subject is subjects[0]
        assert RefRemark().subject is None


def test_it_can_be_changed_and_emptied(subjects, assert_num_commands):
    finland, red, _ = subjects
    remark = RefRemark.objects.create(text="x", subject=finland)
    remark.subject = red
    with assert_num_commands(1):
        remark.save()
    remark = RefRemark.objects.get()
    assert remark.subject == red
    remark.subject_ref = Reference(RefCountry, finland.pk)
    assert remark.subject == finland
    remark.subject = None
    remark.save()
    assert stored(remark) == {"_id": remark.pk, "text": "x"}


def test_prefetching_asks_once_for_each_class(subjects, assert_num_commands):
    RefRemark.objects.bulk_create(
        [RefRemark(text=str(n), subject=subjects[n % 3]) for n in range(30)] + [RefRemark()]
    )
    with assert_num_commands(4):
        found = list(RefRemark.objects.prefetch_related("subject").order_by("text"))
        assert {str(each.subject) for each in found} == {"Finland", "red", "Moomin", "None"}
    only = GenericPrefetch("subject", [RefCountry.objects.only("pk"), RefTag.objects.all()])
    with assert_num_commands(4):
        found = [each.subject for each in RefRemark.objects.prefetch_related(only)]
    countries = [each for each in found if isinstance(each, RefCountry)]
    assert all(each.get_deferred_fields() == {"name"} for each in countries)


@pytest.mark.skipif(django.VERSION < (6, 1), reason="Django 6.1 has fetch modes")
def test_peers_are_fetched_together(subjects, assert_num_commands):
    from django.db.models import FETCH_PEERS

    RefRemark.objects.bulk_create(
        [RefRemark(text=str(n), subject=subjects[n % 3]) for n in range(9)]
    )
    with assert_num_commands(4):
        found = {str(each.subject) for each in RefRemark.objects.fetch_mode(FETCH_PEERS)}
    assert found == {"Finland", "red", "Moomin"}


def test_lookups(subjects):
    finland, red, book = subjects
    for subject in (*subjects, None):
        RefRemark.objects.create(text=str(subject), subject=subject)

    def found(**kwargs):
        return {each.text for each in RefRemark.objects.filter(**kwargs)}

    assert found(subject=finland) == {"Finland"}
    assert found(subject=Reference(RefTag, "red")) == {"red"}
    assert found(subject=f"testapp.refcountry:{finland.pk}") == {"Finland"}
    assert found(subject__in=[finland, red]) == {"Finland", "red"}
    assert found(subject__isnull=True) == found(subject=None) == {"None"}
    assert found(subject__model=RefBook) == found(subject__model="testapp.RefBook") == {"Moomin"}
    assert found(subject__model__in=[RefBook, RefTag]) == {"Moomin", "red"}
    assert found(subject__pk=book.pk) == {"Moomin"}
    assert RefRemark.objects.exclude(subject=finland).count() == 3
    with pytest.raises(FieldError):
        found(subject__title="Moomin")
    with pytest.raises(NotSupportedError, match="icontains"):
        found(subject__icontains="x")
    with pytest.raises(ValidationError):
        found(subject__model={"$ne": 1})
    with pytest.raises(ValidationError):
        found(subject__pk={"$ne": 1})
    with pytest.raises(ValidationError):
        found(subject={"$ne": 1})
    RefRemark.objects.filter(subject=red).update(subject=book)
    assert found(subject=book) == {"Moomin", "red"}


def test_a_reference_to_what_is_gone_says_so(subjects, assert_num_commands):
    finland = subjects[0]
    remark = RefRemark.objects.create(text="x", subject=finland)
    key = finland.pk
    finland.delete()
    for queryset in (RefRemark.objects.all(), RefRemark.objects.prefetch_related("subject")):
        found = queryset.get()
        with pytest.raises(RefCountry.DoesNotExist) as caught:
            found.subject  # noqa: B018
        assert str(caught.value) == (
            f"testapp.RefRemark {remark.pk}: 'subject' refers to testapp.RefCountry {key}, which "
            "does not exist."
        )
        assert not hasattr(found, "subject")
    with pytest.raises(ValidationError, match="There is no ref country with the key"):
        found.full_clean()


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("subject", RefCountry(name="new"), ValueError),
        ("subject", ContentType(pk=1), ValidationError),
        ("subject", RefPlace(pk=1), ValidationError),
        ("subject", 5, ValidationError),
        ("subject", "red", ValidationError),
        ("subject", "testapp.nothing:5", ValidationError),
        ("subject", "testapp.refcountry:5", ValidationError),
        ("subject", {"model": "testapp.refcountry", "pk": {"$ne": 1}}, ValidationError),
        ("about", RefTag(slug="red"), ValidationError),
    ],
)
def test_what_is_no_reference_is_refused(name, given, error):
    with pytest.raises(error):
        RefRemark(**{name: given})


def test_classes_that_are_allowed(subjects):
    remark = RefRemark(about=subjects[2])
    assert remark.about == subjects[2]
    with pytest.raises(ValidationError, match=r"testapp\.RefBook, testapp\.RefCountry, not to"):
        remark.about = subjects[1]


def test_what_mongoengine_stores_is_read(subjects):
    finland, red, _ = subjects
    table = RefCountry._meta.db_table
    RefRemark.objects.collection.insert_many(
        [
            {"text": "1", "subject": {"_cls": "RefCountry", "_ref": DBRef(table, finland.pk)}},
            {"text": "2", "subject": DBRef(RefTag._meta.db_table, "red")},
        ]
    )
    first, second = RefRemark.objects.order_by("text")
    assert (first.subject, second.subject) == (finland, red)
    first.text = "3"
    first.save()
    assert stored(first)["text"] == "3"


def test_what_can_not_be_read_says_so_when_it_is_touched():
    RefRemark.objects.collection.insert_one({"text": "x", "subject": {"model": "a.b", "pk": 1}})
    remark = RefRemark.objects.get()
    assert remark.text == "x"
    with pytest.raises(DataError, match="no document class"):
        remark.subject  # noqa: B018


def test_fixtures_and_forms(subjects):
    finland = subjects[0]
    remark = RefRemark.objects.create(text="x", subject=finland)
    before = stored(remark)
    text = serializers.serialize("json", [remark])
    assert f'"subject": "testapp.refcountry:{finland.pk}"' in text
    RefRemark.objects.all().delete()
    for each in serializers.deserialize("json", text):
        each.save()
    assert stored(remark) == before

    form_class = forms.modelform_factory(RefRemark, fields=["subject"])
    form = form_class(instance=RefRemark.objects.get())
    value = f"testapp.refcountry:{finland.pk}"
    assert f'value="{value}"' in str(form)
    same = form_class({"subject": value}, instance=RefRemark.objects.get())
    assert same.is_valid() and not same.has_changed()
    form = form_class({"subject": "testapp.reftag:red"}, instance=RefRemark.objects.get())
    form.save()
    assert RefRemark.objects.get().subject == subjects[1]
    for wrong in ("nonsense", "testapp.reftag:blue", "testapp.refplace:1"):
        assert "subject" in form_class({"subject": wrong}).errors
    form = form_class({"subject": ""}, instance=RefRemark.objects.get())
    form.save()
    assert RefRemark.objects.get().subject is None


@isolate_apps("tests.testapp")
def test_classes_that_there_are_not_are_an_error():
    class Pointing(Document):
        one = GenericReferenceField(to=["nothing.Nothing"])
        two = GenericReferenceField(to=[RefPlace])
        fine = GenericReferenceField(to=[RefOrder, "testapp.RefPerson", "RefProduct"])

        class Meta:
            app_label = "testapp"

    found = [error for error in Pointing.check() if error.id == "mongo_contrib.E063"]
    assert [error.obj.name for error in found] == ["one", "two"]
    fine = Pointing._meta.get_field("fine")
    assert fine.deconstruct()[3]["to"][0] == "testapp.RefOrder"
    assert fine.allowed == (RefOrder, RefPerson, RefProduct)
    assert ObjectId() not in fine.allowed
