"""The format of data that is encrypted at rest: nobody reads it without the key in the settings.

    {"sealed": {"5c1e...": BinData(0, "AbC...")}, ...}

Each value is sealed by AES-256-GCM under a key that is derived, by HKDF-SHA256, from the master
key and from the session's own key, which no database holds. So it takes both, the settings and
the visitor's cookie, and no two sessions share a key. The name of its field, which is a keyed
hash of the session's key, is authenticated with it: a value can be moved nowhere else.

    version (1 byte), id of the master key (4), nonce (12), then encrypted, with a tag of 16:
    kind of the value (1), length of its key's text (4), that text, the value
"""

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .record import SEALED, Stored

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as exc:
    raise ImproperlyConfigured(
        "MONGO_SESSION_ENCRYPTION_KEYS needs the package 'cryptography': "
        'python -m pip install "django-mongo-contrib[encryption]".'
    ) from exc

__all__ = ["Sealed", "Unreadable"]

_VERSION = b"\x01"
_LABEL = b"mongo_contrib.sessions.sealing.v1."
_KEY_ID, _NONCE, _TAG = 4, 12, 16
_HEADER = len(_VERSION) + _KEY_ID
_TEXT, _BYTES = b"t", b"b"
_FIELD = 32


class Unreadable(ValueError):
    """A sealed value cannot be opened: its key is not there, or it is not what was sealed."""


class Sealed:
    """A Format (see `record`) that encrypts the data of one session.

    The first of `keys`, of 32 bytes each, encrypts; all of them decrypt.
    """

    root = SEALED

    def __init__(self, session_key: str | None, keys: Sequence[bytes]) -> None:
        if not session_key:
            raise ValueError("A session is sealed with its own key, and this one has none.")
        self._session_key = _encoded(session_key)
        self._keys = keys
        self._ciphers: dict[bytes, AESGCM] = {}
        self._fields: dict[str, str] = {}

    def field(self, key: str) -> str:
        """The field for a key: the same for one session, whatever the keys of the settings."""
        # Asked for twice by who writes a value: for its place, and below for what it is bound to.
        if key not in self._fields:
            text = _LABEL + b"field." + _encoded(key)
            self._fields[key] = hmac.digest(self._session_key, text, "sha256").hex()[:_FIELD]
        return self._fields[key]

    def value(self, key: str, text: str | bytes) -> bytes:
        """`text` and the key's own text, sealed anew under the first of the keys."""
        if not self._keys:
            raise ImproperlyConfigured(
                "MONGO_SESSION_ENCRYPTION_KEYS is empty, and this session is encrypted."
            )
        master = self._keys[0]
        header = _VERSION + _key_id(master)
        name = _encoded(key)
        kind, content = (_BYTES, text) if isinstance(text, bytes) else (_TEXT, _encoded(text))
        plain = b"".join((kind, len(name).to_bytes(4, "big"), name, content))
        nonce = os.urandom(_NONCE)
        cipher = self._cipher(master)
        return header + nonce + cipher.encrypt(nonce, plain, _associated(header, self.field(key)))

    def read(self, fields: Mapping[str, Any]) -> Stored:
        """What was sealed, by its keys; Unreadable if only one of the fields can't be opened."""
        if not isinstance(fields, Mapping):
            raise Unreadable(f"{SEALED!r} is a {type(fields).__name__}, not fields.")
        return dict(self._opened(field, blob) for field, blob in fields.items())

    def _opened(self, field: str, blob: Any) -> tuple[str, str | bytes]:
        if not isinstance(blob, bytes):
            raise Unreadable(f"Field {field!r} is a {type(blob).__name__}, not sealed bytes.")
        if blob[:1] != _VERSION or len(blob) < _HEADER + _NONCE + _TAG:
            raise Unreadable(f"Field {field!r} is not in a form that is known here.")
        header, nonce = blob[:_HEADER], blob[_HEADER : _HEADER + _NONCE]
        associated = _associated(header, field)
        # An id is short, so two keys may have the same.
        masters = [each for each in self._keys if _key_id(each) == header[1:]]
        for master in masters:
            try:
                plain = self._cipher(master).decrypt(nonce, blob[_HEADER + _NONCE :], associated)
            except InvalidTag:
                continue
            return _parts(plain)
        raise Unreadable(
            f"Field {field!r} was sealed otherwise, for another session, or changed."
            if masters
            else f"Field {field!r} is sealed with a key that is not in the settings."
        )

    def _cipher(self, master: bytes) -> AESGCM:
        if master not in self._ciphers:
            info = _LABEL + b"value." + self._session_key
            self._ciphers[master] = AESGCM(HKDF(SHA256(), 32, None, info).derive(master))
        return self._ciphers[master]


def _encoded(text: str) -> bytes:
    # A key of a session is any text, and one that is no Unicode has to come back too.
    return text.encode("utf-8", "surrogatepass")


def _key_id(master: bytes) -> bytes:
    return hashlib.sha256(_LABEL + b"id." + master).digest()[:_KEY_ID]


def _associated(header: bytes, field: str) -> bytes:
    return _LABEL + header + _encoded(field)


def _parts(plain: bytes) -> tuple[str, str | bytes]:
    """Take apart what value() put together; it is authentic, so it is well made."""
    kind, length = plain[:1], int.from_bytes(plain[1:5], "big")
    name, content = plain[5 : 5 + length], plain[5 + length :]
    key = name.decode("utf-8", "surrogatepass")
    return key, content if kind == _BYTES else content.decode("utf-8", "surrogatepass")
