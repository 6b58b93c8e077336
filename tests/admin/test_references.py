"""Lists of references and references that lead nowhere, in the stock admin."""

from __future__ import annotations

import pytest
from bson import ObjectId
from django.contrib import admin
from django.urls import path, reverse

from mongo_contrib.admin.options import MongoModelAdmin
from mongo_contrib.admin.sites import MongoAdminSite
from tests.testapp.models import (
    RefBook,
    RefCountry,
    RefMachine,
    RefPart,
    RefPerson,
    RefProduct,
    RefRemark,
    RefShelf,
    RefTag,
)

pytestmark = pytest.mark.django_db

site = MongoAdminSite(name="admin")


@admin.register(RefPerson, site=site)
class PersonAdmin(MongoModelAdmin):
    search_fields = ["name"]
    list_display = ["name", "country"]
    list_filter = ["country", "refbook"]


@admin.register(RefCountry, RefProduct, RefMachine, site=site)
class PlainAdmin(MongoModelAdmin):
    pass


@admin.register(RefTag, site=site)
class TagAdmin(MongoModelAdmin):
    search_fields = ["slug"]
    ordering = ["slug"]


@admin.register(RefBook, site=site)
class BookAdmin(MongoModelAdmin):
    fields = ["title", "authors", "tags"]
    filter_horizontal = ["authors"]
    autocomplete_fields = ["tags"]
    list_display = ["title", "authors"]
    list_filter = ["authors", "tags"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("authors")


@admin.register(RefShelf, site=site)
class ShelfAdmin(MongoModelAdmin):
    fields = ["name", "cascading", "books", "protected"]
    raw_id_fields = ["cascading"]
    filter_vertical = ["books"]
    readonly_fields = ["protected"]


@admin.register(RefRemark, site=site)
class RemarkAdmin(MongoModelAdmin):
    list_display = ["text", "subject"]
    readonly_fields = ["about"]


urlpatterns = [path("admin/", site.urls)]


@pytest.fixture(autouse=True)
def admin_urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def people():
    return RefPerson.objects.bulk_create(
        [RefPerson(name=name) for name in ("Tove", "Lars", "Ham")]
    )


def page(client, model, action="changelist", *args, **query):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}"
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_checks_take_lists_for_many_to_many():
    for model, model_admin in site._registry.items():
        assert model_admin.check() == [], model


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filter_horizontal": ["title"]}, "admin.E020"),
        ({"raw_id_fields": ["title"]}, "admin.E003"),
        ({"autocomplete_fields": ["title"]}, "admin.E038"),
        ({"autocomplete_fields": ["authors"]}, "mongo_admin.E007"),
    ],
)
def test_what_is_no_list_is_refused(options, expected):
    other = MongoAdminSite(name="other")
    made = type("Made", (MongoModelAdmin,), options)
    other.register(RefBook, made)
    assert [error.id for error in other._registry[RefBook].check()] == [expected]


def test_the_form_has_a_picker_and_saves_by_one_write(client, people, assert_num_commands):
    tove, lars, ham = people
    RefTag.objects.create(slug="red")
    html = page(client, RefBook, "add")
    assert 'class="selectfilter"' in html and "admin-autocomplete" in html
    assert html.count("related-widget-wrapper-link add-related") == 2
    data = {"title": "Moomin", "authors": [str(lars.pk), str(tove.pk)], "tags": ["red"]}
    response = client.post(reverse("admin:testapp_refbook_add"), data)
    assert response.status_code == 302, response.content.decode()
    book = RefBook.objects.get()
    assert set(book.authors_id) == {lars.pk, tove.pk} and book.tags_id == ["red"]
    html = page(client, RefBook, "change", book.pk)
    assert html.count(" selected>") == 3
    data["authors"].append(str(ham.pk))
    before = book.authors_id
    assert client.post(reverse("admin:testapp_refbook_change", args=[book.pk]), data).status_code
    assert RefBook.objects.get().authors_id == [*before, ham.pk]
    history = page(client, RefBook, "history", book.pk)
    assert "Changed Authors." in history


def test_raw_ids_and_lists_that_are_only_read(client, people):
    tove, lars, _ = people
    shelf = RefShelf.objects.create(name="a", cascading=[tove, lars], protected=[lars])
    html = page(client, RefShelf, "change", shelf.pk)
    assert f'value="{tove.pk},{lars.pk}"' in html
    assert '<div class="readonly">Lars</div>' in html
    data = {"name": "b", "cascading": f"{lars.pk}"}
    client.post(reverse("admin:testapp_refshelf_change", args=[shelf.pk]), data)
    shelf = RefShelf.objects.get()
    assert (shelf.name, shelf.cascading_id, shelf.protected_id) == ("b", [lars.pk], [lars.pk])


def test_completion_finds_tags(client):
    RefTag.objects.create(slug="red")
    url = reverse("admin:autocomplete")
    query = {"term": "re", "app_label": "testapp", "model_name": "refbook", "field_name": "tags"}
    assert client.get(url, query).json()["results"] == [{"id": "red", "text": "red"}]


def test_the_change_list_shows_and_filters(client, people):
    tove, lars, _ = people
    RefBook.objects.create(title="Moomin", authors=[lars, tove])
    RefBook.objects.create(title="Snork", authors=[tove])
    html = page(client, RefBook)
    assert "Lars, Tove" in html
    assert f"?authors__id__exact={lars.pk}" in html
    html = page(client, RefBook, authors__id__exact=str(lars.pk))
    assert "Moomin" in html and "Snork" not in html
    html = page(client, RefPerson, refbook__id__exact=str(RefBook.objects.get(title="Snork").pk))
    assert ">Tove<" in html and ">Lars<" not in html
    assert "Moomin" in page(client, RefBook, "delete", RefBook.objects.get(title="Moomin").pk)


def test_what_leads_nowhere_is_a_dash_and_the_pages_show(client):
    gone = ObjectId()
    person = RefPerson.objects.create(name="Ann", country_id=gone)
    book = RefBook.objects.create(title="x", authors=[person])
    book.authors_id.append(gone)
    book.save()
    html = page(client, RefPerson)
    assert '<td class="field-country">-</td>' in html
    page(client, RefPerson, "change", person.pk)
    page(client, RefPerson, "delete", person.pk)
    assert '<td class="field-authors">Ann</td>' in page(client, RefBook)
    page(client, RefBook, "change", book.pk)
    country = RefCountry.objects.create(name="x")
    remark = RefRemark.objects.create(text="r", subject=person, about=country)
    person.delete()
    country.delete()
    assert '<td class="field-subject">-</td>' in page(client, RefRemark)
    assert '<div class="readonly">-</div>' in page(client, RefRemark, "change", remark.pk)


def test_deleting_says_what_goes_along_and_what_must_not(client, people):
    tove, lars, _ = people
    shelf = RefShelf.objects.create(name="goes", cascading=[tove])
    RefShelf.objects.create(name="stays", protected=[lars])
    html = page(client, RefPerson, "delete", tove.pk)
    assert str(shelf) in html and "Are you sure" in html
    response = client.post(
        reverse("admin:testapp_refperson_delete", args=[tove.pk]), {"post": "y"}
    )
    assert response.status_code == 302
    assert not RefShelf.objects.filter(pk=shelf.pk) and not RefPerson.objects.filter(pk=tove.pk)
    html = page(client, RefPerson, "delete", lars.pk)
    assert "Cannot delete" in html
    product = RefProduct.objects.create(name="p")
    RefMachine.objects.create(name="machine of parts", parts=[RefPart(product=product)])
    assert "machine of parts" in page(client, RefProduct, "delete", product.pk)
