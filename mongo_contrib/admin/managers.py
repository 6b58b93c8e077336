"""Giving an SQL model of Django's another manager, because no SQL database holds it."""

from __future__ import annotations

from typing import Any

from django.db import models, router

from mongo_contrib.db import is_mongo


def in_sql(model: type[models.Model]) -> bool:
    """Whether the routers send the model to an SQL database of this project."""
    return not is_mongo(router.db_for_write(model))


def serve_by(model: type[models.Model], manager: models.Manager) -> None:
    """Make `manager` the model's `objects`, and what Django itself uses (`_base_manager`).

    `add_to_class()` alone would leave the manager before it in charge.
    """
    options: Any = model._meta
    options.local_managers[:] = [each for each in options.local_managers if each.name != "objects"]
    options.base_manager_name = "objects"
    model.add_to_class("objects", manager)
