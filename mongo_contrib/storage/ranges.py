"""The Range header of RFC 9110 (section 14), for ranges of bytes: pure functions."""

import re
from collections.abc import Iterable

__all__ = ["MOST_RANGES", "Unsatisfiable", "coalesced", "parse_ranges"]

Range = tuple[int, int]

#: A header with more ranges than this is not followed: each may cost the reading of a chunk, which
#: is much for the few bytes that are asked for (section 17.15).
MOST_RANGES = 32

# What a part of a multipart answer needs besides its bytes (section 15.3.7.2): to send a gap that
# is smaller costs less than to leave it out.
_OVERHEAD = 80

_HEADER = re.compile(r"bytes[ \t]*=(.*)", re.ASCII | re.I)
# A number of 19 digits is more than any content has bytes; a longer one means no good.
_SPEC = re.compile(r"(\d{0,19})[ \t]*-[ \t]*(\d{0,19})", re.ASCII)


class Unsatisfiable(ValueError):
    """The ranges are well-formed, and no byte of the content is in one of them."""


def parse_ranges(header: str, length: int) -> list[Range] | None:
    """The parts (start, stop) that the header asks for, of content of this length, as to be sent.

    None, which means all of it, where the header need not be followed: another unit, nonsense, or
    more than MOST_RANGES. Unsatisfiable if no byte is asked for.
    """
    match = _HEADER.fullmatch(header.strip(" \t"))
    if match is None:
        return None
    # A list may have empty elements (section 5.6.1.2).
    specs = [spec for part in match[1].split(",") if (spec := part.strip(" \t"))]
    if not 1 <= len(specs) <= MOST_RANGES:
        return None
    found = []
    for spec in specs:
        numbers = _SPEC.fullmatch(spec)
        if numbers is None or numbers[1] == numbers[2] == "":
            return None
        first, last = (int(number) if number else None for number in numbers.groups())
        if first is None:
            if last and not length:
                return None  # satisfiable, but an empty content has no first byte to name
            start, stop = max(length - (last or 0), 0), length
        elif last is not None and last < first:
            return None
        else:
            start, stop = first, length if last is None else min(last + 1, length)
        if start < stop:
            found.append((start, stop))
    if not found:
        raise Unsatisfiable(header)
    return coalesced(found)


def coalesced(ranges: Iterable[Range]) -> list[Range]:
    """The ranges in their order; those that overlap, or nearly touch, as one, where the first was.

    So no byte is sent twice, whatever is asked for (section 15.3.7.2 allows it).
    """
    ranges = list(ranges)
    merged: list[tuple[int, int, int]] = []
    for start, stop, place in sorted((*each, n) for n, each in enumerate(ranges)):
        if merged and start <= merged[-1][1] + _OVERHEAD:
            before, end, first = merged[-1]
            merged[-1] = before, max(end, stop), min(first, place)
        else:
            merged.append((start, stop, place))
    return [(start, stop) for start, stop, _ in sorted(merged, key=lambda each: each[2])]
