"""From an alias of DATABASES to its connection."""

from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

from mongo_contrib.db.uri import ENGINE

if TYPE_CHECKING:
    from pymongo.database import Database

    from mongo_contrib.db.base import DatabaseWrapper

__all__ = ["default_alias", "get_connection", "get_database", "is_mongo"]


def is_mongo(alias: str) -> bool:
    """Return whether an alias of DATABASES is one of ours."""
    return bool(connections.settings.get(alias, {}).get("ENGINE") == ENGINE)


def default_alias() -> str:
    """Return the alias that apps use unless told: "default" if it is MongoDB, else the first."""
    for alias in (DEFAULT_DB_ALIAS, *connections.settings):
        if is_mongo(alias):
            return alias
    raise ImproperlyConfigured(
        f"No entry of DATABASES has the ENGINE {ENGINE!r}; it has: "
        f"{ {alias: entry['ENGINE'] for alias, entry in connections.settings.items()} }."
    )


def get_connection(alias: str | None = None) -> "DatabaseWrapper":
    """Return this thread's connection for an alias (by default: default_alias())."""
    if alias is None:
        alias = default_alias()
    elif not is_mongo(alias):
        known = sorted(name for name in connections.settings if is_mongo(name))
        raise ImproperlyConfigured(
            f"{alias!r} is not an alias of DATABASES whose ENGINE is {ENGINE!r}; those are: "
            f"{known}."
        )
    return cast("DatabaseWrapper", connections[alias])


def get_database(alias: str | None = None) -> "Database[dict[str, Any]]":
    """Return the pymongo Database of an alias, without sending anything."""
    return get_connection(alias).database
