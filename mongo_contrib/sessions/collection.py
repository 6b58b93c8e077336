"""The collection that holds the sessions."""

from typing import Any

from django.conf import settings

from mongo_contrib.repository import Repository

from .conf import conf

__all__ = ["session_repository"]

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
        made = (
            given,
            Repository(
                conf.collection,
                using=conf.alias,
                read_preference=conf.read_preference,
                write_concern=conf.write_concern,
            ),
        )
        _made = made
    return made[1]
