"""Requests that overlap, with both engines: nothing lost, nothing resurrected."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import connections

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 50


def in_threads(work, arguments):
    """Start all at once, each in a thread of its own; return what they return."""
    arguments = list(arguments)
    barrier = Barrier(len(arguments))

    def run(argument):
        try:
            barrier.wait()
            return work(argument)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


def test_writers_of_different_keys_lose_nothing(engine):
    session = engine()
    session.save()
    stores = [engine(session.session_key) for _ in range(WRITERS)]
    for store in stores:
        store.get("loaded before anybody writes")

    def write(number):
        stores[number][f"key {number}"] = number
        stores[number].save()

    in_threads(write, range(WRITERS))
    data = dict(engine(session.session_key).items())
    assert data == {f"key {number}": number for number in range(WRITERS)}


async def test_async_writers_of_different_keys_lose_nothing(engine):
    session = engine()
    await session.asave()
    stores = [engine(session.session_key) for _ in range(WRITERS)]
    for store in stores:
        await store.aget("loaded before anybody writes")

    async def write(number):
        await stores[number].aset(f"key {number}", number)
        await stores[number].asave()

    await asyncio.gather(*map(write, range(WRITERS)))
    data = dict(await engine(session.session_key).aitems())
    assert data == {f"key {number}": number for number in range(WRITERS)}


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
