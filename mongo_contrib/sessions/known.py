"""What an engine's object knows of the session that is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import record

__all__ = ["GONE", "UNKNOWN", "Known"]

GONE = "The session was deleted or has expired, so it cannot be saved."
UNKNOWN = (
    "The session could not be read, because its server could not be reached; so it is not "
    "written either, or what it holds would be lost."
)


@dataclass
class Known:
    """The stored session, as it was read or last written."""

    id: str | None = None
    #: None: unknown, so all of it will be replaced.
    data: record.Stored | None = None
    format: record.Format | None = None
    #: The values of which `data` was made, or that were made of it.
    values: Mapping[str, Any] = field(default_factory=dict)
    #: The key that was given, where there is no such session (any more).
    lost_key: str | None = None
    #: What it has beside its data.
    about: dict[str, Any] = field(default_factory=dict)

    def doubt(self, data: record.Stored) -> None:
        """Nobody knows whether `data` was written, or written last: all of it will be again."""
        if self.data is not None:
            self.data, self.values = record.in_doubt(self.data, data), {}
