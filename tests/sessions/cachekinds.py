"""Cache backends for the tests of the cached engine."""

import asyncio

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

VERBS = ("get_many", "add", "set", "set_many", "delete_many")


class InMemory(BaseCache):
    """One of the kinds below: what it holds is in `memory`."""

    def __init__(self, name, params):
        super().__init__(params)
        self.memory = LocMemCache(name, params)

    def clear(self):
        """For the end of a test."""
        self.memory.clear()


class Counting(InMemory):
    """Notes what it was asked for."""

    asked: list[str] = []


class Native(InMemory):
    """Answers on the event loop only, after a while, as a driver that awaits the network."""


class Down(InMemory):
    """Cannot be reached."""


def _counted(verb):
    def counted(self, *args, **kwargs):
        Counting.asked.append(verb)
        return getattr(self.memory, verb)(*args, **kwargs)

    return counted


def _awaited(verb):
    async def awaited(self, *args, **kwargs):
        await asyncio.sleep(0)
        return getattr(self.memory, verb)(*args, **kwargs)

    return awaited


def _failing(self, *args, **kwargs):
    raise ConnectionRefusedError("nobody is listening")


for verb in VERBS:
    setattr(Counting, verb, _counted(verb))
    setattr(Native, f"a{verb}", _awaited(verb))
    setattr(Down, verb, _failing)
