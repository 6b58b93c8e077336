"""Random races on a real server: nothing acknowledged is lost, nothing that has ended comes back.

MONGO_FUZZ_TRIES says how many races there are, MONGO_FUZZ_WRITERS how many write one session at
once, and MONGO_FUZZ_SEED repeats the races of another run.
"""

import asyncio
import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.db import connections
from django.utils.crypto import get_random_string

from mongo_contrib.sessions.backends import mongo
from tests.sessions.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)

TRIES = int(os.environ.get("MONGO_FUZZ_TRIES", 200))
WRITERS = int(os.environ.get("MONGO_FUZZ_WRITERS", 60))
THREADS = 8
# How many races run at once.
ROUND = 50
# How many sessions one end() ends.
TOGETHER = 10
#: What races with a save of a session -> how often.
RACES = {
    "end": 50,
    "delete": 15,
    "flush": 15,
    "cycle": 8,
    "cycle and delete": 6,
    "cycle and end": 6,
}


class World:
    """Calls verbs of sessions by themselves, in threads."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(THREADS)

    async def call(self, verb, session, *args):
        return getattr(session, verb)(*args)

    def run(self, actors):
        """Run coroutines at once."""
        for future in [self.pool.submit(self.finished, actor) for actor in actors]:
            future.result()

    @staticmethod
    def finished(actor):
        # None of these coroutines ever waits for something.
        with pytest.raises(StopIteration):
            actor.send(None)

    def close(self):
        for _ in range(THREADS):
            self.pool.submit(connections.close_all)
        self.pool.shutdown()


class AsyncWorld:
    """Awaits their twins, in tasks."""

    def __init__(self):
        self.runner = asyncio.Runner()

    async def call(self, verb, session, *args):
        return await getattr(session, f"a{verb}")(*args)

    def run(self, actors):
        async def gathered():
            await asyncio.gather(*actors)

        self.runner.run(gathered())

    def close(self):
        self.runner.close()


@pytest.fixture(params=[World, AsyncWorld], ids=["sync", "async"])
def world(request, db):
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def draw(request):
    seed = int(os.environ.get("MONGO_FUZZ_SEED", random.randrange(2**32)))
    print(f"MONGO_FUZZ_SEED={seed}")
    return random.Random(seed)


class Race:
    """A session of one user, which some write and others end, all at once."""

    def __init__(self, kind, world, engine, key, document):
        self.kind = kind
        self.world = world
        self.engine = engine
        self.key = key
        self.document = document
        #: What was answered: True, or False for an UpdateError.
        self.answers = {}

    def store(self):
        """A store that has loaded the session before anybody writes."""
        store = self.engine(self.key)
        store._find = lambda ids: self.document
        store.keys()
        del store._find
        return store

    def actors(self):
        """Coroutines for this race; end() is for many, and so not among them."""
        stores = {"save": self.store()}
        stores["save"]["late"] = 1
        for verb in ("delete", "flush", "cycle"):
            if verb in self.kind:
                stores[verb] = self.store()
        if self.engine is not mongo.SessionStore:
            stores["load"] = self.engine(self.key)  # what it reads goes into the cache
        return [self.act(verb, store) for verb, store in stores.items()]

    async def act(self, verb, store):
        try:
            await self.world.call("cycle_key" if verb == "cycle" else verb, store)
        except UpdateError:
            self.answers[verb] = False
        else:
            self.answers[verb] = True


@pytest.fixture
def takes_all(sessions):
    """Whether find_one_and_delete() returns all that was written to what it deletes.

    MongoDB's does; the Rust server's returns an older version every now and then.
    """
    return server_takes_all(sessions.collection)


@cache
def server_takes_all(collection):
    collection.insert_many([{"_id": number} for number in range(200)])

    def write(number):
        return collection.update_one({"_id": number}, {"$set": {"late": 1}}).matched_count

    with ThreadPoolExecutor(THREADS) as pool:
        races = [
            (
                pool.submit(write, number),
                pool.submit(collection.find_one_and_delete, {"_id": number}),
            )
            for number in range(200)
        ]
        return all("late" in taken.result() for written, taken in races if written.result())


def made_races(draw, world, engine, sessions, number):
    """Races of each kind, their sessions stored."""
    template = engine()
    template[SESSION_KEY] = "template"
    template["kept"] = [1, 2]
    template.save()
    document = sessions.find_one({"user": "template"})
    races = []
    kinds = draw.choices(list(RACES), list(RACES.values()), k=number)
    for kind in kinds:
        user = get_random_string(12)
        key = get_random_string(32)
        fields = {**document["data"], SESSION_KEY: json.dumps(user)}
        stored = {**document, "_id": engine(key).session_id, "user": user, "data": fields}
        races.append(Race(kind, world, engine, key, stored))
    sessions.insert_many([race.document for race in races])
    if engine is not mongo.SessionStore:
        for race in races:
            engine(race.key).load()  # now the cache has it
    return races


def test_what_has_ended_stays_ended(draw, world, engine, sessions, takes_all):
    tries = TRIES // 4  # two engines, two worlds
    seen = Counter()
    for first in range(0, tries, ROUND):
        races = made_races(draw, world, engine, sessions, min(ROUND, tries - first))
        # Who is in one race starts at about the same moment.
        actors = [
            (number + draw.random() * 2, actor)
            for number, race in enumerate(races)
            for actor in race.actors()
        ]
        ended = [(number, race) for number, race in enumerate(races) if "end" in race.kind]
        for start in range(0, len(ended), TOGETHER):
            together = ended[start : start + TOGETHER]
            users = [race.document["user"] for _, race in together]
            moment = draw.uniform(together[0][0], together[-1][0] + 2)
            actors.append((moment, world.call("end", engine, {"user": {"$in": users}})))
        world.run([actor for _, actor in sorted(actors, key=lambda each: each[0])])
        seen += check(races, engine, sessions, takes_all)
    assert seen["tries"] == tries
    # Saves were before and after the end, or nothing has been tried.
    assert seen["saved"] and seen["refused"]


def check(races, engine, sessions, takes_all):
    seen = Counter(tries=len(races))
    by_user = {race.document["user"]: [] for race in races}
    for found in sessions.find({"user": {"$in": list(by_user)}}):
        by_user[found["user"]].append(found)
    for race in races:
        left = by_user[race.document["user"]]
        seen["saved" if race.answers["save"] else "refused"] += 1
        assert race.document["_id"] not in [each["_id"] for each in left], race.kind
        if race.kind == "cycle":
            (renamed,) = left
            assert race.answers["cycle"]
            # What was refused is not there, what was acknowledged is.
            if takes_all or not race.answers["save"]:
                assert ("late" in renamed["data"]) == race.answers["save"]
            assert renamed["data"]["kept"] == "[1,2]"
        else:
            assert left == [], f"resurrected: {race.kind}"
        if engine is not mongo.SessionStore:
            assert engine(race.key).load() == {}, f"in a cache: {race.kind}"
    return seen


def test_writers_of_different_keys_lose_nothing(world, engine):
    session = engine()
    session.save()
    stores = [engine(session.session_key) for _ in range(WRITERS)]
    for number, store in enumerate(stores):
        store[f"key {number}"] = number  # loaded before anybody writes

    if isinstance(world, World):
        in_threads(lambda store: store.save(), stores)
    else:
        world.run([store.asave() for store in stores])
    data = dict(engine(session.session_key).items())
    assert data == {f"key {number}": number for number in range(WRITERS)}
