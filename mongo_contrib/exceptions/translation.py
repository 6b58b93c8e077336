"""From an error of the driver to Django's, as a pure function."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bson import encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from django.db import (
    DatabaseError,
    DataError,
    Error,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidName,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.errors import DocumentTooLarge as DriverDocumentTooLarge

from mongo_contrib.exceptions.classes import (
    AccessDenied,
    DocumentTooLarge,
    DuplicateKeyError,
    QueryTimeout,
    ServerUnavailable,
    ValueNotStorable,
    WriteConflict,
)
from mongo_contrib.exceptions.geometries import NO_GEOMETRY, geometry_sentence
from mongo_contrib.exceptions.refusals import invalid

# What pymongo raises: its own errors, those of BSON, and two built-in ones when it cannot encode
# a number beyond 64 bits or a lone surrogate.
DRIVER_ERRORS = (PyMongoError, BSONError, OverflowError, UnicodeEncodeError)

CODEC_OPTIONS: CodecOptions[Any] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD)

DUPLICATE_KEY = frozenset({11000, 11001, 12582})
# The codes of a transaction that lost, for servers that do not label them as transient.
CONFLICT = frozenset({24, 112, 239, 246, 251, 290})
# NoSuchTransaction, TransactionExceededLifetimeLimitSeconds.
ENDED = frozenset({251, 290})
# What to do about an error that says only what MongoDB does not do in a transaction.
IN_TRANSACTION = {
    257: "divide it into several atomic() blocks",  # TransactionTooLarge
    263: "do it outside of atomic()",  # OperationNotSupportedInTransaction
}

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
CLASSES: dict[int, type[Error]] = {
    13: AccessDenied,  # Unauthorized
    18: AccessDenied,  # AuthenticationFailed
    8000: AccessDenied,  # the same from Atlas
    50: QueryTimeout,  # MaxTimeMSExpired
    262: QueryTimeout,  # ExceededTimeLimit
    10334: DocumentTooLarge,  # BSONObjectTooLarge
    17280: DocumentTooLarge,  # an index key too large, on old formats
    17419: DocumentTooLarge,  # a resulting document too large after an update
    17420: DocumentTooLarge,
    14: DataError,  # TypeMismatch
    15: DataError,  # Overflow: nested too deep
    22: DataError,  # InvalidBSON
    28: DataError,  # PathNotViable
    241: DataError,  # ConversionFailure
    NO_GEOMETRY: DataError,
    16804: DataError,  # coordinates out of range
    51091: DataError,  # an invalid regular expression, a bad value to PostgreSQL too
    2: ProgrammingError,  # BadValue: an unknown operator, a hint to no index
    9: ProgrammingError,  # FailedToParse
    26: ProgrammingError,  # NamespaceNotFound
    27: ProgrammingError,  # IndexNotFound
    40: ProgrammingError,  # ConflictingUpdateOperators
    48: ProgrammingError,  # NamespaceExists
    52: ProgrammingError,  # DollarPrefixedFieldName
    56: ProgrammingError,  # EmptyFieldName
    66: ProgrammingError,  # ImmutableField
    67: ProgrammingError,  # CannotCreateIndex
    72: ProgrammingError,  # InvalidOptions
    73: ProgrammingError,  # InvalidNamespace
    85: ProgrammingError,  # IndexOptionsConflict
    86: ProgrammingError,  # IndexKeySpecsConflict
    40324: ProgrammingError,  # an unknown pipeline stage
    20: NotSupportedError,  # IllegalOperation: a transaction on a standalone server
    59: NotSupportedError,  # CommandNotFound
    115: NotSupportedError,  # CommandNotSupported
    238: NotSupportedError,  # NotImplemented
    257: OperationalError,  # TransactionTooLarge
    263: NotSupportedError,  # OperationNotSupportedInTransaction
    303: NotSupportedError,  # FeatureNotSupported
    43: OperationalError,  # CursorNotFound
    64: OperationalError,  # WriteConcernFailed
    79: OperationalError,  # UnknownReplWriteConcern
    100: OperationalError,  # CannotSatisfyWriteConcern
    292: OperationalError,  # QueryExceededMemoryLimitNoDiskUseAllowed
    11601: OperationalError,  # Interrupted
}

IndexKeys = Callable[[str], Iterable[str]]


def translate(
    exc: Exception,
    *,
    collection: str | None = None,
    document: Mapping[str, Any] | None = None,
    index_keys: IndexKeys | None = None,
) -> Error:
    """Return Django's error for one of the driver's; the caller raises it `from` that one.

    `document` is what was being written, for servers whose duplicate-key error names no values;
    `index_keys` gives the paths of an index by its name, asked only where the error names none.
    """
    if isinstance(exc, BulkWriteError):
        return _bulk(exc, collection, index_keys)
    if isinstance(exc, OperationFailure):
        return _server_error(
            exc.code, exc.details or {}, _sentence(exc), collection, document, index_keys
        )
    if isinstance(exc, ConnectionFailure):
        return ServerUnavailable(_unavailable(exc))
    if isinstance(exc, DriverDocumentTooLarge):
        return DocumentTooLarge(_in(collection, str(exc)))
    if isinstance(exc, (BSONError, OverflowError, UnicodeEncodeError)):
        return ValueNotStorable(_in(collection, _not_storable(exc, document)))
    if isinstance(exc, InvalidOperation):
        if "ended session" in str(exc):
            return ProgrammingError(
                _in(collection, "what was begun inside atomic() cannot be read after its end")
            )
        return InterfaceError(_in(collection, str(exc)))
    if isinstance(exc, (InvalidName, ConfigurationError)):
        return ProgrammingError(_in(collection, str(exc)))
    return DatabaseError(_in(collection, str(exc)))


def unnamed_index(exc: BaseException) -> str | None:
    """Return the index of a duplicate-key error that names no fields, else None."""
    if isinstance(exc, BulkWriteError):
        errors = exc.details.get("writeErrors") or [{}]
        code, details = errors[0].get("code"), errors[0]
    elif isinstance(exc, OperationFailure):
        code, details = exc.code, exc.details or {}
    else:
        return None
    if code not in DUPLICATE_KEY or details.get("keyPattern") or details.get("keyValue"):
        return None
    return _index_name(details.get("errmsg", ""))


def _server_error(
    code: int | None,
    details: Mapping[str, Any],
    sentence: str,
    collection: str | None,
    document: Mapping[str, Any] | None,
    index_keys: IndexKeys | None,
) -> Error:
    if code in DUPLICATE_KEY:
        return _duplicate(details, sentence, collection, document, index_keys)
    if code == 121:
        return invalid(details, collection)
    if code in ENDED:
        return WriteConflict(
            _in(
                collection,
                "the server has ended this transaction: it took longer than the 60 seconds that "
                "it may take unless the server is set otherwise, or it lost to another one; "
                f"repeat the whole atomic() block, or divide it ({sentence})",
            )
        )
    if code in CONFLICT or "TransientTransactionError" in details.get("errorLabels", ()):
        return WriteConflict(
            _in(
                collection,
                "another transaction changed the same documents first, or this one "
                f"was ended by the server; repeat the whole atomic() block ({sentence})",
            )
        )
    if code == NO_GEOMETRY:
        sentence = geometry_sentence(sentence)
    if code in IN_TRANSACTION:
        sentence = f"{sentence.rstrip('.')}: {IN_TRANSACTION[code]}"
    return CLASSES.get(code or 0, DatabaseError)(_in(collection, sentence))


def _bulk(exc: BulkWriteError, collection: str | None, index_keys: IndexKeys | None) -> Error:
    errors = exc.details.get("writeErrors") or exc.details.get("writeConcernErrors") or [{}]
    first = errors[0]
    op = first.get("op")
    error = _server_error(
        first.get("code"),
        first,
        first.get("errmsg", str(exc)),
        collection,
        op if isinstance(op, Mapping) else None,
        index_keys,
    )
    if len(errors) > 1:
        error.args = (f"{error.args[0]} (the first of {len(errors)} errors)",)
    error.write_errors = list(errors)
    return error


def _duplicate(
    details: Mapping[str, Any],
    sentence: str,
    collection: str | None,
    document: Mapping[str, Any] | None,
    index_keys: IndexKeys | None,
) -> DuplicateKeyError:
    index = _index_name(sentence)
    told = details.get("keyValue") or {}
    fields = tuple(details.get("keyPattern") or told)
    if not fields and index is not None and index_keys is not None:
        fields = tuple(index_keys(index))
    values = {}
    for path in fields:
        # The written document first: under a collation the server tells a sort key in hex.
        value = _value_at(document, path)
        if value is not None:
            values[path] = value
        elif path in told:
            values[path] = told[path]
    name = f"index {index!r}" if index else "unique index"
    what = ", ".join(f"{path}={values[path]!r}" if path in values else path for path in fields)
    return DuplicateKeyError(
        f"Duplicate value for {name} of collection {collection!r}: {what or sentence}",
        collection=collection,
        index=index,
        fields=fields,
        values=values,
    )


def _index_name(message: str) -> str | None:
    # MongoDB: "... index: email_1 dup key: ..."; DocumentDB quotes the name.
    found = re.search(r"index:?\s+['\"]?([^\s'\"]+)", message, re.IGNORECASE)
    # Very old formats prefix the name: "db.collection.$email_1".
    return found[1].rpartition("$")[2] if found else None


def _value_at(document: Mapping[str, Any] | None, path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    # Of a list, only the server knows which element it was.
    return None if isinstance(value, (list, tuple)) else value


def _sentence(exc: OperationFailure) -> str:
    """The server's message without the dump of its whole reply that the driver appends."""
    return (exc.details or {}).get("errmsg") or str(exc)


def _unavailable(exc: ConnectionFailure) -> str:
    # Without the state of the topology and the other timeouts, which fill a screen.
    message = str(exc).partition(", Topology Description:")[0]
    message = re.sub(r" \(configured timeouts: [^)]*\)", "", message)
    if isinstance(exc, ServerSelectionTimeoutError):
        return f"no MongoDB server answered in time: {message}"
    return f"the connection to the MongoDB server failed: {message}"


def _not_storable(exc: Exception, document: Mapping[str, Any] | None) -> str:
    path = _culprit(document) if document is not None else None
    where = f" under {path!r}" if path else ""
    reason = str(exc).removeprefix("Invalid document: ")
    return f"MongoDB cannot store the value{where}: {reason}"


def _culprit(document: Mapping[str, Any]) -> str | None:
    """Return the path of the first value that cannot be encoded; the driver names none."""
    for name, value in document.items():
        try:
            encode({str(name): value}, codec_options=CODEC_OPTIONS)
        except DRIVER_ERRORS:
            inner = _culprit(value) if isinstance(value, Mapping) else None
            return f"{name}.{inner}" if inner else str(name)
    return None


def _in(collection: str | None, sentence: str) -> str:
    return f"Collection {collection!r}: {sentence}" if collection else sentence
