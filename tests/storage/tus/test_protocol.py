"""Headers of tus, also from people who mean no good."""

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mongo_contrib.storage.tus.protocol import Checksum, Refused, parse_metadata, parse_number

KEYS = st.text("abcxyzABC019_.-", min_size=1, max_size=9)


@settings(max_examples=30)
@given(st.dictionaries(KEYS, st.binary(max_size=40), max_size=40))
def test_metadata_come_back_as_they_were(metadata):
    pairs = [f"{key} {b64encode(value).decode()}" for key, value in metadata.items()]
    header = ",".join(pairs)
    if len(header) <= 4096 and len(pairs) <= 32:
        assert parse_metadata(header) == metadata
    else:
        with pytest.raises(Refused):
            parse_metadata(header)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_metadata_raise_anything_else(header):
    try:
        found = parse_metadata(header)
    except Refused as exc:
        assert exc.status == 400
    else:
        assert all(isinstance(value, bytes) for value in found.values())


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_number_raises_anything_else(value):
    try:
        number = parse_number(value, "Upload-Length")
    except Refused:
        assert not (value.isascii() and value.isdecimal() and len(value) < 20)
    else:
        assert number == int(value)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_checksum_raises_anything_else(value):
    with pytest.raises(Refused):
        Checksum.from_header(f"sha1 {value}!")


@settings(max_examples=30)
@given(
    st.sampled_from(["sha1", "sha256", "md5"]),
    st.lists(st.binary(max_size=20), max_size=5),
    st.binary(max_size=5),
)
def test_a_checksum_knows_its_body(algorithm, pieces, other):
    body = b"".join(pieces)
    checksum = Checksum.from_header(Checksum.header(algorithm, body))
    for piece in pieces:
        checksum.update(piece)
    assert checksum.is_right()
    checksum.update(other)
    assert checksum.is_right() == (not other)
