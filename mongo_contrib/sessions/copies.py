"""Copies of sessions in a cache, none of which outlives a write that has returned.

Two entries for each session, under the `_id`, which is a keyed hash and opens nothing:

    g:<_id>   its generation: a random text, or BUSY while somebody writes
    c:<_id>   the copy: the generation for which it was made, then the document as BSON

A copy counts while its generation is the session's. The order of the steps is what makes it safe:

    reader   get g and c │ no g: add one │ read the document │ set c, for the g seen BEFORE it read
    writer   set g = BUSY │ write │ set a new g (or, after the end of a session, delete g and c)

- A reader who overlaps with a writer, however long it stalls, stores its copy for a generation
  that the writer's last step has ended. Generations are random: none ever comes back.
- Whatever the cache loses (evicted, cleared, restarted) is a miss: a lost g gets a new one, for
  which no copy was made; a lost BUSY may let others copy what is about to be overwritten, and
  the writer's last step ends that.
- Two writers: the one who is done first lets readers copy what the other is about to overwrite.
  The other's last step ends that.
- A writer that fails, and so leaves open whether it has written, sets BUSY again: nobody copies
  until that expires, and none of the older copies counts then. So does one that is killed between
  its steps, by leaving BUSY. (Only there a copy can be late, for at most its timeout: if another
  writer was done, or the cache lost BUSY, just then. Nobody was told that it had written.)
- Who reads a session that does not exist leaves nothing behind, or made-up keys would fill the
  cache.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import bson
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON

from . import record

__all__ = ["BUSY", "BUSY_SECONDS", "Cache", "Copies"]

Document = dict[str, Any]
R = TypeVar("R")

BUSY = "busy"
# Longer than a write takes, also one that waits for the election of a new primary.
BUSY_SECONDS = 60

_GENERATION_BYTES = 8
_HEADER = 2 * _GENERATION_BYTES


class Cache(Protocol):
    """The verbs of Django's cache that are needed. Without a cache, get_many() gives None."""

    def get_many(self, keys: list[str]) -> Mapping[str, Any] | None: ...

    def add(self, key: str, value: str, timeout: int) -> bool: ...

    def set(self, key: str, value: bytes, timeout: int) -> None: ...

    def set_many(self, data: dict[str, str], timeout: int) -> None: ...

    def delete_many(self, keys: list[str]) -> None: ...


class Copies:
    """Copies of documents, kept for at most `timeout` seconds."""

    def __init__(
        self, cache: Cache, *, timeout: int, codec_options: CodecOptions[Document]
    ) -> None:
        self.cache = cache
        self.timeout = timeout
        self.codec_options = codec_options

    def find(
        self, ids: list[str], load: Callable[[], Document | None], now: datetime
    ) -> Document | None:
        """Return a copy of the document that has one of the ids, or load it and keep one."""
        names = [name(each) for each in ids for name in (_generation, _copy)]
        found = self.cache.get_many(names)
        if found is None:
            return load()
        for each in ids:
            document = self._read(each, found)
            if document is not None:
                # Nobody prolongs what has expired, so this is what a server would say, too.
                return document if _seconds(document, now) > 0 else None
        seen, added = self._generations(ids, found)
        document = load()
        kept = document["_id"] if document is not None else None
        if document is not None and kept in seen:
            self._keep(document, seen[kept], now)
        if in_vain := [_generation(each) for each in added if each != kept]:
            self.cache.delete_many(in_vain)
        return document

    def write(
        self,
        ids: list[str],
        write: Callable[[], R],
        *,
        ends: bool,
        on_commit: Callable[[Callable[[], None]], None] | None = None,
    ) -> R:
        """Write to these documents: once it has returned, no copy of what they were counts.

        `ends` says that it deletes them; `on_commit`, inside of a transaction, is what calls a
        function when that is committed.
        """
        go_on = partial(self._forget if ends else self._renew, ids)
        self._stop(ids)
        try:
            result = write()
            if on_commit is None:
                go_on()
                return result
        except BaseException:
            # Also a cancelled task's. Whether the server has written, or will, nobody knows.
            self._stop(ids)
            raise
        # Once more: another writer may be done by now, and so let others copy.
        self._stop(ids)
        on_commit(go_on)
        return result

    def _stop(self, ids: list[str]) -> None:
        """From now on no copy counts, and none is made."""
        self.cache.set_many({_generation(each): BUSY for each in ids}, BUSY_SECONDS)

    def _renew(self, ids: list[str]) -> None:
        """Copies count that are read from now on."""
        fresh = {_generation(each): _new_generation() for each in ids}
        self.cache.set_many(fresh, self._generation_timeout)

    def _forget(self, ids: list[str]) -> None:
        """As _renew(), and nothing stays in the cache."""
        self.cache.delete_many([name(each) for each in ids for name in (_generation, _copy)])

    @property
    def _generation_timeout(self) -> int:
        # One that ends before a copy ends it, too; so it is there for the whole of a copy's time
        # also if the session is read late.
        return 2 * self.timeout

    def _generations(
        self, ids: list[str], found: Mapping[str, Any]
    ) -> tuple[dict[str, str], list[str]]:
        """Return the generations for which copies may be made, and which of them are new."""
        seen, added = {}, []
        for each in ids:
            generation = found.get(_generation(each))
            if generation is None:
                generation = _new_generation()
                if not self.cache.add(_generation(each), generation, self._generation_timeout):
                    # Somebody else was first, a reader or a writer. One copy is enough.
                    continue
                added.append(each)
            if generation != BUSY:
                seen[each] = generation
        return seen, added

    def _keep(self, document: Document, generation: str, now: datetime) -> None:
        timeout = min(self.timeout, int(_seconds(document, now)))
        if timeout > 0:
            copy = generation.encode() + bson.encode(document, codec_options=self.codec_options)
            self.cache.set(_copy(document["_id"]), copy, timeout)

    def _read(self, session_id: str, found: Mapping[str, Any]) -> Document | None:
        generation, copy = found.get(_generation(session_id)), found.get(_copy(session_id))
        if not isinstance(generation, str) or not isinstance(copy, bytes):
            return None
        if copy[:_HEADER] != generation.encode():
            return None
        try:
            document = bson.decode(copy[_HEADER:], self.codec_options)
        except InvalidBSON:
            return None
        # Whatever goes wrong in a cache: never somebody else's session.
        return document if document.get("_id") == session_id else None


def _generation(session_id: str) -> str:
    return f"mongo_sessions:g:{session_id}"


def _copy(session_id: str) -> str:
    return f"mongo_sessions:c:{session_id}"


def _new_generation() -> str:
    return secrets.token_hex(_GENERATION_BYTES)


def _seconds(document: Document, now: datetime) -> float:
    """How long the session lives from now on."""
    return (record.from_stored(document["expire_date"]) - now).total_seconds()
