"""Content types by the first bytes; no server needed."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage import signatures
from mongo_contrib.storage.signatures import UNKNOWN, is_content_type, sniff

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("name", "head", "content_type"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.html", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a", b"GIF89a", "image/gif"),
        ("a.webp", b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        ("a.wav", b"RIFF\1\2\3\4WAVEfmt ", "audio/x-wav"),
        ("a.avif", b"\0\0\0\x1cftypavif", "image/avif"),
        ("a.heic", b"\0\0\0\x1cftypheic", "image/heic"),
        ("a.mov", b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("a.webm", b"\x1a\x45\xdf\xa3\x01\0\0\0\x42\x82\x84webm", "video/webm"),
        ("a.mkv", b"\x1a\x45\xdf\xa3\x01\0\0\0\x42\x82\x88matroska", "video/x-matroska"),
        ("a.ogg", b"OggS\0\2", "audio/ogg"),
        ("a.ogv", b"OggS\0\2", "video/ogg"),
        ("a.mp3", b"ID3\3\0\0\0", "audio/mpeg"),
        ("a.mp3", b"\xff\xfb\x90\x64\0", "audio/mpeg"),
        ("a.aac", b"\xff\xf1\x50\x80\0", "audio/aac"),
        ("a.bmp", b"BM\x36\x10\0\0\0\0\0\0\x36\0", "image/bmp"),
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.zip", b"PK\3\4\x14\0", "application/zip"),
        ("a.docx", b"PK\3\4\x14\0", DOCX),
        ("a.png", b"PK\3\4\x14\0", "application/zip"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        ("a.png", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        ("a.tar", b"a".ljust(257, b"\0") + b"ustar\0", "application/x-tar"),
        ("a.txt", b"MZ\x90\0\3", "application/vnd.microsoft.portable-executable"),
        # Text, of which the extension says the kind.
        ("a.txt", b"MZ is a word, ID3 too", "text/plain"),
        ("a.txt", b"BM, BM, BM, BM", "text/plain"),
        ("a.txt", "größe".encode("utf-16"), "text/plain"),
        ("a.txt", "\ufeffgröße".encode(), "text/plain"),
        ("a.txt", b"<script>", "text/plain"),
        ("a.csv", b"a;b\r\n1;2", "text/csv"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("a.MD", b"# Title", "text/markdown"),
        ("a.svg", b"<svg/>", "image/svg+xml"),
        ("a.html", b"anything", "text/html"),
        ("a", b"anything", "text/plain"),
        ("a.png", b"anything", "text/plain"),
        ("a.docx", b"anything", "text/plain"),
        # Markup under another name.
        ("a.png", b" \n<!DOCTYPE html>", "text/html"),
        ("a.png", b"<ScRiPt\n>", "text/html"),
        ("a.png", b"<!-- -->", "text/html"),
        ("a", b"\xef\xbb\xbf<html>", "text/html"),
        ("a.png", b"<svg>", "image/svg+xml"),
        ("a.png", b"<?xml version='1.0'?><svg>", "image/svg+xml"),
        ("a.png", b"<?xml version='1.0'?><a>", "application/xml"),
        # Neither text nor known: the extension, unless the content would have shown it.
        ("a.png", b"\0\1\2", UNKNOWN),
        ("a.mp3", b"\0\1\2", UNKNOWN),
        ("a.txt", b"\0\1\2", UNKNOWN),
        ("a.docx", b"\0\1\2", UNKNOWN),
        ("a.hdf", b"\0\1\2", "application/x-hdf"),
        ("a.unheard-of", b"\0\1\2", UNKNOWN),
        ("data:text/html,a.hdf", b"\0\1\2", "application/x-hdf"),
        # Nothing at all.
        ("a.txt", b"", "text/plain"),
        ("a.png", b"", UNKNOWN),
        ("", b"", UNKNOWN),
    ],
)
def test_the_type_is_that_of_the_content(name, head, content_type):
    assert sniff(head, name) == content_type


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "ICO"])
def test_images_as_a_program_writes_them(format):
    image = pytest.importorskip("PIL.Image")
    buffer = BytesIO()
    image.new("RGB", (32, 32), "red").save(buffer, format)
    expected = {"ICO": "image/vnd.microsoft.icon"}.get(format, f"image/{format.lower()}")
    assert sniff(buffer.getvalue(), "a.txt") == expected


@given(
    st.binary(max_size=40) | st.sampled_from(sorted(signatures._SIGNATURES)),
    st.text(max_size=6) | st.sampled_from(["a.png", "a.svg", "a.docx", "a.mp3", "a.html"]),
)
def test_there_is_always_a_type_and_no_image_by_its_name_alone(head, name):
    content_type = sniff(head, name)
    assert is_content_type(content_type)
    if content_type.startswith(("image/", "audio/", "video/")) and "svg" not in content_type:
        assert content_type == sniff(head, "")


def test_hostile_markup_costs_no_time():
    assert sniff(b"<!---->" * 10000 + b"x", "a.png") == "text/html"
    assert sniff(b" " * 100000 + b"<html>", "a.png") == "text/plain"


@pytest.mark.parametrize(
    "value", ["", "html", "text/html\r\nX: 1", "a/b; c", "A/B", "a/" + "b" * 99, 5, None]
)
def test_what_is_no_content_type(value):
    assert not is_content_type(value)
