"""Headers from what is stored; no server needed."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage.headers import (
    accepts_gzip,
    content_disposition,
    entity_tag,
    private,
)
from mongo_contrib.storage.layout import FileInfo

from . import corpus

# RFC 6266 (section 4.1) and RFC 8187 (section 3.2), for what we send.
DISPOSITION = re.compile(
    r"(?:inline|attachment)"
    r"(?:; filename=\"(?P<plain>(?![. ])[\x20\x21\x23\x24\x26-\x2e0-9;-\x5b\x5d-\x7e]+)\""
    r"(?:; filename\*=UTF-8''(?P<encoded>(?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})+))?)?",
    re.ASCII,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", '; filename="a.txt"'),
        ("a b;c.txt", '; filename="a b;c.txt"'),
        ("größe.txt", "; filename=\"gro_e.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"),
        ("50%.txt", "; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
        ('a"b\\c', "; filename=\"a_b_c\"; filename*=UTF-8''a%22b%5Cc"),
        ("", ""),
        ("\r\n", ""),
        ("a\r\nX-Evil: 1", "; filename=\"aX-Evil_ 1\"; filename*=UTF-8''aX-Evil%3A%201"),
        ("a\u202egnp.exe", '; filename="agnp.exe"'),
        ("../../etc/passwd", "; filename=\"_.._etc_passwd\"; filename*=UTF-8''.._.._etc_passwd"),
        # What becomes a slash, a colon, a dot or a quote only when it is made ASCII.
        (
            "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fetc\uff0fx.sh",
            "; filename=\"_.._etc_x.sh\"; filename*=UTF-8''"
            "%EF%BC%8E%EF%BC%8E%EF%BC%8F%EF%BC%8E%EF%BC%8E%EF%BC%8Fetc%EF%BC%8Fx.sh",
        ),
        ("\u2100.txt", "; filename=\"a_c.txt\"; filename*=UTF-8''%E2%84%80.txt"),
        ("a\uff1ab", "; filename=\"a_b\"; filename*=UTF-8''a%EF%BC%9Ab"),
        ("\uff02a", "; filename=\"_a\"; filename*=UTF-8''%EF%BC%82a"),
        (".htaccess", "; filename=\"htaccess\"; filename*=UTF-8''.htaccess"),
        ("...", "; filename=\"_\"; filename*=UTF-8''..."),
    ],
)
def test_names_in_headers(name, expected):
    assert content_disposition(name, attachment=True) == f"attachment{expected}"
    assert content_disposition(name, attachment=False) == f"inline{expected}"


def test_a_long_name_keeps_its_extension():
    header = content_disposition("ü" * 5000 + ".tar", attachment=True)
    assert len(header) < 3000
    assert header.endswith("%BC.tar")
    assert len(content_disposition("." + "x" * 5000, attachment=True)) < 500


@given(st.text(max_size=300) | st.sampled_from(corpus.IMPOSSIBLE_NAMES + corpus.ODD_NAMES))
def test_any_name_gives_a_header_that_can_be_sent(name):
    header = content_disposition(name, attachment=True)
    match = DISPOSITION.fullmatch(header)
    assert match, header
    if match["encoded"]:
        assert unquote(match["encoded"], errors="strict").isprintable() or not name.isascii()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "private"),
        ("no-cache", "private, no-cache"),
        ("public, max-age=60", "private, max-age=60"),
        ("PUBLIC,S-MaxAge=9 , no-store", "private, no-store"),
        ("private", "private"),
        ('private="x, public", max-age=1', "private, max-age=1"),
        ('no-cache="Set-Cookie, public"', 'private, no-cache="Set-Cookie, public"'),
    ],
)
def test_what_is_private_is_for_no_shared_cache(given, expected):
    assert private(given) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        *[(yes, True) for yes in ("gzip", "GZIP", "x-gzip", "deflate, gzip;q=0.5, br", "*")],
        *[
            (yes, True)
            for yes in ("gzip;q=1.0, identity; q=0.5", "gzip;q=0.3,*;q=0", "a,gzip ; q=1")
        ],
        *[(no, False) for no in (None, "", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0")],
        *[
            (no, False)
            for no in ("gzip;q=0, *", "identity;q=1, gzip;q=0.5", "gzip;q=no", "notgzip")
        ],
        *[(no, False) for no in ("identity;q=1, *;q=0", "gzip;q=2", "gzip;q=-1", "gzip;x")],
    ],
)
def test_who_accepts_gzip(header, expected):
    assert accepts_gzip(header) is expected


def info(**values):
    given = {"id": 1, "name": "a", "length": 1, "chunk_size": 1, "metadata": {}}
    return FileInfo(**{**given, "uploaded": datetime(2026, 1, 1, tzinfo=UTC), **values})


def test_entity_tags_of_files_with_and_without_a_hash():
    assert entity_tag(info(metadata={"sha256": "a" * 64})) == f'"{"a" * 64}"'
    tags = {entity_tag(each) for each in (info(), info(id=2), info(length=2), info(id='"\ud800'))}
    assert len(tags) == 4
    assert all(re.fullmatch('"[0-9a-f]{32}"', tag) for tag in tags)
