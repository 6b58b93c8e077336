"""The middleware from a browser's side, with both engines, under both kinds of servers."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core.cache import cache, caches
from django.http import HttpResponse
from django.test import RequestFactory

from mongo_contrib.auth.models import User
from mongo_contrib.exceptions import QueryTimeout, ServerUnavailable
from mongo_contrib.repository import Repository
from mongo_contrib.sessions.middleware import SessionMiddleware
from mongo_contrib.sessions.visitors import Visitor
from tests.hops import no_thread_hop
from tests.sessions.browsing import FIREFOX, MIDDLEWARE, Browser

pytestmark = pytest.mark.urls("tests.sessions.browsing")

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def long_ago(sessions):
    """``long_ago()``: all users were seen long ago."""

    def change():
        sessions.update_many({}, {"$set": {"seen": LONG_AGO}})
        cache.clear()

    return change


def test_sessions_work_as_with_djangos_middleware(browser, ann):
    browser.get("put", a="1")
    assert browser.session == {"a": "1"}
    assert browser.user == ""
    browser.log_in()
    assert browser.user == "ann"
    assert browser.session == {"a": "1", "secret": "of the user"}
    browser.get("out")
    assert browser.user == ""
    assert browser.session == {}
    assert browser.key in (None, "")


def test_a_log_in_records_the_visitor(browser, sessions):
    browser.log_in()
    document = sessions.find_one()
    assert document["address"] == "127.0.0.1"
    assert document["user_agent"] == FIREFOX
    assert document["device"] == "Firefox on Ubuntu"


def test_nothing_is_recorded_of_anonymous_visitors(browser, sessions):
    browser.get("put", a="1")
    assert not {"address", "user_agent", "device", "seen"} & sessions.find_one().keys()


def test_a_user_is_seen(browser, sessions, long_ago):
    browser.log_in()
    first = sessions.find_one()["seen"]
    browser.get("look")
    assert sessions.find_one()["seen"] == first, "it was noted a moment ago"
    long_ago()
    browser.headers["user_agent"] = "curl/8"
    before = datetime.now(UTC) - timedelta(seconds=1)
    browser.get("look")
    document = sessions.find_one()
    assert document["seen"] > before
    assert document["device"] == "curl"


def test_a_user_is_seen_by_a_save_too(browser, sessions, long_ago, capture_commands):
    browser.log_in()
    long_ago()
    with_touch = len(capture_commands.commands)
    browser.get("put", a="1")
    assert sessions.find_one()["seen"] > LONG_AGO
    updates = [event for event in capture_commands.commands[with_touch:] if event.name == "update"]
    assert len(updates) == 1


def test_who_looks_at_no_session_is_not_seen_and_costs_nothing(
    browser, sessions, long_ago, capture_commands
):
    browser.log_in()
    long_ago()
    before = len(capture_commands.commands)
    browser.get("ignore")
    assert len(capture_commands.commands) == before
    assert sessions.find_one()["seen"] == LONG_AGO


def test_last_seen_is_not_written_where_it_is_not_wanted(browser, sessions, settings, long_ago):
    settings.MONGO_SESSION_RECORD = ["address"]
    browser.log_in()
    long_ago()
    browser.get("look")
    assert sessions.find_one()["seen"] == LONG_AGO


def test_a_session_that_was_ended_elsewhere_is_seen_no_more(browser, sessions, engine):
    browser.log_in()
    engine.end({})
    assert browser.user == ""
    assert sessions.count() == 0


def test_a_save_over_an_ended_session_stays_djangos_400(browser, engine, monkeypatch):
    browser.log_in()

    save, calls = engine.save, []

    def gone_at_first(self, *args, **kwargs):
        calls.append(self)
        if len(calls) == 1:
            raise UpdateError("gone")
        return save(self, *args, **kwargs)

    monkeypatch.setattr(engine, "save", gone_at_first)
    assert browser.get("put", a="1").status_code == 400


def test_a_view_that_renames_an_ended_session_is_a_400_too(browser, engine, monkeypatch):
    browser.log_in()
    cycle_key = engine.cycle_key

    def after_a_log_out(self):
        self.get("loaded")
        engine(self.session_key).flush()
        cycle_key(self)

    monkeypatch.setattr(engine, "cycle_key", after_a_log_out)
    assert browser.get("renew").status_code == 400
    assert browser.user == ""


def test_an_error_of_a_view_stays_an_error(browser):
    browser.log_in()
    assert browser.get("fail", write=1).status_code == 500
    assert browser.session == {"secret": "of the user"}


@pytest.mark.parametrize("error", [ServerUnavailable, QueryTimeout])
@pytest.mark.parametrize("verb", ["find_one", "update_one"])
def test_a_server_that_is_too_slow_is_as_one_that_is_away(
    browser, settings, monkeypatch, error, verb
):
    browser.log_in()
    if verb == "find_one":
        # No copy of the session answers for the server.
        caches[settings.SESSION_CACHE_ALIAS].clear()

    def away(self, *args, **options):
        raise error("the server is away")

    monkeypatch.setattr(Repository, verb, away)
    response = browser.get("put", a="1")
    assert (response.status_code, response["Retry-After"]) == (503, "30")


# One log-in too many


@pytest.fixture
def full(settings):
    settings.MONGO_SESSION_MAX_PER_USER = 1
    settings.MONGO_SESSION_WHEN_FULL = "refuse"


@pytest.mark.parametrize("query", [{}, {"save": 1}], ids=["by the middleware", "by the view"])
def test_a_log_in_too_many_is_a_page_with_a_sentence(browser, full, sessions, query):
    browser.log_in()
    other = browser.another()
    other.get("put", cart="apple")
    response = other.log_in(**query)
    assert response.status_code == 403
    assert response.content.startswith(b"You are logged in in as many places as you may be.")
    assert "no-store" in response["Cache-Control"]
    # The visitor stays who it was, with what it had; nothing of the user's was left behind.
    assert other.user == ""
    assert other.session == {"cart": "apple"}
    assert browser.user == "ann"
    assert sessions.count() == 2
    browser.get("out")
    assert other.log_in().status_code == 200
    assert other.user == "ann"


def test_a_log_in_too_many_without_a_session_leaves_nothing(browser, full, sessions):
    browser.log_in()
    other = browser.another()
    assert other.log_in().status_code == 403
    assert not other.key
    assert other.user == ""
    assert sessions.count() == 1


@pytest.fixture
def templates(settings, tmp_path):
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    ]
    return tmp_path


def test_a_project_has_its_own_page(browser, full, templates):
    (templates / "403.html").write_text("<h1>Sorry</h1> {{ exception }}")
    browser.log_in()
    response = browser.another().log_in()
    assert response.status_code == 403
    assert response.content.startswith(b"<h1>Sorry</h1> You are logged in in as many")
    assert response["Content-Type"].startswith("text/html")


# Without threads


async def test_under_asgi_no_thread_is_used(db, engine, settings):
    factory = RequestFactory()
    user = await User.objects.acreate_user("ann")
    seen = {}

    async def view(request):
        await request.session.aset("_auth_user_id", str(user.pk))
        seen["session"] = request.session
        return HttpResponse()

    middleware = SessionMiddleware(view)
    async with no_thread_hop() as sent:
        response = await middleware(factory.get("/", HTTP_USER_AGENT=FIREFOX))
    assert response.cookies["sessionid"].value == seen["session"].session_key
    assert "insert" in sent
    assert isinstance(seen["session"].visitor, Visitor)

    async def look(request):
        assert await request.session.aget("_auth_user_id") == str(user.pk)
        return HttpResponse()

    await seen["session"].get_repository().aupdate_many({}, {"$set": {"seen": LONG_AGO}})
    cache.clear()
    cookie = f"sessionid={seen['session'].session_key}"
    async with no_thread_hop() as sent:
        await SessionMiddleware(look)(factory.get("/", HTTP_COOKIE=cookie))
    assert "update" in sent
    document = await seen["session"].get_repository().afind_one()
    assert document["seen"] > LONG_AGO


# With other engines

DJANGOS = "django.contrib.sessions.backends"


@pytest.mark.parametrize("name", ["cache", "file", "signed_cookies"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_with_an_engine_of_others_it_does_what_djangos_does(settings, tmp_path, name, kind):
    settings.SESSION_ENGINE = f"{DJANGOS}.{name}"
    settings.SESSION_FILE_PATH = tmp_path
    settings.MIDDLEWARE = MIDDLEWARE[:1]
    with asyncio.Runner() as runner:
        browser = Browser(runner if kind == "async" else None)
        assert browser.get("put", a="1").status_code == 200
        session = import_module(settings.SESSION_ENGINE).SessionStore(browser.key)
        assert session["a"] == "1"
        assert browser.get("ignore").status_code == 200
        assert not browser.get("ignore").cookies
        assert browser.get("fail").status_code == 500


def test_a_view_may_take_the_session_away(db):
    def view(request):
        del request.session
        return HttpResponse("without")

    assert SessionMiddleware(view)(RequestFactory().get("/")).content == b"without"


def test_a_visit_that_cannot_be_noted_costs_nobody_a_page(
    browser, engine, long_ago, monkeypatch, caplog
):
    browser.log_in()
    long_ago()

    def away(self):
        raise ServerUnavailable("the server is away")

    monkeypatch.setattr(engine, "touch", away)
    caplog.set_level(logging.WARNING, "mongo_contrib.sessions")
    assert browser.user == "ann"
    assert "A visit could not be noted: the server is away" in caplog.messages
