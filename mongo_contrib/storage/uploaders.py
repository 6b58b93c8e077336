"""The users who stored files, be they documents or rows of an SQL database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DataError

__all__ = ["users_of"]


def users_of(keys: Iterable[Any]) -> dict[str, Any]:
    """The users of these keys, each by its key as a text, in one query; others are missing."""
    model = get_user_model()
    wanted = []
    for key in {str(key): key for key in keys if key is not None}.values():
        try:
            value = model._meta.pk.to_python(key)
            model._meta.pk.run_validators(value)
        except (OverflowError, TypeError, ValueError, ValidationError):
            continue  # what names no user: the caller may have said anything
        wanted.append(value)
    if not wanted:
        return {}
    try:
        return {str(user.pk): user for user in model._default_manager.filter(pk__in=wanted)}
    except (OverflowError, ValueError, DataError):
        return {}  # what only the users' own database can't look for
