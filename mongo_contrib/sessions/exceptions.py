"""What can go wrong with a session beyond Django's CreateError and UpdateError.

django.contrib.sessions.backends.base.UpdateError
└── SessionLimitReached*    the user has as many sessions as MONGO_SESSION_MAX_PER_USER allows
django.db.DataError
└── SessionTooLarge*        the data is over MONGO_SESSION_MAX_SIZE
"""

from django.contrib.sessions.backends.base import UpdateError
from django.db import DataError

__all__ = ["SessionLimitReached", "SessionTooLarge"]


class SessionLimitReached(UpdateError):
    """A log-in was refused: the user `user_id` has `limit` sessions already."""

    def __init__(self, message: str, *, user_id: str, limit: int) -> None:
        super().__init__(message)
        self.user_id = user_id
        self.limit = limit


class SessionTooLarge(DataError):
    """The data of a session has `size` bytes, and may have `limit`; nothing was written."""

    def __init__(self, message: str, *, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit
