"""The Range header; no server needed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage.ranges import MOST_RANGES, Unsatisfiable, coalesced, parse_ranges


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
        ("bytes=,2-4,,", (2, 5)),
        ("bytes=2-4,10-,-0", (2, 5)),  # those without a byte are left out
    ],
)
def test_one_range(header, expected):
    assert parse_ranges(header, 10) == [expected]


def test_several_ranges_in_their_order():
    assert parse_ranges("bytes=500-509, 0-9,-10", 1000) == [(500, 510), (0, 10), (990, 1000)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9,5-14", [(0, 15)]),
        ("bytes=0-9,10-19", [(0, 20)]),
        ("bytes=0-9,90-99", [(0, 100)]),  # the gap is no larger than what a part costs
        ("bytes=0-9,91-99", [(0, 10), (91, 100)]),
        ("bytes=900-909,0-9,905-914", [(900, 915), (0, 10)]),
        ("bytes=" + ",".join(["0-"] * MOST_RANGES), [(0, 1000)]),
    ],
)
def test_those_that_overlap_or_nearly_touch_are_one(header, expected):
    assert parse_ranges(header, 1000) == expected


def test_more_than_there_may_be_are_not_followed():
    specs = [f"{n * 100}-{n * 100}" for n in range(MOST_RANGES + 1)]
    assert len(parse_ranges("bytes=" + ",".join(specs[:-1]), 10_000)) == MOST_RANGES
    assert parse_ranges("bytes=" + ",".join(specs), 10_000) is None


@pytest.mark.parametrize(
    "header",
    [
        *["", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,4-2", "lines=0-1", "9" * 99],
        *["bytes=a-b", "bytes=0x1-2", "bytes=--1", "bytes=+1-2", "bytes=١-٢", "bytes=1-2\n"],
        *["bytes=,", "bytes=1-2;3-4", "bytes=1 2-3", "bytes=0-" + "9" * 20],
    ],
)
def test_what_need_not_be_understood_means_all(header):
    assert parse_ranges(header, 10) is None


@pytest.mark.parametrize(
    "header", ["bytes=10-", "bytes=10-20", "bytes=-0", f"bytes={10**18}-", "bytes=10-,-0"]
)
def test_ranges_without_a_byte_in_them(header):
    with pytest.raises(Unsatisfiable):
        parse_ranges(header, 10)


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=0-"])
def test_an_empty_file_has_no_first_byte(header):
    with pytest.raises(Unsatisfiable):
        parse_ranges(header, 0)


def test_the_last_bytes_of_an_empty_file_are_all_of_it():
    assert parse_ranges("bytes=-1", 0) is None


def test_the_longest_headers_take_no_time():
    started = time.process_time()
    for header in ("," * 8000, "0-" * 4000, "-," * 4000, " \t" * 4000, "1" * 8000):
        assert parse_ranges(f"bytes={header}", 10) is None
    assert time.process_time() - started < 0.1


@given(st.text("bytes=-0123456789, \t", max_size=60), st.integers(0, 1000))
def test_any_text_gives_parts_of_the_content_or_all(header, length):
    try:
        found = parse_ranges(header, length)
    except Unsatisfiable:
        return
    assert found is None or (found and all(0 <= start < stop <= length for start, stop in found))


RANGES = st.tuples(st.integers(0, 3000), st.integers(1, 500)).map(lambda r: (r[0], sum(r)))


@given(st.lists(RANGES, min_size=1, max_size=20))
def test_each_byte_that_is_asked_for_is_in_one_part(ranges):
    found = coalesced(ranges)
    sent = [byte for start, stop in found for byte in range(start, stop)]
    assert len(sent) == len(set(sent))
    assert {byte for start, stop in ranges for byte in range(start, stop)} <= set(sent)
    assert found[0][0] <= ranges[0][0] < ranges[0][1] <= found[0][1]
