"""Which bytes of a file are read and how they are sent, in one part or in several: pure functions.

Several parts are a ``multipart/byteranges`` of RFC 9110 (section 14.6).
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .ranges import Range

__all__ = ["Body", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the content that is read in one go, and what is sent of it."""

    #: (start, stop) in the content, with what goes before the bytes; ascending.
    parts: tuple[tuple[int, int, bytes], ...]

    @property
    def start(self) -> int:
        """The first byte that is read."""
        return self.parts[0][0]

    @property
    def stop(self) -> int:
        """The first byte that is not read any more."""
        return self.parts[-1][1]

    def cut(self, position: int, data: bytes) -> Iterator[bytes]:
        """What is sent of these bytes, which were read from `position` on."""
        end = position + len(data)
        for start, stop, preamble in self.parts:
            if start >= end or stop <= position:
                continue
            if preamble and start >= position:
                yield preamble
            if start <= position and end <= stop:
                yield data
            else:
                yield data[max(start - position, 0) : stop - position]


@dataclass(frozen=True, slots=True)
class Body:
    """The spans of an answer and what ends it."""

    spans: tuple[Span, ...]
    #: The type of a multipart; None of one part, which has the type of the file.
    content_type: str | None = None
    epilogue: bytes = b""

    @property
    def length(self) -> int:
        """The number of all bytes that are sent."""
        parts = (part for span in self.spans for part in span.parts)
        return len(self.epilogue) + sum(stop - start + len(pre) for start, stop, pre in parts)

    @classmethod
    def one(cls, start: int, stop: int) -> "Body":
        """These bytes and nothing else."""
        return cls((Span(((start, stop, b""),)),) if start < stop else ())

    @classmethod
    def several(
        cls, ranges: Sequence[Range], length: int, content_type: str, chunk_size: int
    ) -> "Body":
        """A multipart of these ranges of a content of this length and type."""
        # 128 random bits: who wrote the content could not know them, so it does not hold them.
        boundary = secrets.token_hex(16)
        parts, new_line = [], ""
        for start, stop in ranges:
            preamble = (
                f"{new_line}--{boundary}\r\n"
                f"Content-Type: {content_type}\r\n"
                f"Content-Range: bytes {start}-{stop - 1}/{length}\r\n\r\n"
            )
            parts.append((start, stop, preamble.encode()))
            new_line = "\r\n"  # which belongs to the boundary, not to the content before it
        return cls(
            tuple(_spans(parts, chunk_size)),
            f"multipart/byteranges; boundary={boundary}",
            f"\r\n--{boundary}--\r\n".encode(),
        )


def _spans(parts: Sequence[tuple[int, int, bytes]], chunk_size: int) -> Iterator[Span]:
    """The parts; those of which one begins in the chunk in which the last one ended, in one span.

    So in whatever is asked for in its order, each chunk is read once.
    """
    group: list[tuple[int, int, bytes]] = []
    for part in parts:
        if group:
            stop = group[-1][1]
            if part[0] < stop or part[0] // chunk_size != (stop - 1) // chunk_size:
                yield Span(tuple(group))
                group = []
        group.append(part)
    if group:
        yield Span(tuple(group))
