"""Files through a real server and clients that people use."""

import hashlib
import http.client
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile

from mongo_contrib.storage import GridFSStorage

from .serving import BACKEND

pytestmark = pytest.mark.urls("tests.storage.serving_urls")

CONTENT = hashlib.shake_256(b"storage").digest(300_000)
TEXT = b"".join(b"line %d\n" % number for number in range(20_000))


@pytest.fixture
def address(live_server, settings):
    """Where the files are; under Django's threaded WSGI server."""
    options = {"compress": ["text/*"]}
    settings.STORAGES = {
        "default": {"BACKEND": BACKEND, "OPTIONS": options},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    storage = GridFSStorage(**options)
    storage.save("a.bin", ContentFile(CONTENT))
    storage.save("b.txt", ContentFile(TEXT))
    return f"{live_server.url}/sync/media/"


@pytest.fixture
def curl(tmp_path):
    """``curl("-r", "0-9", url)`` is what it wrote."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")

    def curl(*arguments):
        done = subprocess.run(
            ["curl", "-sS", *arguments], capture_output=True, timeout=30, check=True, cwd=tmp_path
        )
        return done.stdout

    return curl


def test_curl_downloads_and_goes_on(address, curl, tmp_path):
    assert curl(f"{address}a.bin") == CONTENT
    partial = tmp_path / "a.bin"
    partial.write_bytes(CONTENT[:123_456])
    assert curl("-C", "-", "-o", "a.bin", "-w", "%{http_code}", f"{address}a.bin") == b"206"
    assert partial.read_bytes() == CONTENT


def test_curl_asks_for_parts_heads_and_gzip(address, curl):
    assert curl("-r", "100-199", f"{address}a.bin") == CONTENT[100:200]
    assert curl("-r", "-7", f"{address}a.bin") == CONTENT[-7:]
    head = curl("-I", f"{address}a.bin").decode()
    assert head.startswith("HTTP/1.1 200") and "Content-Length: 300000\r\n" in head
    assert curl("--compressed", f"{address}b.txt") == TEXT
    sizes = curl(
        "-H", "Accept-Encoding: gzip", "-o", "b.gz", "-w", "%{size_download}", f"{address}b.txt"
    )
    assert int(sizes) < len(TEXT) / 2
    etag = next(line for line in head.splitlines() if line.startswith("ETag: "))[6:]
    written = "%{http_code}"
    assert curl("-H", f"If-None-Match: {etag}", "-w", written, f"{address}a.bin") == b"304"
    assert curl("-r", "300000-", "-w", written, f"{address}a.bin") == b"416"


def test_answers_of_every_kind_go_over_one_connection(address):
    """A body that is longer or shorter than was said would be taken for the next answer."""
    url = urlsplit(address)
    client = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    for method, headers, status in [
        ("GET", {"Range": "bytes=0-9,1000-1009,-10"}, 206),
        ("HEAD", {}, 200),
        ("GET", {"Range": "bytes=999999-"}, 416),
        ("GET", {"If-None-Match": "*"}, 304),
        ("GET", {"Range": "bytes=5-"}, 206),
        ("GET", {"If-Match": '"x"'}, 412),
        ("GET", {}, 200),
    ]:
        client.request(method, f"{url.path}a.bin", headers=headers)
        socket = client.sock
        response = client.getresponse()
        body = response.read()
        assert response.status == status
        if method == "GET" and status != 304:
            assert len(body) == int(response.headers["Content-Length"])
        assert client.sock is socket
    client.close()
