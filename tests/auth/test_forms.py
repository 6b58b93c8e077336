"""Django's forms over our users, and ours."""

from importlib.util import module_from_spec, spec_from_file_location

import pytest
from django import forms as django_forms
from django.contrib.auth import forms as stock
from django.contrib.auth.models import User as SQLUser

from mongo_contrib.auth import forms
from mongo_contrib.auth.models import Group, User
from tests.auth.people.models import Person

pytestmark = pytest.mark.django_db

PASSWORDS = {"password1": "Gänse-Füße 1", "password2": "Gänse-Füße 1"}


class StockUserChangeForm(stock.UserChangeForm):
    """As Django's documentation tells people to write it."""

    class Meta(stock.UserChangeForm.Meta):
        model = User


def choices_of(form, name):
    return [str(value) for value, _ in form.fields[name].choices]


@pytest.mark.parametrize("form_class", [forms.BaseUserCreationForm, forms.UserCreationForm])
def test_signing_up(form_class):
    form = form_class({"username": "\uff21nn", **PASSWORDS})
    assert form.is_valid(), form.errors
    user = form.save()
    assert User.objects.get(username="ann") == user
    assert user.username == "Ann" and user.check_password(PASSWORDS["password1"])


@pytest.mark.parametrize("form_class", [forms.BaseUserCreationForm, forms.UserCreationForm])
@pytest.mark.parametrize("name", ["Ann", "ANN", "\uff21nn"])
def test_a_name_that_is_taken(ann, form_class, name):
    form = form_class({"username": name, **PASSWORDS})
    assert form.errors == {"username": ["A user with that username already exists."]}


def test_the_search_for_a_name_uses_its_index(ann, capture_commands):
    assert not forms.UserCreationForm({"username": "ANN", **PASSWORDS}).is_valid()
    assert [event.command["filter"] for event in capture_commands] == [{"username_key": "ann"}] * (
        len(capture_commands)
    )
    assert 1 <= len(capture_commands) <= 2


def test_passwords_are_validated(settings):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator")
    ]
    form = forms.UserCreationForm({"username": "annabel", "password1": "a", "password2": "b"})
    assert set(form.errors) == {"password2"}
    form = forms.UserCreationForm(
        {"username": "annabella", "password1": "annabella", "password2": "annabella"}
    )
    assert form.errors == {"password2": ["The password is too similar to the username."]}


@pytest.mark.parametrize("form_class", [forms.UserChangeForm, StockUserChangeForm])
def test_changing(ann, form_class):
    one, other = (Group.objects.create(name=name) for name in ("One", "Other"))
    ann.groups = [one]
    ann.save()
    ann = User.objects.get(pk=ann.pk)
    form = form_class(instance=ann)
    assert "username_key" not in form.fields
    assert choices_of(form, "groups") == [str(one.pk), str(other.pk)]
    assert f'<option value="{one.pk}" selected>' in form.as_p()
    data = {name: value for name, value in form.initial.items() if value is not None}
    data |= {"groups": [str(other.pk)], "user_permissions": ["people.praise_deed"]}
    form = form_class(data, instance=ann)
    # The date was given with its microseconds, which a form doesn't show.
    assert set(form.changed_data) - {"date_joined"} == {"groups", "user_permissions"}
    form.save()
    ann = User.objects.get(pk=ann.pk)
    assert (ann.groups, ann.user_permissions) == ([other.pk], ["people.praise_deed"])
    assert ann.check_password("secret")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("groups", "0" * 24),
        ("groups", "nonsense"),
        ("groups", '{"$ne": 1}'),
        ("user_permissions", "people.rule_the_world"),
        ("user_permissions", "nonsense"),
    ],
)
def test_what_was_not_offered_is_refused(ann, field, value):
    data = {**forms.UserChangeForm(instance=ann).initial, "last_login": "", field: [value]}
    form = forms.UserChangeForm(data, instance=ann)
    assert set(form.errors) == {field}


def test_permissions_of_an_app_that_is_gone_stay(ann):
    ann.user_permissions = ["gone.see_ghosts"]
    ann.save()
    data = {k: v for k, v in forms.UserChangeForm(instance=ann).initial.items() if v is not None}
    data["user_permissions"] = ["gone.see_ghosts", "people.add_deed"]
    form = forms.UserChangeForm(data, instance=ann)
    assert form.is_valid(), form.errors
    assert form.save().user_permissions == ["gone.see_ghosts", "people.add_deed"]
    assert "gone.see_ghosts" not in choices_of(forms.UserChangeForm(), "user_permissions")
    group = forms.GroupForm(instance=Group(name="Ghosts", permissions=["gone.see_ghosts"]))
    assert "gone.see_ghosts" in choices_of(group, "permissions")


def test_a_group():
    form = forms.GroupForm({"name": "Editors", "permissions": ["people.add_deed"]})
    assert form.is_valid(), form.errors
    assert form.save().permissions == ["people.add_deed"]
    again = forms.GroupForm({"name": "Editors"})
    assert again.errors == {"name": ["Group with this Name already exists."]}


def test_pickers_cost_one_query_for_all_groups(ann, assert_num_commands):
    ids = [Group.objects.create(name=f"Group {number}").pk for number in range(5)]
    ann.groups = ids
    with assert_num_commands(1):
        forms.UserChangeForm(instance=ann).as_p()


def test_any_form_of_users_has_the_pickers():
    form_class = django_forms.modelform_factory(User, fields=["groups", "user_permissions"])
    group = Group.objects.create(name="One")
    form = form_class({"groups": [str(group.pk)], "user_permissions": ["people.add_deed"]})
    form.is_valid()
    assert form.cleaned_data == {"groups": [group.pk], "user_permissions": ["people.add_deed"]}


def test_logging_in(ann):
    form = stock.AuthenticationForm(None, {"username": "\uff21NN", "password": "secret"})
    assert form.is_valid() and form.get_user() == ann
    form = stock.AuthenticationForm(None, {"username": "ann", "password": "x"})
    assert form.errors.as_data()["__all__"][0].code == "invalid_login"
    assert form.fields["username"].max_length == 150


def test_resetting_a_password_uses_an_index(ann, capture_commands):
    User.objects.create_user("Inactive", "ann@example.com", "pw", is_active=False)
    User.objects.create_user("No password", "ann@example.com")
    form = stock.PasswordResetForm({"email": "ANN@EXAMPLE.COM"})
    assert form.is_valid()
    before = len(capture_commands)
    assert list(form.get_users("ANN@EXAMPLE.COM")) == [ann]
    [find] = capture_commands.commands[before:]
    assert "email_key" in str(find.command["filter"])
    assert "$regex" not in str(find.command["filter"])


def test_setting_a_password(ann):
    passwords = {"new_password1": "new", "new_password2": "new"}
    assert stock.SetPasswordForm(ann, passwords).is_valid()
    form = stock.PasswordChangeForm(ann, {"old_password": "wrong", **passwords})
    assert set(form.errors) == {"old_password"}
    form = stock.PasswordChangeForm(ann, {"old_password": "secret", **passwords})
    assert form.is_valid()
    form.save()
    assert User.objects.get(pk=ann.pk).check_password("new")


def test_forms_are_of_the_projects_user_class(persons):
    # A second copy of the module, which settles on the class when it is imported.
    spec = spec_from_file_location("mongo_contrib.auth.forms_of_persons", forms.__file__)
    forms_of_persons = module_from_spec(spec)
    spec.loader.exec_module(forms_of_persons)
    form = forms_of_persons.UserCreationForm({"email": "Ann@X.org", **PASSWORDS})
    assert set(form.fields) == {"email", "password1", "password2"}
    form.instance.born = "2000-01-01"
    assert form.is_valid(), form.errors
    assert isinstance(form.save(), Person)
    again = forms_of_persons.UserCreationForm({"email": "ann@x.ORG", **PASSWORDS})
    assert again.errors == {"email": ["Person with this Email already exists."]}
    invalid = forms_of_persons.UserCreationForm({"email": "ann", **PASSWORDS})
    assert invalid.errors == {"email": ["Enter a valid email address."]}
    assert "born" in forms_of_persons.UserChangeForm().fields


def test_djangos_own_user_class_is_swapped():
    assert SQLUser._meta.swapped == "mongo_auth.User"
