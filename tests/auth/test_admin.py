"""Users and groups in the stock admin."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group as SQLGroup

from mongo_contrib.auth.models import Group, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.auth.urls")]

USERS = "/admin/mongo_auth/user/"
GROUPS = "/admin/mongo_auth/group/"
PASSWORDS = {"password1": "Gänse-Füße 1", "password2": "Gänse-Füße 1"}


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
        if bound.name in ("last_login", "date_joined"):
            for number, part in enumerate(bound.field.widget.decompress(value)):
                text = "" if part is None else str(part)
                data[f"{bound.name}_{number}"] = text
                data[f"{bound.html_initial_name}_{number}"] = text
        elif isinstance(value, bool):
            if value:
                data[bound.name] = "on"
        elif value is not None:
            data[bound.name] = value
    return data


def test_a_user_is_added_and_given_rights(root):
    response = root.post(
        f"{USERS}add/", {"username": "Ann", "usable_password": "true", **PASSWORDS}
    )
    ann = User.objects.get(username="ann")
    assert response["Location"] == f"{USERS}{ann.pk}/change/"
    assert ann.check_password("Gänse-Füße 1")
    editors = Group.objects.create(name="Editors", permissions=["people.change_deed"])

    page = root.get(f"{USERS}{ann.pk}/change/")
    html = page.content.decode()
    assert html.count("selectfilter") == 2 and "Editors" in html
    assert "People | deed | Can praise deed" in html
    # Without an element of its own, the script would put the boxes before the label.
    assert html.count('<div class="related-widget-wrapper"><select name=') == 2
    assert "SelectFilter2.js" in html
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
    assert ann.check_password("Gänse-Füße 1")
    history = root.get(f"{USERS}{ann.pk}/history/").content.decode()
    assert "Changed First name, Groups and User permissions." in history


def test_saving_without_a_change_changes_nothing(root, ann):
    page = root.get(f"{USERS}{ann.pk}/change/")
    before = User.objects.collection.find_one({"_id": ann.pk})
    assert root.post(f"{USERS}{ann.pk}/change/", posted(page)).status_code == 302
    after = User.objects.collection.find_one({"_id": ann.pk})
    # Forms show whole seconds.
    assert before.pop("date_joined").replace(microsecond=0) == after.pop("date_joined")
    assert before == after


def test_a_name_that_is_taken(root, ann):
    response = root.post(
        f"{USERS}add/", {"username": "ANN", "usable_password": "true", **PASSWORDS}
    )
    assert response.status_code == 200
    assert "A user with that username already exists." in response.content.decode()
    assert User.objects.count() == 2


def test_a_password_is_set(root, ann):
    page = root.get(f"{USERS}{ann.pk}/password/")
    assert page.status_code == 200
    data = {"usable_password": "true", "set-password": "Set", **PASSWORDS}
    assert root.post(f"{USERS}{ann.pk}/password/", data).status_code == 302
    assert User.objects.get(pk=ann.pk).check_password("Gänse-Füße 1")


def test_the_list_is_searched_and_filtered(root, ann):
    editors = Group.objects.create(name="Editors")
    User.objects.create_user("Bob", first_name="Robert", groups=[editors])

    def found(query):
        response = root.get(USERS, query)
        assert response.status_code == 200
        return [user.username for user in response.context["cl"].result_list]

    assert found({}) == ["Ann", "Bob", "root"]
    assert found({"q": "example.com"}) == ["Ann", "root"]
    assert found({"q": "robert"}) == ["Bob"]
    assert found({"is_superuser__exact": "1"}) == ["root"]
    assert found({"group": str(editors.pk)}) == ["Bob"]
    assert found({"group": "0" * 24}) == []
    assert found({"group": "nonsense"}) == []
    assert found({"o": "-1"}) == ["root", "Bob", "Ann"]


@pytest.mark.parametrize(
    "query", ["password__startswith=md5", "password=x", "groups__bogus=1", "username__$ne=x"]
)
def test_the_list_answers_no_strange_questions(root, query):
    response = root.get(f"{USERS}?{query}")
    assert response.status_code in (302, 400)


def test_groups(root):
    page = root.get(f"{GROUPS}add/")
    assert page.content.decode().count("selectfilter") == 1
    data = {"name": "Editors", "permissions": ["people.add_deed", "people.praise_deed"]}
    assert root.post(f"{GROUPS}add/", data).status_code == 302
    group = Group.objects.get()
    assert group.permissions == ["people.add_deed", "people.praise_deed"]
    change = f"{GROUPS}{group.pk}/change/"
    assert root.post(change, {"name": "Editors", "permissions": []}).status_code == 302
    group.refresh_from_db()
    assert group.permissions == []
    assert "Editors" in root.get(GROUPS, {"q": "edit"}).content.decode()
    again = root.post(f"{GROUPS}add/", {"name": "Editors"})
    assert "Group with this Name already exists." in again.content.decode()
    assert root.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Group.objects.exists()


def test_users_are_deleted(root, ann):
    assert "Ann" in root.get(f"{USERS}{ann.pk}/delete/").content.decode()
    data = {"action": "delete_selected", "_selected_action": [str(ann.pk)], "post": "yes"}
    assert root.post(USERS, data).status_code == 302
    assert [user.username for user in User.objects.all()] == ["root"]


@pytest.mark.parametrize("key", ["nonsense", "0" * 24, "1", "_24ne"])
def test_a_user_who_is_not_there(root, key):
    assert root.get(f"{USERS}{key}/change/").status_code == 302
    assert root.get(f"{USERS}{key}/password/").status_code == 404


def test_staff_see_what_they_may(client, ann):
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    client.force_login(ann)
    assert client.get(USERS).status_code == 403
    Group.objects.create(name="Clerks", permissions=["mongo_auth.view_user"])
    User.objects.filter(pk=ann.pk).update(groups=[Group.objects.get()])
    assert client.get(USERS).status_code == 200
    assert client.get(f"{USERS}add/").status_code == 403
    assert client.get(f"{USERS}{ann.pk}/change/").status_code == 200
    assert client.post(f"{USERS}{ann.pk}/change/", {"is_superuser": "on"}).status_code == 403
    assert client.get(GROUPS).status_code == 403


def test_the_log_in_page_of_the_admin(client, ann):
    page = client.post("/admin/login/?next=/admin/", {"username": "ann", "password": "secret"})
    assert "staff account" in page.content.decode()
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    data = {"username": "ann", "password": "secret", "next": "/admin/"}
    assert client.post("/admin/login/", data)["Location"] == "/admin/"
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_own_password_in_the_admin(root):
    passwords = {"new_password1": "Gänse-Füße 1", "new_password2": "Gänse-Füße 1"}
    response = root.post("/admin/password_change/", {"old_password": "pw", **passwords})
    assert response.status_code == 302
    assert root.get("/admin/").status_code == 200


def test_only_what_has_a_place_is_registered():
    assert admin.site.is_registered(User) and admin.site.is_registered(Group)
    assert not admin.site.is_registered(SQLGroup)
