"""Names of files, and numbers for those that are taken: pure functions, no server needed."""

import random
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from os import PathLike
from pathlib import PurePosixPath
from posixpath import normpath, split
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.utils import validate_file_name

__all__ = ["AvailableName", "ChosenName", "clean_file", "clean_path", "first_free", "numbered"]


# After so many lost races it is no race any more, but a choice that is never free.
MOST_CHOICES = 1000


def clean_path(path: str | PathLike[str]) -> str:
    """`path` in its one form (``a/b``; ``""`` is the root), or SuspiciousFileOperation."""
    text = str(path).replace("\\", "/")
    if text.startswith("/") or ".." in text.split("/"):
        raise SuspiciousFileOperation(f"Detected path traversal attempt in '{path}'")
    # Lone surrogates (Cs) are no UTF-8; control characters (Cc) end names, lines and headers.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise SuspiciousFileOperation(f"The name {text!r} has characters that no file can have.")
    text = normpath(text) if text else ""
    return "" if text == "." else text


def clean_file(name: str | PathLike[str]) -> str:
    """See clean_path(); the root is refused as well."""
    path = clean_path(name)
    validate_file_name(path, allow_relative_path=True)
    return path


def numbered(name: str, number: int, max_length: int | None = None) -> str:
    """`name` with ``_number`` before its extension (0: without), cut to fit into `max_length`."""
    folder, file_name = split(name)
    extension = "".join(PurePosixPath(file_name).suffixes)
    root = file_name.removesuffix(extension)
    suffix = f"_{number}{extension}" if number else extension
    if folder:
        folder += "/"
    if max_length:
        room = max_length - len(folder) - len(suffix)
        if room < 1:
            raise SuspiciousFileOperation(
                f'Storage can not find an available filename for "{name}". Please make sure '
                'that the corresponding file field allows sufficient "max_length".'
            )
        root = root[:room]
    return f"{folder}{root}{suffix}"


def first_free(taken: Callable[[int], bool]) -> int:
    """The first number from 1 on that is not taken; if those that are have gaps, any that is not.

    It asks about 2 log2(n) times, so the 100,000th ``image.jpg`` costs no more than 34 look-ups.
    """
    low, high = 0, 1
    while taken(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if taken(middle):
            low = middle
        else:
            high = middle
    return high


class ChosenName(str):
    """A name that was free a moment ago, of those that a class chooses its own way."""

    choose: Callable[[], str]

    def __new__(cls, choose: Callable[[], str]) -> "ChosenName":
        """`choose` gives a name that is free, each time it is asked."""
        self = super().__new__(cls, choose())
        self.choose = choose
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)

    def onwards(self) -> Iterator[str]:
        """This name, then those that are chosen after it was taken, and after these were."""
        yield str(self)
        for _ in range(MOST_CHOICES):
            yield self.choose()


class AvailableName(str):
    """A name that was free a moment ago, and knows what to try if it is not any more."""

    name: str
    number: int
    max_length: int | None

    def __new__(cls, name: str, number: int = 0, max_length: int | None = None) -> "AvailableName":
        self = super().__new__(cls, numbered(name, number, max_length))
        self.name, self.number, self.max_length = name, number, max_length
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)

    def onwards(self) -> Iterator[str]:
        """This name, then further ones; who loses one race after the other makes wider steps.

        With steps of one, the last of n that save one name at once would need n tries; so it is
        about log2(n), at the price of gaps in the numbers.
        """
        number, widest = self.number, 1
        with suppress(SuspiciousFileOperation):
            while True:
                yield numbered(self.name, number, self.max_length)
                number += random.randint(1, widest)
                widest = min(widest * 2, 1024)
        # No room for such large numbers: now each that fits, and after the last it is an error.
        for number in count(1):
            yield numbered(self.name, number, self.max_length)
