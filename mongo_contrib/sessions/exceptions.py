"""What can go wrong with a session beyond Django's CreateError and UpdateError.

django.contrib.sessions.backends.base.UpdateError
└── SessionLimitReached*    the user has as many sessions as MONGO_SESSION_MAX_PER_USER allows
django.db.DataError
└── SessionTooLarge*        the data is over MONGO_SESSION_MAX_SIZE
"""

from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.db import DataError

from mongo_contrib.exceptions import QueryTimeout, ServerUnavailable

__all__ = ["SessionLimitReached", "SessionTooLarge", "SessionUnavailable", "asking_server"]


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


class SessionUnavailable(ServerUnavailable):
    """The session could not be read or written, because no server was there to ask.

    Its cause is the error of the repository. Other collections may well be reached.
    """


class _AskingServer:
    """Raises SessionUnavailable for what says that there is no server."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, exc: BaseException | None, traceback: Any) -> None:
        if isinstance(exc, ServerUnavailable | QueryTimeout):
            raise SessionUnavailable(str(exc)) from exc


#: `with asking_server:` around whatever a session asks its server.
asking_server = _AskingServer()
