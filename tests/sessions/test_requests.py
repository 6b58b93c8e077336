"""What requests ask of the sessions' collection, counted from a browser's side."""

from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory

from mongo_contrib.sessions.exceptions import SessionTooLarge

pytestmark = pytest.mark.urls("tests.sessions.browsing")

MIDDLEWARES = ["django.contrib.sessions.middleware", "mongo_contrib.sessions.middleware"]


@pytest.fixture
def asked(engine, capture_commands):
    """``asked(function)``: the commands about sessions that a call makes, by their names."""

    def names(function, *args, **kwargs):
        before = len(capture_commands)
        function(*args, **kwargs)
        new = capture_commands.commands[before:]
        return [event.name for event in new if event.collection == "django_session"]

    return names


@pytest.fixture
def cached(engine):
    return engine.__module__.endswith("cached_mongo")


def test_a_visitor_without_data_costs_none(browser, asked):
    assert asked(browser.get, "look") == []
    assert asked(browser.get, "ignore") == []


def test_a_view_that_does_not_look_at_the_session_costs_none(browser, asked):
    browser.log_in()
    assert asked(browser.get, "ignore") == []


def test_an_unchanged_session_costs_one_and_no_write(browser, asked, cached):
    browser.log_in()
    assert asked(browser.get, "look") == ["find"]
    assert asked(browser.get, "look") == ([] if cached else ["find"])


def test_a_changed_session_costs_two(browser, asked):
    browser.log_in()
    assert asked(browser.get, "put", a="1") == ["find", "update"]
    assert asked(browser.get, "put", a="2") == ["find", "update"]


def test_the_first_data_of_a_visitor_costs_one(browser, asked):
    assert asked(browser.get, "put", a="1") == ["insert"]


def test_a_log_in(browser, asked):
    # A new key at once, so that nobody who knows the old one is logged in, and the user's data
    # when the view is done.
    assert asked(browser.log_in) == ["insert", "update"]


def test_a_log_in_of_a_visitor_with_data(browser, asked):
    browser.get("put", a="1")
    assert asked(browser.log_in) == ["find", "insert", "findAndModify", "update"]


def test_a_log_out(browser, asked, cached):
    browser.log_in()
    assert asked(browser.get, "out") == ["find", "findAndModify"]
    assert asked(browser.get, "look") == []


def test_saving_at_every_request(browser, asked, settings):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    browser.log_in()
    assert asked(browser.get, "look") == ["find", "update"]
    assert asked(browser.another().get, "look") == []


def test_being_seen_costs_a_write_once_in_an_interval(browser, asked, sessions, cached):
    browser.log_in()
    sessions.update_many({}, {"$set": {"seen": datetime(2026, 1, 1, tzinfo=UTC)}})
    cache.clear()
    assert asked(browser.get, "look") == ["find", "update"]
    assert asked(browser.get, "look") == ["find"]


@pytest.mark.parametrize("module", MIDDLEWARES)
def test_a_session_that_was_emptied_keeps_its_cookie(db, engine, module):
    # As SessionMiddlewareTests.test_empty_session_saved of Django, which looks into its table.
    name = django_settings.SESSION_COOKIE_NAME

    def put(request):
        request.session["a"] = 1
        return HttpResponse("put")

    def empty(request):
        del request.session["a"]
        return HttpResponse("emptied")

    middleware = import_module(module).SessionMiddleware
    key = middleware(put)(RequestFactory().get("/")).cookies[name].value
    request = RequestFactory().get("/")
    request.COOKIES[name] = key
    response = middleware(empty)(request)
    assert response.cookies[name].value == key
    assert response.headers["Vary"] == "Cookie"
    assert engine().exists(key)
    assert dict(engine(key).items()) == {}


HOSTILE = {
    "empty": "",
    "short": "a",
    "not base 36": "ABC-_/+=" * 4,
    "an operator": '{"$ne": null}',
    "a name of an operator": "$where$where",
    "a path": "a.b.$[].c",
    "NUL": "abcdefgh\0ijk",
    "Unicode": "Zürich 東京 🏔️",
    "no Unicode": "\ud800" * 8,
    "5 MB": "x" * 5_000_000,
    "an id": "0" * 64,
    "a regular expression": "/.*........./",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_made_up_key_is_nobodys_and_no_query(twin, capture_commands, sessions, value):
    twin.saved(a=1)
    before = len(capture_commands)
    session = twin.store(value)
    assert dict(twin("items", session)) == {}
    assert session.session_key is None
    made_up = twin.store(value)
    if made_up.session_key is not None:  # Django's base class forgets what is too short
        with pytest.raises(UpdateError):
            twin("save", made_up)
    assert twin("exists", session, value) is False
    twin("delete", session, value)
    twin("delete", twin.store(value))
    filters = [found for event in capture_commands.commands[before:] for found in asked_by(event)]
    assert filters
    for found in filters:
        assert set(found) <= {"_id", "expire_date"}
        assert len(found["_id"].removesuffix(":renamed")) == 64
    assert sessions.count() == 1


def asked_by(event):
    """The filters in a command."""
    command = event.command
    for name in ("filter", "query"):
        if name in command:
            yield command[name]
    for name in ("updates", "deletes"):
        yield from (each["q"] for each in command.get(name, ()))


def test_the_largest_session_that_is_allowed(twin, settings, sessions):
    settings.MONGO_SESSION_MAX_SIZE = 1000
    session = twin.saved(a="x" * 997)  # with its name and its quotes 1000 bytes
    before = sessions.find_one()
    # "\u00df": JSON's escapes count, as they are what is stored.
    for name, value in (("a", "x" * 998), ("b", ""), ("a", "ß" * 167)):
        refused = twin.store(session.session_key, **{name: value})
        with pytest.raises(SessionTooLarge, match=r"1,00\d bytes .* allows 1,000"):
            twin("save", refused)
    assert sessions.find_one() == before
    assert twin.data(session) == {"a": "x" * 997}
