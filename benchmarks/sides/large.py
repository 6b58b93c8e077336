"""One large file in and out, and the memory that takes: `... large URI DATABASE BYTES`.

Prints JSON. The peak of the process (VmHWM) is read before, with everything imported and a small
file stored, read and served, and after each way; it is the same for all that come after.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.sides.storage import PIECE, configure

TRIES = 150


def peak() -> float:
    """The largest resident size of this process since reset(), in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def reset() -> None:
    """Let the peak be what the process has now (Linux: man 5 proc, clear_refs)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


class Source:
    """A file of so many bytes that is nowhere: a cheap block, each time with another number."""

    def __init__(self, size: int) -> None:
        self.size, self.name = size, "large.bin"
        self.block = os.urandom(PIECE)
        self.sha256 = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Any:
        for number in range(self.size // PIECE):
            data = number.to_bytes(8, "big") + self.block[8:]
            self.sha256.update(data)
            yield data


def main(size: int) -> dict[str, Any]:
    from django.core.files.base import File
    from django.core.files.storage import default_storage as storage

    from benchmarks.sides.requests import aget, get

    def save(size: int) -> tuple[str, str]:
        file: Any = File(None, "large.bin")
        source = Source(size)
        file.chunks = source.chunks
        return storage.save("large.bin", file), source.sha256.hexdigest()

    def read(name: str) -> str:
        found = hashlib.sha256()
        with storage.open(name) as file:
            for data in file.chunks(PIECE):
                found.update(data)
        return found.hexdigest()

    with asyncio.Runner() as runner:
        small, expected = save(16 * PIECE)
        assert read(small) == expected
        get(storage.url(small))
        runner.run(aget(storage.url(small)))
        reset()
        base = peak()
        memory = {}
        name, expected = save(size)
        memory["in"] = peak() - base
        reset()
        assert read(name) == expected, "another content came out"
        memory["out"] = peak() - base
        reset()
        assert get(storage.url(name)) == size
        memory["view"] = peak() - base
        reset()
        assert runner.run(aget(storage.url(name))) == size
        memory["async view"] = peak() - base
    url = storage.url(name)
    bounds = {"start": "0-65535", "middle": f"{size // 2}-{size // 2 + 65535}"}
    first = {where: float("inf") for where in bounds}
    for _ in range(TRIES):
        for where, asked in bounds.items():
            first[where] = min(first[where], get(url, asked, first=True) * 1000)
    storage.delete(name)
    storage.delete(small)
    return {
        "bytes": size,
        "base_mb": round(base, 1),
        "memory_mb": {way: round(mb, 1) for way, mb in memory.items()},
        "first_byte_ms": {where: round(ms, 3) for where, ms in first.items()},
    }


if __name__ == "__main__":
    uri, database, size = sys.argv[1:]
    configure("ours", uri, database, Path("/nonexistent"))
    print(json.dumps(main(int(size))))
