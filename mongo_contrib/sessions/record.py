"""What a session looks like in MongoDB: pure functions, no server needed.

A stored session:

    {"_id": "9f86d081...",                    keyed hash of the session key
     "data": {"_auth_user_id": '"65a..."'},   one field per key, its value serialized
     "expire_date": ISODate(...),             the TTL index's field
     "created": ISODate(...),
     "user": "65a...", "seen": ISODate(...),  where somebody is logged in
     "slot": 0,                               where users have a limit
     "address": "203.0.113.7", "user_agent": "Mozilla/5.0 ...", "device": "Firefox on Ubuntu"}

The key itself is a password and is not stored: who reads the database cannot take a session over.
Where data is encrypted, "sealed" is in the place of "data", see `sealing`.

Values are the text that settings.SESSION_SERIALIZER makes of them, one by one. So each serializer
keeps its whole contract (integers of any size, keys of inner dicts with dots, what JSON refuses is
refused), what changed since loading is seen by comparing texts, also inside of nested values, and
a save can write the changed keys alone. Django's `encode()` makes one signed string of everything:
with it, two requests that change different keys would overwrite each other.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json import JSONDecoder, JSONEncoder
from types import MappingProxyType
from typing import Any, Protocol

from django.conf import settings
from django.core.signing import JSONSerializer
from django.utils import timezone
from django.utils.encoding import force_bytes

__all__ = [
    "ABOUT",
    "OF_USER",
    "PLAIN",
    "ROOTS",
    "SEALED",
    "UNREADABLE",
    "Format",
    "Plain",
    "Stored",
    "changed_by_others",
    "changes",
    "decoded",
    "encoded",
    "expired",
    "fields",
    "from_stored",
    "in_doubt",
    "insertable",
    "is_within",
    "live",
    "renamed",
    "replacement",
    "root_of",
    "session_ids",
    "size",
    "to_utc",
    "utc_now",
    "with_id",
]

#: The data of a session with each value as the serializer made it.
Stored = dict[str, str | bytes]

#: The fields that data may be in: as it is, and encrypted.
PLAIN, SEALED = ROOTS = ("data", "sealed")

#: What a serializer raises over text that it did not write, as after a change of the setting.
UNREADABLE = (ValueError, TypeError, LookupError, RecursionError)

#: What a session has beside its data: the latter where somebody is logged in.
OF_USER = frozenset({"user", "seen", "slot", "address", "user_agent", "device"})
ABOUT = frozenset({"created"}) | OF_USER


class Serializer(Protocol):
    """What SESSION_SERIALIZER names, as Django's documentation has it."""

    def dumps(self, obj: Any) -> bytes: ...

    def loads(self, data: bytes) -> Any: ...


# "." and "$" mean something in an update's paths, NUL ends a BSON name, a surrogate that stands
# alone is no Unicode, and no path may be empty.
_ESCAPED = {ord(character): f"%{ord(character):02X}" for character in "%.$\0"}
_ESCAPED |= {number: f"%u{number:04X}" for number in range(0xD800, 0xE000)}
_ESCAPE = re.compile("%(?:u([0-9A-F]{4})|([0-9A-F]{2}))")
_EMPTY = "%"


def field_name(key: str) -> str:
    """The field that keeps `key`: any text becomes one that is safe in an update's path."""
    return key.translate(_ESCAPED) or _EMPTY


def key_of(field: str) -> str:
    """The session key's entry that `field` keeps; the reverse of field_name()."""
    if field == _EMPTY:
        return ""
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), field)


class Format(Protocol):
    """How the data of a session is kept: `root` is the field of the document that has it."""

    root: str

    def field(self, key: str) -> str:
        """The field below `root` that keeps this key; safe in an update's path."""
        ...

    def value(self, key: str, text: str | bytes) -> Any:
        """What is stored there."""
        ...

    def read(self, fields: Mapping[str, Any]) -> Stored:
        """Everything below `root` as it was before it was stored; ValueError if unreadable."""
        ...


class Plain:
    """Data as anybody can read it who may read the database."""

    root = PLAIN

    def field(self, key: str) -> str:
        """See Format."""
        return field_name(key)

    def value(self, key: str, text: str | bytes) -> Any:
        """See Format."""
        return text

    def read(self, fields: Mapping[str, Any]) -> Stored:
        """See Format."""
        return {key_of(field) if "%" in field else field: value for field, value in fields.items()}


def session_ids(session_key: str, secrets: Iterable[str | bytes]) -> list[str]:
    """The `_id` of this session under each secret, the current secret's first."""
    key = session_key.encode("utf-8", "surrogatepass")
    return [hmac.new(_hmac_key(secret), key, "sha256").hexdigest() for secret in secrets]


@lru_cache(maxsize=16)
def _hmac_key(secret: str | bytes) -> bytes:
    """The key that Django's salted_hmac() makes of a secret and our salt."""
    return hashlib.sha256(b"mongo_contrib.sessions" + force_bytes(secret)).digest()


def with_id(ids: list[str]) -> dict[str, Any]:
    """The filter for one session, which may have been made under an older secret."""
    return {"_id": ids[0] if len(ids) == 1 else {"$in": ids}}


def renamed(ids: list[str]) -> list[str]:
    """The ids of what remembers that these sessions have other names now."""
    return [f"{each}:renamed" for each in ids]


def root_of(document: Mapping[str, Any]) -> str:
    """The field that has the data."""
    return SEALED if SEALED in document else PLAIN


def live(ids: list[str], now: datetime) -> dict[str, Any]:
    """The filter for one session, unless it has expired."""
    # The TTL monitor wakes about once a minute, so expired sessions linger.
    return {**with_id(ids), "expire_date": {"$gt": now}}


def expired(now: datetime) -> dict[str, Any]:
    """The filter for all expired sessions."""
    return {"expire_date": {"$lte": now}}


def utc_now() -> datetime:
    """This moment as BSON means it, with time zones in Django or without."""
    # Django's clock, which tests set. Without time zones get_expiry_date() has it, too: both are
    # to be read in one way, also where the process has another zone than TIME_ZONE.
    return timezone.now() if settings.USE_TZ else to_utc(timezone.now())


def to_utc(moment: datetime) -> datetime:
    """`moment` as BSON means it; a naive one is in the default time zone, as Django's are."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC)


def from_stored(moment: datetime) -> datetime:
    """A moment as it was read; without time zones the driver gives naive ones, in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def encoded(
    data: Mapping[Any, Any],
    serializer: Serializer,
    known: Mapping[str, Any] = MappingProxyType({}),
    texts: Mapping[str, str | bytes] = MappingProxyType({}),
) -> Stored:
    """The session's data as it is stored: a text for each key, or bytes if it is no UTF-8.

    `known` are values whose `texts` are known: those that are still there are not made again.
    """
    result: Stored = {}
    is_json = type(serializer) is JSONSerializer
    for key, value in data.items():
        if type(value) in _UNCHANGEABLE and value is known.get(key, _NO_VALUE) and key in texts:
            result[key] = texts[key]
            continue
        if not isinstance(key, str):
            key = _text_of_key(key, serializer)
        try:
            if is_json:
                result[key] = _as_json(value)
                continue
            dumped = serializer.dumps(value)
        except Exception as exc:
            # Which error that is, is the serializer's own affair; where it is, only we know.
            exc.add_note(f"It is in session[{key!r}].")
            raise
        try:
            result[key] = dumped.decode()
        except UnicodeDecodeError:
            result[key] = dumped
    return result


# Of these, the same object is the same value.
_UNCHANGEABLE = frozenset({str, int, float, bool, type(None)})
_NO_VALUE = object()

# As Django's serializer has it, which makes an encoder for each call.
_as_json = JSONEncoder(separators=(",", ":")).encode
_from_json = JSONDecoder().decode


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
    """The session's data as it was given to encoded(); UNREADABLE for what is no such text."""
    if type(serializer) is JSONSerializer:
        # Texts in a row are the text of a list; reading them together costs a fifth.
        texts = ",".join(data.values())  # type: ignore[arg-type]
        return dict(zip(data, _from_json(f"[{texts}]"), strict=True))
    return {
        key: serializer.loads(value.encode() if isinstance(value, str) else value)
        for key, value in data.items()
    }


def is_within(limit: int, data: Stored) -> bool:
    """Whether size() is at most `limit`."""
    # No character takes more than four bytes, so mostly there is nothing to be counted.
    most = 4 * (sum(map(len, data)) + sum(map(len, data.values())))
    return most <= limit or size(data) <= limit


def size(data: Stored) -> int:
    """How many bytes the data takes, not counting what the database adds."""
    return sum(_length(key) + _length(text) for key, text in data.items())


def _length(text: str | bytes) -> int:
    if isinstance(text, bytes) or text.isascii():
        return len(text)
    return len(text.encode("utf-8", "surrogatepass"))


def fields(data: Stored, format: Format) -> dict[str, Any]:
    """All of the data as it is stored."""
    return {format.field(key): format.value(key, text) for key, text in data.items()}


def insertable(
    session_id: str, data: Stored, format: Format, expire_date: datetime, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The document of a new session; `about` is what it has beside the data."""
    return {
        "_id": session_id,
        format.root: fields(data, format),
        "expire_date": to_utc(expire_date),
        **about,
    }


def changes(
    before: Stored, after: Stored, format: Format, expire_date: datetime, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The update that writes what changed between `before` and `after`, and nothing else.

    Keys that others have changed meanwhile stay as they are. What is None in `about` is removed.
    """
    written = {
        f"{format.root}.{format.field(key)}": format.value(key, text)
        for key, text in after.items()
        if before.get(key) != text
    }
    removed = [f"{format.root}.{format.field(key)}" for key in before if key not in after]
    return _update(written, removed, expire_date, about)


def replacement(
    data: Stored, format: Format, expire_date: datetime, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The update after which `data` is all there is, whatever others have written."""
    others = [root for root in ROOTS if root != format.root]
    return _update({format.root: fields(data, format)}, others, expire_date, about)


def _update(
    written: dict[str, Any],
    removed: list[str],
    expire_date: datetime,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    written["expire_date"] = to_utc(expire_date)
    for name, value in about.items():
        if value is None:
            removed.append(name)
        else:
            written[name] = value
    update: dict[str, Any] = {"$set": written}
    if removed:
        update["$unset"] = dict.fromkeys(removed, "")
    return update


#: In the place of a text that may have been written: no serializer's, so it is written again.
_IN_DOUBT = b"\0"


def in_doubt(before: Stored, after: Stored) -> Stored:
    """What is known where either may be stored: comparing with it writes all that differs."""
    differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {**before, **dict.fromkeys(differing, _IN_DOUBT)}


def changed_by_others(
    before: Stored, own: Stored, theirs: Stored
) -> dict[str, str | bytes | None]:
    """What others have changed since `before` and `own` has not; None for what they removed."""
    return {
        key: theirs.get(key)
        for key in {*before, *theirs}
        if theirs.get(key) != before.get(key) and own.get(key) == before.get(key)
    }
