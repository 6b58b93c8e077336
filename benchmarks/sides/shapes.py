"""The documents that are stored: the shapes of MongoDB's "ODM Performance Benchmark", made here.

The benchmark's specification keeps them in files; their shapes are what counts: 13 short
fields, 250 fields and 3 MB of bytes, and 8 KB in 13 embedded documents and a list.
"""

from __future__ import annotations

import os
from typing import Any

SMALL_TEXTS = [f"field{number}" for number in range(1, 8)]
SMALL_NUMBERS = [f"field{number}" for number in range(8, 14)]

LARGE_TEXTS = [f"field{number}" for number in range(1, 126)]
LARGE_NUMBERS = [f"field{number}" for number in range(126, 251)]
LARGE_BYTES = 3_000_000

EMBEDDED_FIELDS = [f"field{number}" for number in range(1, 16)]
EMBEDDED_TEXTS = [f"embedded_str_doc_{number}" for number in range(1, 6)]
EMBEDDED_NUMBERS = [f"embedded_int_doc_{number}" for number in range(8, 15)]
EMBEDDED = [*EMBEDDED_TEXTS, *EMBEDDED_NUMBERS]
EMBEDDED_LIST = "embedded_str_doc_array"
LIST_LENGTH = 8

_IMAGE = os.urandom(LARGE_BYTES)


def small(number: int) -> dict[str, Any]:
    """Return a document of 13 short fields."""
    return {
        **{name: f"{name} of document {number}" for name in SMALL_TEXTS},
        **{name: number * 10 + position for position, name in enumerate(SMALL_NUMBERS)},
    }


def large(number: int) -> dict[str, Any]:
    """Return a document of 250 short fields and 3 MB of bytes."""
    return {
        **{name: f"{name} of document {number}" for name in LARGE_TEXTS},
        **{name: number * 10 + position for position, name in enumerate(LARGE_NUMBERS)},
        "image_field": _IMAGE,
    }


def nested(number: int) -> dict[str, Any]:
    """Return a document of 12 embedded documents and a list of eight more, about 8 KB."""
    document: dict[str, Any] = {
        name: _texts(f"{name} {number}", number) for name in EMBEDDED_TEXTS
    }
    document[EMBEDDED_LIST] = [
        _texts(f"{EMBEDDED_LIST} {number} {position}", number) for position in range(LIST_LENGTH)
    ]
    for name in EMBEDDED_NUMBERS:
        document[name] = {field: number for field in EMBEDDED_FIELDS}
    return document


def _texts(unique: str, number: int) -> dict[str, str]:
    texts = {field: f"{field} with some text, {number:05}" for field in EMBEDDED_FIELDS}
    return {"unique_field": unique, **texts}
