"""In which form the data of a session is kept: as it is, or encrypted."""

from collections.abc import Mapping
from typing import Any

from . import record
from .conf import conf

__all__ = ["current", "of", "read"]


_PLAIN = record.Plain()


def current(session_key: str | None) -> record.Form:
    """The form that the settings want for what is written as a whole."""
    return _form(record.SEALED if conf.encryption_keys else record.PLAIN, session_key)


def of(document: Mapping[str, Any], session_key: str | None) -> record.Form:
    """The form that a stored session has; it keeps it until it is replaced or renamed."""
    return _form(record.root_of(document), session_key)


def read(document: Mapping[str, Any], session_key: str | None) -> record.Stored | None:
    """The data in a stored session; None if it can't be read, as without the key for it."""
    try:
        return of(document, session_key).read(document[record.root_of(document)])
    except record.UNREADABLE:
        return None


def _form(root: str, session_key: str | None) -> record.Form:
    if root == record.PLAIN:
        return _PLAIN
    # Needs a library that plain sessions do without.
    from .sealing import Sealed

    return Sealed(session_key, conf.encryption_keys)
