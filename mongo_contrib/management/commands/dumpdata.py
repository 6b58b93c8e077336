"""`manage.py dumpdata`, which writes documents of several classes in one collection once."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.commands import dumpdata

from mongo_contrib.mapping.families import SharedOptions, bases


class Command(dumpdata.Command):
    def handle(self, *app_labels: str, **options: Any) -> Any:
        """See Django's command; a class whose base is dumped too is dumped with that."""
        chosen = _chosen(app_labels, options["exclude"])
        twice = {model for model in chosen if not chosen.isdisjoint(_stored_with(model))}
        options["exclude"] = [*options["exclude"], *(model._meta.label for model in twice)]
        labels = [label for label in app_labels if label.lower() not in _labels(twice)]
        return super().handle(*labels, **options)


def _labels(models: set[Any]) -> set[str]:
    return {model._meta.label_lower for model in models}


def _stored_with(model: Any) -> list[Any]:
    return bases(model) if isinstance(model._meta, SharedOptions) else []


def _chosen(app_labels: tuple[str, ...], exclude: list[str]) -> set[Any]:
    """Return the classes that would be dumped."""
    wanted = {label.lower() for label in app_labels}
    unwanted = {label.lower() for label in exclude}
    return {
        model
        for model in apps.get_models()
        if (not wanted or {model._meta.app_label.lower(), model._meta.label_lower} & wanted)
        and not {model._meta.app_label.lower(), model._meta.label_lower} & unwanted
    }
