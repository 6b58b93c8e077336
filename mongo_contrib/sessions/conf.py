"""Every setting of the sessions app, with its default. Read when used, never cached.

A wrong value raises ImproperlyConfigured, with the sentence that its system check shows.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pymongo.write_concern import WriteConcern

from mongo_contrib.db import default_alias
from mongo_contrib.db.concerns import (
    WrongOption,
    acknowledged,
    listed,
    reaches_several,
    read_preference,
)
from mongo_contrib.db.names import is_collection_name

__all__ = ["ANONYMOUS", "END_OLDEST", "ERROR", "RECORDABLE", "REFUSE", "conf"]

#: What MONGO_SESSION_RECORD may name.
RECORDABLE = ("last_seen", "address", "network", "user_agent", "device")
#: What MONGO_SESSION_WHEN_FULL may say.
END_OLDEST, REFUSE = "end_oldest", "refuse"
#: What MONGO_SESSION_WHEN_UNREACHABLE may say.
ERROR, ANONYMOUS = "error", "anonymous"

# The server's limit is 16 MB; some of that is for what else a session holds.
_LARGEST = 15_000_000
_KEY_BYTES = 32
# A log-in reads as many as there may be.
_MOST_SESSIONS = 1_000
_DAY = 24 * 3600

T = TypeVar("T")


class SessionSettings:
    """The settings of `mongo_contrib.sessions`."""

    @property
    def secrets(self) -> tuple[str | bytes, ...]:
        """The secrets of keyed hashes: what is written has the first, what is looked for any."""
        return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS

    @property
    def alias(self) -> str:
        """The alias in DATABASES that holds the sessions; by default the first of our engine."""
        alias = getattr(settings, "MONGO_SESSION_ALIAS", None)
        return default_alias() if alias is None else alias

    @property
    def collection(self) -> str:
        """The collection that holds the sessions."""
        return _checked("MONGO_SESSION_COLLECTION", "django_session", _collection)

    @property
    def device_collection(self) -> str:
        """The collection that remembers which devices users have logged in from."""
        return _checked("MONGO_SESSION_DEVICE_COLLECTION", "django_session_device", _of_devices)

    @property
    def read_preference(self) -> Any:
        """Where sessions are read: pymongo's read preference, or its mode's name.

        The alias's own does not count: a session that was ended on the primary would live on
        where it was read from a secondary. So others than "primary" need a write concern that
        names a number of members, see reaches_several().
        """
        preference: Any = _checked(
            "MONGO_SESSION_READ_PREFERENCE", "primary", _required(read_preference)
        )
        if preference.mode and not reaches_several(self.write_concern):
            raise ImproperlyConfigured(
                f"MONGO_SESSION_READ_PREFERENCE is {preference.mongos_mode!r}, but writes wait "
                f"for {self.write_concern.document.get('w')!r}: a member that lags would serve "
                "sessions that have ended; MONGO_SESSION_WRITE_CONCERN must be the number of "
                "members that hold data."
            )
        return preference

    @property
    def write_concern(self) -> WriteConcern:
        """What writes wait for: "majority", a number of members, or pymongo's WriteConcern."""
        return _checked("MONGO_SESSION_WRITE_CONCERN", "majority", acknowledged)

    @property
    def max_size(self) -> int:
        """How many bytes the data of one session may take."""
        return _checked("MONGO_SESSION_MAX_SIZE", 1_000_000, _up_to(_LARGEST, "bytes"))

    @property
    def max_per_user(self) -> int | None:
        """How many sessions a user may have at once; None for any number."""
        return _checked(
            "MONGO_SESSION_MAX_PER_USER", None, _optional(_up_to(_MOST_SESSIONS, "sessions"))
        )

    @property
    def when_full(self) -> str:
        """What a log-in beyond max_per_user does: end the oldest session, or be refused."""
        return _checked("MONGO_SESSION_WHEN_FULL", END_OLDEST, _one_of(END_OLDEST, REFUSE))

    @property
    def when_unreachable(self) -> str:
        """What reading a session does while no server is there: an error, or nobody logged in."""
        return _checked("MONGO_SESSION_WHEN_UNREACHABLE", ERROR, _one_of(ERROR, ANONYMOUS))

    @property
    def record(self) -> frozenset[str]:
        """What is kept of a user's visit, see RECORDABLE; nothing is kept of anonymous ones."""
        default = ("last_seen", "address", "user_agent", "device")
        return _checked("MONGO_SESSION_RECORD", default, _recorded)

    @property
    def last_seen_interval(self) -> int:
        """How many seconds pass before "last seen" is written anew."""
        return _checked("MONGO_SESSION_LAST_SEEN_INTERVAL", 300, _seconds)

    @property
    def device_cookie_name(self) -> str:
        """The cookie by which a browser is known again."""
        return _checked("MONGO_SESSION_DEVICE_COOKIE_NAME", "device", _cookie)

    @property
    def device_cookie_age(self) -> int:
        """For how many seconds a device that is not used stays known; default: 400 days.

        Browsers keep no cookie longer (RFC 6265bis, section 5.5).
        """
        return _checked("MONGO_SESSION_DEVICE_COOKIE_AGE", 400 * _DAY, _seconds)

    @property
    def encryption_keys(self) -> tuple[bytes, ...]:
        """The keys for data at rest, of 32 bytes: the first encrypts, all decrypt; () for none."""
        return _checked("MONGO_SESSION_ENCRYPTION_KEYS", (), _keys)

    @property
    def cache_timeout(self) -> int:
        """For how many seconds `cached_mongo` keeps a session that nobody changes.

        At most 30 days: Memcached takes more for a moment in the past.
        """
        return _checked("MONGO_SESSION_CACHE_TIMEOUT", 300, _up_to(30 * _DAY, "seconds"))


conf = SessionSettings()


def _checked(name: str, default: Any, validated: Callable[[Any], T]) -> T:
    value = getattr(settings, name, default)
    try:
        return validated(value)
    except WrongOption as error:
        raise ImproperlyConfigured(
            f"{name} is {error.found!r}; it must be {error.right}."
        ) from None


class _Words(str):
    """Says what was found where the value itself, a secret, is in no sentence."""

    __repr__ = str.__str__


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _collection(value: Any) -> Any:
    if is_collection_name(value):
        return value
    raise WrongOption(value, "a collection's name: no '$', no '..', nothing of 'system.'")


def _of_devices(value: Any) -> Any:
    if value == getattr(settings, "MONGO_SESSION_COLLECTION", "django_session"):
        raise WrongOption(value, "another collection than MONGO_SESSION_COLLECTION")
    return _collection(value)


def _cookie(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise WrongOption(value, "a cookie's name: letters, digits, underscores and hyphens")
    for taken in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME"):
        if value == getattr(settings, taken):
            raise WrongOption(value, f"another name than {taken}, or one would delete the other")
    return value


def _up_to(most: int, of: str) -> Callable[[Any], int]:
    def validated(value: Any) -> int:
        if _is_number(value) and 0 < value <= most:
            return value
        raise WrongOption(value, f"a number of {of} from 1 to {most:,}")

    return validated


_seconds = _up_to(10 * 366 * _DAY, "seconds")


def _optional(validated: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else validated(value)


def _required(validated: Callable[[Any], T]) -> Callable[[Any], T]:
    def required(value: Any) -> T:
        if value is None:
            raise WrongOption(value, "given, or left out of the settings")
        return validated(value)

    return required


def _one_of(*choices: str) -> Callable[[Any], str]:
    def validated(value: Any) -> str:
        if value in choices:
            return value
        raise WrongOption(value, " or ".join(map(repr, choices)))

    return validated


def _recorded(value: Any) -> frozenset[str]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise WrongOption(value, f"a list of names out of {listed(RECORDABLE)}")
    if unknown := [str(each) for each in value if each not in RECORDABLE]:
        raise WrongOption(value, f"without {listed(unknown)}: there is {listed(RECORDABLE)}")
    names = frozenset(value)
    if {"address", "network"} <= names:
        raise WrongOption(value, 'without "address" or without "network", which is a part of it')
    return names


def _keys(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, list | tuple):
        raise WrongOption(
            _Words(f"a {type(value).__name__}"), "a list of keys, the current one first"
        )
    return tuple(_key(each, number) for number, each in enumerate(value, 1))


def _key(value: Any, number: int) -> bytes:
    right = (
        f"a list of keys, each {_KEY_BYTES} bytes in base64url, as "
        f"secrets.token_urlsafe({_KEY_BYTES}) gives them"
    )
    if not isinstance(value, str):
        raise WrongOption(_Words(f"a list whose item {number} is a {type(value).__name__}"), right)
    try:
        key = base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise WrongOption(_Words(f"a list whose item {number} is no base64url"), right) from None
    if len(key) != _KEY_BYTES:
        raise WrongOption(_Words(f"a list whose item {number} has {len(key)} bytes"), right)
    return key
