"""Users and groups in the stock admin."""

import pytest

from mongo_contrib.auth.models import Group, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.auth.urls")]

USERS = "/admin/mongo_auth/user/"
GROUPS = "/admin/mongo_auth/group/"


@pytest.fixture
def root(client):
    """A client that is logged in as a superuser."""
    client.force_login(User.objects.create_superuser("root", "root@example.com", "pw"))
    return client


def posted(response):
    """What a browser would send back of the form on this page."""
    form = response.context["adminform"].form
    data = {"_save": "Save"}
    for bound in form:
        value = bound.value()
        if hasattr(bound.field.widget, "decompress") and bound.name in (
            "last_login",
            "date_joined",
        ):
            for number, part in enumerate(bound.field.widget.decompress(value)):
                data[f"{bound.name}_{number}"] = "" if part is None else str(part)
        elif isinstance(value, bool):
            if value:
                data[bound.name] = "on"
        elif value is not None:
            data[bound.name] = value
    return data


def test_a_user_is_added_and_given_rights(root):
    response = root.post(
        f"{USERS}add/",
        {
            "username": "Ann",
            "usable_password": "true",
            "password1": "Gänse-Füße 1",
            "password2": "Gänse-Füße 1",
        },
    )
    ann = User.objects.get(username="ann")
    assert response["Location"] == f"{USERS}{ann.pk}/change/"
    assert ann.check_password("Gänse-Füße 1")
    editors = Group.objects.create(name="Editors", permissions=["people.change_deed"])

    page = root.get(f"{USERS}{ann.pk}/change/")
    html = page.content.decode()
    assert "selectfilter" in html and "Editors" in html
    assert "People | deed | Can praise deed" in html
    data = posted(page) | {
        "first_name": "Ännchen",
        "groups": [str(editors.pk)],
        "user_permissions": ["people.praise_deed"],
    }
    assert root.post(f"{USERS}{ann.pk}/change/", data).status_code == 302
    ann = User.objects.get(pk=ann.pk)
    assert (ann.first_name, ann.groups) == ("Ännchen", [editors.pk])
    assert ann.user_permissions == ["people.praise_deed"]
    assert ann.get_all_permissions() == {"people.praise_deed", "people.change_deed"}
