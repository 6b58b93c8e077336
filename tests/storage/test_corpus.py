"""Hostile names, types, contents and headers, through the storage and through the view."""

import re
from itertools import product

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from mongo_contrib.storage import GridFSStorage

from . import corpus

pytestmark = [pytest.mark.urls("tests.storage.urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def storages_setting(settings):
    settings.MEDIA_URL = "/media/"
    settings.STORAGES = {"default": {"BACKEND": "mongo_contrib.storage.GridFSStorage"}}


def check_harmless(response):
    """Fail unless a browser, whatever it is made to do with this answer, runs nothing of it."""
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    inline = response["Content-Disposition"].startswith("inline")
    assert not inline or corpus.is_harmless(response["Content-Type"]), response["Content-Type"]
    for name, value in response.headers.items():
        assert re.fullmatch(r"[A-Za-z-]+", name), name
        assert value.isascii() and value.isprintable(), (name, value)
    assert "X-Evil" not in response.headers
    assert "Set-Cookie" not in response.headers


def drain(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("name", corpus.IMPOSSIBLE_NAMES, ids=ascii)
def test_a_name_that_leaves_or_breaks_something_is_refused(name, storage, stored):
    for verb in ("exists", "size", "get_info", "open", "get_available_name"):
        with pytest.raises(SuspiciousFileOperation):
            getattr(storage, verb)(name)
    with pytest.raises((SuspiciousFileOperation, ValueError)):
        storage.delete(name)
    with pytest.raises(SuspiciousFileOperation):
        # save() itself takes a name from the content where there is none.
        storage._save(name, ContentFile(b"x"))
    assert stored() == (0, 0)


@pytest.mark.parametrize("name", corpus.ODD_NAMES, ids=ascii)
def test_an_odd_name_is_a_name_like_any_other(name, client, settings):
    storage = GridFSStorage(base_url="/media/", allow_overwrite=True)
    kept = name.replace("\\", "/")
    assert storage.save(name, ContentFile(b"content")) == kept
    storage.save("another", ContentFile(b"another"))
    assert storage.exists(name) and storage.get_info(name).name == kept
    with storage.open(name) as file:
        assert file.read() == b"content"
    response = client.get(storage.url(name))
    assert response.status_code == 200
    check_harmless(response)
    assert drain(response) == b"content"
    storage.delete(name)
    assert not storage.exists(name)
    assert storage.exists("another")


@pytest.mark.parametrize("what", corpus.CONTENTS)
def test_what_a_browser_might_run_is_a_download(what, client):
    storage = GridFSStorage(base_url="/media/")
    content = corpus.CONTENTS[what]
    for extension in corpus.EXTENSIONS:
        response = client.get(storage.url(storage.save(f"a{extension}", ContentFile(content))))
        assert response.status_code == 200
        check_harmless(response)
        assert drain(response) == content


def test_a_claimed_type_is_not_believed_when_saving(storage):
    claims = product([b"<html><script>", b"\0\1"], corpus.CLAIMED_TYPES)
    for number, (content, claimed) in enumerate(claims):
        file = ContentFile(content, "a.png")
        file.content_type = claimed
        info = storage.get_info(storage.save(f"{number}.png", file))
        assert info.content_type in ("text/html", "application/octet-stream")


def test_a_stored_type_never_makes_a_file_run(client, repository):
    storage = GridFSStorage(base_url="/media/")
    storage.save("a.txt", ContentFile(b"<script>alert(1)</script>"))
    for claimed in corpus.CLAIMED_TYPES:
        repository("fs.files").update_one({}, {"$set": {"metadata.contentType": claimed}})
        response = client.get("/media/a.txt")
        assert response.status_code == 200
        check_harmless(response)


@pytest.mark.parametrize("header", corpus.HEADERS)
def test_hostile_headers_are_answered_soundly(header, client):
    storage = GridFSStorage(base_url="/media/", chunk_size=1000)
    content = bytes(range(200)) * 20
    storage.save("a.bin", ContentFile(content))
    for value in corpus.HEADERS[header]:
        response = client.get("/media/a.bin", headers={header: value})
        assert response.status_code in (200, 206, 304, 400, 412, 416), value
        # Whatever is asked for, no more goes out than the file and the frame around its parts.
        assert len(drain(response)) <= 4 * len(content), value
        if response.status_code == 200:
            check_harmless(response)
