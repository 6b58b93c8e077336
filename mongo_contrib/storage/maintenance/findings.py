"""What can be wrong in a bucket. No server needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

__all__ = ["Finding", "Problem", "Ranges"]

RANGES_SHOWN = 8


class Problem(Enum):
    """What was found; `is_note` tells what is worth knowing and no damage."""

    MISSING = "missing"  # chunks that are not there
    LENGTH = "length"  # chunks that are too long or too short, or hold no bytes
    DOUBLED = "doubled"  # several chunks of one number
    SUPERFLUOUS = "superfluous"  # chunks beyond the end, or with a number that is none
    CONTENT = "content"  # the hash or the size of the content differs
    ENCODING = "encoding"  # what should be compressed cannot be expanded
    RECORD = "record"  # the file's document is none
    STAGED = "staged"  # left by a replacement that was killed
    ORPHAN = "orphan"  # chunks of no file
    DANGLING = "dangling"  # a record of something that is not there
    USES = "uses"  # shared content that has another number of users than was counted
    REVISIONS = "revisions"  # several files of one name
    YOUNG = "young"  # chunks of an upload that may be going on

    def __str__(self) -> str:
        return self.value

    @property
    def is_note(self) -> bool:
        """Whether it is no damage."""
        return self in (Problem.REVISIONS, Problem.YOUNG)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: of a file if there is a name, and told in one sentence."""

    problem: Problem
    text: str
    id: Any = None
    name: str | None = None

    def as_record(self) -> Mapping[str, Any]:
        """For machines."""
        return {
            "finding": str(self.problem),
            "note": self.problem.is_note,
            "name": self.name,
            "id": self.id,
            "text": self.text,
        }


class Ranges:
    """Whole numbers that come in their order, told as ``3, 7-9``; the memory has a bound."""

    def __init__(self) -> None:
        self.count = 0
        self._ranges: list[list[int]] = []

    def add(self, first: int, last: int | None = None) -> None:
        """One number more, or all from `first` to `last`."""
        last = first if last is None else last
        self.count += last - first + 1
        if self._ranges and self._ranges[-1][1] == first - 1:
            self._ranges[-1][1] = last
        elif len(self._ranges) < RANGES_SHOWN:
            self._ranges.append([first, last])

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        text = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in self._ranges)
        more = self.count - sum(b - a + 1 for a, b in self._ranges)
        return f"{text} and {more} more" if more else text
