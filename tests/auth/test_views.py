"""Django's views, middleware and sessions over our users, from a browser's side."""

import json
import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.test import AsyncClient, Client

from mongo_contrib.auth.models import Group, User
from mongo_contrib.test import CaptureCommands

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.auth.urls")]

ANN = {"username": "Ann", "password": "secret"}


@pytest.fixture
def logged_in(client, ann):
    """A browser in which Ann is logged in."""
    client.force_login(ann)
    return client


def hello(client):
    return client.get("/hello/").content.decode()


def test_log_in_and_out(client, ann):
    assert client.get("/hello/")["Location"] == "/accounts/login/?next=/hello/"
    assert client.get("/accounts/login/").status_code == 200
    response = client.post("/accounts/login/?next=/hello/", ANN | {"username": "ANN"})
    assert response["Location"] == "/hello/"
    assert hello(client) == "Hello Ann"
    ann.refresh_from_db()
    assert ann.last_login is not None
    client.post("/accounts/logout/")
    assert client.get("/hello/").status_code == 302


def test_the_wrong_password(client, ann):
    response = client.post("/accounts/login/", ANN | {"password": "Secret"})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert SESSION_KEY not in client.session


def test_log_in_makes_a_new_session(client, ann):
    session = client.session
    session["basket"] = ["bread"]
    session.save()
    client.cookies["sessionid"] = session.session_key
    client.post("/accounts/login/", ANN)
    assert client.session.session_key != session.session_key
    assert client.session["basket"] == ["bread"]


def test_what_requests_cost(client, ann):
    """A request of somebody who is logged in asks for the session and for the user."""
    with CaptureCommands() as log_in:
        client.post("/accounts/login/", ANN)
    assert [(event.name, event.collection) for event in log_in][:1] == [
        ("find", "mongo_auth_user")
    ]
    users = [event.name for event in log_in if event.collection == "mongo_auth_user"]
    assert users == ["find", "update"]
    sessions = [event.name for event in log_in if event.collection == "django_session"]
    assert sessions == ["insert", "update"]
    # The browser is new to her.
    devices = [event.name for event in log_in if event.collection == "django_session_device"]
    assert devices == ["update", "insert"]
    assert len(log_in) == 6, str(log_in)
    with CaptureCommands() as page:
        assert hello(client) == "Hello Ann"
    assert [(event.name, event.collection) for event in page] == [
        ("find", "django_session"),
        ("find", "mongo_auth_user"),
    ]


def test_permissions_cost_one_query_a_request(logged_in, ann, assert_num_commands):
    group = Group.objects.create(name="Editors", permissions=["people.praise_deed"])
    ann.groups = [group]
    ann.save()
    with assert_num_commands(3):
        assert logged_in.get("/praise/").content == b"people praise"
    Group.objects.update(permissions=["people.add_deed"])
    assert logged_in.get("/praise/").status_code == 403


def test_async_views(ann):
    async def visit():
        client = AsyncClient()
        before = (await client.get("/ahello/")).content
        await client.aforce_login(ann)
        return before, (await client.get("/ahello/")).content

    User.objects.filter(pk=ann.pk).update(user_permissions=["people.praise_deed"])
    assert async_to_sync(visit)() == (b"Hello AnonymousUser False", b"Hello Ann True")


def test_login_required_everywhere(settings, client, logged_in):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert Client().get("/praise/")["Location"].startswith("/accounts/login/")
    assert hello(logged_in) == "Hello Ann"


def test_a_new_password_logs_out_other_browsers(logged_in, ann):
    other = Client()
    other.post("/accounts/login/", ANN)
    assert hello(other) == "Hello Ann"
    passwords = {"new_password1": "Gänse-Füße 1", "new_password2": "Gänse-Füße 1"}
    response = logged_in.post(
        "/accounts/password_change/", {"old_password": "secret", **passwords}
    )
    assert response.status_code == 302
    assert hello(logged_in) == "Hello Ann"
    assert other.get("/hello/").status_code == 302
    assert SESSION_KEY not in other.session


def test_a_new_secret_logs_nobody_out(settings, logged_in):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert hello(logged_in) == "Hello Ann"
    settings.SECRET_KEY_FALLBACKS = []
    assert hello(logged_in) == "Hello Ann"


@pytest.mark.parametrize("end", ["delete", "deactivate"])
def test_who_is_gone_is_logged_out(logged_in, ann, end):
    if end == "delete":
        ann.delete()
    else:
        User.objects.filter(pk=ann.pk).update(is_active=False)
    assert logged_in.get("/hello/").status_code == 302


def test_a_forgotten_password(client, ann):
    client.post("/accounts/password_reset/", {"email": "ann@EXAMPLE.com"})
    [letter] = mail.outbox
    assert letter.to == ["Ann@example.com"]
    [link] = re.findall(r"http://testserver(/accounts/reset/\S+)", letter.body)
    assert str(ann.pk) not in link
    form = client.get(link)["Location"]
    passwords = {"new_password1": "Gänse-Füße 1", "new_password2": "Gänse-Füße 1"}
    assert client.post(form, passwords)["Location"] == "/accounts/reset/done/"
    assert User.objects.get(pk=ann.pk).check_password("Gänse-Füße 1")
    again = Client().get(link)
    assert again.status_code == 200 and not again.context["validlink"]


def test_nobody_learns_who_has_an_account(client, ann):
    known = client.post("/accounts/password_reset/", {"email": "ann@example.com"})
    unknown = client.post("/accounts/password_reset/", {"email": "bob@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("uid", ["MQ", "!!", "e30", "eyIkbmUiOiAxfQ", "A" * 500])
def test_reset_links_that_lead_nowhere(client, ann, uid):
    response = client.get(f"/accounts/reset/{uid}/set-password/")
    assert response.status_code == 200 and not response.context["validlink"]


BODIES = [
    {"username": {"$ne": None}, "password": "secret"},
    {"username": {"$gt": ""}, "password": {"$gt": ""}},
    {"username": {"$regex": "^A"}, "password": "secret"},
    {"username": {"$in": ["Ann"]}, "password": "secret"},
    {"username": ["Ann"], "password": "secret"},
    {"username": "Ann", "password": {"$ne": 1}},
    {"username": "Ann", "password": ["secret"]},
    {"username": "Ann", "password": None},
    {"username": True, "password": "secret"},
    {"username": "\ud800", "password": "secret"},
    {"username": "Ann", "password": "\ud800"},
    {"password": "secret", "$where": "true"},
    {"username": "x", "password": "secret", "$or": [{}]},
    {"password": "secret", "email": "Ann@example.com"},
    {"username": "Ann"},
    {},
]


@pytest.mark.parametrize("body", BODIES, ids=ascii)
def test_operators_as_credentials_in_json(client, ann, body):
    with CaptureCommands() as commands:
        response = client.post("/json/", json.dumps(body), content_type="application/json")
    assert response.status_code == 403
    assert "$" not in "".join(str(event.command.get("filter")) for event in commands)


def test_json_that_is_right(client, ann):
    assert (
        client.post("/json/", json.dumps(ANN), content_type="application/json").status_code == 200
    )
    assert hello(client) == "Hello Ann"


@pytest.mark.parametrize(
    "data",
    [
        {"username[$ne]": "x", "password[$ne]": "x"},
        {"username": '{"$ne": null}', "password": "secret"},
        {"username": ["Ann", "Bob"], "password[$gt]": ""},
        {"username.$ne": "", "password": "secret"},
        {"username": "Ann\0", "password": "secret"},
        {"username": "$where", "password": "secret"},
    ],
    ids=ascii,
)
def test_operators_as_credentials_in_forms(client, ann, data):
    response = client.post("/accounts/login/", data)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert SESSION_KEY not in client.session
