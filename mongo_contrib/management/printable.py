"""Texts of others on a terminal: pure functions."""

import unicodedata

__all__ = ["amount", "printable"]

# Controls, formats (which turn the direction of text), lone surrogates, and what ends lines.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def printable(text: object) -> str:
    """`text` on one line, without a character that a terminal would act upon."""
    return "".join(
        _escaped(char) if unicodedata.category(char) in _UNPRINTABLE else char
        for char in str(text)
    )


def amount(size: float) -> str:
    """A number of bytes as people read it: ``17 B``, ``1.5 MiB``."""
    for unit in _UNITS:
        if abs(size) < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
