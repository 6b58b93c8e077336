"""The Range header of RFC 9110, for one range of bytes: pure functions."""

import re

__all__ = ["Unsatisfiable", "parse_range"]

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,19})[ \t]*-[ \t]*(\d{0,19})[ \t]*", re.ASCII | re.I)


class Unsatisfiable(ValueError):
    """The range is well-formed, and no byte of the content is in it."""


def parse_range(header: str, length: int) -> tuple[int, int] | None:
    """The (start, stop) that the header asks for, of content of this length.

    None, which means all of it, where the header is not one that has to be understood: another
    unit, several ranges, or nonsense.
    """
    match = _RANGE.fullmatch(header.strip(" \t"))
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, stop = max(length - int(match[2]), 0), length
    else:
        start = int(match[1])
        stop = length if match[2] == "" else min(int(match[2]) + 1, length)
        if match[2] and int(match[2]) < start:
            return None
    if start >= stop:
        raise Unsatisfiable(header)
    return start, stop
