"""In which form the data of a session is kept: as it is, or encrypted."""

from collections.abc import Mapping
from typing import Any

from . import record
from .conf import conf

__all__ = ["current", "read"]


_PLAIN = record.Plain()


def current(session_key: str | None) -> record.Form:
    """The form that the settings want for what is written as a whole."""
    return _form(record.SEALED if conf.encryption_keys else record.PLAIN, session_key)


def read(
    document: Mapping[str, Any], session_key: str | None
) -> tuple[record.Form, record.Stored | None]:
    """The form that a stored session has, and its data; None if that can't be read.

    It keeps its form until it is replaced or renamed.
    """
    root = record.root_of(document)
    form = _form(root, session_key)
    try:
        return form, form.read(document[root])
    except record.UNREADABLE:
        return form, None


def _form(root: str, session_key: str | None) -> record.Form:
    if root == record.PLAIN:
        return _PLAIN
    # Needs a library that plain sessions do without.
    from .sealing import Sealed

    return Sealed(session_key, conf.encryption_keys)
