"""Uploads by the tus protocol."""

import hashlib
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest

from mongo_contrib.storage.resumable import ResumableUploads
from mongo_contrib.storage.tus.protocol import VERSION, Checksum

from .conftest import sync_tus

pytestmark = pytest.mark.urls("tests.storage.tus.urls")

CONTENT = bytes(range(256)) * 10


def stored(storage, name):
    with storage.open(name) as file:
        return file.read()


def test_options_tell_what_there_is(tus):
    response = tus("options", Tus_Resumable=None)
    assert response.status_code == 204
    assert response["Tus-Resumable"] == response["Tus-Version"] == VERSION
    extensions = "creation,creation-with-upload,termination,expiration,checksum"
    assert response["Tus-Extension"] == extensions
    assert response["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert "Tus-Max-Size" not in response


def test_an_upload_in_pieces_becomes_a_file(tus, storage, user):
    created = tus.create(len(CONTENT), "größe.bin")
    assert created.status_code == 201
    assert created["Location"].startswith(f"http://testserver{tus.prefix}")
    assert "Upload-Expires" in created
    url = urlsplit(created["Location"]).path
    first = tus.patch(url, 0, CONTENT[:1500])
    assert (first.status_code, first["Upload-Offset"]) == (204, "1500")
    head = tus.head(url)
    assert head.status_code == 200
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("1500", str(len(CONTENT)))
    assert head["Upload-Metadata"].startswith("filename ")
    assert head["Cache-Control"] == "no-store"
    assert not storage.exists("größe.bin")
    last = tus.patch(url, 1500, CONTENT[1500:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(CONTENT)))
    assert unquote(last["Upload-File"]) == "größe.bin"
    assert last["Content-Location"] == storage.url("größe.bin")
    info = storage.get_info("größe.bin")
    assert info.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (info.uploader, info.original_name) == (user.pk, "größe.bin")
    assert stored(storage, "größe.bin") == CONTENT
