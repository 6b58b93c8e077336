"""Mistakes in document classes are found at start-up, by name and with the cure."""

from __future__ import annotations

import pytest
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentField, ListField
from tests.testapp import models as testapp


def ids(model):
    return sorted(error.id for error in model.check() if error.id)


def test_the_documents_of_the_tests_are_sound():
    for name in dir(testapp):
        model = getattr(testapp, name)
        if isinstance(model, type) and issubclass(model, models.Model):
            assert model._meta.abstract or model.check() == []


@isolate_apps("tests.testapp")
def test_a_plain_manager_is_an_error_with_a_hint():
    class Thing(Document):
        objects = models.Manager()

        class Meta:
            app_label = "testapp"

    (error,) = Thing.check()
    assert error.id == "mongo_contrib.E023" and "DocumentManager" in error.hint


@isolate_apps("tests.testapp")
def test_many_to_many_is_an_error_with_a_hint():
    class Thing(Document):
        others = models.ManyToManyField("self")

        class Meta:
            app_label = "testapp"

    errors = [error for error in Thing.check() if error.id == "mongo_contrib.E024"]
    assert len(errors) == 1 and "ListField" in errors[0].hint


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (lambda: models.BigAutoField(primary_key=True), "mongo_contrib.E025"),
        (lambda: models.IntegerField(db_default=3), "mongo_contrib.E026"),
        (lambda: models.ForeignKey("Inner", models.CASCADE), "mongo_contrib.E027"),
        (lambda: ListField(models.ForeignKey("self", models.CASCADE)), "mongo_contrib.E020"),
        (lambda: ListField(models.IntegerField(), default=[]), "mongo_contrib.W021"),
        (lambda: EmbeddedDocumentField("Thing"), "mongo_contrib.E022"),
        (lambda: EmbeddedDocumentField("testapp.Missing"), "mongo_contrib.E022"),
    ],
)
def test_fields_that_cannot_work_are_errors(field, expected):
    class Inner(EmbeddedDocument):
        class Meta:
            app_label = "testapp"

    class Thing(Document):
        odd = field()

        class Meta:
            app_label = "testapp"

    assert expected in ids(Thing)


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"ordering": ["nothing"]}, "mongo_contrib.E028"),
        ({"order_with_respect_to": "other"}, "mongo_contrib.E032"),
        ({"ordering": ["other__other__name"]}, "mongo_contrib.E028"),
        (
            {"constraints": [models.CheckConstraint(condition=Q(name="x"), name="c")]},
            "mongo_contrib.E029",
        ),
        (
            {
                "indexes": [
                    models.Index(fields=["name"], name="same"),
                    models.Index(fields=["-name"], name="same"),
                ]
            },
            "mongo_contrib.E031",
        ),
    ],
)
def test_options_that_cannot_work_are_errors(meta, expected):
    class Thing(Document):
        name = models.CharField(max_length=10)
        other = models.ForeignKey("self", models.CASCADE, null=True)
        Meta = type("Meta", (), {"app_label": "testapp", **meta})

    assert expected in ids(Thing)
