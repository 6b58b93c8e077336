"""Content that is compressed in its chunks: pure functions, no server needed.

What is stored is one member of gzip (RFC 1952), so every program can read it. At the end of each
block of the content the compressor forgets all before it (a full flush of RFC 1951's format), and
`metadata.blocks` says how long the blocks are: any of them can be read alone.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from bson import Binary, Int64

__all__ = ["BLOCK_SIZE", "FIELDS", "GZIP", "Blocks", "Compressor", "inflate", "is_worthwhile"]

#: How an encoding is called, in metadata and in HTTP.
GZIP = "gzip"

#: What is stored of the encoding in a file's metadata.
FIELDS = ("encoding", "size", "blocks")

#: Bytes of the content in one block. Twice as many would save another 1 % of a text, and who reads
#: a single byte would inflate twice as many; what is stored of a block in metadata is 4 bytes.
BLOCK_SIZE = 256 * 1024

# What others may have stored; larger ones would have to be inflated in memory.
LARGEST_BLOCK = 16 * 1024 * 1024

# zlib's own default. Level 9 takes two to three times as long for 1 % of a text.
LEVEL = 6

# A tenth has to be saved, or the disk space is not worth inflating for every reader; MongoDB's own
# compression of its data files would save as much. What is worth it is so at the fastest level.
WORTHWHILE = 0.9
_FASTEST = 1

# The header, without time and name, so that equal content is stored as equal bytes.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# The header, the end of the stream, the trailer, and what metadata needs.
_OVERHEAD = 128

_RAW = -zlib.MAX_WBITS


def is_worthwhile(start: bytes | bytearray | memoryview) -> bool:
    """Whether content that begins so (with its first block) is to be compressed."""
    with memoryview(start) as view:
        first = view[:BLOCK_SIZE]
        compressed = len(zlib.compress(first, _FASTEST)) + _OVERHEAD
        return compressed <= len(first) * WORTHWHILE


def inflate(block: bytes | bytearray | memoryview, size: int) -> bytes:
    """The content of one block, which has `size` bytes; ValueError if it has not."""
    inflater = zlib.decompressobj(_RAW)
    try:
        # One byte more is asked for, to be told of it: never more memory than that.
        content = inflater.decompress(block, size + 1)
    except zlib.error as exc:
        raise ValueError(f"cannot be inflated ({exc})") from exc
    if len(content) != size or inflater.unconsumed_tail or inflater.eof:
        raise ValueError(f"does not inflate to its {size} bytes")
    return content


class Compressor:
    """Turns content, as it comes, into the bytes of a gzip member made of blocks."""

    def __init__(self, block_size: int = BLOCK_SIZE) -> None:
        self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, _RAW)
        self._block_size = block_size
        self._room = block_size
        self._size = self._crc = 0
        self._started = False
        self._lengths = array("I", [0])

    def compress(self, content: bytes | bytearray | memoryview) -> bytes:
        """What is to be stored next; the rest of the content is kept inside."""
        stored = [] if self._started else [_HEADER]
        self._started = True
        with memoryview(content) as view:
            start = 0
            while start < len(view):
                piece = view[start : start + self._room]
                start += len(piece)
                self._room -= len(piece)
                self._crc = zlib.crc32(piece, self._crc)
                stored.append(self._counted(self._deflater.compress(piece)))
                if not self._room:
                    stored.append(self._end_of_block())
            self._size += len(view)
        return b"".join(stored)

    def finish(self) -> bytes:
        """The end of what is to be stored."""
        start = self.compress(b"")
        rest = self._end_of_block() if self._room < self._block_size else b""
        trailer = struct.pack("<II", self._crc, self._size & 0xFFFFFFFF)
        return start + rest + self._deflater.flush(zlib.Z_FINISH) + trailer

    def fields(self) -> dict[str, Any]:
        """What belongs into the file's metadata, when all is finished."""
        lengths = self._lengths[:-1]
        if sys.byteorder == "big":
            lengths.byteswap()
        return {
            "encoding": GZIP,
            "size": Int64(self._size),
            "blocks": {"size": self._block_size, "lengths": Binary(lengths.tobytes())},
        }

    def _counted(self, stored: bytes) -> bytes:
        self._lengths[-1] += len(stored)
        return stored

    def _end_of_block(self) -> bytes:
        stored = self._counted(self._deflater.flush(zlib.Z_FULL_FLUSH))
        self._lengths.append(0)
        self._room = self._block_size
        return stored


@dataclass(frozen=True, slots=True)
class Blocks:
    """Where the blocks of a compressed file lie in what is stored of it."""

    content_length: int
    stored_length: int
    block_size: int
    #: Bytes of each, as they are stored: 4 bytes for one, the lowest first.
    lengths: bytes

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], stored_length: int) -> "Blocks | None":
        """Those that metadata tell of; None for a file that is stored as it is."""
        blocks = metadata.get("blocks")
        # Other programs, too, may call something the encoding: with blocks it is ours.
        if metadata.get("encoding") != GZIP or not isinstance(blocks, Mapping):
            return None
        size, lengths = metadata.get("size"), blocks.get("lengths")
        if not (_is_number(size) and isinstance(lengths, bytes)):
            return cls(stored_length, stored_length, 0, b"")  # which is damaged, see span()
        block_size: Any = blocks.get("size")
        return cls(size, stored_length, block_size if _is_number(block_size) else 0, lengths)

    def span(self, start: int, stop: int) -> tuple[int, int, int]:
        """The number of the first block for these bytes, and from where to where all of them lie.

        ValueError if blocks of these lengths cannot make up the file.
        """
        lengths = self._lengths()
        first, last = start // self.block_size, -(-stop // self.block_size)
        if len(_HEADER) + sum(lengths) > self.stored_length:
            raise ValueError(
                f"its blocks take {sum(lengths)} of the {self.stored_length} bytes that are stored"
            )
        begin = len(_HEADER) + sum(lengths[:first])
        return first, begin, begin + sum(lengths[first:last])

    def sizes(self, first: int) -> Iterator[tuple[int, int]]:
        """Of each block from `first` on, the bytes that are stored and those of the content."""
        for number, length in enumerate(self._lengths()[first:], first):
            yield length, min(self.block_size, self.content_length - number * self.block_size)

    def _lengths(self) -> "array[int]":
        if not 0 < self.block_size <= LARGEST_BLOCK:
            raise ValueError("what its metadata tell of blocks can be true of none")
        lengths = array("I")
        if len(self.lengths) != -(-self.content_length // self.block_size) * lengths.itemsize:
            raise ValueError(
                f"{len(self.lengths)} bytes tell of its {self.content_length} in blocks of "
                f"{self.block_size}"
            )
        lengths.frombytes(self.lengths)
        if sys.byteorder == "big":
            lengths.byteswap()
        largest = 2 * self.block_size + _OVERHEAD
        for number, length in enumerate(lengths):
            # One without bytes would be passed over, and the content shorter than its size.
            if not 0 < length <= largest:
                raise ValueError(f"its block {number} cannot have {length} bytes")
        return lengths


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
