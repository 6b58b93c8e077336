"""Whose an upload is: nobody else ever sees it."""

from typing import Any

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from mongo_contrib.addresses import client_address, network_of
from mongo_contrib.bridge import in_thread

__all__ = ["counted_as", "owner_of", "uploader_of"]

_SESSION = "session:"


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
    return f"{_SESSION}{_hashed(session.session_key)}"


def counted_as(request: HttpRequest, owner: str) -> str:
    """Whose uploads are counted together: the owner's; of visitors all of a network.

    Who sends no cookie begins a session with each request, so their number would bound nothing.
    Where no address is known, all visitors count as one. A hash of the network is kept.
    """
    if not owner.startswith(_SESSION):
        return owner
    address = client_address(request)
    return f"network:{_hashed(network_of(address) if address else '')}"


def uploader_of(request: HttpRequest) -> dict[str, Any]:
    """The field `uploader` of a file's metadata, if there is a user."""
    user = _user(request)
    return {} if user is None else {"uploader": user.pk}


def _hashed(value: str) -> str:
    return salted_hmac("mongo_contrib.storage.tus", value, algorithm="sha256").hexdigest()


def _user(request: HttpRequest) -> Any:
    user: Any = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None
