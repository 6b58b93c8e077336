"""Random walks of several requests on the same sessions, beside a model of what is promised."""

import copy

import pytest
from django.contrib.sessions.backends.base import UpdateError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

STORES = 3
KEYS = ("a", "b.c", "list")

numbers = st.integers(0, STORES - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("open"), numbers, st.integers(0, 5)),
        st.tuples(st.just("set"), numbers, st.sampled_from(KEYS), st.integers(0, 9)),
        st.tuples(st.just("pop"), numbers, st.sampled_from(KEYS)),
        st.tuples(st.just("append"), numbers, st.integers(0, 9)),
        st.tuples(
            st.sampled_from(["save", "load", "clear", "flush", "cycle", "delete", "expire"]),
            numbers,
        ),
        # What the promises are about happens more often than the rest.
        *[st.tuples(st.just("save"), numbers)] * 3,
        *[st.tuples(st.just("set"), numbers, st.sampled_from(KEYS), st.integers(0, 9))] * 3,
        st.tuples(st.just("cycle"), numbers),
    ),
    min_size=15,
    max_size=40,
)


class Session:
    """What the database promises to hold."""

    def __init__(self, data):
        self.data = data
        self.ended = False


class Model:
    """A request's view: what it has, and what it knows to be stored."""

    def __init__(self, session):
        self.session = session
        self.own = self.known = None

    def load(self):
        """What is there is seen once, when it is first asked for."""
        if self.own is None:
            if self.session is not None and self.session.ended:
                self.session = None
            self.known = copy.deepcopy(self.session.data) if self.session else None
            self.own = copy.deepcopy(self.known or {})
        return self.own

    def save(self):
        """Changed keys only, all of them after clear(), and nothing over what has ended."""
        session = self.session
        self.load()
        if session is not None and session.ended:
            raise UpdateError
        if self.session is None:
            self.session = Session({})
        if self.known is None:
            self.session.data.clear()
        for key in self.own.keys() | (self.known or {}).keys():
            if key not in self.own:
                self.session.data.pop(key, None)
            elif self.known is None or self.own[key] != self.known.get(key, KeyError):
                self.session.data[key] = copy.deepcopy(self.own[key])
        self.known = copy.deepcopy(self.own)

    def clear(self):
        self.own, self.known = {}, None

    def end(self):
        if self.session is not None:
            self.session.ended = True

    def flush(self):
        self.clear()
        self.end()
        self.session = None

    def cycle(self):
        """A new name; what others have written stays, but where this request wrote it too."""
        self.load()
        old, known = self.session, self.known
        self.session = Session(copy.deepcopy(self.own))
        if old is not None and not old.ended and known is not None:
            for key in known.keys() | old.data.keys():
                theirs, before = old.data.get(key, KeyError), known.get(key, KeyError)
                if theirs != before and self.own.get(key, KeyError) == before:
                    for data in (self.own, self.session.data):
                        if theirs is KeyError:
                            data.pop(key, None)
                        else:
                            data[key] = copy.deepcopy(theirs)
        if old is not None:
            old.ended = True
        self.known = copy.deepcopy(self.own)


class Walk:
    """Does each step in both worlds, and compares them."""

    def __init__(self, twin):
        self.twin = twin
        #: Every key that there ever was, with its session in the model.
        self.keys = []
        first, session = twin.saved(a=0), Session({"a": 0})
        self.keys.append((first.session_key, session))
        self.pairs = [(twin.store(first.session_key), Model(session)) for _ in range(STORES)]

    def do(self, verb, number, *args):
        getattr(self, verb)(number, *self.pairs[number], *args)

    def compare(self):
        for key, session in self.keys:
            assert self.twin.data(key) == ({} if session.ended else session.data)

    def open(self, number, store, model, which):
        key, session = self.keys[-1 - which % len(self.keys)]
        self.pairs[number] = (self.twin.store(key), Model(session))

    def set(self, number, store, model, key, value):
        value = [value] if key == "list" else value
        self.twin("__setitem__", store, key, copy.deepcopy(value))
        model.load()[key] = value

    def pop(self, number, store, model, key):
        found = self.twin("pop", store, key, None)
        assert found == model.load().pop(key, None)

    def append(self, number, store, model, value):
        """A change inside of a value is one, too."""
        for data in (self.twin("get", store, "list", []), model.load().get("list", [])):
            data.append(value)

    def save(self, number, store, model):
        """Whether both did."""
        try:
            model.save()
        except UpdateError:
            with pytest.raises(UpdateError):
                self.twin("save", store)
            return False
        self.twin("save", store)
        self.note(store, model)
        return True

    def load(self, number, store, model):
        """By hand, past what this request has; an ended session's key is forgotten."""
        there = model.session is not None and not model.session.ended
        assert self.twin("load", store) == (model.session.data if there else {})
        if not there and model.session is not None:
            self.pairs[number] = (self.twin.store(), Model(None))

    def clear(self, number, store, model):
        store.clear()
        model.clear()

    def flush(self, number, store, model):
        self.twin("flush", store)
        model.flush()

    def delete(self, number, store, model):
        self.twin("delete", store)
        model.end()

    def cycle(self, number, store, model):
        self.twin("cycle_key", store)
        model.cycle()
        self.note(store, model)

    def expire(self, number, store, model):
        """Whoever saves it with a moment in the past ends it."""
        self.twin("set_expiry", store, -1)
        model.load()
        if self.save(number, store, model):
            model.end()
        self.pairs[number] = (self.twin.store(), Model(None))

    def note(self, store, model):
        pair = (store.session_key, model.session)
        if pair not in self.keys:
            assert pair[0] not in [key for key, _ in self.keys]
            self.keys.append(pair)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
@example([("set", 0, "list", 1), ("set", 1, "a", 5), ("save", 1), ("save", 0)])
@example([("set", 0, "list", 1), ("set", 1, "a", 5), ("save", 1), ("cycle", 0)])
@example([("append", 1, 0), ("pop", 2, "a"), ("save", 2), ("cycle", 1)])
def test_every_walk_keeps_the_promises(twin, steps):
    walk = Walk(twin)
    for step in steps:
        walk.do(*step)
    walk.compare()
