"""While the sessions' server is away, and when it is back: nobody gets what is another's."""

import asyncio
import copy
import gc
import time
from inspect import iscoroutinefunction

import pytest
from django.db import connections
from django.utils.decorators import sync_and_async_middleware

from mongo_contrib.auth.models import User
from mongo_contrib.exceptions import ServerUnavailable
from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.middleware import SessionMiddleware
from tests.db.proxy import Proxy
from tests.sessions import browsing
from tests.sessions.browsing import MIDDLEWARE

pytestmark = [
    pytest.mark.urls("tests.sessions.browsing"),
    # An async client whose loop ends while its monitor is connecting leaves that one socket to
    # the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

ALIAS = "sessions"
# How long a request waits for the server.
WAIT_MS = 100
PATIENCE = 30


@pytest.fixture(autouse=True)
def collected():
    """Let no such socket reach the tests of another module."""
    yield
    gc.collect()


class Browser(browsing.Browser):
    """Its server finds the alias of the sessions, which is not among the settings' databases."""

    connect = None

    async def awaited(self, response):
        # Connections that were made outside of the event loop are not found in it.
        self.connect()
        return await response


@pytest.fixture
def server(connection, settings, monkeypatch):
    """What is between the site and its sessions' server; all other data stays in reach."""
    connection.ensure_connection()
    # The driver looks for its server twice a second, too rarely for so many tests.
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.02)
    with Proxy(connection.client.address) as proxy:
        options = {"serverSelectionTimeoutMS": WAIT_MS}
        entry = {**copy.deepcopy(connection.settings_dict), "HOST": proxy.uri, "OPTIONS": options}

        def connect():
            # Not in DATABASES: Django's test cases forbid aliases that they do not know.
            connections[ALIAS] = type(connection)(entry, ALIAS)

        connect()
        monkeypatch.setattr(Browser, "connect", staticmethod(connect))
        settings.MONGO_SESSION_ALIAS = ALIAS
        settings.MIDDLEWARE = MIDDLEWARE
        yield proxy
        # Nobody is there to say good-bye to.
        monkeypatch.setattr("mongo_contrib.db.clients.CLOSE_SECONDS", 0.1)
        connections[ALIAS].close()
        connections[ALIAS].server.close()
        del connections[ALIAS]


@pytest.fixture(params=["sync", "async"])
def browser(request, server):
    """A browser in which Ann is logged in."""
    User.objects.create_user("ann")
    User.objects.create_user("bob")
    with asyncio.Runner() as runner:
        browser = Browser(runner if request.param == "async" else None)
        # A first contact may take longer.
        once_back(browser, "in", user="ann")
        yield browser


@pytest.fixture
def anonymous_mode(settings):
    settings.MONGO_SESSION_WHEN_UNREACHABLE = "anonymous"


def once_back(browser, name, **query):
    """The first answer other than 503."""
    end = time.monotonic() + PATIENCE
    while True:
        response = browser.get(name, **query)
        if response.status_code != 503 or time.monotonic() > end:
            return response


def assert_unavailable(response):
    assert response.status_code == 503
    assert response["Retry-After"] == "30"
    assert response.content.startswith(b"The site cannot be reached just now.")
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


def test_a_page_that_needs_the_session_is_a_503_and_nothing_is_lost(browser, server):
    key = browser.key
    server.leave()
    assert_unavailable(browser.get("look"))
    assert browser.get("ignore").status_code == 200
    assert browser.key == key
    server.come_back()
    assert once_back(browser, "look").json() == {
        "user": "ann",
        "session": {"secret": "of the user"},
    }


def test_a_changed_session_is_a_503_and_not_silently_lost(browser, server):
    browser.get("look")
    server.leave()
    assert_unavailable(browser.get("put", a="1"))
    server.come_back()
    assert once_back(browser, "look").json()["session"] == {"secret": "of the user"}
    assert browser.get("put", a="1").status_code == 200
    assert browser.session["a"] == "1"


def test_a_save_that_fails_after_the_view_is_a_503(browser, server):
    # It was read, and only then the server went away.
    server.lose(b"update\0", times=100)
    assert_unavailable(browser.get("put", a="1"))
    assert server.lost
    server.lose(b"update\0", times=0)
    assert once_back(browser, "put", a="2").status_code == 200
    assert browser.session["a"] == "2"


def test_a_log_out_is_a_503_and_not_a_lie(browser, server):
    server.leave()
    assert_unavailable(browser.get("out"))
    server.come_back()
    assert once_back(browser, "look").json()["user"] == "ann"
    assert browser.get("out").status_code == 200
    assert browser.user == ""


def test_a_log_in_is_a_503(browser, server):
    other = browser.another()
    server.leave()
    assert_unavailable(other.log_in("bob"))
    assert other.key is None
    server.come_back()
    assert once_back(other, "in", user="bob").status_code == 200
    assert (other.user, browser.user) == ("bob", "ann")


def test_anonymous_pages_are_served_and_the_cookie_is_kept(browser, server, anonymous_mode):
    key = browser.key
    server.leave()
    response = browser.get("look")
    assert response.status_code == 200
    assert response.json() == {"user": "", "session": {}}
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]
    assert browser.key == key
    server.come_back()
    for _ in range(100):
        if browser.user == "ann":
            break
    assert browser.session == {"secret": "of the user"}


@pytest.mark.parametrize("name", ["put", "out", "in"])
def test_who_is_anonymous_meanwhile_changes_nothing(browser, server, anonymous_mode, name):
    server.leave()
    assert_unavailable(browser.get(name, user="bob"))
    server.come_back()
    for _ in range(100):
        if browser.user:
            break
    assert browser.get("look").json() == {"user": "ann", "session": {"secret": "of the user"}}


def test_another_error_of_an_anonymous_page_stays_what_it_is(browser, server, anonymous_mode):
    server.leave()
    assert browser.get("fail").status_code == 500


def test_saving_each_request_is_no_change_by_the_visitor(
    browser, server, anonymous_mode, settings
):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    server.leave()
    response = browser.get("look")
    assert (response.status_code, response.json()["user"]) == (200, "")
    assert not response.cookies


def test_one_wait_is_enough(browser, server, settings, monkeypatch):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    tries, find = [], SessionStore._find

    def counted(self, ids):
        tries.append(ids)
        return find(self, ids)

    monkeypatch.setattr(SessionStore, "_find", counted)
    server.leave()
    assert_unavailable(browser.get("look"))
    assert len(tries) == 1


@sync_and_async_middleware
def for_users(get_response):
    """Looks at the user outside of the view, where Django hands errors to no middleware."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            await request.auser()
            return await get_response(request)
    else:

        def middleware(request):
            assert request.user.get_username() is not None
            return get_response(request)

    return middleware


def test_an_error_in_other_middleware_is_a_503_too(browser, server, settings):
    settings.MIDDLEWARE = [*MIDDLEWARE, f"{__name__}.for_users"]
    cookies, browser = browser.client.cookies, browser.another()
    browser.client.cookies = cookies
    server.leave()
    assert_unavailable(browser.get("ignore"))


def test_the_projects_own_page(browser, server, settings, tmp_path):
    (tmp_path / "503.html").write_text("<h1>Soon</h1> {{ exception }}{{ user }}")
    processor = "django.contrib.auth.context_processors.auth"
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [tmp_path],
            "OPTIONS": {"context_processors": [processor]},
        }
    ]
    server.leave()
    response = browser.get("look")
    assert response.status_code == 503
    assert response.content.startswith(b"<h1>Soon</h1> The site cannot be reached")


def test_in_debug_djangos_page_tells_more(browser, server, settings):
    settings.DEBUG = True
    server.leave()
    response = browser.get("look")
    assert response.status_code == 500
    assert b"ServerUnavailable" in response.content


def test_other_data_that_is_away_is_not_the_sessions_concern(browser, server):
    class Request:
        session = SessionMiddleware(lambda request: None).SessionStore()

    try:
        raise ServerUnavailable("of another alias")
    except ServerUnavailable as exc:
        error = exc
    assert SessionMiddleware(lambda r: None).process_exception(Request, error) is None


def test_nobody_gets_the_session_of_another(browser, server, anonymous_mode):
    """Requests of two users that overlap with a server which comes and goes."""
    other = browser.another()
    other.log_in("bob")
    seen = {browser: set(), other: set()}
    for _ in range(3):
        for away in (True, False):
            server.leave() if away else server.come_back()
            for each, users in seen.items():
                users.add(each.user)
    assert seen[browser] <= {"ann", ""}
    assert seen[other] <= {"bob", ""}
    for _ in range(100):
        if browser.user and other.user:
            break
    assert (browser.user, other.user) == ("ann", "bob")
