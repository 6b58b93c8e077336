"""Which permissions there are."""

from mongo_contrib.auth.permissions import all_permissions, permission_choices, permissions_of
from tests.auth.people.models import Deed, Rights


def test_defaults_and_own_ones():
    assert list(permissions_of(Deed)) == [
        ("add_deed", "Can add deed"),
        ("change_deed", "Can change deed"),
        ("delete_deed", "Can delete deed"),
        ("view_deed", "Can view deed"),
        ("praise_deed", "Can praise deed"),
    ]
    assert list(permissions_of(Rights)) == [("open_the_safe", "Can open the safe")]


def test_labels_are_as_djangos():
    choices = dict(permission_choices())
    assert choices["people.praise_deed"] == "People | deed | Can praise deed"
    label = "Authentication and Authorization | user | Can change user"
    assert choices["mongo_auth.change_user"] == label


def test_what_nobody_can_use_is_left_out():
    permissions = all_permissions()
    # Embedded; swapped for ours; a table that no database has.
    assert not permissions & {"people.add_medal", "auth.add_user", "auth.add_permission"}
    assert {"people.open_the_safe", "mongo_auth.add_group"} < permissions


def test_each_is_there_once():
    choices = permission_choices()
    assert len({value for value, _ in choices}) == len(choices)
    assert len({label for _, label in choices}) == len(choices)
