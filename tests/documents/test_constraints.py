"""Uniqueness as `full_clean()` sees it, where Django would need SQL."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import Q
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
)
from mongo_contrib.documents.schema import index_specs

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


@pytest.fixture
def Badge():
    with isolate_apps("tests.testapp"):

        class Chip(EmbeddedDocument):
            serial = models.CharField(max_length=9, null=True, default="none", unique=True)

            class Meta:
                app_label = "testapp"

        class Badge(Document):
            code = models.CharField(max_length=9, null=True, default="new", unique=True)
            number = models.IntegerField(null=True, default=0)
            day = models.DateField(null=True, default=datetime.date.today, unique=True)
            price = models.DecimalField(
                max_digits=5, decimal_places=2, null=True, default=0, unique=True
            )
            token = models.UUIDField(null=True, default=uuid.uuid4, unique=True)
            data = models.JSONField(null=True, default=dict, unique=True)
            chip = EmbeddedDocumentField(Chip, null=True)

            class Meta:
                app_label = "testapp"
                constraints = [
                    models.UniqueConstraint(
                        fields=["number"], condition=Q(number__isnull=False), name="one_number"
                    )
                ]

        collection = Badge.objects.collection
        collection.drop()
        collection.create_indexes([spec.model() for spec in index_specs(Badge)])
        yield Badge
        collection.drop()


def test_none_is_not_unique_where_it_is_stored_as_null(Badge):
    nothing = dict.fromkeys(["code", "number", "day", "price", "token", "data"])
    for _ in range(2):
        badge = Badge(**nothing, chip={"serial": None})
        badge.validate_unique()
        badge.validate_constraints()
        badge.save()


@pytest.mark.parametrize(
    "values",
    [
        {"code": ""},
        {"number": -(2**40)},
        {"day": datetime.date(1, 1, 1)},
        {"price": -5},
        {"token": uuid.UUID(int=0)},
        {"data": {"a": 1}},
        {"data": "text"},
        {"chip": {"serial": ""}},
    ],
)
def test_values_are_unique_where_none_is_stored_as_null(Badge, values):
    nothing = dict.fromkeys(["code", "number", "day", "price", "token", "data"])
    Badge.objects.create(**{**nothing, **values})
    with pytest.raises(IntegrityError):
        Badge.objects.create(**{**nothing, **values})


def test_what_is_invalid_is_not_asked_about(House):
    with pytest.raises(ValidationError) as caught:
        House(name={"a": 1}, place={"city": "Ulm", "number": "x"}).full_clean()
    assert caught.value.error_dict.keys() == {"place"}
    House(name="y" * 9, place={"city": "Ulm", "number": 9}).full_clean()
