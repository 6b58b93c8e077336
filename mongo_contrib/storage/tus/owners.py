"""Whose an upload is: nobody else ever sees it."""

from typing import Any

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from mongo_contrib.bridge import in_thread

__all__ = ["owner_of", "uploader_of"]


def owner_of(request: HttpRequest) -> str:
    """The user, by its key; of a visitor who is not logged in the session, which is begun here.

    Of the session's key a hash is kept: who reads the database takes over no session.
    """
    user = _user(request)
    if user is not None:
        return f"user:{user.pk}"
    session: Any = request.session
    if session.session_key is None:
        in_thread(session.create)
    hashed = salted_hmac("mongo_contrib.storage.tus", session.session_key, algorithm="sha256")
    return f"session:{hashed.hexdigest()}"


def uploader_of(request: HttpRequest) -> dict[str, Any]:
    """The field `uploader` of a file's metadata, if there is a user."""
    user = _user(request)
    return {} if user is None else {"uploader": user.pk}


def _user(request: HttpRequest) -> Any:
    user: Any = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None
