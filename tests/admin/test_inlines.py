"""The inlines' own checks and rights."""

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.admin import EmbeddedTabularInline, MongoAdminSite, MongoModelAdmin

from .shop.models import Label, Product, Rate, Review


def check(inline, model=Product):
    class Admin(MongoModelAdmin):
        inlines = [inline]

    return [(error.id, error.msg) for error in Admin(model, MongoAdminSite()).check()]


def test_the_list_is_found_by_its_class():
    class Inline(EmbeddedTabularInline):
        model = Review

    assert check(Inline) == []
    assert Inline(Product, MongoAdminSite()).get_field().name == "reviews"


def test_a_class_that_the_parent_has_no_list_of():
    class Inline(EmbeddedTabularInline):
        model = Review

    ((id, message),) = check(Inline, Rate)
    assert id == "mongo_admin.E001"
    assert message == (
        "Inline needs an attribute 'field': the name of the list of shop.Review in shop.Rate; "
        "it has none."
    )


def test_a_name_that_is_no_list():
    class Inline(EmbeddedTabularInline):
        model = Review
        field = "name"

    ((id, message),) = check(Inline)
    assert id == "mongo_admin.E001"
    assert "'name'" in message and "it has 'reviews'" in message
    with pytest.raises(ImproperlyConfigured):
        Inline(Product, MongoAdminSite()).get_field()


def test_a_formset_of_another_kind():
    from django.forms.models import BaseInlineFormSet

    class Inline(EmbeddedTabularInline):
        model = Label
        formset = BaseInlineFormSet

    assert [id for id, _ in check(Inline)] == ["mongo_admin.E002"]


def test_the_stock_inline_says_that_there_is_no_foreign_key():
    class Inline(admin.TabularInline):
        model = Review

    assert [id for id, _ in check(Inline)] == ["admin.E202"]


def test_limits_of_forms(rf, ann):
    class Inline(EmbeddedTabularInline):
        model = Review
        max_num = 2
        min_num = 1
        extra = 5

    request = rf.get("/")
    request.user = ann
    formset = Inline(Product, MongoAdminSite()).get_formset(request)
    made = formset(instance=Product())
    assert len(made.forms) == 2
    assert made.prefix == "reviews"


def test_fields_of_the_form(rf, ann):
    class Inline(EmbeddedTabularInline):
        model = Review
        fields = ["author", "note"]
        readonly_fields = ["note"]

    request = rf.get("/")
    request.user = ann
    formset = Inline(Product, MongoAdminSite()).get_formset(request)
    assert list(formset.form.base_fields) == ["author"]
