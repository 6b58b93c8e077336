"""Reading sessions from secondaries: only where each write has reached all of them.

A secondary lags behind. What it does not know yet is a log-out, the end of all sessions of a user,
or the cart of the request before: reading there is safe only if writes waited for every member.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from pymongo.write_concern import WriteConcern

from mongo_contrib.db import get_connection

__all__ = ["check_members", "members", "reaches_several"]


def reaches_several(concern: WriteConcern) -> bool:
    """Whether writes wait for a number of members, of which it can be known that it is all."""
    number = concern.document.get("w")
    return isinstance(number, int) and number > 1


def members(hello: Mapping[str, Any]) -> int:
    """How many members could be read from, as the server's `hello` says; 0 if it doesn't."""
    return len(hello.get("hosts", ())) + len(hello.get("passives", ()))


def check_members(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """With --database: sessions that secondaries may serve are written to all of them."""
    from .conf import conf

    try:
        alias, preference, concern = conf.alias, conf.read_preference, conf.write_concern
    except ImproperlyConfigured:
        return []  # other checks say so
    if alias not in (databases or ()) or not preference.mode:
        return []
    connection = get_connection(alias)
    try:
        connection.ensure_connection()
    except DatabaseError:
        return []  # mongo_contrib.E006 says so
    number = members(connection.client.admin.command("hello"))
    if concern.document["w"] >= number:
        return []
    return [
        Error(
            f"MONGO_SESSION_WRITE_CONCERN waits for {concern.document['w']} members, and "
            f"DATABASES[{alias!r}] has {number} that MONGO_SESSION_READ_PREFERENCE may read "
            "from: sessions that have ended could be served.",
            hint=f"Set it to {number}, or read from the primary.",
            id="mongo_sessions.E018",
        )
    ]
