"""The files of a bucket in the order of their names, through the index, some at a time.

No cursor stays open between two pages, however long it takes to do something with each file, and
memory does not grow with the number of files.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from .. import layout
from ..files import GridFSFiles
from ..layout import FileInfo

__all__ = ["Folder", "entries", "newest", "totals", "walk"]

PAGE = 200


@dataclass(frozen=True, slots=True)
class Folder:
    """Names that go on behind a slash."""

    name: str


def walk(files: GridFSFiles, path: str = "") -> Iterator[dict[str, Any]]:
    """The documents of all files below the folder `path`, and of a file that is called so.

    All that there are: every revision of a name, and what others are just replacing.
    """
    with files.errors():
        if not path:
            # Nothing makes GridFS's files have a name.
            yield from files.files.find({"filename": None})
            yield from _between(files, "", None)
            return
        yield from files.files.find(layout.named_or_staged(path))
        yield from _between(files, f"{path}/", f"{path}0")


def _between(files: GridFSFiles, low: str, high: str | None) -> Iterator[dict[str, Any]]:
    end = {} if high is None else {"$lt": high}
    bound = {"$gte": low, **end}
    while True:
        found = files.files.find({"filename": bound})
        page = list(found.sort("filename", 1).limit(PAGE))
        last = page[-1]["filename"] if len(page) == PAGE else None
        for document in page:
            if document["filename"] == last:
                break
            yield document
        if last is None:
            return
        # A name may have more revisions than a page has room for.
        yield from files.files.find({"filename": last})
        bound = {"$gt": last, **end}


def newest(documents: Iterable[Mapping[str, Any]]) -> Iterator[FileInfo]:
    """The files as readers see them: of each name one, the last, and none that is gone."""
    for name, revisions in groupby(documents, shown_name):
        usable = (each for each in revisions if is_usable(each))
        last = max(usable, key=_precedence, default=None)
        if name and last is not None:
            yield FileInfo.from_document(last)


def entries(files: GridFSFiles, path: str = "") -> Iterator[FileInfo | Folder]:
    """What lies in a folder, in the order of names; what lies deeper is passed over, not read."""
    base = f"{path}/" if path else ""
    low, high = base, f"{path}0" if path else None
    while True:
        folder, seen = None, 0
        with files.errors():
            level = _between(files, low, high)
            for inner, group in groupby(level, lambda document: _inner(document, base)):
                if inner is None:
                    yield from newest(group)
                    continue
                if inner != folder:
                    yield Folder(f"{base}{inner}")
                folder = inner
                for seen, _ in enumerate(group, 1):
                    if seen == PAGE:
                        break
                if seen == PAGE:
                    break
        if seen < PAGE:
            return
        # "0" is the character after "/".
        low = f"{base}{folder}0"


def totals(files: GridFSFiles, path: str = "") -> tuple[int, int]:
    """How many files there are below a folder, and how many bytes are stored for them."""
    wanted = {"$or": [layout.named_or_staged(path), layout.inside(path)]} if path else {}
    length = {"$cond": [{"$isNumber": "$length"}, "$length", 0]}
    pipeline: list[dict[str, Any]] = [
        {"$match": wanted},
        {"$group": {"_id": None, "files": {"$sum": 1}, "bytes": {"$sum": length}}},
    ]
    with files.errors():
        for found in files.files.aggregate(pipeline):
            return int(found["files"]), int(found["bytes"])
    return 0, 0


def is_usable(document: Mapping[str, Any]) -> bool:
    """Whether the document has what the specification says that each has."""
    return (
        isinstance(document.get("filename"), str | None)
        and _is_size(document.get("length"), 0)
        and _is_size(document.get("chunkSize"), 1)
        and isinstance(document.get("uploadDate"), datetime)
    )


def _is_size(value: Any, least: int) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and value >= least


def shown_name(document: Mapping[str, Any]) -> str:
    return (document.get("filename") or "").partition(layout.MARK)[0]


def _inner(document: Mapping[str, Any], base: str) -> str | None:
    head, slash, _ = shown_name(document)[len(base) :].partition("/")
    return head if slash else None


def _precedence(document: Mapping[str, Any]) -> tuple[bool, datetime]:
    """As find() chooses: who has the name itself counts, and among those the newest."""
    moment: datetime = document["uploadDate"]
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return document["filename"] == shown_name(document), moment
