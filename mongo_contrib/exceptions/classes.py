"""The classes; the tree is drawn in the package."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DataError, IntegrityError, NotSupportedError, OperationalError


class DuplicateKeyError(IntegrityError):
    """A unique index refused a value; names the collection, the index, its fields and the values.

    `fields` are stored paths in the order of the index. `values` may lack a field where the
    server's error does not tell its value and the written document is not known either.
    """

    def __init__(
        self,
        message: str,
        *,
        collection: str | None = None,
        index: str | None = None,
        fields: tuple[str, ...] = (),
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.collection = collection
        self.index = index
        self.fields = fields
        self.values = dict(values or {})


class DocumentInvalid(DataError):
    """The collection's validator refused a document, by its `_id` the one of `document_id`.

    `reasons` maps a stored path (`"home.zip"`, `"tags.2"`) to what is wrong there, `rules` to the
    rule of JSON Schema ("bsonType", "required", ...), `values` to the value that was refused.
    Servers that tell nothing leave all three empty.
    """

    def __init__(
        self,
        message: str,
        *,
        collection: str | None = None,
        document_id: Any = None,
        reasons: Mapping[str, str] | None = None,
        rules: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.collection = collection
        self.document_id = document_id
        self.reasons = dict(reasons or {})
        self.rules = dict(rules or {})
        self.values = dict(values or {})


class DocumentTooLarge(DataError):
    """A document is over the server's size limit."""


class DocumentMismatch(DataError):
    """A stored document doesn't fit its class, which is strict; names what is too little or much.

    `missing` and `unknown` are stored names.
    """

    def __init__(
        self,
        message: str,
        *,
        document: str = "",
        key: Any = None,
        missing: Iterable[str] = (),
        unknown: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.document = document
        self.key = key
        self.missing = tuple(missing)
        self.unknown = tuple(unknown)


class ValueNotStorable(DataError):
    """A value is of a type, or a number of a size, that BSON cannot hold."""


class UnreadableValue(DataError):
    """A stored value is of a wrong type for its field; names the document, the field, the value.

    `field` is a path: of an embedded document's field, through the fields that it lies in.
    """

    def __init__(
        self,
        message: str,
        *,
        document: str = "",
        key: Any = None,
        field: str = "",
        value: Any = None,
    ) -> None:
        super().__init__(message)
        self.document = document
        self.key = key
        self.field = field
        self.value = value


class AccessDenied(OperationalError):
    """The server refused the user or the password, or the user may not do this."""


class CommitUncertain(OperationalError):
    """The server did not confirm a commit: the transaction may have happened or not."""


class QueryTimeout(OperationalError):
    """An operation ran into its time limit."""


class ServerUnavailable(OperationalError):
    """No server could be reached, or the connection was lost during an operation."""


class WriteConflict(OperationalError):
    """Another transaction changed the same documents first; the whole block can be repeated."""


class ServerTooOld(NotSupportedError):
    """The server speaks a protocol older than that of MongoDB 7.0."""
