"""System checks of the auth app; each id is explained in docs/checks.md."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from .conf import conf

__all__ = ["check_backends", "check_settings", "check_user_model"]

BACKEND = "mongo_contrib.auth.backends.MongoBackend"
USER_MODEL = "mongo_auth.User"


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The settings of this app are of their types."""
    value: Any = conf.case_sensitive_usernames
    if isinstance(value, bool):
        return []
    return [
        Error(
            f"MONGO_AUTH_CASE_SENSITIVE_USERNAMES is {value!r}; it must be True or False.",
            id="mongo_auth.E001",
        )
    ]


def check_backends(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """No backend asks an SQL database about users that are documents."""
    from .backends import PermissionsBackend

    if not _is_document(_user_class()):
        return []
    return [
        Error(
            f"AUTHENTICATION_BACKENDS has {path!r}, which looks for the permissions of users in "
            f"SQL tables, but {settings.AUTH_USER_MODEL} is a document.",
            hint=f'Use "{BACKEND}" in its place.',
            id="mongo_auth.E002",
        )
        for path in settings.AUTHENTICATION_BACKENDS
        if _is_class(backend := import_string(path), ModelBackend)
        and not issubclass(backend, PermissionsBackend)
    ]


def check_user_model(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The user class is one of ours, or deliberately none."""
    from .base_user import AbstractBaseUser
    from .query import UserQuerySet

    user_class = _user_class()
    if app_configs is not None and user_class._meta.app_config not in app_configs:
        return []
    if not _is_document(user_class):
        return [
            Warning(
                f"'mongo_contrib.auth' is installed, but AUTH_USER_MODEL is "
                f"{settings.AUTH_USER_MODEL!r}, whose users go to the SQL database.",
                hint=f'Set AUTH_USER_MODEL = "{USER_MODEL}", or a class of your own derived from '
                "mongo_contrib.auth.models.AbstractUser.",
                id="mongo_auth.W001",
            )
        ]
    if not issubclass(user_class, AbstractBaseUser):
        return [
            Error(
                "The user class is a document, but nothing keeps its user names unique without "
                "regard to case.",
                hint="Derive it from AbstractUser or AbstractBaseUser of "
                "mongo_contrib.auth.models.",
                obj=user_class,
                id="mongo_auth.E003",
            )
        ]
    manager = user_class._default_manager
    if not issubclass(getattr(manager, "_queryset_class", object), UserQuerySet):
        return [
            Error(
                f"The manager {manager.name!r} does not compare user names as their unique index "
                "does.",
                hint="Derive it from UserManager or BaseUserManager of "
                "mongo_contrib.auth.models, or its query set from "
                "mongo_contrib.auth.query.UserQuerySet.",
                obj=user_class,
                id="mongo_auth.E004",
            )
        ]
    return []


def _user_class() -> Any:
    return apps.get_model(settings.AUTH_USER_MODEL)


def _is_document(model: Any) -> bool:
    return bool(getattr(model, "_is_document", False))


def _is_class(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)
