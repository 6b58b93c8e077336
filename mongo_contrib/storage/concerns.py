"""Where files are read and what their writes wait for; no server needed.

Who has saved a file finds it, and who has deleted it does not: so files are read from the primary,
whatever the alias has, or from where every write has waited for.
"""

from dataclasses import dataclass, field
from typing import Any

from pymongo import ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from mongo_contrib.db.concerns import WrongOption, acknowledged, reaches_several, read_preference

__all__ = ["Concerns"]


@dataclass(frozen=True, slots=True)
class Concerns:
    """The write concern (None: the alias's) and the read preference of a bucket."""

    write: WriteConcern | None = None
    read: Any = field(default_factory=lambda: ReadPreference.PRIMARY)

    @classmethod
    def from_options(cls, write: Any, read: Any) -> "Concerns":
        """The concerns as the options have them, or ValueError."""
        concern = None if write is None else _checked("write_concern", acknowledged, write)
        if read is None:
            return cls(concern)
        preference = _checked("read_preference", read_preference, read)
        if preference.mode and (concern is None or not reaches_several(concern)):
            waits_for = "what the alias has" if concern is None else repr(concern.document["w"])
            raise ValueError(
                f"read_preference is {preference.mongos_mode!r}, but writes wait for {waits_for}: "
                "on a member that lags a file that was saved would not be found; write_concern "
                "must be the number of members that hold data."
            )
        return cls(concern, preference)

    def collection(self, database: Database[Any], name: str) -> Collection[Any]:
        """The collection, written with the concern and read from the primary.

        What is read on the way to a write, or to know which name is free, is as it is now.
        """
        concern = self.write or database.write_concern
        if not concern.acknowledged:  # a name that is taken has to be told
            concern = WriteConcern(1)
        return database.get_collection(
            name, read_preference=ReadPreference.PRIMARY, write_concern=concern
        )


def _checked(option: str, parsed: Any, value: Any) -> Any:
    try:
        return parsed(value)
    except WrongOption as error:
        raise ValueError(f"{option} is {error.found!r}; it must be {error.right}.") from None
