"""The collection that holds the sessions, and how all of the app are read and written."""

from typing import Any

from django.conf import settings

from mongo_contrib.repository import Repository

from .conf import conf

__all__ = ["repository_options", "session_repository"]

_OPTIONS = (
    "MONGO_SESSION_COLLECTION",
    "MONGO_SESSION_READ_PREFERENCE",
    "MONGO_SESSION_WRITE_CONCERN",
)

# What the settings said, and what was made of it: each request asks for it several times.
_made: tuple[Any, Repository] | None = None


def session_repository() -> Repository:
    """Return the repository of the sessions, as the settings want it at this moment."""
    global _made
    given = conf.alias, [getattr(settings, name, None) for name in _OPTIONS]
    made = _made
    if made is None or made[0] != given:
        made = _made = given, Repository(conf.collection, **repository_options())
    return made[1]


def repository_options() -> dict[str, Any]:
    """What a repository of the app's collections is made with, as the settings want it."""
    return {
        "using": conf.alias,
        "read_preference": conf.read_preference,
        "write_concern": conf.write_concern,
    }
