"""Reading sessions from secondaries: only where each write has reached all of them.

A secondary lags behind. What it does not know yet is a log-out, the end of all sessions of a user,
or the cart of the request before: reading there is safe only if writes waited for every member.
"""

from collections.abc import Mapping
from typing import Any

from pymongo.write_concern import WriteConcern

__all__ = ["members", "reaches_several"]


def reaches_several(concern: WriteConcern) -> bool:
    """Whether writes wait for a number of members, of which it can be known that it is all."""
    number = concern.document.get("w")
    return isinstance(number, int) and number > 1


def members(hello: Mapping[str, Any]) -> int:
    """How many members could be read from, as the server's `hello` says; 0 if it doesn't."""
    return len(hello.get("hosts", ())) + len(hello.get("passives", ()))
