"""Which models live in MongoDB and which do not: ``DATABASE_ROUTERS`` needs one line."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from mongo_contrib.db import default_alias, is_mongo

__all__ = ["DocumentRouter"]


class DocumentRouter:
    """Documents go to MongoDB and only there, SQL models to an SQL database and only there.

    ``DATABASE_ROUTERS = ["mongo_contrib.routers.DocumentRouter"]``. Needed with MongoDB alone
    too: Django asks it which models ``dumpdata``, ``flush`` and its own post_migrate receivers
    may touch. A router that is listed before this one can send a document elsewhere.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """The alias of a document, or an SQL alias for another model if "default" is MongoDB."""
        if is_document(model):
            return alias_of(model, hints.get("instance"))
        return first_sql_alias() if is_mongo(DEFAULT_DB_ALIAS) else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        """See db_for_read()."""
        return self.db_for_read(model, **hints)

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Documents may refer to each other; a document and a row may not."""
        documents = is_document(obj1) + is_document(obj2)
        return {2: True, 1: False}.get(documents)

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Whether ``db`` may hold a model; None for an SQL model on an SQL alias."""
        model = hints.get("model")
        if is_mongo(db):
            # Without a model it is Django's migrations that ask: for RunPython and RunSQL, or
            # whether there is a history to check. MongoDB has none.
            return model is not None and stored(model) and alias_of(model) == db
        if model is None and model_name is not None:
            model = apps.all_models.get(app_label, {}).get(model_name.lower())
        return False if model is not None and is_document(model) else None


def is_document(model: Any) -> bool:
    """Whether a model, or an instance of one, is a document or embedded in documents."""
    return bool(getattr(model, "_is_document", False) or getattr(model, "_is_embedded", False))


def stored(model: Any) -> bool:
    """Whether a model has a collection of its own.

    A document class with `_declares_collection = False` reads one that something else declares
    and writes: `migrate`, `dumpdata`, `loaddata` and `flush` leave it to that.
    """
    return (
        bool(getattr(model, "_is_document", False))
        and not model._meta.abstract
        and getattr(model, "_declares_collection", True)
    )


def alias_of(model: Any, instance: Any = None) -> str:
    """The alias that a document class declares, else a related instance's, else the default."""
    declared: str | None = getattr(model, "_using", None)
    if declared:
        return declared
    near: str | None = getattr(getattr(instance, "_state", None), "db", None)
    return near if near and is_mongo(near) else default_alias()


def first_sql_alias() -> str | None:
    """The first alias of DATABASES that is not MongoDB, in the order of the setting."""
    return next((alias for alias in connections if not is_mongo(alias)), None)
