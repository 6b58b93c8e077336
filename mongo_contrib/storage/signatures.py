"""What a file is, by its first bytes: pure functions, no server needed.

A table of our own and no library: what a browser may show rests on it, so it is to be short enough
to be read, and libraries of this kind tell neither text from markup nor say what they do not know.
The signatures are those of the WHATWG's MIME Sniffing Standard and of the formats themselves.
"""

import mimetypes
import re
from pathlib import PurePosixPath

__all__ = ["SNIFFED", "UNKNOWN", "is_content_type", "sniff"]

#: How many of a file's first bytes are looked at.
SNIFFED = 2048

UNKNOWN = "application/octet-stream"

_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,79}", re.ASCII)

# At the start of a file.
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\0\0\1\0": "image/vnd.microsoft.icon",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"8BPS": "image/vnd.adobe.photoshop",
    b"\xff\x0a": "image/jxl",
    b"\0\0\0\x0cJXL \r\n\x87\n": "image/jxl",
    b"ID3": "audio/mpeg",
    b"fLaC": "audio/flac",
    b"MThd\0\0\0\6": "audio/midi",
    b"#!AMR": "audio/amr",
    b"FLV\1": "video/x-flv",
    b"\0\0\1\xba": "video/mpeg",
    b"\0\0\1\xb3": "video/mpeg",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "video/x-ms-asf",
    b"%PDF-": "application/pdf",
    b"%!PS-Adobe-": "application/postscript",
    b"{\\rtf": "application/rtf",
    b"PK\3\4": "application/zip",
    b"PK\5\6": "application/zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "application/x-ole-storage",
    b"\x1f\x8b\x08": "application/gzip",
    b"BZh": "application/x-bzip2",
    b"\xfd7zXZ\0": "application/x-xz",
    b"7z\xbc\xaf\x27\x1c": "application/x-7z-compressed",
    b"Rar!\x1a\x07": "application/vnd.rar",
    b"\x28\xb5\x2f\xfd": "application/zstd",
    b"wOFF": "font/woff",
    b"wOF2": "font/woff2",
    b"OTTO": "font/otf",
    b"\0\1\0\0": "font/ttf",
    b"\0asm": "application/wasm",
    b"\x7fELF": "application/x-executable",
    b"MZ": "application/vnd.microsoft.portable-executable",
    b"SQLite format 3\0": "application/vnd.sqlite3",
}
# These begin as text may, too: the rest of the first bytes has to be none.
_WORDS = (b"MZ", b"BZh", b"ID3")

_BRANDS = {  # of ISO's base media format, which begins with a length and "ftyp"
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"3gp4": "video/3gpp",
    b"3gp5": "video/3gpp",
}
_FORMS = {
    (b"RIFF", b"WAVE"): "audio/x-wav",
    (b"RIFF", b"AVI "): "video/x-msvideo",
    (b"RIFF", b"WEBP"): "image/webp",
    (b"FORM", b"AIFF"): "audio/x-aiff",
    (b"FORM", b"AIFC"): "audio/x-aiff",
}

# One signature for many types: among these the name's extension decides.
_CONTAINERS = {
    "application/zip": re.compile(
        r"application/(vnd\.(openxmlformats-officedocument|oasis\.opendocument|ms-\w+)[\w.-]*"
        r"|epub\+zip|java-archive|vnd\.android\.package-archive)"
    ),
    "application/x-ole-storage": re.compile(
        r"application/(msword|vnd\.ms-(excel|powerpoint|outlook|project)|vnd\.visio|x-msi)"
    ),
    "audio/ogg": re.compile(r"(audio|video|application)/ogg|audio/opus"),
    "video/webm": re.compile(r"audio/webm"),
    "video/mp4": re.compile(r"audio/mp4"),
}

# What mimetypes does not know everywhere.
_EXTENSIONS = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".epub": "application/epub+zip",
    ".md": "text/markdown",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

_TEXTUAL = re.compile(
    r"text/.+|.+\+(xml|json)|message/rfc822"
    r"|application/(json|xml|yaml|toml|sql|rtf|postscript|(x-)?(java|ecma)script|x-c?sh|x-(la)?tex)"
)
_MARKUP = re.compile(
    rb"<(?:!--|!doctype html|(?:html|head|body|script|style|title|iframe|table|div|h1|a|b|br|p)"
    rb"[\s>])",
    re.I,
)
_BINARY = bytes({*range(0x20)} - {*b"\t\n\f\r\x1b"})
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")

_RECOGNIZED = {*_SIGNATURES.values(), *_BRANDS.values(), *_FORMS.values(), *_CONTAINERS}


def is_content_type(value: object) -> bool:
    """Whether this is a content type as it is stored: lower case, without parameters."""
    return isinstance(value, str) and _CONTENT_TYPE.fullmatch(value) is not None


def sniff(head: bytes, name: str = "") -> str:
    """The content type of a file that begins with `head`.

    The name's extension decides among kinds of text, among those that share a signature (Word
    and Excel are both ZIP), and for what has none that we know; never against the content.
    """
    head = head[:SNIFFED]
    named = _named(name)
    found = _signature(head)
    if found is not None:
        family = _CONTAINERS.get(found)
        return named if named and family and family.fullmatch(named) else found
    textual = bool(named and _TEXTUAL.fullmatch(named))
    if head.startswith(_BYTE_ORDER_MARKS) or not _is_binary(head):
        if named and textual:
            return named
        if markup := _markup(head):
            return markup
        return _unless_recognizable(named) or ("text/plain" if head else UNKNOWN)
    return UNKNOWN if textual else _unless_recognizable(named) or UNKNOWN


def _named(name: str) -> str | None:
    # Only the extension: guess_type() believes what a name that begins with "data:" says.
    extension = PurePosixPath(name).suffix.lower()
    content_type, encoding = mimetypes.guess_type(f"name{extension}")
    content_type = _EXTENSIONS.get(extension, content_type)
    return None if encoding or not is_content_type(content_type) else content_type


def _unless_recognizable(named: str | None) -> str | None:
    """The type that the name says, but none that the content would have shown, if it were one."""
    if (
        named is None
        or named.startswith(("image/", "audio/", "video/", "font/"))
        or named in _RECOGNIZED
        or any(family.fullmatch(named) for family in _CONTAINERS.values())
    ):
        return None
    return named


def _is_binary(data: bytes) -> bool:
    return len(data.translate(None, _BINARY)) < len(data)


def _markup(head: bytes) -> str | None:
    text = head.removeprefix(_BYTE_ORDER_MARKS[0]).lstrip()
    if text.startswith((b"<svg", b"<?xml")):
        return "image/svg+xml" if b"<svg" in text else "application/xml"
    return "text/html" if _MARKUP.match(text) else None


def _signature(head: bytes) -> str | None:
    for signature, content_type in _SIGNATURES.items():
        if head.startswith(signature) and (signature not in _WORDS or _is_binary(head)):
            return content_type
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if form := _FORMS.get((head[:4], head[8:12])):
        return form
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head[:64] else "audio/ogg"
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "image/bmp"
    if head[257:262] == b"ustar":
        return "application/x-tar"
    return _frame(head)


def _frame(head: bytes) -> str | None:
    """Sound without a header: the first frame of MPEG audio."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[:2] == b"\xff\xfe":
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer_3, version = head[1] & 0x06 == 0x02, head[1] & 0x18 != 0x08
    rates = head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C
    return "audio/mpeg" if layer_3 and version and rates else None
