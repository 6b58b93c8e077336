"""What a request for a file is answered: pure functions.

RFC 9110, in the order of its section 13.2.2: what is asked for, whether the conditions hold, how
it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .byteranges import Body
from .conditions import entity_tags, failed, is_same
from .headers import accepts_gzip
from .layout import FileInfo
from .ranges import Range, Unsatisfiable, parse_ranges

__all__ = ["Answer", "answer"]

# What 304 repeats of the headers (section 15.4.5), and what other answers without a file have.
_OF_304 = ("Cache-Control", "ETag", "Last-Modified", "Vary")
_OF_416 = ("Cache-Control", "Vary", "Accept-Ranges")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, its headers, and which bytes follow them."""

    status: int
    headers: dict[str, str]
    body: Body = field(default_factory=lambda: Body(()))
    #: The whole as it is stored is sent, which is compressed, and not the body.
    stored: bool = False

    @property
    def has_content(self) -> bool:
        """Whether bytes of the file follow, unless it is asked for by HEAD."""
        return self.status in (200, 206)


def answer(
    request: Mapping[str, str],
    info: FileInfo,
    headers: Mapping[str, str],
    *,
    modified: int,
    is_head: bool = False,
) -> Answer:
    """The answer to a GET (or HEAD) with these headers, for a file that is sent with those.

    `modified` is the time of Last-Modified in whole seconds since 1970.
    """
    given = dict(headers)
    try:
        ranges = None if is_head else _ranges(request, info, given)
        satisfiable = True
    except Unsatisfiable:
        ranges, satisfiable = [], False
    compressed = info.encoding == "gzip"
    stored = compressed and ranges is None and accepts_gzip(request.get("Accept-Encoding"))
    if compressed:
        given["Vary"] = ", ".join([*filter(None, [given.get("Vary")]), "Accept-Encoding"])
    if stored:
        identity = given["ETag"]
        given["ETag"] = gzipped = f'{identity[:-1]}-gzip"'
        # Who has the other form is told that it is good rather than sent this one.
        known = {tag.removeprefix("W/") for tag in entity_tags(request.get("If-None-Match", ""))}
        if identity in known and gzipped not in known:
            given["ETag"], stored = identity, False
    status = failed(request, given["ETag"], modified)
    if status is not None:
        return Answer(status, _only(given, _OF_304 if status == 304 else _OF_416))
    if not satisfiable:
        about = {"Content-Range": f"bytes */{info.length}"}
        return Answer(416, _only(given, _OF_416) | about)
    if ranges is None:
        if stored:
            given |= {"Content-Encoding": "gzip", "Content-Length": str(info.stored_length)}
            return Answer(200, given, stored=True)
        body = Body.one(0, info.length)
    elif len(ranges) == 1:
        (start, stop), body = ranges[0], Body.one(*ranges[0])
        given["Content-Range"] = f"bytes {start}-{stop - 1}/{info.length}"
    else:
        body = Body.several(ranges, info.length, given["Content-Type"], info.chunk_size)
        if body.length >= info.length:  # for less than that the client gets it all
            ranges, body = None, Body.one(0, info.length)
        else:
            given["Content-Type"] = body.content_type or ""
    given["Content-Length"] = str(body.length)
    return Answer(200 if ranges is None else 206, given, body)


def _ranges(
    request: Mapping[str, str], info: FileInfo, headers: Mapping[str, str]
) -> list[Range] | None:
    header = request.get("Range")
    if header is None or not is_same(request, headers["ETag"]):
        return None
    return parse_ranges(header, info.length)


def _only(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}
