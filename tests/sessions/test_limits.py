"""How large a session may be, and how many a user may have at once."""

import asyncio

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import DataError, transaction

from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.exceptions import SessionLimitReached, SessionTooLarge
from mongo_contrib.transaction import aatomic
from tests.sessions.threads import in_threads


@pytest.fixture
def three(settings):
    settings.MONGO_SESSION_MAX_PER_USER = 3


def log_in(twin, user="42", **data):
    return twin.saved(**{SESSION_KEY: user}, **data)


def test_data_over_the_limit_is_refused_and_nothing_is_written(twin, settings, sessions):
    settings.MONGO_SESSION_MAX_SIZE = 100
    session = twin.saved(a="x" * 90)
    twin("__setitem__", session, "b", "y" * 50)
    with pytest.raises(SessionTooLarge) as caught:
        twin("save", session)
    assert str(caught.value) == (
        "The session has 146 bytes of data, and MONGO_SESSION_MAX_SIZE allows 100; "
        "most is under 'a', 'b'."
    )
    assert isinstance(caught.value, DataError)
    assert (caught.value.size, caught.value.limit) == (146, 100)
    assert twin.data(session) == {"a": "x" * 90}
    twin("pop", session, "a")
    twin("save", session)
    assert twin.data(session) == {"b": "y" * 50}


def test_a_new_session_over_the_limit_is_not_made(twin, settings, sessions):
    settings.MONGO_SESSION_MAX_SIZE = 100
    session = twin.store(a="x" * 101)
    with pytest.raises(SessionTooLarge):
        twin("save", session)
    assert session.session_key is None
    assert sessions.count() == 0


def test_a_log_in_too_many_ends_the_session_used_longest_ago(twin, three, sessions):
    first, second, third = (log_in(twin) for _ in range(3))
    sessions.update_one(
        {"_id": first.session_id}, {"$set": {"seen": sessions.find_one()["expire_date"]}}
    )
    other = log_in(twin, user="43")
    fourth = log_in(twin)
    alive = [bool(twin.data(each)) for each in (first, second, third, fourth, other)]
    assert alive == [True, False, True, True, True]


def test_or_is_refused(twin, three, settings, sessions):
    settings.MONGO_SESSION_WHEN_FULL = "refuse"
    kept = [log_in(twin) for _ in range(3)]
    session = twin.store(**{SESSION_KEY: "42"})
    with pytest.raises(SessionLimitReached, match="The user '42' has 3 sessions, as many as"):
        twin("save", session)
    assert session.session_key is None
    assert session.logged_in is None
    assert all(twin.data(each) for each in kept)
    assert sessions.count() == 3
    twin("delete", kept[0])
    twin("save", session)
    assert twin.data(session) == {SESSION_KEY: "42"}


def test_an_anonymous_session_that_may_not_log_in_stays_as_it_was(twin, three, settings):
    settings.MONGO_SESSION_WHEN_FULL = "refuse"
    for _ in range(3):
        log_in(twin)
    session = twin.saved(cart=1)
    twin("__setitem__", session, SESSION_KEY, "42")
    with pytest.raises(SessionLimitReached):
        twin("save", session)
    assert twin.data(session) == {"cart": 1}


def test_expired_sessions_take_no_place(twin, three, settings, sessions):
    settings.MONGO_SESSION_WHEN_FULL = "refuse"
    for _ in range(3):
        session = twin.store(**{SESSION_KEY: "42"})
        twin("set_expiry", session, -1)
        twin("save", session)
    assert twin.data(log_in(twin)) == {SESSION_KEY: "42"}


def test_anonymous_sessions_take_no_place(twin, three):
    sessions = [twin.saved(a=1) for _ in range(5)]
    assert all(twin.data(each) for each in sessions)


def test_saving_and_renaming_take_no_second_place(twin, three, settings, sessions):
    settings.MONGO_SESSION_WHEN_FULL = "refuse"
    session, *others = (log_in(twin) for _ in range(3))
    for _ in range(4):
        twin("cycle_key", session)
        twin("__setitem__", session, "a", 1)
        twin("save", session)
    assert all(twin.data(each) for each in (session, *others))
    slots = [each["slot"] for each in sessions.find({"user": "42"})]
    assert sorted(slots) == [0, 1, 2]


def test_sessions_from_before_there_was_a_limit_count(twin, settings):
    old = [log_in(twin) for _ in range(5)]
    settings.MONGO_SESSION_MAX_PER_USER = 2
    new = log_in(twin)
    assert [bool(twin.data(each)) for each in (*old, new)] == [False] * 4 + [True] * 2


def test_a_limit_that_was_lowered_by_far(twin, settings, sessions):
    settings.MONGO_SESSION_MAX_PER_USER = 500
    moment = log_in(twin).get_expiry_date()
    document = sessions.find_one()
    sessions.insert_many(
        {**document, "_id": str(number), "slot": number, "expire_date": moment}
        for number in range(500, 750)
    )
    settings.MONGO_SESSION_MAX_PER_USER = 2
    log_in(twin)
    assert sessions.count({"user": "42"}) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("transactions")
@pytest.mark.parametrize("policy", ["end_oldest", "refuse"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_log_ins_at_once_never_are_too_many(policy, asynchronous, three, settings, sessions):
    settings.MONGO_SESSION_WHEN_FULL = policy
    counted = []

    def attempt(number):
        session = SessionStore()
        session[SESSION_KEY] = "42"
        try:
            session.save()
        except SessionLimitReached:
            return False
        with transaction.atomic():  # a snapshot: other reads may count what comes and what goes
            counted.append(sessions.count({"user": "42"}))
        return True

    async def aattempt(number):
        session = SessionStore()
        await session.aset(SESSION_KEY, "42")
        try:
            await session.asave()
        except SessionLimitReached:
            return False
        async with aatomic():
            counted.append(await sessions.acount({"user": "42"}))
        return True

    async def all_at_once():
        return await asyncio.gather(*map(aattempt, range(50)))

    if asynchronous:
        succeeded = asyncio.run(all_at_once())
    else:
        succeeded = in_threads(attempt, range(50))
    assert sum(succeeded) == (3 if policy == "refuse" else 50)
    assert max(counted) == 3
    assert sessions.count({"user": "42"}) == 3
