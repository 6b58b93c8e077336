"""System checks of the sessions app; each id is explained in docs/checks.md."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.db import is_mongo

from .conf import conf, refuse_pickle

__all__ = ["check_settings"]

ENGINE = "mongo_contrib.sessions.backends.mongo"


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything that the settings alone can tell."""
    return [*_check_alias(), *_check_collection(), *_check_serializer(), *_check_engine()]


def _check_alias() -> list[CheckMessage]:
    try:
        alias = conf.alias
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_sessions.E001")]
    if alias not in settings.DATABASES:
        found = "is not in DATABASES"
    elif not is_mongo(alias):
        found = f"has the engine {settings.DATABASES[alias]['ENGINE']!r}"
    else:
        return []
    return [
        Error(
            f"MONGO_SESSION_ALIAS is {alias!r}, which {found}.",
            hint='Name an alias in DATABASES with "ENGINE": "mongo_contrib.db".',
            id="mongo_sessions.E001",
        )
    ]


def _check_collection() -> list[CheckMessage]:
    name = conf.collection
    if (
        isinstance(name, str)
        and name
        and not name.startswith(("system.", "."))
        and not name.endswith(".")
        and ".." not in name
        and not set(name) & {"$", "\0"}
    ):
        return []
    return [
        Error(
            f"MONGO_SESSION_COLLECTION is {name!r}, which cannot be a collection's name.",
            hint="Use letters, digits and underscores, as in 'django_session'.",
            id="mongo_sessions.E002",
        )
    ]


def _check_serializer() -> list[CheckMessage]:
    try:
        refuse_pickle(settings.SESSION_SERIALIZER)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_sessions.E003")]
    return []


def _check_engine() -> list[CheckMessage]:
    if settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return []
    return [
        Warning(
            "'mongo_contrib.sessions' is installed, but SESSION_ENGINE is "
            "'django.contrib.sessions.backends.db', so sessions go to the SQL database.",
            hint=f'Set SESSION_ENGINE = "{ENGINE}".',
            id="mongo_sessions.W001",
        )
    ]
