"""The end of a session against many saves at once; at random it is tried in test_fuzz.py."""

import asyncio

import pytest
from django.contrib.sessions.backends.base import UpdateError

from tests.sessions.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("end", ["delete", "flush", "cycle_key"])
def test_the_end_of_a_session_wins_over_every_save(engine, end):
    for _ in range(10):
        session = engine()
        session["user"] = 1
        session.save()
        key = session.session_key
        stores = [engine(key) for _ in range(4)]
        for store in stores:
            store["late"] = 1

        def work(store, session=session):
            if store is None:
                getattr(session, end)()
                return None
            try:
                store.save()
            except UpdateError:
                return "refused"
            return "before the end"

        in_threads(work, [*stores, None])
        assert dict(engine(key).items()) == {}
        assert not session.exists(key)


async def test_the_end_of_a_session_wins_over_every_async_save(engine):
    for _ in range(20):
        session = engine()
        await session.aset("user", 1)
        await session.asave()
        key = session.session_key
        stores = [engine(key) for _ in range(4)]
        for store in stores:
            await store.aset("late", 1)
        ends = [store.asave() for store in stores]
        ends.insert(2, session.aflush())
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            assert outcome is None or isinstance(outcome, UpdateError)
        assert not await session.aexists(key)
