"""Documents of several classes in the admin."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.contrib import admin
from django.urls import path, reverse

from mongo_contrib.admin import EmbeddedTabularInline, MongoAdminSite, MongoModelAdmin
from tests.testapp.models import (
    Animal,
    BankPayment,
    Cat,
    Delivery,
    Dog,
    Loose,
    Payment,
    Pickup,
    Purchase,
    Walk,
)

site = MongoAdminSite(name="zoo")


@admin.register(Animal, site=site)
class AnimalAdmin(MongoModelAdmin):
    list_display = ["name", "_cls"]
    list_filter = ["_cls"]
    fields = ["name", "age", "tag"]


class RefundInline(EmbeddedTabularInline):
    model = Payment
    extra = 0


@admin.register(Purchase, site=site)
class PurchaseAdmin(MongoModelAdmin):
    inlines = [RefundInline]


site.register(Loose, MongoModelAdmin)
urlpatterns = [path("zoo/", site.urls)]


@pytest.fixture(autouse=True)
def zoo_urls(settings, admin_urls):
    settings.ROOT_URLCONF = __name__


def url(view, *args):
    return reverse(f"zoo:testapp_{view}", args=args)


def test_the_change_list_of_the_base_shows_all(client):
    Dog.objects.create(name="Rex")
    Cat.objects.create(name="Tom")
    content = client.get(url("animal_changelist")).content.decode()
    assert "Rex" in content and "Tom" in content and "Animal.Dog" in content
    found = client.get(url("animal_changelist"), {"_cls": "Animal.Cat"}).context["cl"]
    assert [each.name for each in found.result_list] == ["Tom"]


def test_the_form_of_the_base_keeps_a_subclasses_fields(client):
    dog = Dog.objects.create(name="Rex", breed="pug", tricks=3)
    change = url("animal_change", dog.pk)
    assert client.get(change).status_code == 200
    response = client.post(change, {"name": "Max", "age": "4", "tag": ""})
    assert response.status_code == 302, response.context["errors"]
    found = Animal.objects.get()
    assert type(found) is Dog
    assert (found.name, found.age, found.breed, found.tricks) == ("Max", 4, "pug", 3)
    history = client.get(url("animal_history", dog.pk))
    assert [each.action_flag for each in history.context["action_list"]] == [2]
    assert change in client.get(reverse("zoo:index")).content.decode()


def test_deleting_what_the_base_found(client):
    dog = Dog.objects.create(name="Rex")
    cat = Cat.objects.create(name="Tom")
    Walk.objects.create(dog=dog)
    page = client.get(url("animal_delete", dog.pk)).content.decode()
    assert "Walk" in page
    action = {"action": "delete_selected", "_selected_action": [str(cat.pk), str(dog.pk)]}
    page = client.post(url("animal_changelist"), action).content.decode()
    assert "Walk" in page
    client.post(url("animal_changelist"), {**action, "post": "yes"})
    assert not Animal.objects.exists() and not Walk.objects.exists()


def test_an_embedded_document_of_several_classes_is_edited_as_text(client, form_of):
    purchase = Purchase.objects.create(
        payment=BankPayment(amount=1, iban="DE1"), way=Delivery(street="Elm")
    )
    change = url("purchase_change", purchase.pk)
    values = form_of(change)
    assert json.loads(values["payment"])["_cls"] == "Payment.BankPayment"
    response = client.post(change, {**values, "way": '{"_cls": "Pickup", "shop": "x"}'})
    assert response.status_code == 302, response.context["errors"]
    found = Purchase.objects.get()
    assert found.way == Pickup(shop="x")
    assert found.payment == purchase.payment
    response = client.post(change, {**values, "way": '{"_cls": "Barter"}'})
    assert "Barter" in response.content.decode()


def test_an_inline_of_the_base_keeps_what_the_items_are(client, form_of):
    purchase = Purchase.objects.create(refunds=[BankPayment(amount=1, iban="DE1")])
    change = url("purchase_change", purchase.pk)
    values = form_of(change)
    response = client.post(change, {**values, "refunds-0-amount": "2.50"})
    assert response.status_code == 302, response.context["errors"]
    assert Purchase.objects.get().refunds == [BankPayment(amount=Decimal("2.50"), iban="DE1")]


def test_a_dynamic_document_keeps_what_no_form_shows(client, form_of):
    document = Loose.objects.create(title="x", colour="red")
    change = url("loose_change", document.pk)
    response = client.post(change, {**form_of(change), "title": "y"})
    assert response.status_code == 302, response.context["errors"]
    found = Loose.objects.get()
    assert (found.title, found.colour) == ("y", "red")
