"""Which files a storage takes: pure functions, no server needed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .exceptions import ContentTypeRefused, FileTooLarge
from .signatures import is_content_type

__all__ = ["Limits", "checked_types", "in_types"]

_FAMILY = re.compile(r"[a-z]+/\*")


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest size in bytes and the types that are allowed; None: any."""

    max_size: int | None = None
    content_types: tuple[str, ...] | None = None

    @classmethod
    def from_options(cls, max_size: Any, content_types: Iterable[str] | None) -> "Limits":
        """The limits as the options have them, or ValueError."""
        whole = isinstance(max_size, int) and not isinstance(max_size, bool)
        if max_size is not None and not (whole and max_size > 0):
            raise ValueError(f"max_size is a number of bytes above 0, or None, not {max_size!r}.")
        return cls(max_size, checked_types("allowed_content_types", content_types))

    def check_size(self, size: int, name: str) -> None:
        """Raise FileTooLarge for a file with so many bytes."""
        if self.max_size is not None and size > self.max_size:
            raise FileTooLarge(
                f"The file {name!r} has more than the {self.max_size} bytes that are allowed."
            )

    def check_type(self, content_type: str, name: str) -> None:
        """Raise ContentTypeRefused for a file of a type that is not allowed."""
        if self.content_types is not None and not in_types(content_type, self.content_types):
            raise ContentTypeRefused(
                f"The file {name!r} is of the type {content_type!r}, and those that are allowed "
                f"are {', '.join(sorted(self.content_types))}."
            )


def checked_types(option: str, value: Iterable[str] | None) -> tuple[str, ...] | None:
    """The types and families that an option lists, or ValueError."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple, set, frozenset)) or not value:
        raise ValueError(
            f"{option} is a list of types like ['image/*', 'application/pdf'], or None for "
            f"{'all' if option == 'allowed_content_types' else 'none'}, not {value!r}."
        )
    for each in value:
        if not is_content_type(each) and not _FAMILY.fullmatch(str(each)):
            raise ValueError(
                f"{option} has types in lower case like 'image/png' and families like 'image/*', "
                f"and cannot have {each!r}."
            )
    return tuple(value)


def in_types(content_type: str, types: Iterable[str]) -> bool:
    """Whether a type, or its family, is among these."""
    return content_type in types or f"{content_type.partition('/')[0]}/*" in types
