"""Where operations read and what they wait for, as people write it in options and settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

_PREFERENCES = {
    "primary": ReadPreference.PRIMARY,
    "primaryPreferred": ReadPreference.PRIMARY_PREFERRED,
    "secondary": ReadPreference.SECONDARY,
    "secondaryPreferred": ReadPreference.SECONDARY_PREFERRED,
    "nearest": ReadPreference.NEAREST,
}
_READ_CONCERNS = ("local", "available", "majority", "linearizable", "snapshot")


class WrongOption(Exception):
    """An option has a value that it cannot have: `found`, and what would be `right`."""

    def __init__(self, found: Any, right: str) -> None:
        super().__init__(found, right)
        self.found = found
        self.right = right


def read_preference(value: Any) -> Any:
    """Return pymongo's read preference for its name; WrongOption if there is none."""
    if isinstance(value, str) and value in _PREFERENCES:
        return _PREFERENCES[value]
    # All of pymongo's have this, and share no public class.
    if value is None or (hasattr(value, "tag_sets") and hasattr(value, "mongos_mode")):
        return value
    raise WrongOption(value, f"one of {listed(_PREFERENCES)}, or a pymongo.ReadPreference")


def read_concern(value: Any) -> ReadConcern | None:
    """Return pymongo's read concern for its level; WrongOption if there is none."""
    if value is None or isinstance(value, ReadConcern):
        return value
    if value in _READ_CONCERNS:
        return ReadConcern(value)
    raise WrongOption(value, f"one of {listed(_READ_CONCERNS)}, or pymongo's ReadConcern")


def write_concern(value: Any) -> WriteConcern | None:
    """Return pymongo's write concern for its `w`; WrongOption if it can be none."""
    if value is None or isinstance(value, WriteConcern):
        return value
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if number or (value and isinstance(value, str)):
        return WriteConcern(value)
    raise WrongOption(value, '"majority", a number of servers, a tag, or pymongo\'s WriteConcern')


def acknowledged(value: Any) -> WriteConcern:
    """See write_concern(); WrongOption also for None and for one that waits for nobody."""
    concern = write_concern(value)
    if concern is None or not concern.acknowledged:
        raise WrongOption(value, 'acknowledged: "majority" or a number of members above 0')
    return concern


def reaches_several(concern: WriteConcern) -> bool:
    """Whether writes wait for a number of members, of which it can be known that it is all.

    A secondary lags behind. Reading there what was just written, or no more what was just
    deleted, is certain only if writes waited for every member.
    """
    number = concern.document.get("w")
    return isinstance(number, int) and number > 1


def members(hello: Mapping[str, Any]) -> int:
    """How many members could be read from, as the server's `hello` says; 0 if it doesn't."""
    return len(hello.get("hosts", ())) + len(hello.get("passives", ()))


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, for a sentence."""
    return ", ".join(f'"{name}"' for name in names)
