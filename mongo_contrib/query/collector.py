"""Deleting documents of several classes that one query found."""

from __future__ import annotations

from typing import Any

from django.db.models.deletion import Collector

from ..mapping.families import SharedOptions, heirs


class DocumentCollector(Collector):
    """Django's `Collector`, which takes each document for what it is.

    The stock one takes all of a lot for what the first is, and would tell its signals so.
    """

    def add(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """See `Collector.add()`."""
        by_class: dict[type, list[Any]] = {}
        for each in objs:
            by_class.setdefault(type(each), []).append(each)
        added: list[Any] = []
        for group in by_class.values():
            added += super().add(group, *args, **kwargs)
        return added

    def _has_signal_listeners(self, model: Any) -> bool:
        """Tell whether anybody listens to the deletion of what a query on `model` may find."""
        models = {model, *heirs(model)} if isinstance(model._meta, SharedOptions) else {model}
        return any(map(super()._has_signal_listeners, models))
