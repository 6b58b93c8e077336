"""Embedded documents: what becomes of them as their parent is saved, again and again."""

from __future__ import annotations

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    ListField,
)
from tests.testapp.models import Book, Remark

pytestmark = pytest.mark.django_db


@pytest.fixture
def classes():
    with isolate_apps("tests.testapp"):

        class Stamp(EmbeddedDocument):
            token = models.UUIDField(default=uuid.uuid4)
            made = models.DateTimeField(auto_now_add=True)
            number = models.IntegerField(default=0)

            class Meta:
                app_label = "testapp"

        class Letter(Document):
            stamp = EmbeddedDocumentField(Stamp, null=True, blank=True)
            stamps = EmbeddedDocumentListField(Stamp)
            rows = ListField(EmbeddedDocumentListField(Stamp), default=list)

            class Meta:
                app_label = "testapp"

        yield Stamp, Letter


def stored(document):
    return document._meta.model.objects.collection.find_one({"_id": document.pk})


def test_auto_now_add_is_set_by_the_first_save_alone(classes, assert_num_commands):
    Stamp, Letter = classes
    letter = Letter.objects.create(stamp=Stamp(), stamps=[Stamp()], rows=[[Stamp()]])
    before = stored(letter)
    assert before["rows"][0][0]["made"] and letter.rows[0][0].made
    with assert_num_commands(0):
        letter.save()
    letter.stamps[0].number = 1
    letter.save()
    assert stored(letter)["stamps"][0] == {**before["stamps"][0], "number": 1}


def test_comparing_sets_nothing(classes):
    Stamp, _ = classes
    stamp = Stamp()
    assert stamp == Stamp(token=stamp.token)
    assert stamp.made is None


def test_dicts_become_documents_once(classes, assert_num_commands):
    Stamp, Letter = classes
    letter = Letter.objects.create(stamp={"number": 1}, stamps=[{"number": 2}])
    assert (
        letter.stamp == Stamp(token=letter.stamp.token, made=letter.stamp.made, number=1)
        and letter.stamps[0].number == 2
    )
    with assert_num_commands(0):
        letter.save()


def test_a_list_that_is_saved_stays_the_same_list(classes):
    Stamp, Letter = classes
    stamps = [Stamp()]
    letter = Letter.objects.create(stamps=stamps)
    stamps.append(Stamp())
    letter.save()
    assert len(stored(letter)["stamps"]) == 2


def test_update_sets_what_saving_sets(classes):
    Stamp, Letter = classes
    letter = Letter.objects.create()
    Letter.objects.filter(pk=letter.pk).update(stamp=Stamp(number=3))
    assert stored(letter)["stamp"]["made"]


def test_an_infinite_integer_is_an_error_of_the_field():
    with pytest.raises(ValidationError, match="infinity"):
        Book(title="x", remarks=[Remark(author="a", stars=float("inf"))]).full_clean()
