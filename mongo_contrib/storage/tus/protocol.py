"""The headers of tus 1.0.0: pure functions, no server and no request needed."""

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hmac import compare_digest

__all__ = [
    "ALGORITHMS",
    "EXTENSIONS",
    "OFFSET_TYPE",
    "VERSION",
    "Checksum",
    "Refused",
    "parse_metadata",
    "parse_number",
]

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "termination", "expiration", "checksum")

#: The content type of every body that has bytes of a file.
OFFSET_TYPE = "application/offset+octet-stream"

#: Of Upload-Checksum; sha1 is the one that the protocol wants everybody to have.
ALGORITHMS = ("sha1", "sha256", "md5")

CHECKSUM_MISMATCH = 460

# What is kept of a client's words about a file, and of how many.
LONGEST_METADATA = 4096
MOST_METADATA = 32

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_KEY = re.compile(r"[!-+\--~]+", re.ASCII)  # visible ASCII without the comma


class Refused(Exception):
    """A request that the protocol does not know, or that is not answered; says its status."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


def parse_number(value: str | None, name: str) -> int:
    """The number of bytes that a header has, or Refused."""
    if value is None:
        raise Refused(400, f"The header {name} is missing.")
    if not _NUMBER.fullmatch(value):
        raise Refused(400, f"The header {name} is a number of bytes, not {value[:40]!r}.")
    return int(value)


def parse_metadata(value: str | None) -> dict[str, bytes]:
    """What Upload-Metadata says, decoded, or Refused.

    It is a list of pairs `key base64`, parted by commas; a key may come without a value, and not
    twice.
    """
    if not value or not value.strip():
        return {}
    if len(value) > LONGEST_METADATA:
        raise Refused(400, f"Upload-Metadata has more than {LONGEST_METADATA} characters.")
    found: dict[str, bytes] = {}
    for pair in value.split(","):
        key, _, encoded = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise Refused(400, f"Upload-Metadata has a key that can be none: {key[:40]!r}.")
        if key in found:
            raise Refused(400, f"Upload-Metadata has the key {key[:40]!r} twice.")
        if len(found) == MOST_METADATA:
            raise Refused(400, f"Upload-Metadata has more than {MOST_METADATA} keys.")
        found[key] = _decoded(encoded, "Upload-Metadata")
    return found


def text_of(metadata: Mapping[str, bytes], *keys: str) -> str | None:
    """The text under the first of these keys that is there, or Refused if it is no UTF-8."""
    for key in keys:
        if key in metadata:
            try:
                return metadata[key].decode()
            except UnicodeDecodeError:
                raise Refused(400, f"Upload-Metadata has a {key!r} that is no UTF-8.") from None
    return None


class Checksum:
    """What Upload-Checksum says of a body: feed it the body, then ask."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._expected = expected

    @classmethod
    def from_header(cls, value: str | None) -> "Checksum | None":
        """The checksum, None where there is no header, or Refused."""
        if value is None:
            return None
        algorithm, _, encoded = value.partition(" ")
        if algorithm not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise Refused(400, f"Upload-Checksum has one of {known}, not {algorithm[:40]!r}.")
        checksum = cls(algorithm, _decoded(encoded[:200], "Upload-Checksum"))
        if len(checksum._expected) != checksum._hash.digest_size:
            raise Refused(400, f"Upload-Checksum has no digest of {algorithm}.")
        return checksum

    def update(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._hash.update(data)

    def is_right(self) -> bool:
        """Whether the body is what its sender meant."""
        return compare_digest(self._hash.digest(), self._expected)

    @staticmethod
    def header(algorithm: str, body: bytes) -> str:
        """The header for a body."""
        digest = hashlib.new(algorithm, body, usedforsecurity=False).digest()
        return f"{algorithm} {b64encode(digest).decode()}"


def _decoded(encoded: str, name: str) -> bytes:
    try:
        return b64decode(encoded.encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError):
        raise Refused(400, f"{name} has a value that is no base64: {encoded[:40]!r}.") from None
