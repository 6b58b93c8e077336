"""In which format the data of a session is kept: as it is, or encrypted."""

from collections.abc import Mapping
from typing import Any

from . import record
from .conf import conf

__all__ = ["current", "read"]


_PLAIN = record.Plain()


def current(session_key: str | None) -> record.Format:
    """The format that the settings want for what is written as a whole."""
    return _format(record.SEALED if conf.encryption_keys else record.PLAIN, session_key)


def read(
    document: Mapping[str, Any], session_key: str | None
) -> tuple[record.Format, record.Stored | None]:
    """The format that a stored session has, and its data; None if that can't be read.

    It keeps its format until it is replaced or renamed.
    """
    root = record.root_of(document)
    format = _format(root, session_key)
    try:
        return format, format.read(document[root])
    except record.UNREADABLE:
        return format, None


def _format(root: str, session_key: str | None) -> record.Format:
    if root == record.PLAIN:
        return _PLAIN
    # Needs a library that plain sessions do without.
    from .sealing import Sealed

    return Sealed(session_key, conf.encryption_keys)
