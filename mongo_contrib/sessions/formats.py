"""In which format the data of a session is kept: as it is, or encrypted."""

from collections.abc import Mapping
from typing import Any

from . import record
from .conf import conf

__all__ = ["current", "of"]


_PLAIN = record.Plain()


def current(session_key: str | None) -> record.Format:
    """The format that the settings want for what is written as a whole."""
    return _format(record.SEALED if conf.encryption_keys else record.PLAIN, session_key)


def of(document: Mapping[str, Any], session_key: str | None) -> record.Format:
    """The format that a stored session has; it keeps it until it is replaced or renamed."""
    return _format(record.root_of(document), session_key)


def _format(root: str, session_key: str | None) -> record.Format:
    if root == record.PLAIN:
        return _PLAIN
    # Needs a library that plain sessions do without.
    from .sealing import Sealed

    return Sealed(session_key, conf.encryption_keys)
