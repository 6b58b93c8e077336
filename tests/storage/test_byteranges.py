"""Bodies of answers; no server needed."""

from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage.byteranges import Body
from mongo_contrib.storage.ranges import coalesced

CONTENT = bytes(range(256)) * 20


def sent(body, content, chunk_size, reads=None):
    """What goes out if `content` is read in pieces of that size."""
    for span in body.spans:
        if reads is not None:
            reads.append((span.start, span.stop))
        position = span.start
        while position < span.stop:
            end = min((position // chunk_size + 1) * chunk_size, span.stop)
            yield from span.cut(position, content[position:end])
            position = end
    yield body.epilogue


def parts_of(content_type, body):
    """{Content-Range: bytes}, as Python's parser of multiparts finds them."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert message.is_multipart() and not message.defects
    assert not message.preamble and not message.epilogue
    return [
        (part["Content-Type"], part["Content-Range"], part.get_payload(decode=True))
        for part in message.get_payload()
    ]


def test_one_part():
    body = Body.one(3, 9)
    assert b"".join(sent(body, CONTENT, 4)) == CONTENT[3:9]
    assert (body.length, body.content_type) == (6, None)
    assert Body.one(0, 0).spans == () and Body.one(0, 0).length == 0


def test_several_parts():
    body = Body.several([(100, 110), (0, 5)], 5120, "text/x-test", 50)
    found = b"".join(sent(body, b"x" * 5120, 50))
    assert len(found) == body.length
    assert parts_of(body.content_type, found) == [
        ("text/x-test", "bytes 100-109/5120", b"x" * 10),
        ("text/x-test", "bytes 0-4/5120", b"x" * 5),
    ]


def test_the_boundary_is_another_one_each_time():
    types = {Body.several([(0, 1), (2, 3)], 9, "a/b", 4).content_type for _ in range(20)}
    assert len(types) == 20
    assert all(len(each.partition("boundary=")[2]) == 32 for each in types)


def test_parts_that_share_a_chunk_are_read_in_one_go():
    reads = []
    ranges = [(0, 5), (90, 110), (150, 160), (250, 260), (320, 330)]
    body = Body.several(ranges, 5120, "a/b", 100)
    list(sent(body, CONTENT, 100, reads))
    assert reads == [(0, 160), (250, 260), (320, 330)]


RANGES = st.tuples(st.integers(0, 900), st.integers(1, 300)).map(lambda r: (r[0], sum(r)))


@given(st.lists(RANGES, min_size=2, max_size=12), st.integers(1, 400), st.data())
def test_any_ranges_are_the_right_slices(ranges, chunk_size, data):
    content = data.draw(st.binary(min_size=1200, max_size=1200))
    ranges = coalesced(ranges)
    body = Body.several(ranges, len(content), "application/x-test", chunk_size)
    reads = []
    found = b"".join(sent(body, content, chunk_size, reads))
    assert len(found) == body.length
    boundary = body.content_type.partition("boundary=")[2].encode()
    expected = [
        b"--%b\r\nContent-Type: application/x-test\r\nContent-Range: bytes %d-%d/1200\r\n\r\n%b"
        % (boundary, start, stop - 1, content[start:stop])
        for start, stop in ranges
    ]
    assert found == b"\r\n".join(expected) + b"\r\n--%b--\r\n" % boundary
    # Ascending ranges read no chunk twice.
    if ranges == sorted(ranges):
        chunks = [n for a, b in reads for n in range(a // chunk_size, (b - 1) // chunk_size + 1)]
        assert len(chunks) == len(set(chunks))
