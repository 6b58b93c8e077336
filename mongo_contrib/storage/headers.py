"""Headers of answers with a file, from what is stored and so not trusted: pure functions."""

import hashlib
import re
import unicodedata
from typing import Any
from urllib.parse import quote

from .layout import FileInfo

__all__ = ["accepts_gzip", "content_disposition", "entity_tag", "private"]

# RFC 8187 (section 3.2.1): what needs no percent sign.
_PLAIN = "!#$&+-.^_`|~"
# RFC 6266 (appendix D): what browsers do not agree about within quotes. Clients that save what it
# says as it is must not be led anywhere by it.
_UNSURE = re.compile(r'[^\x20-\x7e]|["\\%/:]')
# They turn a line around: "a\u202egnp.exe" looks as if it ended in ".png".
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# Characters, each of which can be 12 in a header; servers and proxies take 4 KB to 8 KB.
_LONGEST_NAME = 200
_LONGEST_EXTENSION = 20

# Between commas; one may be in quotes.
_DIRECTIVE = re.compile(r'(?:[^,"]|"[^"]*"?)+')
# What makes a shared cache keep an answer, or keep it longer.
_SHARED = ("public", "s-maxage", "private", "proxy-revalidate")


def entity_tag(info: FileInfo) -> str:
    """A strong ETag: the content's hash; of files without one, what changes with the content."""
    if info.sha256 is not None:
        return f'"{info.sha256}"'
    identity: Any = f"{info.id!r} {info.length} {info.uploaded.isoformat()}"
    return f'"{hashlib.sha256(identity.encode(errors="replace")).hexdigest()[:32]}"'


def content_disposition(name: str, *, attachment: bool) -> str:
    """The header with a name that any browser saves under, as RFC 6266 has it.

    `filename` is for all and holds nothing that has to be escaped; `filename*` comes after it
    where that is not the name.
    """
    disposition = "attachment" if attachment else "inline"
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cs"))
    name = _shortened(_TURNING.sub("", name).replace("/", "_").strip())
    if not name:
        return disposition
    # "ü" is "u" and two dots, and the full-width slash is a slash.
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    plain = _UNSURE.sub("_", plain).lstrip(". ") or "_"
    if plain == name:
        return f'{disposition}; filename="{name}"'
    encoded = quote(name, safe=_PLAIN)
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _shortened(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    root, dot, extension = name.rpartition(".")
    kept = dot + extension if root and len(extension) <= _LONGEST_EXTENSION else ""
    return name[: _LONGEST_NAME - len(kept)] + kept


def private(cache_control: str) -> str:
    """The Cache-Control with `private`, and without all that allows shared caches anything."""
    directives = [part for each in _DIRECTIVE.findall(cache_control) if (part := each.strip())]
    kept = [each for each in directives if each.partition("=")[0].strip().lower() not in _SHARED]
    return ", ".join(["private", *kept])


def accepts_gzip(header: str | None) -> bool:
    """Whether an Accept-Encoding (RFC 9110, section 12.5.3) likes gzip as much as no coding.

    Without the header everything is acceptable, but who does not send it often knows no gzip.
    """
    weights = {"identity": 0.0}  # where it is not named, all that is acceptable is better
    for part in (header or "").split(","):
        coding, *parameters = (each.strip(" \t").lower() for each in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if match := re.fullmatch(r"q[ \t]*=[ \t]*([01](?:\.\d{0,3})?)", parameter, re.ASCII):
                weight = float(match[1])
            else:
                weight = 0.0  # nothing that it could mean
        weights["gzip" if coding == "x-gzip" else coding] = weight
    gzip = weights.get("gzip", weights.get("*", 0.0))
    return gzip > 0 and gzip >= weights["identity"]
