"""The Range header; no server needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage.ranges import Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=5-99", (5, 10)),
        ("Bytes = 2 - 4 ", (2, 5)),
    ],
)
def test_one_range(header, expected):
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize(
    "header",
    [
        *["", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "9" * 99],
        *["bytes=a-b", "bytes=0x1-2", "bytes=--1", "bytes=+1-2", "bytes=١-٢", "bytes=1-2\n"],
    ],
)
def test_what_need_not_be_understood_means_all(header):
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", f"bytes={10**18}-"])
def test_a_range_without_a_byte_in_it(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, 10)


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=0-", "bytes=-1"])
def test_an_empty_file_has_no_ranges(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, 0)


@given(st.text("bytes=-0123456789, \t", max_size=30), st.integers(0, 1000))
def test_any_text_gives_a_part_of_the_content_or_all(header, length):
    try:
        found = parse_range(header, length)
    except Unsatisfiable:
        return
    if found is not None:
        start, stop = found
        assert 0 <= start < stop <= length
