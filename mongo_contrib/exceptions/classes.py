"""The classes; the tree is drawn in the package."""

from collections.abc import Mapping
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
    """The collection's validator refused a document; `reasons` maps a path to what is wrong."""

    def __init__(
        self,
        message: str,
        *,
        collection: str | None = None,
        reasons: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.collection = collection
        self.reasons = dict(reasons or {})


class DocumentTooLarge(DataError):
    """A document is over the server's size limit."""


class ValueNotStorable(DataError):
    """A value is of a type, or a number of a size, that BSON cannot hold."""


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
