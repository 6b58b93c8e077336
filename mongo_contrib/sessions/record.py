"""What a session looks like in MongoDB: pure functions, no server needed.

A stored session:

    {"_id": "9f86d081...",                    keyed hash of the session key
     "data": {"_auth_user_id": '"65a..."'},   one field per key, its value serialized
     "expire_date": ISODate(...)}             the TTL index's field

The key itself is a password and is not stored: who reads the database cannot take a session over.

Values are the text that settings.SESSION_SERIALIZER makes of them, one by one. So each serializer
keeps its whole contract (integers of any size, keys of inner dicts with dots, what JSON refuses is
refused), what changed since loading is seen by comparing texts, also inside of nested values, and
a save can write the changed keys alone. Django's `encode()` makes one signed string of everything:
with it, two requests that change different keys would overwrite each other.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from django.utils import timezone
from django.utils.crypto import salted_hmac

__all__ = [
    "changes",
    "decoded",
    "encoded",
    "expired",
    "insertable",
    "live",
    "session_ids",
    "stored",
    "to_utc",
    "with_id",
]

Stored = dict[str, str | bytes]


class Serializer(Protocol):
    """What SESSION_SERIALIZER names, as Django's documentation has it."""

    def dumps(self, obj: Any) -> bytes: ...

    def loads(self, data: bytes) -> Any: ...


# "." and "$" mean something in an update's paths, NUL ends a BSON name, and no path may be empty.
_ESCAPED = str.maketrans({"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"})
_EMPTY = "%"


def field_name(key: str) -> str:
    """The field that keeps `key`: any text becomes one that is safe in an update's path."""
    return key.translate(_ESCAPED) or _EMPTY


def key_of(field: str) -> str:
    """The session key's entry that `field` keeps; the reverse of field_name()."""
    if "%" not in field:
        return field
    if field == _EMPTY:
        return ""
    # "%25" last: what it gives must not be read as the start of another escape.
    for escape, character in (("%2E", "."), ("%24", "$"), ("%00", "\0"), ("%25", "%")):
        field = field.replace(escape, character)
    return field


def session_ids(session_key: str, secrets: Iterable[str | bytes]) -> list[str]:
    """The `_id` of this session under each secret, the current secret's first."""
    key = session_key.encode("utf-8", "surrogatepass")
    salt = "mongo_contrib.sessions"
    return [
        salted_hmac(salt, key, secret=secret, algorithm="sha256").hexdigest() for secret in secrets
    ]


def with_id(ids: list[str]) -> dict[str, Any]:
    """The filter for one session, which may have been made under an older secret."""
    return {"_id": ids[0] if len(ids) == 1 else {"$in": ids}}


def live(ids: list[str], now: datetime) -> dict[str, Any]:
    """The filter for one session, unless it has expired."""
    # The TTL monitor wakes about once a minute, so expired sessions linger.
    return {**with_id(ids), "expire_date": {"$gt": to_utc(now)}}


def expired(now: datetime) -> dict[str, Any]:
    """The filter for all expired sessions."""
    return {"expire_date": {"$lte": to_utc(now)}}


def to_utc(moment: datetime) -> datetime:
    """`moment` as BSON means it; a naive one is in the default time zone, as Django's are."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC)


def encoded(data: Mapping[Any, Any], serializer: Serializer) -> Stored:
    """The session's data as it is stored: a text for each key, or bytes if it is no UTF-8."""
    result: Stored = {}
    for key, value in data.items():
        if not isinstance(key, str):
            key = _text_of_key(key, serializer)
        dumped = serializer.dumps(value)
        try:
            result[key] = dumped.decode()
        except UnicodeDecodeError:
            result[key] = dumped
    return result


def _text_of_key(key: Any, serializer: Serializer) -> str:
    # As if the whole dict were serialized at once: JSON makes "1" of 1 and "true" of True.
    (text,) = serializer.loads(serializer.dumps({key: None}))
    if isinstance(text, str):
        return text
    raise TypeError(
        f"The keys of a session are strings, and {key!r} is of type {type(key).__name__}; "
        f"use {str(key)!r}."
    )


def decoded(data: Stored, serializer: Serializer) -> dict[str, Any]:
    """The session's data as it was given to encoded()."""
    return {
        key: serializer.loads(value.encode() if isinstance(value, str) else value)
        for key, value in data.items()
    }


def stored(document: Mapping[str, Any]) -> Stored:
    """The encoded data in a document that was read."""
    return {key_of(field): value for field, value in document["data"].items()}


def insertable(session_id: str, data: Stored, expire_date: datetime) -> dict[str, Any]:
    """The document of a new session."""
    return {
        "_id": session_id,
        "data": {field_name(key): value for key, value in data.items()},
        "expire_date": to_utc(expire_date),
    }


def changes(before: Stored | None, after: Stored, expire_date: datetime) -> dict[str, Any]:
    """The update that writes what changed between `before` and `after`, and nothing else.

    Keys that others have changed meanwhile stay as they are. Where `before` is None (the session
    was cleared, or never loaded) all of the data is replaced.
    """
    assigned: dict[str, Any] = {"expire_date": to_utc(expire_date)}
    if before is None:
        assigned["data"] = {field_name(key): value for key, value in after.items()}
        return {"$set": assigned}
    for key, value in after.items():
        if before.get(key) != value:
            assigned[f"data.{field_name(key)}"] = value
    update = {"$set": assigned}
    if removed := {f"data.{field_name(key)}": "" for key in before if key not in after}:
        update["$unset"] = removed
    return update
