"""A user's own sessions: the page, and the same as JSON."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.test import AsyncClient, Client
from django.urls import reverse

from mongo_contrib.sessions.backends.mongo import SessionStore

pytestmark = pytest.mark.urls("tests.sessions.urls")

URL = "/account/sessions/"
JSON = {"accept": "application/json"}


def browser(user, kind=Client, **options):
    """A browser in which somebody is logged in."""
    client = kind(**options)
    client.force_login(user)
    return client


def session_of(client):
    return SessionStore(client.cookies["sessionid"].value)


def id_of(client):
    return session_of(client).session_id


def is_logged_in(client):
    return client.get(URL, headers=JSON).status_code == 200


def test_the_page_lists_all_sessions_and_marks_this_one(ann, bob, sessions):
    here, there, _other = browser(ann), browser(ann), browser(bob)
    sessions.update_one(
        {"_id": id_of(there)},
        {"$set": {"device": "Firefox on <b>", "address": "203.0.113.7"}},
    )
    response = here.get(URL)
    assert response.status_code == 200
    assert "Firefox on &lt;b&gt;" in response.text and "203.0.113.7" in response.text
    assert response.text.count("<li") == 2
    assert response.text.count("this session") == 1
    assert [each.id for each in response.context["sessions"]] == [id_of(here), id_of(there)][::-1]
    for name, args in (("end", [id_of(there)]), ("end_others", []), ("end_all", [])):
        assert f'action="{reverse(f"mongo_sessions:{name}", args=args)}"' in response.text


def test_json(ann, sessions):
    here, there = browser(ann), browser(ann)
    sessions.update_one({"_id": id_of(there)}, {"$set": {"device": "Firefox on Ubuntu"}})
    response = here.get(URL, headers=JSON)
    assert response["Content-Type"] == "application/json"
    first, second = response.json()["sessions"]
    assert (first["id"], first["is_current"]) == (id_of(there), False)
    assert (second["id"], second["is_current"]) == (id_of(here), True)
    assert first["name"] == first["device"] == "Firefox on Ubuntu"
    assert set(first) == {
        "id",
        "created",
        "last_seen",
        "expires",
        "address",
        "user_agent",
        "device",
        "is_current",
        "name",
    }


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/html,application/json;q=0.9", ""])
def test_who_does_not_ask_for_json_gets_a_page(ann, accept):
    response = browser(ann).get(URL, headers={"accept": accept})
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["", "end-others/", "end-all/", f"{'0' * 64}/end/"])
def test_nothing_is_kept_in_caches(ann, path):
    client = browser(ann)
    ask = client.post if path else client.get
    response = ask(URL + path, headers=JSON)
    assert "no-store" in response["Cache-Control"] and "private" in response["Cache-Control"]


@pytest.mark.parametrize("path", ["", "end-others/", "end-all/", f"{'0' * 64}/end/"])
def test_only_for_those_who_are_logged_in(db, path):
    ask = Client().post if path else Client().get
    response = ask(URL + path)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={URL}"  # the others take no GET
    response = ask(URL + path, headers=JSON)
    assert (response.status_code, response.json()) == (403, {"detail": "Log in first."})


def test_one_is_ended_at_once(ann):
    here, there, third = browser(ann), browser(ann), browser(ann)
    response = here.post(f"{URL}{id_of(there)}/end/")
    assert response.status_code == 302 and response["Location"] == URL
    assert "1 session was ended." in here.get(URL).text
    assert not is_logged_in(there)
    assert is_logged_in(here) and is_logged_in(third)


def test_this_one_is_a_log_out(ann):
    here, there = browser(ann), browser(ann)
    response = here.post(f"{URL}{id_of(here)}/end/")
    assert response.status_code == 302
    assert response.cookies["sessionid"]["max-age"] == 0
    assert not is_logged_in(here)
    assert is_logged_in(there)


def test_all_others(ann, bob):
    here, there, other = browser(ann), browser(ann), browser(bob)
    assert here.post(f"{URL}end-others/").status_code == 302
    assert is_logged_in(here) and not is_logged_in(there) and is_logged_in(other)


def test_all(ann, bob):
    here, there, other = browser(ann), browser(ann), browser(bob)
    response = here.post(f"{URL}end-all/")
    assert response["Location"] == URL
    assert response.cookies["sessionid"]["max-age"] == 0
    assert not is_logged_in(here) and not is_logged_in(there) and is_logged_in(other)


def test_by_json(ann):
    here, there, third = browser(ann), browser(ann), browser(ann)
    response = here.post(f"{URL}{id_of(there)}/end/", headers=JSON)
    assert (response.status_code, response.json()) == (200, {"ended": 1})
    response = here.post(f"{URL}{id_of(there)}/end/", headers=JSON)
    assert (response.status_code, response.json()) == (
        404,
        {"detail": "There is no such session."},
    )
    assert here.post(f"{URL}end-others/", headers=JSON).json() == {"ended": 1}
    assert not is_logged_in(third)
    assert here.post(f"{URL}end-all/", headers=JSON).json() == {"ended": 1}
    assert not is_logged_in(here)


ALREADY = "This session has already ended."


def test_one_that_has_ended_already(ann):
    here, there = browser(ann), browser(ann)
    path = f"{URL}{id_of(there)}/end/"
    here.post(path)
    here.get(URL)
    response = here.post(path)
    assert (response.status_code, response["Location"]) == (302, URL)
    assert ALREADY in here.get(URL).text and ALREADY not in here.get(URL).text
    assert here.post(path, headers=JSON).status_code == 404


def test_one_that_has_ended_already_without_messages(ann, settings):
    settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "messages" not in each]
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "messages" not in each]
    response = browser(ann).post(f"{URL}{'0' * 64}/end/")
    assert (response.status_code, response["Location"]) == (302, URL)


def test_another_log_in_page_leads_back_to_the_list(ann, settings):
    settings.LOGIN_URL = "https://accounts.example.com/login/"
    response = Client().post(f"{URL}end-all/")
    back = "http%3A//testserver/account/sessions/"
    assert response["Location"] == f"https://accounts.example.com/login/?next={back}"


def test_another_users_is_unknown(ann, bob):
    here, other = browser(ann), browser(bob)
    answers = []
    for session_id in (id_of(other), "0" * 64, "nonsense"):
        response = here.post(f"{URL}{session_id}/end/")
        # Of a page that is not to be cached, Expires is the second in which it was made.
        headers = {name: response[name] for name in response.headers if name != "Expires"}
        answers.append((response.status_code, headers, response.content, here.get(URL).text))
        response = here.post(f"{URL}{session_id}/end/", headers=JSON)
        assert response.status_code == 404
    assert answers[0][:3] == answers[1][:3] == answers[2][:3]
    assert all(ALREADY in answer[3] for answer in answers)
    assert is_logged_in(other)


def test_a_log_out_leaves_no_word_for_the_log_in_page(ann):
    for path in ("end-all/", None):
        here = browser(ann)
        here.post(URL + (path or f"{id_of(here)}/end/"))
        assert "ended" not in str(list(here.get(URL, follow=True).context["messages"]))


HOSTILE = [
    "nonsense",
    "$ne",
    "%7B%22$ne%22:%20null%7D",
    "a%00b",
    "x" * 10_000,
    "%F0%9F%98%80",
    "%ff",
    "..",
    "end-all",
]


def test_hostile_ids_end_nothing(ann, bob, capture_commands):
    here, other = browser(ann), browser(bob)
    here.raise_request_exception = False
    for hostile in HOSTILE:
        data = {"session_id[$ne]": "", "session_id": '{"$ne": null}'}
        for sent in ({}, data):
            response = here.post(f"{URL}{hostile}/end/", sent)
            assert (response.status_code, response["Location"]) == (302, URL), hostile
        body = json.dumps({"session_id": {"$ne": None}})
        response = here.post(f"{URL}{hostile}/end/", body, "application/json", headers=JSON)
        assert response.status_code == 404, hostile
    assert "delete" not in capture_commands.names
    assert is_logged_in(here) and is_logged_in(other)


def test_long_words_break_and_buttons_do_not(ann):
    style = browser(ann).get(URL).text.split("</style>")[0]
    (rule,) = [line for line in style.splitlines() if "overflow-wrap" in line]
    assert rule.strip().startswith(".sessions li > div {")


def test_nothing_is_ended_but_by_post(ann):
    client, other = browser(ann), browser(ann)
    for path in ("end-others/", "end-all/", f"{id_of(other)}/end/"):
        for method in ("get", "put", "patch", "delete", "head"):
            assert getattr(client, method)(URL + path).status_code == 405, (path, method)
    assert is_logged_in(client) and is_logged_in(other)


def test_a_wrong_method_is_told_in_json(ann):
    client = browser(ann)
    for method, path, allow in (("get", "end-all/", "POST, OPTIONS"), ("put", "", "GET")):
        response = getattr(client, method)(URL + path, headers=JSON)
        assert response.status_code == 405 and allow in response["Allow"]
        assert response.json() == {"detail": "This method is not allowed here."}
        assert "no-store" in response["Cache-Control"]
        response = getattr(client, method)(URL + path)
        assert response.status_code == 405 and response["Content-Type"].startswith("text/html")


def test_a_missing_token_is_told_in_json(ann, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Csrf" not in each]
    here, there = browser(ann, enforce_csrf_checks=True), browser(ann)
    response = here.post(f"{URL}end-others/", headers=JSON)
    assert response.status_code == 403
    assert response.json() == {"detail": "The CSRF token is missing or wrong."}
    assert here.post(f"{URL}end-others/")["Content-Type"].startswith("text/html")
    assert is_logged_in(there)


@pytest.mark.parametrize("middleware", [True, False])
def test_nothing_is_ended_without_the_token(ann, settings, middleware):
    if not middleware:
        settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Csrf" not in each]
    here, there = browser(ann, enforce_csrf_checks=True), browser(ann)
    for path in (f"{id_of(there)}/end/", "end-others/", "end-all/"):
        assert here.post(URL + path).status_code == 403
    assert is_logged_in(here) and is_logged_in(there)
    here.get(URL)
    token = here.cookies["csrftoken"].value
    assert here.post(f"{URL}end-others/", headers={"x-csrftoken": token}).status_code == 302
    assert not is_logged_in(there)


def test_an_overlapping_save_revives_nothing(ann):
    here, there = browser(ann), browser(ann)
    overlapping = session_of(there)
    overlapping["cart"] = [1]
    here.post(f"{URL}end-others/")
    with pytest.raises(UpdateError):
        overlapping.save()
    assert not is_logged_in(there)


def test_what_it_costs(ann, assert_num_commands):
    here, *others = [browser(ann) for _ in range(5)]
    with assert_num_commands(3):  # the session, its user, the list
        here.get(URL)
    with assert_num_commands(3):
        here.post(f"{URL}{id_of(others[0])}/end/", headers=JSON)


def test_a_subclass_or_the_address_says_what_it_extends(ann):
    here = browser(ann)
    browser(ann)
    response = here.get("/plain/")
    assert len(response.context["sessions"]) == 1
    assert "Only the last 1 are shown." in response.text


def test_it_is_translated(ann, settings):
    settings.LANGUAGE_CODE = "ar"
    assert '<html lang="ar" dir="rtl">' in browser(ann).get(URL).text


async def test_on_an_event_loop(ann):
    here, there = [
        await sync_to_async(browser)(ann, AsyncClient, enforce_csrf_checks=True) for _ in range(2)
    ]
    response = await here.get(URL)
    assert response.status_code == 200
    token = here.cookies["csrftoken"].value
    path = f"{URL}{id_of(there)}/end/"
    response = await here.post(path, headers={**JSON, "x-csrftoken": token})
    assert (response.status_code, response.json()) == (200, {"ended": 1})
    assert (await there.get(URL, headers=JSON)).status_code == 403
    assert (await here.get(URL, headers=JSON)).status_code == 200


def test_the_session_of_a_visitor_is_not_listed(ann, sessions):
    Client().get(URL)
    SessionStore().save()
    here = browser(ann)
    (found,) = here.get(URL, headers=JSON).json()["sessions"]
    assert found["id"] == id_of(here)
    assert SESSION_KEY not in json.dumps(found)
