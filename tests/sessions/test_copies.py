"""No copy outlives a write: every order of the steps of a few processes, tried on a model.

The cache and the server are dicts here; the steps between are those of the real code.
"""

from datetime import UTC, datetime, timedelta

import pytest
from bson.codec_options import CodecOptions
from greenlet import getcurrent

from mongo_contrib.sessions.copies import BUSY, BUSY_SECONDS, Copies
from tests.sessions.interleaving import Process, every_order, some_orders, step

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CODEC = CodecOptions(tz_aware=True, tzinfo=UTC)
ID = "ab" * 32
G, C = f"mongo_sessions:g:{ID}", f"mongo_sessions:c:{ID}"


class Memory(dict):
    """A cache of which each look and each change of one entry is a step of its own."""

    def __init__(self, step=lambda: None):
        super().__init__()
        self.step = step
        self.timeouts = {}

    def get_many(self, keys):
        found = {}
        for key in keys:
            self.step()
            if key in self:
                found[key] = self[key]
        return found

    def add(self, key, value, timeout):
        self.step()
        if key in self:
            return False
        self._store(key, value, timeout)
        return True

    def set(self, key, value, timeout):
        self.step()
        self._store(key, value, timeout)

    def set_many(self, data, timeout):
        for key, value in data.items():
            self.set(key, value, timeout)

    def delete_many(self, keys):
        for key in keys:
            self.step()
            self.pop(key, None)

    def _store(self, key, value, timeout):
        self[key], self.timeouts[key] = value, timeout


class Model:
    """A server with one session, its cache, and what is promised to whoever reads now."""

    def __init__(self, kind=Copies):
        self.cache = Memory(step)
        self.copies = kind(self.cache, timeout=300, codec_options=CODEC)
        self.document = {"_id": ID, "expire_date": LATER, "data": {}}
        self.returned = set()
        self.ended = False
        self.written = []  # by whom, and what is promised as soon as that one is done

    def load(self):
        step()
        return self.document and {**self.document, "data": dict(self.document["data"])}

    def check(self):
        """What the cache would give is checked after each step of anybody."""
        for process, promise in self.written:
            if not process.running:
                promise()
        copy = self.copies._read(ID, dict(self.cache))
        if copy is not None:
            assert not self.ended
            assert self.returned <= copy["data"].keys()

    # The processes

    def reader(self):
        returned, ended = set(self.returned), self.ended
        document = self.copies.find([ID], self.load, NOW)
        if document is None:
            assert self.document is None
        else:
            assert not ended
            assert returned <= document["data"].keys()

    def saver(self, key):
        def write():
            step()
            return self.save(key)

        return lambda: self.copies.write([ID], write, ends=False)

    def save(self, key):
        if self.document is not None:
            self.document["data"][key] = "1"
            self.written.append((getcurrent(), lambda: self.returned.add(key)))
        return self.document is not None

    def ender(self):
        def write():
            step()
            self.document = None
            self.written.append((getcurrent(), self.has_ended))

        self.copies.write([ID], write, ends=True)

    def has_ended(self):
        self.ended = True

    def transaction(self, commits=True):
        """Saves in a transaction, which others see when it is committed."""
        hooks = []
        self.copies.write([ID], step, ends=False, on_commit=hooks.append)
        step()
        if commits and self.save("in a transaction"):
            for hook in hooks:
                hook()

    def block(self):
        """Saves in atomic() on a server without transactions, so others see it at once."""
        hooks = []

        def write():
            step()
            return self.save("in a block")

        if self.copies.write([ID], write, ends=False, on_commit=hooks.append):
            self.returned.add("in a block")
        step()
        for hook in hooks:
            hook()

    def evictor(self, *keys):
        def run():
            for key in keys:
                step()
                self.cache.pop(key, None)

        return run

    def clock(self):
        """BUSY expires at last, if who has set it is dead."""
        step()
        if self.cache.get(G) == BUSY and any(process.killed for process, _ in self.written):
            del self.cache[G]


def play(*names, kind=Copies):
    """What every_order() takes: a new model and the processes of these names."""

    def make():
        model = Model(kind)
        functions = {
            "read": model.reader,
            "save a": model.saver("a"),
            "save b": model.saver("b"),
            "end": model.ender,
            "transaction": model.transaction,
            "rolled back": lambda: model.transaction(commits=False),
            "block": model.block,
            "evict g": model.evictor(G),
            "evict c": model.evictor(C),
            "clear": model.evictor(G, C),
            "clock": model.clock,
        }
        split = [name.rpartition(": ") for name in names]
        processes = [Process(functions[name], fate or None) for fate, _, name in split]
        return processes, model.check

    return make


PLAYS = [
    ("read", "save a", "save b"),
    ("read", "save a", "evict g"),
    ("read", "end", "evict g"),
    ("read", "transaction", "evict g"),
    ("read", "killed: save a", "clock"),
    ("read", "killed: end", "clock"),
    ("read", "cancelled: save a", "clock"),
    ("read", "cancelled: end"),
]
CROWDS = [
    ("read", "save a", "end"),
    ("read", "transaction", "save a"),
    ("read", "rolled back", "save a"),
    ("read", "block", "save a"),
    ("read", "cancelled: save a", "save b"),
    ("read", "cancelled: end", "save a"),
    ("read", "read", "killed: end"),
    ("read", "read", "read", "save a", "save b", "end", "clear"),
    ("read", "read", "save a", "transaction", "block", "evict g", "evict c"),
]


@pytest.mark.parametrize("names", PLAYS, ids=" | ".join)
def test_in_every_order_whoever_reads_after_a_write_has_returned_sees_it(names):
    every_order(play(*names))


@pytest.mark.parametrize("names", CROWDS, ids=" | ".join)
def test_in_a_crowd_whoever_reads_after_a_write_has_returned_sees_it(names):
    some_orders(play(*names), 500)


class Careless(Copies):
    """Does not stop others from copying while it writes."""

    def _stop(self, ids):
        pass


class Silent(Copies):
    """Does not say that it has written."""

    def _renew(self, ids):
        pass


class Hasty(Copies):
    """Waits for no commit."""

    def write(self, ids, write, *, ends, on_commit=None):
        return super().write(ids, write, ends=ends)


class Late(Copies):
    """Looks for the generation after it has read the document."""

    def find(self, ids, load, now):
        document = load()
        seen, _ = self._generations(ids, self.cache.get_many([G]))
        if document is not None and ID in seen:
            self._keep(document, seen[ID], now)
        return document


class Repeating(Copies):
    """Has one generation only."""

    def _generations(self, ids, found):
        seen, added = super()._generations(ids, found)
        for each in seen:
            seen[each] = self.cache[G] = "0" * 16
        return seen, added


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Careless, ("read", "killed: save a")),
        (Careless, ("read", "killed: end")),
        (Silent, ("read", "save a", "evict g")),
        (Hasty, ("read", "transaction")),
        (Late, ("read", "save a")),
        (Repeating, ("read", "read", "save a")),
    ],
)
def test_no_step_can_be_left_out(kind, names):
    with pytest.raises(AssertionError):
        every_order(play(*names, kind=kind))


# What one process does by itself


@pytest.fixture
def cache():
    return Memory()


@pytest.fixture
def kept(cache):
    return Copies(cache, timeout=300, codec_options=CODEC)


def document(expires=LATER, session_id=ID):
    return {"_id": session_id, "expire_date": expires, "data": {"a": "1"}}


def never():
    raise AssertionError("It is in the cache, so nobody needs to be asked.")


def test_a_copy_is_what_was_loaded(kept):
    assert kept.find([ID], document, NOW) == document()
    assert kept.find([ID], never, NOW) == document()


def test_what_is_sealed_stays_sealed(kept, cache):
    kept.find([ID], lambda: {**document(), "sealed": {"a": b"\0\1"}}, NOW)
    assert kept.find([ID], never, NOW)["sealed"] == {"a": b"\0\1"}


def test_a_copy_lives_as_long_as_the_setting_says(kept, cache):
    kept.find([ID], document, NOW)
    assert cache.timeouts[C] == 300
    assert cache.timeouts[G] >= 2 * cache.timeouts[C]


def test_a_copy_does_not_live_longer_than_the_session(kept, cache):
    kept.find([ID], lambda: document(NOW + timedelta(seconds=20)), NOW)
    assert cache.timeouts[C] == 20


def test_what_is_about_to_expire_is_not_kept(kept, cache):
    # A timeout of 0 would be taken for none by some caches.
    kept.find([ID], lambda: document(NOW + timedelta(milliseconds=500)), NOW)
    assert C not in cache


def test_an_expired_copy_is_refused_though_it_is_in_the_cache(kept):
    kept.find([ID], document, NOW)
    assert kept.find([ID], never, LATER) is None


def test_who_asks_for_what_does_not_exist_leaves_nothing_behind(kept, cache):
    assert kept.find([ID], lambda: None, NOW) is None
    assert cache == {}


def test_the_end_of_a_session_leaves_nothing_behind(kept, cache):
    kept.find([ID], document, NOW)
    kept.write([ID], lambda: None, ends=True)
    assert cache == {}


def test_a_write_that_fails_lets_nobody_copy_for_a_while(kept, cache):
    kept.find([ID], document, NOW)
    with pytest.raises(OSError, match="who knows"):
        kept.write([ID], raises, ends=False)
    assert (cache[G], cache.timeouts[G]) == (BUSY, BUSY_SECONDS)
    before = dict(cache)
    kept.find([ID], document, NOW)
    assert kept._read(ID, cache) is None
    assert cache == before


def test_a_write_that_fails_after_another_was_done_lets_nobody_copy_either(kept, cache):
    def overtaken():
        kept.write([ID], lambda: True, ends=False)
        kept.find([ID], document, NOW)
        raises()

    with pytest.raises(OSError, match="who knows"):
        kept.write([ID], overtaken, ends=False)
    assert kept._read(ID, cache) is None


def raises():
    raise OSError("who knows what has happened")


def test_a_session_under_an_older_secret_is_kept_under_its_own_id(kept, cache):
    ids = ["cd" * 32, ID]
    kept.find(ids, document, NOW)
    assert cache.keys() == {G, C}
    assert kept.find(ids, never, NOW) == document()
    kept.write(ids, lambda: True, ends=False)
    assert kept._read(ID, cache) is None


@pytest.mark.parametrize("nonsense", [None, 1, b"", "text", b"0" * 40])
def test_nonsense_in_the_cache_is_a_miss(kept, cache, nonsense):
    cache[G], cache[C] = "0" * 16, nonsense
    assert kept.find([ID], document, NOW) == document()


def test_a_copy_of_another_session_is_a_miss(kept, cache):
    other = "cd" * 32
    kept.find([other], lambda: document(session_id=other), NOW)
    cache[G], cache[C] = (cache[key.replace(ID, other)] for key in (G, C))
    assert kept.find([ID], document, NOW)["_id"] == ID


def test_without_a_cache_everything_is_loaded(kept, cache):
    cache.get_many = lambda keys: None
    assert kept.find([ID], document, NOW) == document()
    assert cache == {}


def test_without_time_zones_a_copy_is_as_good():
    kept = Copies(Memory(), timeout=300, codec_options=CodecOptions())
    naive = document(LATER.replace(tzinfo=None))
    assert kept.find([ID], lambda: naive, NOW) == naive
    assert kept.find([ID], never, NOW) == naive
    assert kept.find([ID], never, LATER) is None
