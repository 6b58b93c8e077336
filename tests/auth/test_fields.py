"""Folded names, lists of permissions and of groups, as fields."""

import pytest
from bson import ObjectId

from mongo_contrib.auth.fields import folded_fields
from mongo_contrib.auth.models import Group, User
from mongo_contrib.auth.pickers import GroupPicker, PermissionPicker
from tests.auth.people.models import Person


def field(name, model=User):
    return model._meta.get_field(name)


@pytest.mark.parametrize(
    "each", [*User._meta.local_fields, *Group._meta.local_fields], ids=lambda each: each.name
)
def test_clones_are_alike(each):
    clone = each.clone()
    assert type(clone) is type(each)
    assert clone.deconstruct()[1:] == each.deconstruct()[1:]


def test_what_is_folded():
    assert {each.name: each.source_field.name for each in folded_fields(User)} == {
        "username_key": "username",
        "email_key": "email",
    }
    assert [each.source_field.name for each in folded_fields(Person)] == ["email"]


def test_the_setting_is_about_user_names_only(settings):
    name, email = field("username_key"), field("email_key")
    assert (name.fold("Ａnn"), email.fold("Ann@X.org")) == ("ann", "ann@x.org")
    settings.MONGO_AUTH_CASE_SENSITIVE_USERNAMES = True
    assert (name.fold("Ａnn"), email.fold("Ann@X.org")) == ("Ann", "ann@x.org")
    assert name.fold(None) is None


@pytest.mark.parametrize("name", ["username_key", "email_key"])
def test_folded_fields_stay_out_of_sight(name):
    assert not field(name).editable
    assert not field(name).serialize


def test_pickers():
    permissions, groups = field("user_permissions").formfield(), field("groups").formfield()
    assert isinstance(permissions, PermissionPicker) and isinstance(groups, GroupPicker)
    assert isinstance(field("permissions", Group).formfield(), PermissionPicker)
    for picker in (permissions, groups):
        assert not picker.required
        assert not picker.show_hidden_initial
        assert not picker.has_changed([], [])
    key = ObjectId()
    assert not groups.has_changed([key], [str(key)])
    assert groups.has_changed([key], [])
