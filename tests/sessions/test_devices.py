"""The devices that users log in from, and the signal about new ones."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.apps import apps
from django.db import connections
from django.http import HttpResponse
from django.test import RequestFactory

from mongo_contrib.auth.models import User
from mongo_contrib.exceptions import ServerUnavailable
from mongo_contrib.sessions import devices
from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.middleware import SessionMiddleware
from mongo_contrib.sessions.signals import new_device
from tests.hops import no_thread_hop

pytestmark = pytest.mark.urls("tests.sessions.browsing")


@pytest.fixture
def engine():
    """That of the settings: devices are the same with each."""


@pytest.fixture
def told(db):
    """What the signal has told."""
    received = []

    def receiver(sender, **arguments):
        received.append({"sender": sender, **arguments})

    new_device.connect(receiver)
    yield received
    new_device.disconnect(receiver)


@pytest.fixture
def known(repository):
    """The collection of the devices."""
    return repository("django_session_device")


def cookie_of(browser):
    return browser.client.cookies["device"].value


def test_the_first_log_in_from_a_browser_is_told_once(browser, told, ann, sessions, known):
    assert browser.log_in().status_code == 200
    [event] = told
    assert event.pop("request").path.endswith("/in/")
    assert event.pop("session_id") == sessions.find_one()["_id"]
    del event["signal"]
    assert event == {
        "sender": SessionStore,
        "user_id": str(ann.pk),
        "device": "Firefox on Ubuntu",
        "address": "127.0.0.1",
        "first": True,
    }
    browser.get("out")
    browser.log_in()
    assert len(told) == 1
    assert known.count() == 1


def test_another_browser_is_another_device(browser, told):
    browser.log_in()
    browser.another().log_in()
    assert [event["first"] for event in told] == [True, False]


def test_a_browser_is_new_to_each_of_its_users(browser, told, bob, known):
    browser.log_in("ann")
    cookie = cookie_of(browser)
    browser.get("out")
    browser.log_in("bob")
    assert cookie_of(browser) == cookie
    assert [event["user_id"] for event in told][1:] == [str(bob.pk)]
    assert told[1]["first"]
    # Nobody sees in the database that it is one browser, nor what its cookie is.
    one, other = known.find()
    assert one["_id"] != other["_id"]
    assert cookie not in repr([one, other])


def test_a_log_in_within_a_log_in_is_seen(browser, told, bob):
    browser.log_in("ann")
    browser.log_in("bob")
    assert len(told) == 2


def test_a_view_that_saves_by_itself_is_seen(browser, told):
    browser.log_in(save=1)
    assert len(told) == 1
    assert browser.session == {"secret": "of the user", "later": 1}


def test_nothing_but_a_log_in_sets_the_cookie(browser, told, known):
    browser.get("put", a="1")
    browser.get("look")
    assert "device" not in browser.client.cookies
    assert known.count() == 0
    browser.log_in()
    assert "device" not in browser.get("look").cookies


def test_the_cookie_goes_where_the_sessions_goes(browser, settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_PATH = "/"
    settings.SESSION_COOKIE_DOMAIN = "testserver"
    settings.MONGO_SESSION_DEVICE_COOKIE_NAME = "browser"
    settings.MONGO_SESSION_DEVICE_COOKIE_AGE = 1000
    cookie = browser.log_in().cookies["browser"]
    assert cookie["secure"] and cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == "testserver"
    assert cookie["max-age"] == 1000
    settings.SESSION_COOKIE_SECURE = False
    assert not browser.another().log_in().cookies["browser"]["secure"]


def test_each_log_in_renews_both_cookie_and_record(browser, known, settings):
    browser.log_in()
    known.update_one({}, {"$set": {"expire_date": datetime.now(UTC) + timedelta(seconds=60)}})
    settings.MONGO_SESSION_DEVICE_COOKIE_AGE = 5000
    browser.headers["user_agent"] = "curl/8"
    response = browser.log_in(save=1)
    assert "device" not in response.cookies, "it was no log-in"
    browser.get("out")
    response = browser.log_in()
    assert response.cookies["device"]["max-age"] == 5000
    left = known.find_one()["expire_date"] - datetime.now(UTC)
    assert timedelta(seconds=4900) < left <= timedelta(seconds=5000)
    assert known.find_one()["device"] == "curl"


@pytest.mark.parametrize("record", [[], ["address", "user_agent", "last_seen"]])
def test_without_device_in_what_is_recorded_there_is_nothing(
    browser, told, known, settings, record
):
    settings.MONGO_SESSION_RECORD = record
    response = browser.log_in()
    assert "device" not in response.cookies
    assert known.count() == 0
    assert told == []


def test_what_is_not_recorded_is_not_told(browser, told, settings):
    settings.MONGO_SESSION_RECORD = ["device", "network"]
    browser.log_in()
    assert told[0]["address"] == "127.0.0.0/24"
    settings.MONGO_SESSION_RECORD = ["device"]
    browser.another().log_in()
    assert told[1]["address"] is None


def test_a_browser_of_no_known_name(browser, told, known):
    browser.headers = {"user_agent": "x"}
    browser.log_in()
    assert told[0]["device"] is None
    assert "device" not in known.find_one()


HOSTILE = ["x" * 4000, "", "a" * 31, "a" * 33, "a" * 31 + "\0", "a" * 31 + "é", '{"$gt": ""}']


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_a_cookie_that_is_none_of_ours_is_replaced(browser, told, value):
    browser.client.cookies["device"] = value
    browser.log_in()
    assert len(told) == 1
    assert cookie_of(browser) != value
    assert len(cookie_of(browser)) == 32


def test_an_invented_cookie_is_an_unknown_device(browser, told, known):
    browser.log_in()
    other = browser.another()
    other.client.cookies["device"] = "a" * 32
    other.log_in()
    assert len(told) == 2


# Secrets


def test_a_device_survives_the_change_of_the_secret(browser, told, known, settings):
    browser.log_in()
    old = known.find_one()["_id"]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    browser.get("out")
    browser.log_in()
    # It has moved, so that it is known when the old secret is given up.
    [document] = known.find()
    assert document["_id"] != old
    settings.SECRET_KEY_FALLBACKS = []
    browser.get("out")
    browser.log_in()
    assert len(told) == 1
    settings.SECRET_KEY = "a third one"
    browser.get("out")
    browser.log_in()
    assert len(told) == 2


# Expiry


def test_an_expired_device_is_new_though_it_is_still_there(browser, told, known):
    browser.log_in()
    known.update_one({}, {"$set": {"expire_date": datetime.now(UTC) - timedelta(seconds=1)}})
    browser.get("out")
    browser.log_in()
    assert [event["first"] for event in told] == [True, True]
    browser.get("out")
    browser.log_in()
    assert len(told) == 2


def test_an_expired_device_is_no_other_device(browser, told, known):
    browser.log_in()
    known.update_one({}, {"$set": {"expire_date": datetime.now(UTC) - timedelta(seconds=1)}})
    browser.another().log_in()
    assert told[1]["first"]


def test_the_collection_is_declared_where_devices_are_recorded(settings):
    config = apps.get_app_config("mongo_sessions")
    settings.MONGO_SESSION_DEVICE_COLLECTION = "machines"
    spec = config.mongo_collections("default")[-1]
    assert spec.name == "machines"
    indexes = {index.keys: index.options for index in spec.indexes}
    assert indexes[("expire_date", 1),] == {"expireAfterSeconds": 0}
    assert (("user", 1),) in indexes
    settings.MONGO_SESSION_RECORD = ["address"]
    assert [each.name for each in config.mongo_collections("default")] == ["django_session"]


# Forgetting


@pytest.mark.parametrize("by", ["object", "id", "text"])
def test_a_users_devices_can_be_forgotten(browser, told, known, ann, bob, by):
    browser.log_in("ann")
    browser.another().log_in("ann")
    browser.another().log_in("bob")
    user = {"object": ann, "id": ann.pk, "text": str(ann.pk)}[by]
    if browser.runner:
        assert browser.runner.run(devices.aforget_devices(user)) == 2
    else:
        assert devices.forget_devices(user) == 2
    assert [each["user"] for each in known.find()] == [str(bob.pk)]
    assert browser.user == "ann", "no session ends"
    browser.get("out")
    browser.log_in()
    assert len(told) == 4


# Races


@pytest.mark.django_db(transaction=True)
def test_of_log_ins_that_overlap_exactly_one_is_told():
    barrier = Barrier(20)

    def remember(_):
        try:
            barrier.wait()
            return devices.remember("42", "a" * 32, "Firefox")
        finally:
            connections.close_all()

    for _ in range(3):
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(remember, range(20)))
        assert sum(each is not None for each in found) == 1
        devices._repository().delete_many({})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "expired", "older secret"])
async def test_of_asynchronous_log_ins_that_overlap_exactly_one_is_told(settings, before):
    received = []

    async def receiver(sender, **arguments):
        received.append(arguments)

    factory = RequestFactory()

    async def view(request):
        await request.session.aset("_auth_user_id", "42")
        return HttpResponse()

    middleware = SessionMiddleware(view)

    async def log_in():
        return await middleware(factory.get("/", HTTP_COOKIE=f"device={'a' * 32}"))

    if before != "nothing":
        await log_in()
    if before == "expired":
        await devices._repository().aupdate_many(
            {}, {"$set": {"expire_date": datetime.now(UTC) - timedelta(seconds=1)}}
        )
    if before == "older secret":
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "the next one"
    new_device.connect(receiver)
    try:
        await asyncio.gather(*(log_in() for _ in range(20)))
    finally:
        new_device.disconnect(receiver)
    assert len(received) == (0 if before == "older secret" else 1)
    assert await devices._repository().acount() == 1


# Receivers


def test_a_receiver_that_fails_costs_nobody_a_log_in(browser, caplog, told):
    def failing(sender, **arguments):
        raise LookupError("a receiver's bug")

    async def afailing(sender, **arguments):
        raise LookupError("an asynchronous receiver's bug")

    new_device.connect(failing)
    new_device.connect(afailing)
    try:
        assert browser.log_in().status_code == 200
    finally:
        new_device.disconnect(failing)
        new_device.disconnect(afailing)
    assert browser.user == "ann"
    assert len(told) == 1
    assert [record.name for record in caplog.records].count("django.dispatch") == 2


def test_devices_that_cannot_be_kept_cost_nobody_a_log_in(browser, monkeypatch, caplog):
    def away(*args):
        raise ServerUnavailable("the server is away")

    monkeypatch.setattr(devices, "remember", away)
    assert browser.log_in().status_code == 200
    assert browser.user == "ann"
    assert "device" not in browser.client.cookies
    assert "A visit could not be noted: the server is away" in caplog.messages


async def test_asynchronous_receivers_are_awaited_without_a_thread(db):
    received = []

    async def receiver(sender, user_id, **arguments):
        await asyncio.sleep(0)
        await User.objects.aexists()
        received.append(user_id)

    async def view(request):
        await request.session.aset("_auth_user_id", "42")
        return HttpResponse()

    new_device.connect(receiver)
    try:
        async with no_thread_hop() as sent:
            await SessionMiddleware(view)(RequestFactory().get("/"))
    finally:
        new_device.disconnect(receiver)
    assert received == ["42"]
    assert sent.count("insert") == 2


# Costs


def test_what_a_log_in_costs(browser, capture_commands):
    def on_devices():
        return [
            event.name
            for event in capture_commands.commands
            if event.collection == "django_session_device"
        ]

    browser.log_in()
    assert on_devices() == ["update", "insert"]
    browser.get("out")
    browser.log_in()
    assert on_devices() == ["update", "insert", "update"]
