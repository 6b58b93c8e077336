"""Which permissions there are: the default and custom ones of every installed model.

There is no collection of them. A user or group holds strings, "app_label.codename".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.db import connections, router


def permissions_of(model: Any) -> Iterator[tuple[str, str]]:
    """Yield (codename, name) of the default permissions of a class, then of its own."""
    opts = model._meta
    for action in opts.default_permissions:
        yield get_permission_codename(action, opts), f"Can {action} {opts.verbose_name_raw}"
    yield from opts.permissions


def permission_choices() -> list[tuple[str, str]]:
    """Return ("atlas.change_city", "Atlas | city | Can change city") of all there are, sorted.

    Labels are in Django's form. Left out are embedded documents, whose permissions are those of
    the document that holds them, and tables that no database of the project has.
    """
    choices = []
    for model in sorted(apps.get_models(), key=lambda model: model._meta.label_lower):
        if not _has_permissions(model):
            continue
        opts = model._meta
        prefix = f"{opts.app_config.verbose_name} | {opts.verbose_name} | "
        choices += [
            (f"{opts.app_label}.{codename}", f"{prefix}{name}")
            for codename, name in permissions_of(model)
        ]
    return choices


def all_permissions() -> set[str]:
    """Return all permissions there are: those of a superuser."""
    return {permission for permission, _ in permission_choices()}


def _has_permissions(model: Any) -> bool:
    if getattr(model, "_is_embedded", False):
        return False
    if getattr(model, "_is_document", False) or not model._meta.managed:
        # A class without a table may exist for its permissions alone.
        return True
    return any(router.allow_migrate_model(alias, model) for alias in connections)
