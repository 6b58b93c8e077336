"""Conditional requests; no server needed."""

import pytest

from mongo_contrib.storage.conditions import entity_tags, failed, is_same

ETAG = '"abc"'
MODIFIED = 1_700_000_000
THEN = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"
AFTER = "Tue, 14 Nov 2023 22:13:21 GMT"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("*", {"*"}),
        (' "a" ', {'"a"'}),
        ('"a", W/"b",, "c,d"', {'"a"', 'W/"b"', '"c,d"'}),
        ('""', {'""'}),
        *[(wrong, set()) for wrong in ("", "a", '"', '"a', '"a" b', 'w/"a"x', '*, "a"', '"a\n"')],
    ],
)
def test_lists_of_entity_tags(header, expected):
    assert entity_tags(header) == expected


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"If-Match": "*"}, None),
        ({"If-Match": '"x", "abc"'}, None),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": 'W/"abc"'}, 412),  # weak ones never match here
        ({"If-Match": "nonsense"}, 412),  # nor does what is none
        ({"If-Unmodified-Since": THEN}, None),
        ({"If-Unmodified-Since": AFTER}, None),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": "nonsense"}, None),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x", "abc"'}, 304),
        ({"If-None-Match": 'W/"abc"'}, 304),
        ({"If-None-Match": '"x"'}, None),
        ({"If-Modified-Since": THEN}, 304),
        ({"If-Modified-Since": AFTER}, 304),
        ({"If-Modified-Since": BEFORE}, None),
        ({"If-Modified-Since": "nonsense"}, None),
        # Their order, and what one of them makes of another.
        ({"If-Match": '"abc"', "If-Unmodified-Since": BEFORE}, None),
        ({"If-Match": '"x"', "If-None-Match": '"abc"'}, 412),
        ({"If-Match": '"abc"', "If-None-Match": '"abc"'}, 304),
        ({"If-Unmodified-Since": BEFORE, "If-None-Match": '"abc"'}, 412),
        ({"If-None-Match": '"x"', "If-Modified-Since": AFTER}, None),
        ({"If-None-Match": "nonsense", "If-Modified-Since": AFTER}, None),
    ],
)
def test_conditions(headers, status):
    assert failed(headers, ETAG, MODIFIED) == status


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (ETAG, True),
        ('"abc" ', True),
        # Not by the date: what took its place in the same second has it too.
        *[(other, False) for other in ('W/"abc"', '"x"', THEN, BEFORE, "*", "", '"abc", "x"')],
    ],
)
def test_if_range(header, expected):
    assert is_same({"If-Range": header}, ETAG) is expected
    assert is_same({}, ETAG)
