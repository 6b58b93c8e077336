"""Files over HTTP."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.http import Http404
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncClient
from django.urls import reverse
from django.utils.http import http_date

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.views import FileView

pytestmark = pytest.mark.urls("tests.storage.urls")

CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(range(92))

# What a file of this extension begins with; all others are text.
STARTS = {
    ".png": CONTENT,
    ".jpg": b"\xff\xd8\xff\xe0",
    ".mp4": b"\0\0\0\x20ftypisom",
    ".mp3": b"ID3\4\0",
    ".pdf": b"%PDF-1.7",
    ".gz": b"\x1f\x8b\x08",
}


@pytest.fixture(autouse=True)
def storages_setting(settings):
    settings.MEDIA_URL = "/media/"
    settings.STORAGES = {
        "default": {
            "BACKEND": "mongo_contrib.storage.GridFSStorage",
            "OPTIONS": {"chunk_size": 10},
        },
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


@pytest.fixture
def serve(client, storage):
    """Save a file and get it, with these headers."""

    def serve(name="a.png", content=CONTENT, method="get", **headers):
        if not storage.exists(name):
            storage.save(name, ContentFile(content))
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        return getattr(client, method)(storage.url(name), headers=headers)

    return serve


def body(response):
    return b"".join(response.streaming_content)


def test_a_file_is_served(serve):
    response = serve("dir/größe ü.png")
    assert response.status_code == 200
    assert body(response) == CONTENT
    assert response["Content-Length"] == "100"
    assert response["Content-Type"] == "image/png"
    assert response["Accept-Ranges"] == "bytes"
    quoted = "gr%C3%B6%C3%9Fe%20%C3%BC.png"
    expected = f"inline; filename=\"gro_e u.png\"; filename*=UTF-8''{quoted}"
    assert response["Content-Disposition"] == expected
    assert http_date(datetime.now(UTC).timestamp())[:16] == response["Last-Modified"][:16]


def test_the_url_of_the_storage_is_that_of_the_view(serve, storage):
    assert reverse("mongo_storage:file", args=["a b/c.png"]) == storage.url("a b/c.png")


def test_an_empty_file_is_served(serve):
    response = serve(content=b"")
    assert (response.status_code, body(response), response["Content-Length"]) == (200, b"", "0")


def test_head_has_the_headers_and_reads_no_content(serve, capture_commands):
    expected = dict(serve().headers)
    before = len(list(capture_commands))
    response = serve(method="head")
    assert dict(response.headers) == expected
    assert response.content == b""
    commands = list(capture_commands)[before:]
    assert not any("chunks" in str(command) for command in commands)


def test_other_methods_are_refused(serve):
    assert serve(method="post").status_code == 405
    assert serve(method="delete").status_code == 405


@pytest.mark.parametrize("name", ["nope.png", "dir", "dir/", "a.png/", "a//b", "./a.png"])
def test_what_is_no_file_is_404(serve, client, name):
    serve("dir/a.png")
    serve("a.png")
    assert client.get("/media/" + name).status_code == 404


def test_a_broken_record_of_another_program_is_a_500_that_is_logged(
    serve, client, database, caplog
):
    serve()
    database["fs.files"].update_one({}, {"$set": {"length": "100"}})
    client.raise_request_exception = False
    assert serve().status_code == 500
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert "'a.png'" in str(record.exc_info[1])


@pytest.mark.parametrize(
    "name",
    [
        *[
            "../secret",
            "a/../../b",
            "%2e%2e/x",
            "..%2fx",
            "%00",
            "a%0d%0ab",
            "%ff%fe",
            "%5c..%5cx",
        ],
        *["/etc/passwd", "//evil.com", "$where", "a" * 5000, "%ed%a0%80"],
    ],
)
def test_hostile_names_are_404(client, db, name):
    assert client.get("/media/" + name).status_code == 404


def test_a_stored_name_cannot_inject_parameters(serve):
    response = serve('a"; filename="evil.exe;.png')
    assert response.status_code == 200
    assert response["Content-Disposition"] == (
        'inline; filename="a_; filename=_evil.exe;.png"; '
        "filename*=UTF-8''a%22%3B%20filename%3D%22evil.exe%3B.png"
    )


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1", "a\n", "\0"])
def test_names_that_no_header_can_have_are_404_in_any_url(rf, database, storage, name):
    document = {"filename": name, "length": 0, "chunkSize": 1, "uploadDate": datetime.now(UTC)}
    database["fs.files"].insert_one(document)  # as another program may have stored it
    with pytest.raises(Http404):
        FileView.as_view()(rf.get("/"), name=name)


@pytest.mark.parametrize(
    ("name", "content_type", "disposition"),
    [
        ("a.png", "image/png", "inline"),
        ("a.jpg", "image/jpeg", "inline"),
        ("a.mp4", "video/mp4", "inline"),
        ("a.mp3", "audio/mpeg", "inline"),
        ("a.txt", "text/plain; charset=utf-8", "inline"),
        ("a.html", "text/html", "attachment"),
        ("a.HTM", "text/html", "attachment"),
        ("a.svg", "image/svg+xml", "attachment"),
        ("a.xhtml", None, "attachment"),
        ("a.xml", None, "attachment"),
        ("a.js", None, "attachment"),
        ("a.pdf", "application/pdf", "attachment"),
        ("a.html.gz", "application/gzip", "attachment"),
        ("a.unheard-of", "text/plain; charset=utf-8", "inline"),
    ],
)
def test_a_browser_shows_only_what_cannot_run(serve, name, content_type, disposition):
    response = serve(name, STARTS.get(Path(name).suffix, b"text"))
    assert response["Content-Disposition"].startswith(f'{disposition}; filename="a')
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("default-src 'none'")
    # An origin, without which there is no film, is no danger where no scripts are allowed.
    origin = " allow-same-origin" if name in ("a.mp4", "a.mp3") else ""
    assert response["Content-Security-Policy"].endswith(f"; sandbox{origin}")
    if content_type is not None:
        assert response["Content-Type"] == content_type


@pytest.mark.parametrize("lie", ["text/html\r\nX-Evil: 1", "image/png; x", "", 5, None, "html"])
def test_a_stored_type_that_is_none_is_not_believed(serve, repository, lie):
    serve("a.txt")
    repository("fs.files").update_one({}, {"$set": {"metadata.contentType": lie}})
    response = serve("a.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert "X-Evil" not in response.headers


def test_a_stored_type_decides_how_it_is_served(serve, repository):
    serve("a.txt")
    repository("fs.files").update_one({}, {"$set": {"metadata.contentType": "text/html"}})
    response = serve("a.txt")
    assert response["Content-Type"] == "text/html"
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "claimed", ["video/evil+xml", "audio/xml", "video/x+xml", "image/svg+xml", "text/xml"]
)
def test_xml_of_any_family_is_a_download(serve, repository, claimed):
    serve("a.txt")
    repository("fs.files").update_one({}, {"$set": {"metadata.contentType": claimed}})
    response = serve("a.txt")
    assert response["Content-Type"] == claimed
    assert response["Content-Disposition"].startswith("attachment")


def test_a_browser_that_has_it_gets_304(serve):
    first = serve()
    by_etag = serve(if_none_match=first["ETag"])
    by_date = serve(if_modified_since=first["Last-Modified"])
    assert by_etag.status_code == by_date.status_code == 304
    assert by_etag["ETag"] == first["ETag"]
    assert serve(if_none_match='"another"').status_code == 200


def test_preconditions_that_fail_are_412(serve):
    before = http_date((datetime.now(UTC) - timedelta(days=1)).timestamp())
    assert serve(if_match='"another"').status_code == 412
    assert serve(if_unmodified_since=before).status_code == 412


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"<!doctype html><script>alert(1)</script>"),
        ("a.jpg", b"\n  <svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("a.mp4", b"<?xml version='1.0'?>"),
        ("a.gif", b"MZ\x90\0\3"),
        ("a", b"\0\1\2"),
        ("a.png", b""),
    ],
)
def test_what_only_says_it_is_an_image_is_a_download(serve, name, content):
    response = serve(name, content)
    assert response["Content-Disposition"].startswith("attachment")
    assert not response["Content-Type"].startswith(("image/png", "image/jpeg", "video/"))


def test_the_etag_is_the_hash_of_the_content(serve, storage):
    first = serve()["ETag"]
    assert first == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    storage.delete("a.png")
    assert serve()["ETag"] == first
    storage.delete("a.png")
    assert serve(content=b"another")["ETag"] != first


def test_a_file_without_a_hash_has_an_etag_of_its_own(serve, storage, repository):
    serve()
    etags = set()
    for stored in (None, "nonsense", {"$ne": 1}, ['"']):
        repository("fs.files").update_one({}, {"$set": {"metadata.sha256": stored}})
        etags.add(serve()["ETag"])
    (etag,) = etags
    assert etag.startswith('"') and etag.endswith('"') and "nonsense" not in etag
    assert serve(if_none_match=etag).status_code == 304
    storage.delete("a.png")
    serve()
    repository("fs.files").update_one({}, {"$unset": {"metadata.sha256": ""}})
    assert serve()["ETag"] != etag


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [("bytes=15-24", 15, 25), ("bytes=90-", 90, 100), ("bytes=-1", 99, 100)],
)
def test_a_range_is_206(serve, header, start, stop):
    response = serve(range=header)
    assert response.status_code == 206
    assert body(response) == CONTENT[start:stop]
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/100"
    assert response["Content-Length"] == str(stop - start)


def test_a_range_without_content_is_416(serve):
    response = serve(range="bytes=100-")
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */100"


@pytest.mark.parametrize("header", ["lines=0-1", "nonsense", "bytes=9-1", "bytes=0-1,x"])
def test_a_range_that_is_not_understood_is_the_whole_file(serve, header):
    assert serve(range=header).status_code == 200


def test_if_range_gives_a_part_of_the_same_file_only(serve):
    first = serve()
    assert serve(range="bytes=0-1", if_range=first["ETag"]).status_code == 206
    # What took its place within a second has the same date.
    assert serve(range="bytes=0-1", if_range=first["Last-Modified"]).status_code == 200
    assert serve(range="bytes=0-1", if_range='"another"').status_code == 200
    assert serve(range="bytes=0-1", if_range="nonsense").status_code == 200


def test_content_is_read_as_it_is_taken(serve, monkeypatch, capture_commands):
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 20)
    response = serve()
    content = response.streaming_content
    before = len(list(capture_commands))
    assert next(content) == CONTENT[:4]
    assert len(list(capture_commands)) - before == 1
    assert b"".join(content) == CONTENT[4:]
    assert len(list(capture_commands)) - before == 5


def test_a_storage_that_is_not_ours_is_said(client, db):
    with pytest.raises(ImproperlyConfigured, match=r"STORAGES\['other'\] is a InMemoryStorage"):
        client.get("/other/a.png")


def test_a_subclass_decides_what_is_shown(rf, storage):
    class Pdf(FileView):
        inline_types = FileView.inline_types | {"application/pdf"}

        def get_headers(self, info):
            return super().get_headers(info) | {"Cache-Control": "private"}

    storage.save("a.pdf", ContentFile(b"1"))
    response = Pdf.as_view()(rf.get("/"), name="a.pdf")
    assert response["Content-Disposition"].startswith("inline")
    assert response["Cache-Control"] == "private"
    assert response["X-Content-Type-Options"] == "nosniff"  # here no middleware adds it
    response.close()


def test_an_asynchronous_server_streams_natively(transactional_db):
    async def get():
        name = await GridFSStorage(chunk_size=10).asave("a.png", ContentFile(CONTENT))
        response = await AsyncClient().get(f"/media/{name}", headers={"range": "bytes=5-94"})
        # As Django's ASGI handler does it; for a sync stream it would warn, which is an error.
        return response.status_code, [part async for part in response]

    status, parts = asyncio.run(get())
    assert status == 206
    assert b"".join(parts) == CONTENT[5:95]
    assert len(parts) == 10


def test_a_middleware_that_changes_the_content_is_respected(db, rf):
    GridFSStorage().save("a.txt", ContentFile(b"a" * 1000))
    view = GZipMiddleware(lambda request: FileView.as_view()(request, name="a.txt"))
    response = view(rf.get("/", headers={"accept-encoding": "gzip"}))
    assert response["Content-Encoding"] == "gzip"
    assert len(body(response)) < 1000
