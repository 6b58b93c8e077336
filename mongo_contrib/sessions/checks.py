"""System checks of the sessions app; each id is explained in docs/checks.md."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangosMiddleware
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils.module_loading import import_string

from mongo_contrib.db import get_connection, is_mongo
from mongo_contrib.db.concerns import members

from . import user_agents
from .caches import unheard_in
from .conf import conf
from .serializers import refuse_pickle

__all__ = ["check_members", "check_settings", "check_visitors"]

ENGINE = "mongo_contrib.sessions.backends.mongo"
CACHED_ENGINE = "mongo_contrib.sessions.backends.cached_mongo"
MIDDLEWARE = "mongo_contrib.sessions.middleware.SessionMiddleware"

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
        *_check_names(),
    ]


def _check_values() -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for name, id in IDS.items():
        try:
            getattr(conf, name)
        except ImproperlyConfigured as exc:
            messages.append(Error(str(exc), id=id))
    return messages


def _check_names() -> list[CheckMessage]:
    """What begins as a setting of ours and is none, so that nobody reads it."""
    known = {f"MONGO_SESSION_{name.upper()}" for name in dir(conf) if not name.startswith("_")}
    unknown = {name for name in dir(settings) if name.startswith("MONGO_SESSION_")} - known
    return [
        Warning(
            f"{name} is no setting.",
            hint=f"Did you mean {similar[0]}?" if similar else None,
            id="mongo_sessions.W005",
        )
        for name in sorted(unknown)
        for similar in [get_close_matches(name, known, 1)]
    ]


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


def check_visitors(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """What is to be recorded can be."""
    try:
        record = conf.record
    except ImproperlyConfigured:
        return _check_cookie()  # E007 tells of the other
    if not record or not _engine_is_ours():
        return []
    if not hasattr(settings, "MONGO_SESSION_RECORD"):
        # Nobody has asked for it: what can be recorded is, and the rest is nobody's mistake.
        return _check_cookie()
    return [*_check_middleware(record), *_check_library(record), *_check_cookie()]


def _check_middleware(record: Iterable[str]) -> list[CheckMessage]:
    # Imports an engine, which needs the apps.
    from .middleware import SessionMiddleware

    found = {name: _imported(name) for name in settings.MIDDLEWARE}
    if any(_is_a(each, SessionMiddleware) for each in found.values()):
        return []
    return [
        Warning(
            f"MONGO_SESSION_RECORD has {', '.join(sorted(record))}, and {name} in MIDDLEWARE "
            "records nothing.",
            hint=f'Put "{MIDDLEWARE}" in its place, or set MONGO_SESSION_RECORD = [].',
            id="mongo_sessions.W002",
        )
        for name, each in found.items()
        if _is_a(each, DjangosMiddleware)
    ]


def _check_library(record: frozenset[str]) -> list[CheckMessage]:
    if "device" not in record or user_agents.is_installed():
        return []
    return [
        Warning(
            "MONGO_SESSION_RECORD has device, and ua-parser, which knows the names of browsers, "
            "is not installed; so devices have no names.",
            hint='pip install "django-mongo-contrib[devices]", or take "device" out of it.',
            id="mongo_sessions.W003",
        )
    ]


def _check_cookie() -> list[CheckMessage]:
    try:
        _ = conf.device_cookie_name
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="mongo_sessions.E017")]
    return []


def _engine_is_ours() -> bool:
    from .backends.mongo import SessionStore

    try:
        engine = import_module(settings.SESSION_ENGINE)
    except ImportError:  # which Django tells when it starts to serve
        return False
    return _is_a(getattr(engine, "SessionStore", None), SessionStore)


def _imported(name: str) -> Any:
    try:
        return import_string(name)
    except ImportError:
        return None


def _is_a(found: Any, base: type) -> bool:
    return isinstance(found, type) and issubclass(found, base)


def check_members(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """With --database: there are the members that sessions are written to and read from."""
    try:
        alias, preference, concern = conf.alias, conf.read_preference, conf.write_concern
    except ImproperlyConfigured:
        return []  # other checks say so
    waits_for = concern.document.get("w")
    if alias not in (databases or ()) or not isinstance(waits_for, int):
        return []
    connection = get_connection(alias)
    try:
        connection.ensure_connection()
    except DatabaseError:
        return []  # mongo_contrib.E006 says so
    number = members(connection.client.admin.command("hello"))
    found = (
        f"MONGO_SESSION_WRITE_CONCERN waits for {waits_for} members, and DATABASES[{alias!r}] "
        f"has {number} that hold data"
    )
    if number and waits_for > number:
        return [
            Error(
                f"{found}: nobody could log in.",
                hint=f"Set it to {number} or less.",
                id="mongo_sessions.E020",
            )
        ]
    if preference.mode and waits_for < number:
        return [
            Error(
                f"{found} and that MONGO_SESSION_READ_PREFERENCE may read from: sessions that "
                "have ended could be served.",
                hint=f"Set it to {number}, or read from the primary.",
                id="mongo_sessions.E018",
            )
        ]
    return []
