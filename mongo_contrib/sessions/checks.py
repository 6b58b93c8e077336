"""System checks of the sessions app; each id is explained in docs/checks.md."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.db import is_mongo

from .caches import unheard_in
from .conf import conf
from .serializers import refuse_pickle

__all__ = ["check_settings"]

ENGINE = "mongo_contrib.sessions.backends.mongo"
CACHED_ENGINE = "mongo_contrib.sessions.backends.cached_mongo"


#: The check of each setting that refuses wrong values itself, by its name in `conf`.
IDS = {
    "collection": "mongo_sessions.E002",
    "max_size": "mongo_sessions.E004",
    "max_per_user": "mongo_sessions.E005",
    "when_full": "mongo_sessions.E006",
    "record": "mongo_sessions.E007",
    "last_seen_interval": "mongo_sessions.E008",
    "when_unreachable": "mongo_sessions.E009",
    "read_preference": "mongo_sessions.E010",
    "write_concern": "mongo_sessions.E011",
    "encryption_keys": "mongo_sessions.E012",
    "cache_timeout": "mongo_sessions.E013",
    "device_collection": "mongo_sessions.E014",
    "device_cookie_age": "mongo_sessions.E015",
}


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything that the settings alone can tell."""
    return [
        *_check_alias(),
        *_check_values(),
        *_check_encryption(),
        *_check_serializer(),
        *_check_engine(),
        *_check_cache(),
    ]


def _check_values() -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for name, id in IDS.items():
        try:
            getattr(conf, name)
        except ImproperlyConfigured as exc:
            messages.append(Error(str(exc), id=id))
    return messages


def _check_alias() -> list[CheckMessage]:
    try:
        alias = conf.alias
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_sessions.E001")]
    if not isinstance(alias, str) or alias not in settings.DATABASES:
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


def _check_encryption() -> list[CheckMessage]:
    try:
        if conf.encryption_keys:
            from . import sealing  # noqa: F401  # Its library is needed here only.
    except ImproperlyConfigured as exc:
        # A wrong value of the setting has been told above.
        if isinstance(exc.__cause__, ImportError):
            return [Error(str(exc), id="mongo_sessions.E016")]
    return []


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


def _check_cache() -> list[CheckMessage]:
    if settings.SESSION_ENGINE != CACHED_ENGINE:
        return []
    alias = settings.SESSION_CACHE_ALIAS
    try:
        doubt = unheard_in(alias)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_sessions.E019")]
    if doubt is None:
        return []
    return [
        Warning(
            f"SESSION_CACHE_ALIAS is {alias!r}, which {doubt}: a session that has ended can live "
            "on for as long as MONGO_SESSION_CACHE_TIMEOUT says.",
            hint="Use one cache for all processes, such as Memcached or one Redis server, or "
            f'SESSION_ENGINE = "{ENGINE}".',
            id="mongo_sessions.W004",
        )
    ]
