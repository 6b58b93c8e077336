"""What is kept of who visits; no server needed."""

import gc
import sys
import weakref

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.sessions.checks import check_visitors
from mongo_contrib.sessions.user_agents import _parser, device_name
from mongo_contrib.sessions.visitors import Visitor
from tests.sessions.browsing import FIREFOX

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
HANDHELD = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


def visitor(user_agent=FIREFOX, address="203.0.113.7", **meta):
    return Visitor(
        RequestFactory().get("/", HTTP_USER_AGENT=user_agent, REMOTE_ADDR=address, **meta)
    )


EVERYTHING = {"address": "203.0.113.7", "user_agent": FIREFOX, "device": "Firefox on Ubuntu"}


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (["last_seen", "address", "user_agent", "device"], EVERYTHING),
        (["address"], {"address": "203.0.113.7"}),
        (["network"], {"address": "203.0.113.0/24"}),
        (["user_agent"], {"user_agent": FIREFOX}),
        (["device"], {"device": "Firefox on Ubuntu"}),
        (["last_seen"], {}),
        ([], {}),
    ],
)
def test_what_is_kept_is_a_setting(settings, record, kept):
    settings.MONGO_SESSION_RECORD = record
    assert visitor().recorded() == kept


def test_the_default_keeps_everything():
    assert visitor().recorded() == EVERYTHING


def test_what_a_request_does_not_tell_is_left_out(settings):
    assert visitor(user_agent="", address="").recorded() == {}
    settings.MONGO_SESSION_RECORD = ["network"]
    assert visitor(address="").recorded() == {}
    assert visitor(address="2001:db8:1:2::3").recorded() == {"address": "2001:db8:1::/48"}


def test_the_address_is_the_trusted_proxies(settings):
    settings.MONGO_TRUSTED_PROXIES = 1
    seen = visitor(HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert seen.recorded()["address"] == "203.0.113.9"


def test_nothing_is_looked_at_before_it_is_asked_for():
    class Request:
        META = None

    assert Visitor(Request())


def test_a_visitor_does_not_keep_its_request_alive():
    request = RequestFactory().get("/")
    request.visitor = Visitor(request)
    gc.disable()
    try:
        gone = weakref.ref(request)
        del request
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("x" * 100_000, "x" * 512),
        ("a\r\nSet-Cookie: b\0\x1b[31m", "a Set-Cookie: b [31m"),
        ("a\x85b\u2028c\u202ed", "a b c d"),
        ("a\ud800b", "a b"),
        (" \t ", ""),
        (None, "None"),
    ],
)
def test_a_user_agent_is_bounded_and_printable(header, kept):
    assert visitor(header).user_agent == kept


@given(st.text(st.one_of(st.characters(), st.sampled_from("()/;.:\0 1"))))
def test_no_user_agent_raises(header):
    recorded = visitor(header).recorded()
    recorded.get("user_agent", "").encode()
    assert len(recorded.get("user_agent", "")) <= 512
    assert 1 <= len(recorded.get("device", "x")) <= 100


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Ubuntu"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            "Chrome on Windows",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 "
            "Edg/131.0.0.0",
            "Edge on Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; SM-S911B) {WEBKIT} SamsungBrowser/23.0 "
            "Chrome/115.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Firefox/133.0", "Firefox on Android"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) {HANDHELD} Version/17.4.1 "
            "Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) {HANDHELD} CriOS/124.0.6367.88 "
            "Mobile/15E148 Safari/604.1",
            "Chrome on iPad",
        ),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
            "Chrome on Chrome OS",
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer on Windows",
        ),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Windows"),
        ("x" * 512, None),
        ("", None),
    ],
)
def test_a_device_has_a_name_that_people_know(user_agent, name):
    assert device_name(user_agent) == name


def test_a_name_is_bounded(monkeypatch):
    # The rules themselves copy no more than some dozens of characters, so far.
    monkeypatch.setattr("mongo_contrib.sessions.user_agents._LONGEST", 7)
    device_name.cache_clear()
    assert device_name(FIREFOX) == "Firefox"
    device_name.cache_clear()


@pytest.fixture
def without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "ua_parser", None)
    monkeypatch.setitem(sys.modules, "ua_parser_builtins", None)
    _parser.cache_clear()
    device_name.cache_clear()
    yield
    _parser.cache_clear()
    device_name.cache_clear()


def test_without_the_library_devices_have_no_names(without_the_library):
    assert visitor().recorded() == {"address": "203.0.113.7", "user_agent": FIREFOX}


def test_the_library_is_not_loaded_before_a_name_is_asked_for(without_the_library):
    import mongo_contrib.sessions.middleware

    assert Visitor(RequestFactory().get("/"))
    assert _parser.cache_info().currsize == 0
    assert mongo_contrib.sessions.middleware


# Checks

OURS = "mongo_contrib.sessions.middleware.SessionMiddleware"
DJANGOS = "django.contrib.sessions.middleware.SessionMiddleware"
RECORD = ["address", "device"]


@pytest.fixture
def middleware(settings):
    settings.MIDDLEWARE = [OURS]
    return settings.MIDDLEWARE


def ids():
    return [message.id for message in check_visitors()]


def test_the_defaults_are_fine(middleware):
    assert ids() == []


def test_djangos_middleware_records_nothing(settings):
    settings.MIDDLEWARE = [DJANGOS]
    # Who has asked for nothing misses nothing.
    assert ids() == []
    settings.MONGO_SESSION_RECORD = RECORD
    [message] = check_visitors()
    assert message.id == "mongo_sessions.W002"
    assert message.msg == (
        f"MONGO_SESSION_RECORD has address, device, and {DJANGOS} in MIDDLEWARE records nothing."
    )
    assert f'"{OURS}"' in message.hint


class Derived:
    """Names in MIDDLEWARE that are no class of a session's."""


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"MONGO_SESSION_RECORD": []}, []),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.file"}, []),
        ({"SESSION_ENGINE": "no.such.module"}, []),
        ({"SESSION_ENGINE": "mongo_contrib.sessions.backends.cached_mongo"}, ["W002"]),
        ({"MIDDLEWARE": []}, []),
        ({"MIDDLEWARE": ["no.such.Middleware", DJANGOS, f"{__name__}.Derived"]}, ["W002"]),
        ({"MIDDLEWARE": [DJANGOS, OURS]}, []),
        # E007 says it.
        ({"MONGO_SESSION_RECORD": "address"}, []),
    ],
)
def test_what_is_no_reason_to_warn(settings, changes, found):
    settings.MIDDLEWARE = [DJANGOS]
    settings.MONGO_SESSION_RECORD = RECORD
    for name, value in changes.items():
        setattr(settings, name, value)
    assert ids() == [f"mongo_sessions.{each}" for each in found]


def test_the_admin_accepts_our_middleware(settings, middleware):
    from django.contrib.admin.checks import check_dependencies

    found = {message.id for message in check_dependencies(app_configs=None)}
    assert "admin.E410" not in found
    settings.MIDDLEWARE = []
    assert "admin.E410" in {message.id for message in check_dependencies(app_configs=None)}


def test_a_missing_library_is_told_with_the_cure(settings, middleware, without_the_library):
    assert ids() == []
    settings.MONGO_SESSION_RECORD = RECORD
    [message] = check_visitors()
    assert message.id == "mongo_sessions.W003"
    assert 'pip install "django-mongo-contrib[devices]"' in message.hint
    settings.MONGO_SESSION_RECORD = ["address"]
    assert ids() == []


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a=b", "größe", None, 3, "sessionid"])
def test_a_name_that_the_devices_cookie_cannot_have(settings, middleware, name):
    settings.MONGO_SESSION_DEVICE_COOKIE_NAME = name
    [message] = check_visitors()
    assert message.id == "mongo_sessions.E017"
    assert message.msg.startswith(f"MONGO_SESSION_DEVICE_COOKIE_NAME is {name!r}; it must be ")
