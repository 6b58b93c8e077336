"""Embedded documents in forms that know nothing of the admin."""

import pytest
from django import forms

from mongo_contrib.documents.forms import EmbeddedDocumentFormField
from tests.testapp.models import Address, Publisher, Remark


class PublisherForm(forms.ModelForm):
    class Meta:
        model = Publisher
        fields = ["home"]


class RemarkForm(forms.Form):
    remark = EmbeddedDocumentFormField(document=Remark, fields=["author", "address"])


FABER = {"home-city": "London", "home-street": "", "home-zip_code": ""}


def publisher(**home):
    return Publisher(name="Faber", home=Address(**home) if home else None)


def test_each_field_has_its_own_input():
    html = str(PublisherForm(instance=publisher(city="London"))["home"])
    assert '<input type="text" name="home-city" value="London"' in html
    assert 'id="id_home-since"' in html
    assert "required" not in html


def test_what_is_cleaned_is_an_instance():
    form = PublisherForm(FABER | {"home-since": "2020-02-01"}, instance=publisher())
    assert form.is_valid(), form.errors
    home = form.cleaned_data["home"]
    assert isinstance(home, Address)
    assert (home.city, home.since.year) == ("London", 2020)
    assert form.instance.home == home


def test_what_is_not_shown_stays():
    before = Remark(author="Ann", stars=4)
    data = {"remark-author": "Bob", "remark-address-city": ""}
    form = RemarkForm(data, initial={"remark": before})
    assert form.is_valid(), form.errors
    after = form.cleaned_data["remark"]
    assert (after.author, after.stars, after.address) == ("Bob", 4, None)
    # The form may still be thrown away.
    assert before.author == "Ann"


def test_errors_are_those_of_the_inner_form():
    form = PublisherForm(FABER | {"home-city": "", "home-since": "soon"})
    assert not form.is_valid()
    assert form.errors == {"home": ["Please correct the errors below."]}
    inner = form["home"].embedded_form
    assert inner.errors == {"city": ["This field is required."], "since": ["Enter a valid date."]}
    assert "Enter a valid date." in str(form["home"])
    assert 'value="soon"' in str(form["home"])


@pytest.mark.parametrize("home", [{}, {"city": "London"}])
def test_an_optional_one_with_nothing_in_it_is_none(home):
    data = dict.fromkeys(FABER, "")
    form = PublisherForm(data, instance=publisher(**home))
    assert form.is_valid(), form.errors
    assert form.cleaned_data["home"] is None
    assert ("home" in form.changed_data) is bool(home)


def test_a_default_alone_is_nothing_entered():
    form = RemarkForm({"remark-author": "Ann"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["remark"].address is None
    form = RemarkForm({})
    assert not form.is_valid()
    assert form["remark"].embedded_form.errors == {"author": ["This field is required."]}


def test_nested_ones():
    data = {"remark-author": "Ann", "remark-address-city": "Rome"}
    form = RemarkForm(data)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["remark"].address.city == "Rome"


def test_what_nobody_touched_is_no_change():
    form = PublisherForm(FABER | {"home-since": ""}, instance=publisher(city="London"))
    assert form.changed_data == []
    form = PublisherForm(FABER | {"home-since": "", "home-city": "Rome"}, instance=publisher())
    assert form.changed_data == ["home"]


def test_a_disabled_one_stays_as_it_is():
    form = PublisherForm(FABER | {"home-city": "Rome"}, instance=publisher(city="London"))
    form.fields["home"].disabled = True
    assert form.is_valid(), form.errors
    assert form.cleaned_data["home"].city == "London"
    assert form.changed_data == []


def test_no_value_can_become_an_operator():
    form = PublisherForm(FABER | {"home-city": '{"$ne": 1}'})
    assert form.is_valid()
    assert form.cleaned_data["home"].city == '{"$ne": 1}'


def test_a_default_that_is_callable_needs_no_hidden_copy():
    """With one, Django would take what nobody has touched for a change."""
    from django.db import models

    from mongo_contrib.documents import EmbeddedDocumentField, ListField

    assert not EmbeddedDocumentField(Address, default=Address).formfield().show_hidden_initial
    assert not ListField(models.CharField(), default=list).formfield().show_hidden_initial
