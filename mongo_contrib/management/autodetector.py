"""Migrations of the SQL models of a project, as if there were no documents."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections, router
from django.db.migrations.autodetector import MigrationAutodetector

from mongo_contrib.db import is_mongo
from mongo_contrib.routers import is_document

__all__ = ["Autodetector"]


class Autodetector(MigrationAutodetector):
    """Django's, blind to models that no SQL database of the project may hold.

    What documents need, ``migrate`` creates without a file; and where MongoDB is alone, the SQL
    models of Django's own apps have no tables whose changes could be of interest.
    """

    def __init__(self, from_state: Any, to_state: Any, questioner: Any = None) -> None:
        for state in (from_state, to_state):
            for key in [key for key in state.models if not _has_table(*key)]:
                del state.models[key]
        super().__init__(from_state, to_state, questioner)


def _has_table(app_label: str, model_name: str) -> bool:
    # apps.get_model() refuses apps of which only migrations are left.
    model = apps.all_models.get(app_label, {}).get(model_name)
    if model is None:
        return True  # was there once; only a migration can say
    return not is_document(model) and any(
        router.allow_migrate_model(alias, model) for alias in connections if not is_mongo(alias)
    )
