"""Who may do what: the framework's permission classes over permissions that are strings."""

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.testapp.models import Author

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.rest.urls")]


class Person:
    """As much of a user as the framework asks for: the rights are strings."""

    pk = 1
    is_authenticated = is_active = True

    def __init__(self, *rights):
        self.rights = {f"testapp.{right}" for right in rights}

    def has_perms(self, rights, obj=None):
        return set(rights) <= self.rights


def statuses(api, prefix):
    author = Author.objects.create(name="Ann")
    path = f"/{prefix}/{author.pk}/"
    return {
        "list": api.get(f"/{prefix}/").status_code,
        "read": api.get(path).status_code,
        "options": api.options(path).status_code,
        "add": api.post(f"/{prefix}/", {"name": "Bob"}).status_code,
        "change": api.patch(path, {"name": "Eve"}).status_code,
        "delete": api.delete(path).status_code,
    }


READ = {"list": 200, "read": 200, "options": 200}


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ((), {}),
        (("add_author",), {"add": 201}),
        (("change_author",), {"change": 200}),
        (("delete_author",), {"delete": 204}),
        (("add_book", "change_book", "delete_book"), {}),
        (
            ("add_author", "change_author", "delete_author"),
            {"add": 201, "change": 200, "delete": 204},
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["guarded", "readable"])
def test_each_right_allows_its_own_and_nothing_else(api, prefix, rights, allowed):
    api.force_authenticate(Person(*rights))
    refused = {"add": 403, "change": 403, "delete": 403}
    assert statuses(api, prefix) == {**READ, **refused, **allowed}


def test_a_stranger_sees_nothing_or_only_reads(api):
    nothing = dict.fromkeys(["list", "read", "options", "add", "change", "delete"], 403)
    assert statuses(api, "guarded") == nothing
    assert statuses(api, "readable") == {**nothing, **READ}
    assert set(Author.objects.values_list("name", flat=True)) == {"Ann"}


def test_the_root_of_the_api_lists_what_there_is(api):
    listed = api.get("/").json()
    assert listed["guarded"] == "http://testserver/guarded/"


def test_somebody_who_is_logged_in_writes_with_a_token_against_forgery(api):
    user = get_user_model().objects.create_superuser("ann", "ann@example.com", "secret")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get("/guarded/").status_code == 200
    refused = client.post("/guarded/", {"name": "Bob"}, format="json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    token = "a" * 32
    client.cookies["csrftoken"] = token
    made = client.post("/guarded/", {"name": "Bob"}, format="json", HTTP_X_CSRFTOKEN=token)
    assert made.status_code == 201
