"""The users whom sessions belong to, be they documents or rows of an SQL database.

A session knows its user by a text: what django.contrib.auth keeps in it on logging in.
"""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

__all__ = ["find_users", "id_of", "users_of"]


def id_of(user: Any) -> str:
    """The id that the sessions of a user have, of a user object of any class or of its id."""
    meta = getattr(user, "_meta", None)
    if meta is not None:
        if user.pk is None:
            raise ValueError(f"The user {user} is not saved, so there are no sessions of it.")
        return str(meta.pk.value_to_string(user))
    key = get_user_model()._meta.pk
    found = None if isinstance(user, bool | dict | list | tuple | set) else user
    try:
        found = key.to_python(found)
    except ValidationError:
        # A text that can be nobody's id finds nothing, as in an address of a page.
        found = found if isinstance(found, str) else None
    if found is None:
        raise TypeError(
            f"Sessions are those of a user object or of its id, and {user!r} is of type "
            f"{type(user).__name__}."
        )
    return str(key.value_to_string(SimpleNamespace(**{key.attname: found})))


def users_of(ids: Iterable[str | None]) -> dict[str, Any]:
    """The users of these ids, each by its id, in one query; who is gone is missing."""
    model = get_user_model()
    key = model._meta.pk
    keys = []
    for text in {*ids} - {None}:
        try:
            keys.append(key.to_python(text))
        except ValidationError:
            continue
    if not keys:
        return {}
    found = model._default_manager.filter(pk__in=keys)
    return {key.value_to_string(user): user for user in found}


def find_users(text: str, limit: int) -> list[str]:
    """The ids of users, so many at most, in whose names a text is found."""
    model = get_user_model()
    found = model._default_manager.filter(**{f"{model.USERNAME_FIELD}__icontains": text})
    return [model._meta.pk.value_to_string(user) for user in found[:limit]]
