"""Every status and its headers, from both kinds of server and of view."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import resolve
from django.utils.http import http_date
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.views import aserve
from mongo_contrib.test import CaptureCommands
from tests.hops import no_thread_hop

from .serving import BACKEND, every_kind
from .test_byteranges import parts_of

CONTENT = b"\x89PNG\r\n\x1a\n" + hashlib.shake_256(b"storage").digest(9_992)
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture(autouse=True)
def files(transactional_db, settings):
    settings.STORAGES = {"default": {"BACKEND": BACKEND, "OPTIONS": {"chunk_size": 1000}}}
    storage = GridFSStorage(chunk_size=1000)
    storage.save("a.png", ContentFile(CONTENT))
    storage.save("empty.bin", ContentFile(b""))
    return storage


@every_kind
def test_200(fetch):
    got = fetch("/media/a.png")
    assert (got.status, got.body) == (200, CONTENT)
    modified = got.headers.pop("Last-Modified")
    assert {name: got[name] for name in got.headers if name not in OF_MIDDLEWARE} == {
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "Content-Disposition": 'inline; filename="a.png"',
        "Content-Length": "10000",
        "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; "
        "style-src 'unsafe-inline'; sandbox",
        "Content-Type": "image/png",
        "ETag": ETAG,
        "X-Content-Type-Options": "nosniff",
    }
    assert modified.endswith("GMT")


OF_MIDDLEWARE = {"Cross-Origin-Opener-Policy", "Referrer-Policy", "Vary"}


def test_206_of_one_range(fetch):
    got = fetch("/media/a.png", range="bytes=1500-1599")
    assert (got.status, got.body) == (206, CONTENT[1500:1600])
    assert got["Content-Range"] == "bytes 1500-1599/10000"
    assert got["Content-Length"] == "100"
    assert got["Content-Type"] == "image/png"
    assert got["ETag"] == ETAG
    assert got["X-Content-Type-Options"] == "nosniff"
    assert fetch("/media/a.png", range="bytes=-10").body == CONTENT[-10:]
    assert fetch("/media/a.png", range="bytes=9990-").body == CONTENT[-10:]


@every_kind
def test_206_of_several_ranges(fetch):
    got = fetch("/media/a.png", range="bytes=5000-5009,0-9,-10")
    assert got.status == 206
    assert got["Content-Length"] == str(len(got.body))
    assert got["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert "Content-Range" not in got.headers
    # Neither the boundary nor a type is guessed at: what protects the whole protects the parts.
    assert got["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got["Content-Security-Policy"]
    assert parts_of(got["Content-Type"], got.body) == [
        ("image/png", "bytes 5000-5009/10000", CONTENT[5000:5010]),
        ("image/png", "bytes 0-9/10000", CONTENT[:10]),
        ("image/png", "bytes 9990-9999/10000", CONTENT[-10:]),
    ]


def test_several_ranges_that_are_nearly_all_are_all(fetch):
    got = fetch("/media/a.png", range="bytes=0-4900,4999-9999")
    assert (got.status, got.body) == (200, CONTENT)
    assert got["Content-Type"] == "image/png"


def test_a_flood_of_ranges_is_all_once(fetch):
    for header in ("bytes=" + ",".join(["0-"] * 32), "bytes=" + "1-1,9-9," * 500):
        got = fetch("/media/a.png", range=header)
        assert len(got.body) == int(got["Content-Length"]) <= 10_000


@every_kind
def test_304(fetch):
    for headers in (
        {"if_none_match": ETAG},
        {"if_none_match": f'"x", W/{ETAG}'},
        {"if_none_match": "*"},
        {"if_modified_since": http_date(datetime.now(UTC).timestamp() + 5)},
        {"if_none_match": ETAG, "range": "bytes=0-9"},  # conditions come first
    ):
        for method in ("get", "head"):
            got = fetch("/media/a.png", method, **headers)
            assert (got.status, got.body) == (304, b""), headers
            assert got["ETag"] == ETAG
            assert got["Cache-Control"] == "no-cache"
            assert "Last-Modified" in got.headers
            assert "Content-Type" not in got.headers
            assert "Content-Length" not in got.headers or got["Content-Length"] == "0"


def test_412(fetch):
    day_before = http_date((datetime.now(UTC) - timedelta(days=1)).timestamp())
    for headers in (
        {"if_match": '"x"'},
        {"if_match": f"W/{ETAG}"},
        {"if_unmodified_since": day_before},
        {"if_match": '"x"', "range": "bytes=99999-"},
    ):
        for method in ("get", "head"):
            got = fetch("/media/a.png", method, **headers)
            assert (got.status, got.body) == (412, b""), headers
    assert fetch("/media/a.png", if_match=ETAG).status == 200
    assert fetch("/media/a.png", if_match=ETAG, if_unmodified_since=day_before).status == 200


def test_416(fetch):
    for header in ("bytes=10000-", "bytes=-0", "bytes=10000-10010,20000-"):
        got = fetch("/media/a.png", range=header)
        assert (got.status, got.body) == (416, b"")
        assert got["Content-Range"] == "bytes */10000"
        assert got["Accept-Ranges"] == "bytes"
    assert fetch("/media/empty.bin", range="bytes=0-0").status == 416
    assert fetch("/media/empty.bin", range="bytes=-5").status == 200


def test_404_and_405(fetch):
    for path in ("/media/b.png", "/media/a.png/", "/media/../a.png", "/media/%2e%2e/a.png"):
        assert fetch(path).status == 404
    for method in ("post", "put", "patch", "delete"):
        got = fetch("/media/a.png", method)
        assert got.status == 405
        assert {"GET", "HEAD"} <= set(got["Allow"].split(", "))


def test_head_is_get_without_content_and_knows_no_ranges(fetch):
    expected = fetch("/media/a.png")
    with CaptureCommands() as commands:
        got = fetch("/media/a.png", "head", range="bytes=0-9")
    assert (got.status, got.body) == (200, b"")
    assert got.headers == expected.headers
    assert commands.names == ["find"]


def test_if_range(fetch):
    modified = fetch("/media/a.png")["Last-Modified"]
    assert fetch("/media/a.png", range="bytes=0-9", if_range=ETAG).status == 206
    for header in (modified, f"W/{ETAG}", '"x"', http_date(0), "nonsense", "*"):
        got = fetch("/media/a.png", range="bytes=0-9", if_range=header)
        assert (got.status, got.body) == (200, CONTENT)
    # What cannot be satisfied is not asked for, either.
    assert fetch("/media/a.png", range="bytes=10000-", if_range='"x"').status == 200


def test_a_download_if_it_is_asked_for(fetch):
    got = fetch("/media/a.png?download")
    assert got["Content-Disposition"] == 'attachment; filename="a.png"'
    assert got["Content-Type"] == "image/png"


def test_a_time_that_is_still_to_come_is_not_sent(fetch, database):
    later = datetime(2999, 1, 1, tzinfo=UTC)
    database["fs.files"].update_many({}, {"$set": {"uploadDate": later}})
    assert "2999" not in fetch("/media/a.png")["Last-Modified"]


@pytest.mark.urls("tests.storage.urls")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 11_000), st.integers(0, 600)).map(lambda r: (r[0], sum(r))),
        min_size=1,
        max_size=12,
    )
)
def test_any_ranges_through_the_view(ranges):
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)
    response = Client().get("/media/a.png", headers={"range": header})
    wanted = {n for first, last in ranges for n in range(first, last + 1) if n < len(CONTENT)}
    if not wanted:
        assert response.status_code == 416
        return
    body = b"".join(response.streaming_content)
    assert response["Content-Length"] == str(len(body))
    if response.status_code == 200:
        assert body == CONTENT
        return
    parts = [(None, response.get("Content-Range"), body)]
    if response["Content-Type"].startswith("multipart/"):
        parts = parts_of(response["Content-Type"], body)
    sent = set()
    for _, about, part in parts:
        first, last = map(int, about.removeprefix("bytes ").removesuffix("/10000").split("-"))
        assert part == CONTENT[first : last + 1]
        sent |= set(range(first, last + 1))
    assert wanted <= sent


# How much is read


def reads(commands):
    """The numbers of the chunks that were asked for, command by command."""
    return [
        (command.command["filter"]["n"]["$gte"], command.command["filter"]["n"]["$lte"])
        for command in commands
        if command.command.get("find") == "fs.chunks"
    ]


def test_a_small_file_costs_two_commands(fetch):
    with CaptureCommands() as commands:
        assert fetch("/media/a.png").status == 200
    assert commands.names == ["find", "find"]
    assert reads(commands) == [(0, 9)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=3500-3599", [(3, 3)]),
        ("bytes=3500-4099", [(3, 4)]),
        ("bytes=-1", [(9, 9)]),
        ("bytes=0-0,9000-9000", [(0, 0), (9, 9)]),
        ("bytes=9000-9000,0-0", [(9, 9), (0, 0)]),
        ("bytes=100-109,300-309,500-509", [(0, 0)]),  # a chunk is read once
        ("bytes=900-1100,1500-1600,1900-2100", [(0, 2)]),
        ("bytes=10000-", []),
        ("bytes=0-9", [(0, 0)]),
    ],
)
def test_ranges_read_the_chunks_they_need(fetch, header, expected):
    with CaptureCommands() as commands:
        fetch("/media/a.png", range=header)
    assert reads(commands) == expected
    assert len(commands) == 1 + len(expected)


def test_304_412_and_404_read_nothing(fetch):
    with CaptureCommands() as commands:
        fetch("/media/a.png", if_none_match="*")
        fetch("/media/a.png", if_match='"x"')
    assert commands.names == ["find", "find"]


async def test_the_asynchronous_view_takes_no_thread(async_rf):
    async with no_thread_hop() as names:
        response = await aserve(async_rf.get("/"), name="a.png")
        assert b"".join([part async for part in response]) == CONTENT
        response = await aserve(async_rf.get("/", headers={"range": "bytes=0-9"}), name="a.png")
        assert b"".join([part async for part in response]) == CONTENT[:10]
    assert names == ["find"] * 4


def test_the_addresses_of_the_asynchronous_view(files):
    assert resolve("/included/a.png", "tests.storage.serving_urls").func is aserve
