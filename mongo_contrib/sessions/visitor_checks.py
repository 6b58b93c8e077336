"""System checks of what is recorded of visitors; each id is explained in docs/checks.md."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangosMiddleware
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from . import user_agents
from .conf import conf

__all__ = ["check_visitors"]

MIDDLEWARE = "mongo_contrib.sessions.middleware.SessionMiddleware"


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
