"""Counters that live in a collection of their own and give each number once."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import router

from ..conf import conf
from ..db.schema import CollectionSpec
from ..exceptions import DuplicateKeyError, translated_errors
from ..repository import Repository


def counter_specs(alias: str) -> list[CollectionSpec]:
    """Return the collection of the counters, if a class on `alias` counts."""
    counting = [
        model._meta.label
        for model in apps.get_models(include_auto_created=False)
        if getattr(model, "_is_document", False) or getattr(model, "_is_embedded", False)
        if any(hasattr(field, "sequence") for field in model._meta.concrete_fields)
        if router.db_for_write(model) == alias
    ]
    source = "the sequences of " + ", ".join(counting)
    return [CollectionSpec(conf.sequence_collection, source=source)] if counting else []


class Sequence:
    """One counter: `start`, `start + step`, and so on, each taken once, whoever asks.

    A number is taken by one command outside of any transaction, so that counting is nobody's
    write conflict; one that was taken and then not used is never given again.
    """

    def __init__(self, name: str, *, using: str, start: int = 1, step: int = 1) -> None:
        self.name = name
        self.start = start
        self.step = step
        self._repository = Repository(conf.sequence_collection, using=using)

    def take(self, count: int = 1) -> range:
        """Return the next `count` numbers, by one command."""
        last = {"$ifNull": ["$last", self.start - self.step]}
        stored = self._change([{"$set": {"last": {"$add": [last, self.step * count]}}}])
        first = stored - self.step * (count - 1)
        return range(first, stored + self.step, self.step)

    def peek(self) -> int:
        """Return the number that will be taken next, unless somebody is faster."""
        with translated_errors(collection=self._repository.name):
            stored = self._repository.collection.find_one({"_id": self.name})
        return self.start if stored is None else int(stored["last"]) + self.step

    def set_next(self, number: int) -> None:
        """Let the counter give `number` next."""
        self._change({"$set": {"last": number - self.step}})

    def leave_behind(self, number: int) -> None:
        """Let the counter give no number up to this one."""
        self._change({"$max": {"last": number}})

    def _change(self, update: Any) -> int:
        try:
            return self._changed(update)
        except DuplicateKeyError:
            # Somebody else made the counter at the same moment: now it is there.
            return self._changed(update)

    def _changed(self, update: Any) -> int:
        # Not by the repository's verb, which would join the running transaction.
        with translated_errors(collection=self._repository.name):
            stored: Any = self._repository.collection.find_one_and_update(
                {"_id": self.name}, update, upsert=True, return_document=True
            )
        if stored is None:
            # A bundled server's answer to the one of two at once that came too late to make the
            # counter: the number it drew is left out.
            return self._changed(update)
        return int(stored["last"])
