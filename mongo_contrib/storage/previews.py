"""How a stored file looks in the admin: a picture, a player, the beginning of a text, a link.

All that is told of a file may come from a visitor: it is escaped, and what is shown is only what
the serving view shows.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .backend import GridFSStorage
from .images import FORMATS

__all__ = ["address", "download_link", "facts", "preview", "text_head", "thumbnail_address"]

#: Pixels of the pictures in lists, beside the field of a form, and on a file's own page: as in
#: admin.css.
SMALL = 80
BESIDE = 200
LARGE = 640

#: Bytes of a picture that is shown itself where there are no thumbnails, in a list and alone.
MOST_IN_LIST = 100 * 1024
MOST_ALONE = 10 * 1024 * 1024

#: Bytes of a text that are shown.
HEAD = 2000

#: Types that are text besides `text/...`.
TEXTS = frozenset(
    {"application/json", "application/xml", "application/javascript", "image/svg+xml"}
)


def address(storage: GridFSStorage, name: str, *, download: bool = False) -> str | None:
    """Where a browser gets the file, for a while if it is private; None if there is no such place.

    For `download` it is saved, whatever its type.
    """
    try:
        url = storage.signed_url(name) if storage.access.is_private else storage.url(name)
    except (SuspiciousFileOperation, ValueError):
        return None
    return f"{url}{'&' if '?' in url else '?'}download=1" if download else str(url)


def thumbnail_address(storage: GridFSStorage, file: Any, pixels: int) -> str | None:
    """Where a browser gets a picture of about so many pixels; None if there is none.

    `file` is a FileInfo or a document. The smallest thumbnail is taken that is large enough, else
    the largest; without thumbnails the file itself, if it isn't large.
    """
    if file.content_type not in FORMATS:
        return None
    name = name_in(storage, file)
    if storage.thumbnails:
        sizes = sorted(storage.thumbnails, key=lambda each: max(storage.thumbnails[each]))
        enough = [each for each in sizes if max(storage.thumbnails[each]) >= pixels]
        try:
            return str(storage.thumbnail_url(name, (enough or sizes[-1:])[0]))
        except (SuspiciousFileOperation, ValueError):
            return None
    most = MOST_IN_LIST if pixels <= SMALL else MOST_ALONE
    return address(storage, name) if file.length <= most else None


def name_in(storage: GridFSStorage, file: Any) -> str:
    """The name by which the storage knows a file, whose own is that in the bucket."""
    location = storage.location
    return str(file.name).removeprefix(f"{location}/") if location else str(file.name)


def preview(storage: GridFSStorage, file: Any, *, pixels: int = SMALL) -> SafeString | str:
    """A picture, or a player of a sound or film on a page of its own; "" if there is nothing."""
    picture = thumbnail_address(storage, file, pixels)
    if picture is not None:
        return format_html(
            '<img class="file-preview file-preview-{}" src="{}" alt="" loading="lazy" '
            'decoding="async">',
            *(_kind(pixels), picture),
        )
    family = (file.content_type or "").partition("/")[0]
    if pixels > SMALL and family in ("audio", "video"):
        url = address(storage, name_in(storage, file))
        if url is not None:
            return format_html(
                '<{0} class="file-preview" controls preload="metadata" src="{1}"></{0}>',
                *(family, url),
            )
    return ""


def _kind(pixels: int) -> str:
    """What the style sheet calls a picture of this size: where inline styles are off it counts."""
    if pixels <= SMALL:
        return "small"
    return "beside" if pixels <= BESIDE else "large"


def is_text(file: Any) -> bool:
    """Whether the file's content can be shown as a text."""
    kind = file.content_type or ""
    return file.content_type in TEXTS or kind.startswith("text/")


def text_head(data: bytes, length: int) -> SafeString:
    """The beginning of a text, as it is, whatever markup it has."""
    text = data.decode("utf-8", "replace")
    more = "…" if length > len(data) else ""
    return format_html('<pre class="file-preview" dir="auto">{}{}</pre>', text, more)


def download_link(storage: GridFSStorage, file: Any) -> SafeString | str:
    """A link that saves the file; "" if there is no address."""
    url = address(storage, name_in(storage, file), download=True)
    if url is None:
        return ""
    return format_html('<a href="{}" rel="noopener" download>{}</a>', url, _("Download"))


def facts(file: Any) -> str:
    """Size and type, in few words."""
    return ", ".join(filter(None, [filesizeformat(file.length), file.content_type]))
