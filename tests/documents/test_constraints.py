"""Uniqueness as `full_clean()` sees it, where Django would need SQL."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def House():
    with isolate_apps("tests.testapp"):

        class Place(EmbeddedDocument):
            city = models.CharField(max_length=20, db_column="town")
            number = models.IntegerField(default=1)

            class Meta:
                app_label = "testapp"

        class House(Document):
            name = models.CharField(max_length=20)
            place = EmbeddedDocumentField(Place, null=True, blank=True)
            places = EmbeddedDocumentListField(Place)

            class Meta:
                app_label = "testapp"
                constraints = [
                    models.UniqueConstraint(fields=["place__city", "name"], name="in_a_city"),
                    models.UniqueConstraint(fields=["places__city"], name="in_all_cities"),
                    models.UniqueConstraint(
                        fields=["place__number"],
                        condition=Q(place__number__gt=5),
                        name="high_numbers",
                        violation_error_message="taken",
                    ),
                ]

        yield House


def test_paths_into_embedded_documents_are_validated(House):
    house = House.objects.create(name="x", place={"city": "Ulm"})
    house.full_clean()
    House(name="y", place={"city": "Ulm"}).full_clean()
    House(name="x", place={"city": "Bonn"}).full_clean()
    House(name="x").full_clean()
    with pytest.raises(ValidationError, match="in_a_city"):
        House(name="x", place={"city": "Ulm"}).full_clean()
    House(name="x", place={"city": "Ulm"}).full_clean(exclude=["place"])


def test_a_condition_on_an_embedded_document_decides(House):
    House.objects.create(name="x", place={"city": "Ulm", "number": 7})
    House.objects.create(name="x", place={"city": "Bonn", "number": 5})
    House(name="y", place={"city": "Ulm", "number": 5}).full_clean()
    with pytest.raises(ValidationError, match="taken"):
        House(name="y", place={"city": "Ulm", "number": 7}).full_clean()


def test_paths_through_lists_are_left_to_the_index(House):
    House.objects.create(name="x", places=[{"city": "Ulm"}])
    House(name="y", places=[{"city": "Ulm"}]).full_clean()
