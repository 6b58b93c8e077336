"""Migrations of the SQL models of a project, as if there were no documents."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector

from mongo_contrib.routers import is_document

__all__ = ["Autodetector"]


class Autodetector(MigrationAutodetector):
    """Django's, blind to documents: what they need is created by ``migrate`` without a file."""

    def __init__(self, from_state: Any, to_state: Any, questioner: Any = None) -> None:
        for state in (from_state, to_state):
            for key in [key for key in state.models if _is_document(*key)]:
                del state.models[key]
        super().__init__(from_state, to_state, questioner)


def _is_document(app_label: str, model_name: str) -> bool:
    # apps.get_model() refuses apps of which only migrations are left.
    return is_document(apps.all_models.get(app_label, {}).get(model_name))
