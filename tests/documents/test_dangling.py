"""References to what is gone: an error that says which, and pages that still show."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.forms import modelform_factory
from django.template import Context, Template

from tests.testapp.models import (
    RefCountry,
    RefLine,
    RefOrder,
    RefPerson,
    RefPlace,
    RefProduct,
    Ticket,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def gone():
    return ObjectId()


@pytest.fixture
def person(gone):
    return RefPerson.objects.create(name="Ann", country_id=gone)


@pytest.mark.parametrize("how", ["get", "select_related", "prefetch_related"])
def test_the_error_names_holder_field_and_key(person, gone, how, assert_num_commands):
    found = getattr(RefPerson.objects, how)
    found = found(pk=person.pk) if how == "get" else found("country").get()
    message = (
        f"testapp.RefPerson {person.pk}: 'country' refers to testapp.RefCountry {gone}, which "
        "does not exist."
    )
    with pytest.raises(RefCountry.DoesNotExist) as caught:
        found.country  # noqa: B018
    assert str(caught.value) == message
    assert not hasattr(found, "country") and found.country_id == gone
    found.country = None
    assert found.country is None
    found.save()
    country = RefCountry.objects.create(name="x")
    found.country_id = country.pk
    assert found.country == country


def test_of_a_reference_one_to_one(gone):
    ticket = Ticket.objects.create(code="T", holder_id=gone)
    with pytest.raises(ObjectDoesNotExist, match="'holder' refers to"):
        Ticket.objects.get(pk=ticket.pk).holder  # noqa: B018


def test_inside_of_embedded_documents_the_place_is_named(gone):
    order = RefOrder.objects.create(
        number="1", place=RefPlace(country_id=gone), lines=[RefLine(), RefLine(product_id=gone)]
    )
    found = RefOrder.objects.get()
    with pytest.raises(
        RefCountry.DoesNotExist, match=rf"RefOrder {order.pk}, in place: 'country'"
    ):
        found.place.country  # noqa: B018
    with pytest.raises(RefProduct.DoesNotExist, match=r"in lines\.1: 'product' refers to"):
        found.lines[1].product  # noqa: B018
    with pytest.raises(RefCountry.DoesNotExist, match="embedded"):
        RefPlace(country_id=gone).country  # noqa: B018


def test_a_reference_that_never_was_stays_djangos_matter():
    with pytest.raises(RefProduct.DoesNotExist, match="has no product"):
        from tests.testapp.models import RefPart

        field = RefPart._meta.get_field("product")
        field.null = False
        try:
            RefPart().product  # noqa: B018
        finally:
            field.null = True


def test_a_template_shows_nothing(person):
    template = Template("{{ person.name }}:{{ person.country.name }}:{{ person.country_id }}")
    found = RefPerson.objects.get(pk=person.pk)
    assert template.render(Context({"person": found})).startswith("Ann::")


def test_a_form_leaves_the_choice_open(person, gone):
    Form = modelform_factory(RefPerson, fields=["name", "country"])
    assert "selected" not in str(Form(instance=person)["country"]).replace(
        '<option value="" selected>', ""
    )
    unchanged = Form({"name": "Ann", "country": str(gone)}, instance=person)
    assert list(unchanged.errors) == ["country"]
    emptied = Form({"name": "Ann", "country": ""}, instance=person)
    assert emptied.is_valid()
    emptied.save()
    assert RefPerson.objects.get().country_id is None


def test_validation_names_the_field(person):
    with pytest.raises(ValidationError) as caught:
        RefPerson.objects.get().full_clean()
    assert list(caught.value.message_dict) == ["country"]


def test_who_refers_to_nothing_can_be_found(person):
    there = RefCountry.objects.values("pk")
    assert RefPerson.objects.exclude(country__in=there).exclude(country=None).get() == person
