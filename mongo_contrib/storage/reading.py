"""What is read of a file: which chunks, and what becomes of them. No server needed.

All of these have three methods: `windows()` are the filters for the chunks, some at a time;
`take(chunk)` gives what is to be read out of each, in their order; `finish()` raises DamagedFile
unless all was there.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from . import layout
from .compression import Blocks, inflate
from .exceptions import DamagedFile
from .layout import Checksum, ChunkSequence, FileInfo

__all__ = ["Reading", "reading", "reading_stored"]

# How much of a compressed file is inflated at once where only its hash is wanted.
_PIECE = 256 * 1024


class Reading(Protocol):
    """See the module."""

    def windows(self) -> Iterator[layout.Filter]: ...
    def take(self, chunk: Mapping[str, Any]) -> Iterator[bytes]: ...
    def finish(self) -> None: ...


def reading(info: FileInfo, start: int, stop: int | None, *, verify: bool) -> Reading:
    """Of the content from `start` to `stop`; with `verify`, a whole is compared with its hash."""
    start, stop = max(start, 0), info.length if stop is None else min(stop, info.length)
    checked = verify and info.sha256 and start == 0 and stop == info.length
    checksum = Checksum(info) if checked else None
    if info.blocks is None:
        return _Chunks(info, start, stop, checksum)
    return _Inflated(info, info.blocks, start, stop, checksum)


def reading_stored(info: FileInfo, *, verify: bool) -> Reading:
    """Of all that is stored: of a compressed file, the gzip."""
    if info.blocks is None:
        return reading(info, 0, None, verify=verify)
    return _Chunks(info, 0, info.stored_length, Gunzip(info) if verify and info.sha256 else None)


class _Chunks:
    """What the chunks have, as it is."""

    def __init__(self, info: FileInfo, start: int, stop: int, checksum: Checksum | None) -> None:
        self._info, self._start, self._stop = info, start, stop
        self._sequence = ChunkSequence(info, start, stop, checksum=checksum)

    def windows(self) -> Iterator[layout.Filter]:
        return layout.windows(self._info, self._start, self._stop)

    def take(self, chunk: Mapping[str, Any]) -> Iterator[bytes]:
        yield self._sequence.take(chunk)

    def finish(self) -> None:
        self._sequence.finish()


class _Inflated:
    """The content of those blocks that have bytes from `start` to `stop`."""

    def __init__(
        self, info: FileInfo, blocks: Blocks, start: int, stop: int, checksum: Checksum | None
    ) -> None:
        self._info, self._start, self._stop, self._checksum = info, start, stop, checksum
        self._pending = bytearray()
        try:
            self._number, begin, end = blocks.span(start, max(start, stop))
        except ValueError as exc:
            raise self._damaged(str(exc)) from exc
        self._block_size = blocks.block_size
        self._sizes = blocks.sizes(self._number)
        self._stored, self._size = next(self._sizes, (0, 0))
        self._chunks = _Chunks(info, begin, end if start < stop else begin, None)

    def windows(self) -> Iterator[layout.Filter]:
        return self._chunks.windows()

    def take(self, chunk: Mapping[str, Any]) -> Iterator[bytes]:
        for data in self._chunks.take(chunk):
            self._pending += data
        while self._stored and len(self._pending) >= self._stored:
            content = self._inflated(bytes(self._pending[: self._stored]))
            del self._pending[: self._stored]
            begin = self._number * self._block_size
            self._number += 1
            self._stored, self._size = next(self._sizes, (0, 0))
            if self._checksum is not None:
                self._checksum.update(content, last=begin + len(content) == self._stop)
            yield content[max(self._start - begin, 0) : self._stop - begin]

    def finish(self) -> None:
        self._chunks.finish()

    def _inflated(self, block: bytes) -> bytes:
        try:
            return inflate(block, self._size)
        except ValueError as exc:
            raise self._damaged(f"its block {self._number} {exc}") from exc

    def _damaged(self, what: str) -> DamagedFile:
        return DamagedFile(f"The file {self._info.name!r} is damaged: {what}.")


class Gunzip(Checksum):
    """The hash of what a whole gzip has in it."""

    def __init__(self, info: FileInfo) -> None:
        super().__init__(info)
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._info = info

    def update(self, data: bytes, *, last: bool) -> None:
        """See Checksum.update(); DamagedFile also if it is no gzip of the content's length."""
        while data:
            try:
                content = self._inflater.decompress(data, _PIECE)
            except zlib.error as exc:
                raise DamagedFile(f"The file {self._info.name!r} is damaged: {exc}.") from exc
            data = self._inflater.unconsumed_tail
            super().update(content, last=False)
        if last:
            super().update(self._inflater.flush(), last=True)
