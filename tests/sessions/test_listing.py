"""The sessions of one user: listed and ended, by both twins over both engines."""

import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from bson import ObjectId
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as SQLStore
from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, models
from django.utils.functional import SimpleLazyObject

from mongo_contrib.auth.models import User
from mongo_contrib.sessions.listing import UserSessions
from mongo_contrib.sessions.models import Session
from mongo_contrib.sessions.owners import users_of

NOW = datetime.now(UTC).replace(microsecond=0)
ANN, BOB = str(ObjectId()), str(ObjectId())

HOSTILE = [
    "",
    "nonsense",
    "$ne",
    '{"$ne": null}',
    "a\0b",
    "x" * 100_000,
    "g" * 64,
    "A" * 64,
    "٣" * 64,
    "a" * 64 + "\n",
    ".*",
]


@pytest.fixture
def logged_in(twin, sessions):
    """`logged_in(user_id, minutes)` is a session of a user, last used so long ago."""

    def logged_in(user_id=ANN, minutes=0, **about):
        session = twin.saved(**{SESSION_KEY: user_id, "cart": "secret"})
        seen = NOW - timedelta(minutes=minutes)
        update = {"seen": seen, "created": seen - timedelta(days=1), **about}
        assert sessions.update_one({"_id": session.session_id}, {"$set": update}).matched_count
        return session

    return logged_in


def ids(found):
    return [session.id for session in found]


def test_the_last_used_comes_first(twin, logged_in):
    old, new, middle = logged_in(minutes=60), logged_in(minutes=1), logged_in(minutes=30)
    mine = UserSessions(ANN)
    expected = [each.session_id for each in (new, middle, old)]
    assert ids(twin("recent", mine)) == expected
    assert ids(twin("recent", mine, 2)) == expected[:2]
    assert ids(twin("recent", mine, limit=1)) == expected[:1]
    assert twin("count", mine) == 3


def test_what_is_not_recorded_is_empty(twin, logged_in, settings):
    settings.MONGO_SESSION_RECORD = []
    logged_in()
    (found,) = twin("recent", UserSessions(ANN))
    assert (found.last_seen, found.address, found.device) == (None, "", "")


async def collected(found):
    return [each async for each in found]


def test_they_are_iterated(twin, logged_in):
    session = logged_in()
    mine = UserSessions(ANN)
    found = list(mine) if twin.runner is None else twin.runner.run(collected(mine))
    assert ids(found) == [session.session_id]


def test_all_that_is_recorded_is_told(twin, logged_in):
    recorded = {"address": "203.0.113.7", "user_agent": "Mozilla/5.0", "device": "Firefox"}
    session = logged_in(**recorded)
    (found,) = twin("recent", UserSessions(ANN, current=session))
    assert (found.id, found.user_id, found.is_current) == (session.session_id, ANN, True)
    assert (found.last_seen, found.created) == (NOW, NOW - timedelta(days=1))
    assert timedelta(days=13) < found.expires - datetime.now(UTC) <= timedelta(days=14)
    assert {name: getattr(found, name) for name in recorded} == recorded
    assert found.name == "Firefox"
    assert "secret" not in repr(found)


def test_a_name_is_found_for_each(twin, logged_in):
    logged_in(minutes=1, user_agent="curl/8.5")
    logged_in(minutes=2)
    assert [each.name for each in twin("recent", UserSessions(ANN))] == [
        "curl/8.5",
        "Unknown device",
    ]


def test_what_it_is_can_not_be_changed(logged_in):
    logged_in()
    (found,) = UserSessions(ANN)
    with pytest.raises(AttributeError):
        found.device = "another"


def test_without_time_zones_moments_are_those_of_the_project(twin, logged_in, settings):
    session = logged_in()
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    (found,) = twin("recent", UserSessions(ANN))
    assert found.last_seen == NOW.replace(tzinfo=None) + timedelta(hours=9)
    assert found.id == session.session_id


def test_nobody_elses_nor_expired_nor_anonymous_ones_are_listed(twin, logged_in, sessions):
    mine = logged_in()
    logged_in(BOB)
    logged_in(expire_date=NOW - timedelta(seconds=1))
    twin.saved(a=1)
    sessions.insert_one(
        {"_id": f"{mine.session_id}:renamed", "to": "x", "expire_date": NOW + timedelta(days=1)}
    )
    assert ids(twin("recent", UserSessions(ANN))) == [mine.session_id]
    assert twin("count", UserSessions(ANN)) == 1


def test_none_is_no_error(twin):
    nobody = UserSessions(ANN)
    assert twin("recent", nobody) == []
    assert twin("count", nobody) == twin("revoke_all", nobody) == 0


def test_an_ended_session_is_over_at_once(twin, logged_in):
    session, other = logged_in(), logged_in(minutes=5)
    overlapping = twin.store(session.session_key)
    twin("get", overlapping, "cart")
    assert twin("revoke", UserSessions(ANN), session.session_id) is True
    assert twin.data(session) == {}
    assert twin.data(other) != {}
    twin("__setitem__", overlapping, "cart", "more")
    with pytest.raises(UpdateError):
        twin("save", overlapping)
    assert ids(twin("recent", UserSessions(ANN))) == [other.session_id]
    assert twin("revoke", UserSessions(ANN), session.session_id) is False


def test_another_users_session_is_not_ended(twin, logged_in):
    session = logged_in(BOB)
    assert twin("revoke", UserSessions(ANN), session.session_id) is False
    assert twin.data(session) != {}


def test_what_is_no_id_ends_nothing(twin, logged_in, assert_num_commands):
    session = logged_in()
    with assert_num_commands(0):
        for session_id in HOSTILE:
            assert twin("revoke", UserSessions(ANN), session_id) is False, session_id
    assert twin.data(session) != {}


def test_an_operator_is_no_id(twin, logged_in):
    session = logged_in()
    for session_id in ({"$ne": None}, ["a"], None, 1, b"a" * 64):
        with pytest.raises(TypeError, match=r"A session's id is a string, and .* is of type"):
            twin("revoke", UserSessions(ANN), session_id)
    assert twin.data(session) != {}


def test_a_session_that_was_just_renamed_is_ended(twin, logged_in):
    session = logged_in()
    before = session.session_id
    twin("cycle_key", session)
    assert session.session_id != before
    assert twin("revoke", UserSessions(BOB), before) is False
    assert twin("revoke", UserSessions(ANN), before) is True
    assert twin.data(session) == {}


def test_all_are_ended(twin, logged_in):
    mine, other = [logged_in(), logged_in(minutes=9)], logged_in(BOB)
    assert twin("revoke_all", UserSessions(ANN)) == 2
    assert [twin.data(session) for session in mine] == [{}, {}]
    assert twin.data(other) != {}


@pytest.mark.parametrize("given", ["to the method", "to the object", "as its id"])
def test_all_others_are_ended(twin, logged_in, given):
    current, other, bobs = logged_in(), logged_in(minutes=9), logged_in(BOB)
    if given == "to the method":
        assert twin("revoke_others", UserSessions(ANN), current) == 1
    elif given == "to the object":
        assert twin("revoke_others", UserSessions(ANN, current=current)) == 1
    else:
        assert twin("revoke_others", UserSessions(ANN, current=current.session_id)) == 1
    assert twin.data(current) != {} and twin.data(bobs) != {}
    assert twin.data(other) == {}


def test_the_current_one_is_known_by_its_older_secret(twin, logged_in, settings):
    current, other = logged_in(), logged_in(minutes=9)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    mine = UserSessions(ANN, current=twin.store(current.session_key))
    assert [each.is_current for each in twin("recent", mine)] == [True, False]
    assert mine.is_current(current.session_id)
    assert twin("revoke_others", mine) == 1
    assert twin.data(current) != {}
    assert twin.data(other) == {}


def test_others_than_none_are_not_all(twin, logged_in):
    session = logged_in()
    for current in (None, "", twin.store()):
        with pytest.raises(ValueError, match="which session is to stay"):
            twin("revoke_others", UserSessions(ANN, current=current))
    assert twin.data(session) != {}


def test_the_current_one_is_a_session(engine):
    for current in ({"$ne": None}, 7, object()):
        with pytest.raises(TypeError, match=r"The current session is request\.session or"):
            UserSessions(ANN, current=current)


@pytest.mark.parametrize("limit", [0, -1, None, "5", True, 1.5])
def test_there_is_a_limit(limit):
    with pytest.raises(ValueError, match="must be a whole number above 0"):
        UserSessions(ANN).recent(limit)


def test_a_user_object_of_any_class_or_its_id(twin, db):
    user = User.objects.create_user("ann")
    session = twin.saved(**{SESSION_KEY: str(user.pk)})
    for given in (user, SimpleLazyObject(lambda: user), user.pk, str(user.pk)):
        assert ids(twin("recent", UserSessions(given))) == [session.session_id]


def test_ids_of_rows(settings):
    class Integer:
        _meta = SimpleNamespace(pk=models.IntegerField(), USERNAME_FIELD="name")

    class UUID(Integer):
        _meta = SimpleNamespace(pk=models.UUIDField())

    for model in (Integer, UUID):
        model._meta.pk.set_attributes_from_name("id")
    key = uuid.uuid4()
    row = SimpleNamespace(_meta=Integer._meta, pk=7, id=7)
    assert UserSessions(row).user_id == "7"
    row = SimpleNamespace(_meta=UUID._meta, pk=key, id=key)
    assert UserSessions(row).user_id == str(key)


@pytest.mark.parametrize("user", [{"$ne": None}, None, [], AnonymousUser(), True, 1.5])
def test_who_is_no_user_has_no_sessions(db, user):
    with pytest.raises(TypeError, match="Sessions are those of a user object or of its id"):
        UserSessions(user)


def test_a_text_that_is_no_id_is_nobodys(twin, logged_in):
    logged_in()
    assert twin("recent", UserSessions('{"$ne": null}')) == []
    assert twin("revoke_all", UserSessions("$exists")) == 0


def test_a_user_who_is_not_saved_has_none(db):
    with pytest.raises(ValueError, match="is not saved"):
        UserSessions(User(username="ann", pk=None))


def test_another_engine_is_refused(db, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    for use in (UserSessions(ANN).recent, UserSessions(ANN).revoke_all):
        with pytest.raises(ImproperlyConfigured, match="signed_cookies"):
            use()
    with pytest.raises(ImproperlyConfigured, match="cannot be listed"):
        UserSessions(ANN, current=SQLStore("key"))


def test_each_is_one_command(db, capture_commands):
    mine = UserSessions(ANN, current="0" * 64)
    mine.recent(), mine.count(), mine.revoke_others(), mine.revoke_all()
    names = [command.name for command in capture_commands]
    assert names == ["find", "aggregate", "delete", "delete"]


def test_they_are_found_through_an_index(logged_in, capture_commands, plan_of):
    logged_in()
    UserSessions(ANN).recent()
    find = capture_commands[-1].command
    plan = plan_of(find["filter"], list(find["sort"].items()))
    assert "'user_seen'" in plan and "COLLSCAN" not in plan


# The document class


@pytest.mark.parametrize("listened_to", [False, True])
def test_deleting_the_document_ends_the_session(twin, logged_in, listened_to):
    heard = []

    def hear(instance, **kwargs):
        heard.append(instance.user_id)

    if listened_to:
        models.signals.post_delete.connect(hear, sender=Session)
    try:
        for delete in (
            lambda found: found.delete(),
            lambda found: found.get().delete(),
            lambda found: found[:1].get().delete(),
        ):
            session = logged_in()
            assert twin.data(session) != {}  # a copy of it is in the cache, if there is one
            assert delete(Session.objects.filter(pk=session.session_id))[0] == 1
            assert twin.data(session) == {}
    finally:
        models.signals.post_delete.disconnect(hear, sender=Session)
    assert heard == [ANN, ANN, ANN] * listened_to


def test_the_document_is_found_without_what_the_session_holds(logged_in, capture_commands):
    session = logged_in(device="Firefox on Ubuntu", address="203.0.113.7")
    found = Session.objects.get(user_id=ANN)
    *_, command = capture_commands
    assert "data" not in command.command["projection"]
    assert set(command.command["projection"].values()) == {1}
    assert (found.pk, found.last_seen) == (session.session_id, NOW)
    assert str(found) == f"{ANN}, Firefox on Ubuntu, 203.0.113.7"
    assert "secret" not in repr(vars(found))


def test_neither_expired_ones_nor_traces_of_renaming_are_documents(twin, logged_in):
    logged_in(expire_date=NOW - timedelta(seconds=1))
    session = logged_in()
    twin("cycle_key", session)
    twin.saved(a=1)
    assert Session.objects.count() == 2
    assert Session.objects.get(user_id=ANN).pk == session.session_id


def test_the_document_is_not_written(logged_in):
    session = logged_in()
    document = Session.objects.get()
    document.device = "another"
    for write in (
        document.save,
        Session(id="0" * 64, expires=NOW).save,
        lambda: Session.objects.update(device="another"),
        lambda: Session.objects.bulk_create([Session(id="0" * 64, expires=NOW)]),
        lambda: Session.objects.filter(pk=session.session_id).find_one_and_delete(),
    ):
        with pytest.raises(NotSupportedError, match=r"Only request\.session writes sessions"):
            write()
    assert Session.objects.get().device is None


def test_the_document_is_where_the_setting_says(settings, repository, db):
    settings.MONGO_SESSION_COLLECTION = "visits"
    document = {"_id": "0" * 64, "user": ANN, "expire_date": NOW + timedelta(days=1)}
    repository("visits").insert_one(document)
    assert Session.objects.get().user_id == ANN
    assert Session.objects.read_preference("secondaryPreferred").get().user_id == ANN
    assert Session.objects.all().delete()[0] == 1
    assert repository("visits").count() == 0


def test_the_users_of_many_are_one_query(db, assert_num_commands):
    users = [User.objects.create_user(name) for name in ("ann", "bob")]
    with assert_num_commands(1):
        found = users_of([*(str(user.pk) for user in users), None, "nonsense", ANN])
    assert found == {str(user.pk): user for user in users}
    with assert_num_commands(0):
        assert users_of([None, "nonsense"]) == {}
