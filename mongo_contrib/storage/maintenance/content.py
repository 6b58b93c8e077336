"""The chunks of one file, compared with what its document says. No server needed."""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from ..compression import Blocks, inflate
from ..layout import FileInfo
from .findings import Problem, Ranges

__all__ = ["StoredContent"]

# How much is expanded at once, however well it was compressed.
_EXPANDED = 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class StoredContent:
    """Takes a file's chunks in the order of their numbers, then tells what is wrong with them."""

    def __init__(self, info: FileInfo, *, quick: bool) -> None:
        """With `quick` the chunks come with their ``size`` in the place of their ``data``."""
        self.info, self.quick = info, quick
        self.expected = -(-info.stored_length // info.chunk_size)
        self._next = 0
        self._missing, self._length = Ranges(), Ranges()
        self._doubled, self._superfluous = Ranges(), Ranges()
        self._strange = 0
        self._size = 0
        self._hash = hashlib.sha256()
        self._problem: str | None = None
        self._expander = zlib.decompressobj(_GZIP) if info.encoding == "gzip" else None
        self._blocks: BlockContent | None = None
        if info.blocks is not None:
            try:
                self._blocks = BlockContent(info.blocks)
            except ValueError as exc:
                self._problem = str(exc)

    def take(self, chunk: Mapping[str, Any]) -> None:
        """The next chunk."""
        number = chunk.get("n")
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            self._strange += 1
            return
        data = None if self.quick else chunk.get("data")
        size = chunk["size"] if self.quick else len(data) if isinstance(data, bytes) else -1
        if number >= self.expected:
            # Older drivers stored an empty chunk for an empty file.
            if number or size:
                self._superfluous.add(number)
            return
        if number < self._next:
            self._doubled.add(number)
            return
        if number > self._next:
            self._missing.add(self._next, number - 1)
        self._next = number + 1
        begin = number * self.info.chunk_size
        if size != min(self.info.chunk_size, self.info.stored_length - begin):
            self._length.add(number)
        if isinstance(data, bytes) and not (self._missing or self._length or self._doubled):
            self._add(data)

    def _add(self, data: bytes) -> None:
        expander = self._expander
        if expander is None:
            self._size += len(data)
            self._hash.update(data)
            return
        if self._problem:
            return
        if self._blocks is not None:
            self._blocks.add(data)
        try:
            while data:
                if expander.eof:
                    self._problem = "there is something behind the end of the compressed content"
                    return
                self._expand(expander, data)
                data = expander.unconsumed_tail or expander.unused_data
        except zlib.error as exc:
            self._problem = f"the compressed content cannot be expanded ({exc})"

    def _expand(self, expander: Any, data: bytes) -> bool:
        part = expander.decompress(data, _EXPANDED)
        self._size += len(part)
        self._hash.update(part)
        return bool(part)

    def problems(self) -> Iterator[tuple[Problem, str]]:
        """What is wrong, each in a sentence's end; the content is told of if all chunks are."""
        if self._next < self.expected:
            self._missing.add(self._next, self.expected - 1)
            self._next = self.expected
        of = f"of {self.expected}"
        if self._missing:
            yield Problem.MISSING, f"{_chunks(self._missing)} {of} missing: {self._missing}"
        if self._length:
            yield Problem.LENGTH, f"{_chunks(self._length)} {of} of a wrong length: {self._length}"
        if self._doubled:
            yield Problem.DOUBLED, f"{_chunks(self._doubled)} {of} there twice: {self._doubled}"
        if self._superfluous:
            beyond = f"{_chunks(self._superfluous)} beyond the end: {self._superfluous}"
            yield Problem.SUPERFLUOUS, beyond
        if self._strange:
            yield Problem.SUPERFLUOUS, f"{self._strange} chunk(s) whose number is none"
        if self.quick:
            if self._problem is not None:
                yield Problem.ENCODING, self._problem
        elif not (self._missing or self._length or self._doubled):
            yield from self._content()

    def _content(self) -> Iterator[tuple[Problem, str]]:
        info = self.info
        expander = self._expander
        if expander is not None and self._problem is None:
            # Of the last bytes it may hold some back, for there was a limit.
            while not expander.eof and self._expand(expander, b""):
                pass
            if not expander.eof:
                self._problem = "the compressed content has no end"
        if self._problem is not None:
            yield Problem.ENCODING, self._problem
        elif self._size != info.length:
            yield Problem.CONTENT, f"the content has {self._size} bytes and not {info.length}"
        elif info.sha256 and self._hash.hexdigest() != info.sha256:
            found = self._hash.hexdigest()
            yield Problem.CONTENT, f"the content has the SHA-256 {found} and not {info.sha256}"
        elif self._blocks is not None and not self._blocks.has(self._hash.digest()):
            text = "the content can be expanded, but not by the blocks that its metadata tell of"
            yield Problem.ENCODING, text

    @property
    def sha256(self) -> str:
        """The hash of the content, if nothing is wrong and it was not quick."""
        return self._hash.hexdigest()


class BlockContent:
    """The content of a compressed file as readers get it: each of its blocks alone."""

    def __init__(self, blocks: Blocks) -> None:
        """ValueError if blocks of these lengths cannot make up the file."""
        _, self._before, _ = blocks.span(0, blocks.content_length)
        self._sizes = blocks.sizes(0)
        self._next = next(self._sizes, None)
        self._pending = bytearray()
        self._hash = hashlib.sha256()
        self._is_sound = True

    def add(self, data: bytes) -> None:
        """Go on with what is stored."""
        skipped = min(self._before, len(data))
        self._before -= skipped
        self._pending += data[skipped:]
        while self._is_sound and self._next is not None and len(self._pending) >= self._next[0]:
            stored, size = self._next
            try:
                self._hash.update(inflate(bytes(self._pending[:stored]), size))
            except ValueError:
                self._is_sound = False
            del self._pending[:stored]
            self._next = next(self._sizes, None)
        if not self._is_sound or self._next is None:
            self._pending.clear()

    def has(self, digest: bytes) -> bool:
        """Whether all blocks were there, with a content of this hash."""
        return self._is_sound and self._next is None and self._hash.digest() == digest


def _chunks(ranges: Ranges) -> str:
    return "1 chunk" if ranges.count == 1 else f"{ranges.count} chunks"
