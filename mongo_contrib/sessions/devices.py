"""The devices that users log in from: browsers that are known again by a cookie.

A stored device:

    {"_id": "60303ae2...",                  keyed hash of the user's id and the cookie's
     "user": "665f...",
     "device": "Firefox on Ubuntu",         if known
     "expire_date": ISODate(...)}           the TTL index's field; put off by each log-in

Who reads the database can neither make a cookie of it nor see which users share a browser.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.crypto import get_random_string, salted_hmac

from mongo_contrib.bridge import native
from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.repository import Repository

from .collection import repository_options
from .conf import conf
from .owners import id_of
from .record import utc_now

__all__ = [
    "aforget_devices",
    "device_id_of",
    "forget_devices",
    "has_others",
    "remember",
    "set_cookie",
]

_LENGTH = 32


def forget_devices(user: Any) -> int:
    """Forget all devices of a user, an object or its id; return how many there were.

    Each is new when it logs in again. No session ends.
    """
    return _repository().delete_many({"user": id_of(user)})


async def aforget_devices(user: Any) -> int:
    """See forget_devices()."""
    return await native(forget_devices, user)


def device_id_of(request: Any) -> str:
    """The id in the request's cookie, or a new one where there is none that we could have made."""
    found = request.COOKIES.get(conf.device_cookie_name, "")
    if len(found) == _LENGTH and found.isascii() and found.isalnum():
        return found
    return get_random_string(_LENGTH)


def set_cookie(response: Any, device_id: str) -> None:
    """Let the browser keep its id; where it goes is as for the session's cookie."""
    response.set_cookie(
        conf.device_cookie_name,
        device_id,
        max_age=conf.device_cookie_age,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def remember(user_id: str, device_id: str, name: str | None) -> str | None:
    """Keep that a user has logged in from a device; return its `_id` if it is new, else None.

    Of log-ins that overlap exactly one finds it new.
    """
    repository, now = _repository(), utc_now()
    stored_id, *older = _ids(user_id, device_id)
    about: dict[str, Any] = {"expire_date": now + timedelta(seconds=conf.device_cookie_age)}
    if name is not None:
        about["device"] = name
    if _renew(repository, stored_id, {"$gt": now}, about):
        return None
    # Known under an older secret: it moves, so as to be known when that one is given up.
    moves = bool(older) and repository.exists({"_id": {"$in": older}, "expire_date": {"$gt": now}})
    is_new = True
    try:
        repository.insert_one({"_id": stored_id, "user": user_id, **about})
    except DuplicateKeyError:
        # Another log-in was faster; or it has expired and was not swept yet, which makes it new
        # to the one who renews it.
        is_new = _renew(repository, stored_id, {"$lte": now}, about)
    if moves:
        repository.delete_many({"_id": {"$in": older}})
    return stored_id if is_new and not moves else None


def has_others(user_id: str, stored_id: str) -> bool:
    """Whether a user is known to have another device than this one."""
    now = utc_now()
    return _repository().exists(
        {"user": user_id, "_id": {"$ne": stored_id}, "expire_date": {"$gt": now}}
    )


def _renew(
    repository: Repository, stored_id: str, expire_date: dict[str, datetime], about: dict[str, Any]
) -> bool:
    filter = {"_id": stored_id, "expire_date": expire_date}
    return bool(repository.update_one(filter, {"$set": about}).matched_count)


def _ids(user_id: str, device_id: str) -> list[str]:
    """The `_id` under each secret, the current one's first."""
    salt = "mongo_contrib.sessions.devices"
    # The device's id has a fixed length, so no two pairs are one text.
    value = f"{device_id}{user_id}".encode("utf-8", "surrogatepass")
    return [
        salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()
        for secret in conf.secrets
    ]


def _repository() -> Repository:
    return Repository(conf.device_collection, **repository_options())
