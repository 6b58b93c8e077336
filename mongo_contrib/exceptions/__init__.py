"""The errors of this package, all of them Django's.

Django's tree, with ours marked by an asterisk:

    django.db.DatabaseError
    ├── IntegrityError
    │   └── DuplicateKeyError*      a unique index refused a value
    ├── DataError
    │   ├── DocumentInvalid*        the collection's validator refused a document
    │   ├── DocumentMismatch*       a stored document doesn't fit its strict class
    │   ├── DocumentTooLarge*       over the server's limit (16 MB)
    │   ├── UnreadableValue*        a stored value is of a wrong type for its field
    │   └── ValueNotStorable*       a value that BSON cannot hold
    ├── OperationalError
    │   ├── AccessDenied*           wrong user or password, or not allowed to
    │   ├── CommitUncertain*        nobody knows whether a transaction was committed
    │   ├── QueryTimeout*           the time limit of an operation ran out
    │   ├── ServerUnavailable*      no server reached, or the connection was lost
    │   └── WriteConflict*          another transaction changed the same documents first
    ├── NotSupportedError
    │   └── ServerTooOld*           the server is older than MongoDB 7.0
    └── ProgrammingError            a malformed filter, update, pipeline or index

They are raised by `mongo_contrib.repository`, always `from` the driver's error, which is their
`__cause__`. An error made of several (a bulk write) is of the first one's class and keeps the
server's list of all as `write_errors`.
"""

from mongo_contrib.exceptions.classes import (
    AccessDenied,
    CommitUncertain,
    DocumentInvalid,
    DocumentMismatch,
    DocumentTooLarge,
    DuplicateKeyError,
    QueryTimeout,
    ServerTooOld,
    ServerUnavailable,
    UnreadableValue,
    ValueNotStorable,
    WriteConflict,
)
from mongo_contrib.exceptions.context import translated_errors
from mongo_contrib.exceptions.translation import DUPLICATE_KEY, translate

__all__ = [
    "DUPLICATE_KEY",
    "AccessDenied",
    "CommitUncertain",
    "DocumentInvalid",
    "DocumentMismatch",
    "DocumentTooLarge",
    "DuplicateKeyError",
    "QueryTimeout",
    "ServerTooOld",
    "ServerUnavailable",
    "UnreadableValue",
    "ValueNotStorable",
    "WriteConflict",
    "translate",
    "translated_errors",
]
