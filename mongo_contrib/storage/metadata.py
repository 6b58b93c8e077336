"""What is stored of a file beside its content: pure functions, no server needed.

It lies in `metadata`, where GridFS's specification has what applications add, next to the fields
of the project's own.
"""

import unicodedata
from collections.abc import Mapping
from os.path import basename
from typing import Any

from . import compression
from .signatures import is_content_type

__all__ = ["cleaned_name", "fields_of", "stored_fields", "update_of"]

# Ours, as they are written in Python and as they are stored.
STORED = {
    "content_type": "contentType",
    "original_name": "originalName",
    "uploader": "uploader",
}
#: Which chunks a file has that shares its content. Files of other programs have any metadata, and
#: who reads or deletes by this must not meet theirs: no one else has a field of this name.
SHARED_CONTENT = "sharedContent"

# Those that the content and the way in which it is stored decide.
FIXED = ("sha256", SHARED_CONTENT, *compression.FIELDS)

LONGEST_NAME = 255


def stored_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they are stored, or ValueError for one that cannot be."""
    return {_key(name): _value(name, value) for name, value in fields.items()}


def update_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The update that sets these fields and leaves all others; None takes a field away."""
    stored = stored_fields(fields)
    changes = {
        "$set": {f"metadata.{key}": value for key, value in stored.items() if value is not None},
        "$unset": {f"metadata.{key}": "" for key, value in stored.items() if value is None},
    }
    return {operator: values for operator, values in changes.items() if values}


def fields_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The project's own fields among those that are stored."""
    ours = {*STORED.values(), *FIXED}
    return {key: value for key, value in metadata.items() if key not in ours}


def cleaned_name(name: object) -> str | None:
    """A file's name as somebody else gave it, without folders and without what is no text."""
    if not isinstance(name, str):
        return None
    # Surrogates (Cs) are no UTF-8; control characters (Cc) end lines and headers.
    text = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cs"))
    return basename(text.replace("\\", "/"))[-LONGEST_NAME:] or None


def _key(name: Any) -> str:
    key: Any = STORED.get(name, name)
    if key in FIXED or (key == name and key in STORED.values() and key not in STORED):
        raise ValueError(
            f"{name!r} is no field of a file that can be set; those that can are "
            f"{', '.join(STORED)} and fields of other names."
        )
    if not isinstance(key, str) or not key or key.startswith("$") or set(key) & {".", "\0"}:
        raise ValueError(
            f"A field's name is a text without dots and null characters that does not begin "
            f"with '$', and cannot be {name!r}."
        )
    return key


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "content_type" and not is_content_type(value):
        raise ValueError(
            f"content_type is a type in lower case like 'image/png', and cannot be {value!r}."
        )
    if name == "original_name":
        return cleaned_name(value)
    # A user is given for the uploader: what is kept is its key.
    return getattr(value, "pk", value) if name == "uploader" else value
