"""Downloads that end before their time, and those of files that are stored compressed."""

import asyncio
import gc
import gzip
import hashlib

import pytest
from django.core.asgi import get_asgi_application
from django.core.files.base import ContentFile
from django.core.wsgi import get_wsgi_application
from django.middleware.gzip import GZipMiddleware

from mongo_contrib.storage import DamagedFile, GridFSStorage
from mongo_contrib.storage.views import FileView
from mongo_contrib.test import CaptureCommands

from .serving import BACKEND, every_kind

CONTENT = hashlib.shake_256(b"storage").digest(5_000)
LOG = "mongo_contrib.storage"


@pytest.fixture(autouse=True)
def files(transactional_db, settings, monkeypatch):
    settings.STORAGES = {"default": {"BACKEND": BACKEND}}
    settings.ROOT_URLCONF = "tests.storage.serving_urls"
    monkeypatch.setattr("mongo_contrib.storage.layout.WINDOW_BYTES", 2000)
    storage = GridFSStorage(chunk_size=1000)
    storage.save("a.bin", ContentFile(CONTENT))
    return storage


def download(path="/sync/media/a.bin"):
    """Status, headers and the content that a WSGI server iterates over and closes."""
    started = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "testserver"}
    environ |= {"SERVER_PORT": "80", "wsgi.input": ContentFile(b""), "wsgi.url_scheme": "http"}
    content = get_wsgi_application()(environ, lambda *args: started.append(args))
    ((status, headers),) = started
    return status, dict(headers), content


async def ask(path, sent, *, until=None):
    """Ask an ASGI server's way; with `until`, the client goes away when that many were sent."""
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path}
    scope |= {"query_string": b"", "headers": [(b"host", b"testserver")]}
    asked, gone = [], asyncio.Event()

    async def receive():
        if not asked:
            asked.append(True)
            return {"type": "http.request"}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) == until:
            gone.set()
            await asyncio.Event().wait()  # what is sent to nobody never arrives

    await get_asgi_application()(scope, receive, send)


def test_a_client_that_goes_away_leaves_nothing_open(caplog):
    with CaptureCommands() as commands:
        status, _, content = download()
        assert (status, next(iter(content))) == ("200 OK", CONTENT[:1000])
        content.close()
    # A cursor that has given all in its first answer is closed.
    assert commands.names == ["find", "find"]
    assert not caplog.records


@pytest.mark.parametrize("length", [-5, 2**62, 1e300])
def test_a_length_that_is_a_lie_asks_for_nothing_without_end(fetch, database, length):
    database["fs.files"].update_one({}, {"$set": {"length": length}})
    with CaptureCommands() as commands, pytest.raises(DamagedFile):
        fetch("/media/a.bin")
    assert len(commands) <= 5


@pytest.mark.parametrize("path", ["/sync/media/a.bin", "/async/media/a.bin"])
def test_a_client_of_an_asynchronous_server_that_goes_away(path, caplog):
    sent = []
    with CaptureCommands() as commands:
        asyncio.run(asyncio.wait_for(ask(path, sent, until=2), 20))
    assert [sent[0]["status"], sent[1]["body"]] == [200, CONTENT[:1000]]
    # A cursor that has given all in its first answer is closed.
    assert commands.names == ["find", "find"]
    assert not caplog.records


def test_a_file_that_is_deleted_on_the_way_ends_short_and_is_logged(files, caplog):
    _, headers, content = download()
    parts = iter(content)
    got = [next(parts), next(parts)]
    files.delete("a.bin")
    with CaptureCommands() as commands, pytest.raises(DamagedFile):
        got.extend(parts)
    assert commands.names == ["find"]  # once is enough to know
    assert b"".join(got) == CONTENT[:2000]
    assert headers["Content-Length"] == "5000"  # so the client knows
    (record,) = [record for record in caplog.records if record.name == LOG]
    message = record.getMessage()
    assert message.startswith("A download of 'a.bin' ends before its time: The file 'a.bin' is")
    content.close()


# Django 5.2 leaves the (empty) body of the request to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:ResourceWarning")
@pytest.mark.parametrize("path", ["/sync/media/a.bin", "/async/media/a.bin"])
def test_a_damaged_file_breaks_off_an_asynchronous_answer(path, database, caplog):
    database["fs.chunks"].delete_one({"n": 3})

    sent = []
    with pytest.raises(DamagedFile):
        asyncio.run(ask(path, sent))
    start, *sent = sent
    assert (b"Content-Length", b"5000") in start["headers"]
    assert b"".join(part["body"] for part in sent) == CONTENT[:3000]
    gc.collect()
    # It is not said that this was all: a server then ends the connection.
    assert all(part["more_body"] for part in sent)
    assert [record.name for record in caplog.records] == [LOG]


def test_parts_are_not_compressed_by_middleware(rf):
    GridFSStorage().save("a.txt", ContentFile(b"a" * 5000))
    headers = {"accept-encoding": "gzip", "range": "bytes=1000-1999"}
    view = GZipMiddleware(lambda request: FileView.as_view()(request, name="a.txt"))
    response = view(rf.get("/", headers=headers))
    assert response.status_code == 206
    assert "Content-Encoding" not in response.headers
    assert b"".join(response) == b"a" * 1000
    # What it does to a whole file makes its entity tag a weak one, which is good for 304 only.
    del headers["range"]
    whole = view(rf.get("/", headers=headers))
    assert whole["ETag"].startswith('W/"')
    assert gzip.decompress(b"".join(whole)) == b"a" * 5000
    known = {**headers, "if-none-match": whole["ETag"]}
    assert view(rf.get("/", headers=known)).status_code == 304
    resumed = {**headers, "range": "bytes=10-", "if-range": whole["ETag"]}
    again = view(rf.get("/", headers=resumed))
    assert again.status_code == 200
    again.close()


# Compressed files

TEXT = b"".join(b"line %d\n" % number for number in range(8_000))


@pytest.fixture
def etag(settings):
    """The entity tag of a compressed file, "b.txt", with `text` in it."""
    options = {"compress": ["text/*"], "chunk_size": 5000}
    settings.STORAGES = {"default": {"BACKEND": BACKEND, "OPTIONS": options}}
    storage = GridFSStorage(**options)
    storage.save("b.txt", ContentFile(TEXT))
    assert storage.get_info("b.txt").encoding == "gzip"
    return f'"{hashlib.sha256(TEXT).hexdigest()}"'


@every_kind
def test_who_takes_gzip_gets_what_is_stored(fetch, etag):
    got = fetch("/media/b.txt", accept_encoding="br, gzip")
    assert (got.status, got["Content-Encoding"]) == (200, "gzip")
    assert got["Content-Length"] == str(len(got.body))
    assert len(got.body) < len(TEXT) / 2
    assert gzip.decompress(got.body) == TEXT
    assert got["ETag"] == etag[:-1] + '-gzip"'
    assert "Accept-Encoding" in got["Vary"]
    assert got["Content-Type"] == "text/plain; charset=utf-8"
    head = fetch("/media/b.txt", "head", accept_encoding="gzip")
    assert head.headers == got.headers and head.body == b""


@pytest.mark.parametrize("header", [None, "identity", "gzip;q=0", "br"])
def test_who_takes_none_gets_the_content(fetch, etag, header):
    got = fetch("/media/b.txt", **{"accept_encoding": header} if header else {})
    assert (got.status, got.body, got["ETag"]) == (200, TEXT, etag)
    assert "Content-Encoding" not in got.headers
    assert got["Content-Length"] == str(len(TEXT))
    assert "Accept-Encoding" in got["Vary"]


def test_ranges_are_of_the_content(fetch, etag):
    for accepted in ({}, {"accept_encoding": "gzip"}):
        got = fetch("/media/b.txt", range="bytes=50000-50099", **accepted)
        assert (got.status, got.body, got["ETag"]) == (206, TEXT[50_000:50_100], etag)
        assert got["Content-Range"] == f"bytes 50000-50099/{len(TEXT)}"
        assert "Content-Encoding" not in got.headers
        assert "Accept-Encoding" in got["Vary"]
    # Who has the beginning of a gzip cannot go on with the rest of something else.
    gzipped = etag[:-1] + '-gzip"'
    got = fetch("/media/b.txt", range="bytes=9-", if_range=gzipped, accept_encoding="gzip")
    assert (got.status, got["ETag"]) == (200, gzipped)
    assert fetch("/media/b.txt", range="bytes=9-", if_match=gzipped).status == 412
    assert fetch("/media/b.txt", range=f"bytes={len(TEXT)}-").status == 416


def test_both_forms_are_known(fetch, etag):
    gzipped = etag[:-1] + '-gzip"'
    for accepted, known, status, current in (
        ("gzip", gzipped, 304, gzipped),
        ("gzip", f"W/{gzipped}", 304, gzipped),
        ("gzip", f"{etag}, {gzipped}", 304, gzipped),
        ("gzip", etag, 304, etag),
        ("identity", etag, 304, etag),
        ("identity", gzipped, 200, etag),
        ("gzip", '"x"', 200, gzipped),
    ):
        got = fetch("/media/b.txt", accept_encoding=accepted, if_none_match=known)
        assert (got.status, got["ETag"]) == (status, current), (accepted, known)
        assert "Accept-Encoding" in got["Vary"]
    assert fetch("/media/b.txt", accept_encoding="gzip", if_match=gzipped).status == 200
    assert fetch("/media/b.txt", accept_encoding="gzip", if_match=etag).status == 412


def test_a_file_that_is_not_compressed_does_not_vary(fetch):
    got = fetch("/media/a.bin", accept_encoding="gzip")
    assert "Content-Encoding" not in got.headers
    assert "Accept-Encoding" not in got.headers.get("Vary", "")
