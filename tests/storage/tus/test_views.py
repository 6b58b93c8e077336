"""Uploads by the tus protocol."""

import hashlib
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import AsyncRequestFactory

from mongo_contrib.storage.resumable import ResumableUploads
from mongo_contrib.storage.tus.owners import counted_as
from mongo_contrib.storage.tus.protocol import OFFSET_TYPE, VERSION, Checksum
from mongo_contrib.storage.tus.views import AsyncUploadView, UploadView
from tests.hops import no_thread_hop

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


def test_an_upload_may_come_with_its_creation(tus, storage):
    response = tus.create(len(CONTENT), content=CONTENT[:700])
    assert (response.status_code, response["Upload-Offset"]) == (201, "700")
    last = tus.patch(urlsplit(response["Location"]).path, 700, CONTENT[700:])
    assert last["Upload-File"] == "a.bin"
    whole = tus.create(len(CONTENT), content=CONTENT)
    assert (whole.status_code, whole["Upload-File"]) == (201, "a_1.bin")
    assert stored(storage, "a.bin") == stored(storage, "a_1.bin") == CONTENT


def test_an_empty_file_needs_no_more_than_its_creation(tus, storage):
    response = tus.create(0)
    assert (response.status_code, response["Upload-File"]) == (201, "a.bin")
    assert storage.size("a.bin") == 0


def test_an_answer_that_was_lost_is_told_again(tus, storage):
    url = tus.begin(len(CONTENT))
    first = tus.patch(url, 0, CONTENT)
    assert tus.patch(url, 0, CONTENT).status_code == 409
    for again in (tus.patch(url, len(CONTENT), b""), tus.head(url)):
        assert again.status_code in (200, 204)
        assert again["Upload-File"] == first["Upload-File"]
        assert again["Content-Location"] == first["Content-Location"]
    assert storage.listdir("") == ([], ["a.bin"])


def test_who_asks_completes_what_another_left(tus, storage):
    url = tus.begin(len(CONTENT))
    tus.patch(url, 0, CONTENT[:1000])
    uploads = ResumableUploads(storage.files)
    [document] = uploads.collection.find()
    upload = uploads.get(document["_id"])
    uploads.append(upload, 1000, [CONTENT[1000:]], size=len(CONTENT) - 1000)
    assert storage.listdir("") == ([], [])
    assert tus.head(url)["Upload-File"] == "a.bin"
    assert stored(storage, "a.bin") == CONTENT


def test_an_upload_is_ended(tus, storage):
    url = tus.begin(len(CONTENT))
    tus.patch(url, 0, CONTENT[:1500])
    assert tus("delete", url).status_code == 204
    assert tus.head(url).status_code == 404
    assert tus.patch(url, 1500, CONTENT[1500:]).status_code == 404
    assert storage.files.chunks.count_documents({}) == 0


def test_ending_a_finished_upload_leaves_its_file(tus, storage):
    url = tus.begin(len(CONTENT))
    tus.patch(url, 0, CONTENT)
    assert tus("delete", url).status_code == 204
    assert stored(storage, "a.bin") == CONTENT


def test_other_methods_by_the_header_of_old_clients(tus, storage):
    url = tus.begin(len(CONTENT))
    response = tus("post", url, CONTENT, Upload_Offset=0, X_HTTP_Method_Override="PATCH")
    assert (response.status_code, response["Upload-File"]) == (204, "a.bin")
    assert tus("post", url, X_HTTP_Method_Override="HEAD")["Upload-Offset"] == str(len(CONTENT))
    assert (
        tus("patch", url, b"", Upload_Offset=0, X_HTTP_Method_Override="DELETE").status_code != 204
    )
    assert tus("post", url, X_HTTP_Method_Override="DELETE").status_code == 204


# What is refused


def test_a_checksum_is_compared(sync_uploads, storage):
    for algorithm in ("sha1", "sha256", "md5"):
        url = sync_uploads.begin(len(CONTENT))
        right = Checksum.header(algorithm, CONTENT)
        response = sync_uploads.patch(url, 0, CONTENT[:-1] + b"x", Upload_Checksum=right)
        assert (response.status_code, response.reason_phrase) == (460, "Checksum Mismatch")
        assert sync_uploads.head(url)["Upload-Offset"] == "0"
        assert storage.files.chunks.count_documents({}) == 0
        response = sync_uploads.patch(url, 0, CONTENT, Upload_Checksum=right)
        assert response["Upload-File"] == "a.bin"
        storage.delete("a.bin")


def test_a_creation_with_a_wrong_checksum_leaves_nothing(tus, storage):
    wrong = Checksum.header("sha1", b"other")
    response = tus.create(len(CONTENT), content=CONTENT, Upload_Checksum=wrong)
    assert response.status_code == 460
    assert storage.files.chunks.count_documents({}) == 0
    assert ResumableUploads(storage.files).collection.count_documents({}) == 0


def test_another_version_is_refused(sync_uploads):
    for version in (None, "0.2.2", "1.0.0, 2.0.0", ""):
        response = sync_uploads("post", Upload_Length=1, Tus_Resumable=version)
        assert (response.status_code, response["Tus-Version"]) == (412, VERSION), version


def test_a_length_that_is_none_is_refused(sync_uploads):
    for length in (None, "", "-1", "1.5", "0x10", "1e3", "²", "9" * 20, "1 2", "+1"):
        response = sync_uploads("post", Upload_Length=length)
        assert response.status_code == 400, length
        assert b"Upload-Length" in response.content


def test_a_length_beyond_counting_is_refused(sync_uploads):
    assert sync_uploads("post", Upload_Length="9" * 19).status_code == 413


def test_a_length_that_comes_later_is_refused(sync_uploads):
    assert sync_uploads("post", Upload_Defer_Length=1).status_code == 400


MISFITS = [
    ({"Upload_Offset": 1500, "type": "application/octet-stream"}, 415),
    ({"Upload_Offset": None}, 400),
    ({"Upload_Offset": "-5"}, 400),
    ({"Upload_Offset": 0}, 409),
    ({"Upload_Offset": 1501}, 409),
    # The offset is what a client can mend: it is said before anything else of the bytes.
    ({"Upload_Offset": len(CONTENT) - 1, "content": b"xyz"}, 409),
    ({"Upload_Offset": 2**63 - 1}, 409),
    ({"Upload_Offset": 2**63}, 409),
    ({"Upload_Offset": 2**63, "content": b""}, 409),  # nor does it say how much comes
    ({"Upload_Offset": "9" * 19}, 409),
    ({"Upload_Offset": 1500, "Upload_Checksum": "crc32 AAAAAA=="}, 400),
    ({"Upload_Offset": 1500, "Upload_Checksum": "sha1 no base64"}, 400),
    ({"Upload_Offset": 1500, "Upload_Checksum": "sha1 AAAA"}, 400),
    ({"Upload_Offset": 1500, "content": CONTENT}, 413),
]


def test_bytes_that_do_not_fit_are_refused(sync_uploads, storage):
    url = sync_uploads.begin(len(CONTENT))
    sync_uploads.patch(url, 0, CONTENT[:1500])
    for headers, status in MISFITS:
        response = sync_uploads("patch", url, **{"content": b"x", **headers})
        assert response.status_code == status, headers
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        if status == 409:
            assert response["Upload-Offset"] == "1500"
        assert sync_uploads.head(url)["Upload-Offset"] == "1500"
        assert storage.files.chunks.count_documents({}) == 1


def test_a_number_of_bytes_that_is_none_is_not_believed(sync_uploads):
    url = sync_uploads.begin(5)
    response = sync_uploads.patch(url, 0, b"12345", Content_Length="9" * 5000)
    assert response.status_code == 204
    assert sync_uploads.head(url)["Upload-Offset"] in ("0", "5")


def test_other_methods_are_refused(tus):
    url = tus.begin(5)
    for method in ("get", "put"):
        assert tus(method).status_code == tus(method, url).status_code == 405


def test_methods_have_their_place(tus):
    assert tus("patch", None, b"x", Upload_Offset=0).status_code == 405
    assert tus("post", tus.begin(5), Upload_Length=5)["Allow"] == "HEAD, PATCH, DELETE, OPTIONS"


NAMES = [
    ("../../etc/passwd", "passwd"),
    ("/absolute.txt", "absolute.txt"),
    ("C:\\Users\\a.txt", "a.txt"),
    ("a\r\nX-Evil: 1.txt", "aX-Evil: 1.txt"),
    ("a\0b", "ab"),
    ("$where", "$where"),
    ("", "upload"),
    (None, "upload"),
    ("dir/", "upload"),
]


def test_a_name_leads_nowhere_else(sync_uploads, storage):
    for filename, name in NAMES:
        response = sync_uploads.create(3, filename, content=b"abc")
        assert response.status_code == 201
        assert unquote(response["Upload-File"]) == name
        assert storage.listdir("") == ([], [name])
        storage.delete(name)


def test_a_name_that_can_be_none_is_refused(sync_uploads, storage):
    for filename in ("..", "."):
        assert sync_uploads.create(3, filename).status_code == 400, filename
    assert ResumableUploads(storage.files).collection.count_documents({}) == 0


def test_metadata_that_are_none_are_refused(sync_uploads):
    assert sync_uploads.create(3, None, Upload_Metadata="filename").status_code == 201
    refused = ["filename ####", "a YQ==,a YQ==", "ü YQ==", ",", "filename /w==", "k " * 3000]
    for header in refused:
        assert sync_uploads.create(3, None, Upload_Metadata=header).status_code == 400, header


# Who may


def test_visitors_may_not(connect, storage):
    tus = connect("uploads/", user=None)
    assert tus.create(5).status_code == 403
    assert tus("options").status_code == 204


def test_an_inactive_user_may_not(connect, user):
    tus = connect("uploads/")
    url = tus.begin(5)
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert tus.patch(url, 0, b"12345").status_code in (403, 404)


def test_an_upload_is_seen_by_its_owner_only(connect, user):
    mine = connect("uploads/")
    url = mine.begin(len(CONTENT))
    other = connect("uploads/", type(user).objects.create_user("berta"))
    assert other.head(url).status_code == 404
    assert other.patch(url, 0, CONTENT).status_code == 404
    assert other("delete", url).status_code == 404
    assert mine.head(url)["Upload-Offset"] == "0"


def test_other_names_are_no_uploads(sync_uploads):
    for token in ("x", "6" * 24, "6" * 24 + ":x", "$ne", "%00", "%ff", "a" * 9000):
        assert sync_uploads.head(sync_uploads.prefix + token).status_code == 404, token


def test_a_hook_may_be_async(connect):
    assert connect("nobody/").create(5).status_code == 403


def test_visitors_with_a_session_are_told_apart(connect, storage, settings):
    first, second = connect("everybody/", user=None), connect("everybody/", user=None)
    url = first.begin(len(CONTENT))
    assert settings.SESSION_COOKIE_NAME in first.client.cookies
    assert second.head(url).status_code == 404
    assert first.patch(url, 0, CONTENT)["Upload-File"] == "a.bin"
    [document] = ResumableUploads(storage.files).collection.find()
    assert first.client.cookies[settings.SESSION_COOKIE_NAME].value not in str(document)


@pytest.mark.parametrize("middleware", [True, False])
def test_requests_need_the_csrf_token(connect, settings, middleware):
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    assert csrf in settings.MIDDLEWARE
    if not middleware:
        settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if each != csrf]
    tus = connect("uploads/", enforce_csrf_checks=True)
    assert tus.create(5).status_code == 403
    token = "a" * 32
    tus.client.cookies["csrftoken"] = token
    url = urlsplit(tus.create(5, X_CSRFToken=token)["Location"]).path
    assert tus.patch(url, 0, b"12345").status_code == 403
    assert tus("delete", url).status_code == 403
    assert tus.head(url)["Upload-Offset"] == "0"
    assert tus.patch(url, 0, b"12345", X_CSRFToken=token).status_code == 204


def test_a_view_for_other_clients_needs_none(user):
    tus = sync_tus("/api/", user, enforce_csrf_checks=True)
    assert tus.create(5).status_code == 201


def test_somebody_has_so_many_at_once(user):
    tus = sync_tus("/few/", user)
    tus.begin(5)
    url = tus.begin(5)
    response = tus.create(5)
    assert response.status_code == 429
    assert b"2 unfinished uploads" in response.content
    tus("delete", url)
    assert tus.create(5).status_code == 201


def test_a_visitor_is_no_other_one_without_a_cookie(connect, storage):
    def visitor():
        return connect("fewheld/", user=None)

    assert [visitor().create(5).status_code for _ in range(3)] == [201, 201, 429]
    documents = list(ResumableUploads(storage.files).collection.find())
    assert len({each["owner"] for each in documents}) == 2  # none sees the other's
    assert len({each["counted"] for each in documents}) == 1
    assert "127.0.0" not in str(documents)


def test_users_and_keys_are_counted_by_themselves(connect, user):
    visitor = connect("fewheld/", user=None)
    assert [visitor.create(5).status_code for _ in range(3)] == [201, 201, 429]
    assert connect("fewheld/").create(5).status_code == 201
    keys = sync_tus("/fewkeys/")
    assert [keys.create(5, X_Key=key).status_code for key in "aaabb"] == [201, 201, 429, 201, 201]


@pytest.mark.parametrize(
    ("address", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1::1", "2001:db8:1:ffff::2", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("", "unix:", True),  # nothing is known of them
        ("", "192.0.2.1", False),
    ],
)
def test_visitors_of_a_network_are_counted_together(rf, address, other, together):
    found = {
        counted_as(rf.get("/", REMOTE_ADDR=each), f"session:{each}") for each in (address, other)
    }
    assert len(found) == (1 if together else 2)
    assert all(each.startswith("network:") and "192.0" not in each for each in found)


# Options of the storage


def test_an_upload_takes_no_file_from_others(connect, settings):
    """The option is for the site's own code; here the name is the client's word."""
    storage = storages["replaceable"]
    storage.save("invoice.txt", ContentFile(b"of the boss"))
    response = connect("replacing/").create(4, "invoice.txt", content=b"EVIL")
    assert (response.status_code, response["Upload-File"]) == (201, "invoice_1.txt")
    assert stored(storage, "invoice.txt") == b"of the boss"
    assert stored(storage, "invoice_1.txt") == b"EVIL"
    assert storage.allow_overwrite
    response = connect("overwriting/").create(4, "invoice.txt", content=b"mine")
    assert (response.status_code, response["Upload-File"]) == (201, "invoice.txt")
    assert stored(storage, "invoice.txt") == b"mine"


def test_the_limits_of_the_storage_hold(user):
    tus = sync_tus("/pictures/", user)
    assert tus("options")["Tus-Max-Size"] == "9000"
    assert tus.create(9001).status_code == 413
    url = tus.begin(9000, "a.png")
    response = tus.patch(url, 0, b"<script>" * 300)
    assert response.status_code == 415
    assert b"image/*" in response.content
    assert tus.head(url).status_code == 404
    url = tus.begin(100, "a.png")
    png = b"\x89PNG\r\n\x1a\n".ljust(100)
    assert tus.patch(url, 0, png)["Upload-File"] == "a.png"


def test_an_upload_of_one_storage_is_none_of_another(connect, user):
    token = connect("uploads/").begin(5).rpartition("/")[2]
    pictures = sync_tus("/pictures/", user)
    assert pictures.head(f"/pictures/{token}").status_code == 404


def test_a_folder_of_the_bucket_is_not_told(user, settings, storage):
    settings.STORAGES["default"]["OPTIONS"]["location"] = "inner"
    settings.STORAGES = {**settings.STORAGES}
    tus = sync_tus("/uploads/", user)
    url = tus.begin(5)
    assert tus.patch(url, 0, b"12345")["Upload-File"] == "a.bin"
    assert tus.head(url)["Content-Location"] == "/media/a.bin"
    assert storage.exists("inner/a.bin")


@pytest.mark.parametrize("n", [0, 2])
def test_an_upload_whose_chunks_are_gone_is_gone(tus, storage, n):
    url = tus.begin(len(CONTENT))
    tus.patch(url, 0, CONTENT[:2300])
    uploads = ResumableUploads(storage.files)
    [document] = uploads.collection.find()
    uploads.append(uploads.get(document["_id"]), 2300, [CONTENT[2300:]])
    storage.files.chunks.delete_one({"files_id": document["_id"], "n": n})
    response = tus.head(url)
    assert response.status_code == 410
    assert tus.head(url).status_code == 404
    assert storage.listdir("") == ([], [])


def test_who_died_before_it_was_noted_is_no_damage(tus, storage, settings):
    """The file shares its content by then, and the upload's own chunks are gone."""
    settings.STORAGES["default"]["OPTIONS"]["deduplicate"] = True
    settings.STORAGES = {**settings.STORAGES}
    first = urlsplit(tus.create(len(CONTENT), content=CONTENT)["Location"]).path
    second = urlsplit(tus.create(len(CONTENT), content=CONTENT)["Location"]).path
    collection = ResumableUploads(storage.files).collection
    collection.update_many({}, {"$unset": {"published": ""}})
    assert tus.head(first)["Upload-File"] == "a.bin"
    assert tus.head(second)["Upload-File"] == "a_1.bin"
    assert stored(storage, "a_1.bin") == CONTENT


def test_what_has_expired_is_gone(tus, storage):
    url = tus.begin(5)
    collection = ResumableUploads(storage.files).collection
    [document] = collection.find()
    past = {"expires": document["created"] - timedelta(days=1)}
    collection.update_one({"_id": document["_id"]}, {"$set": past})
    assert tus.head(url).status_code == 410
    assert tus.patch(url, 0, b"12345").status_code == 410


@pytest.fixture
def cut(rf, user):
    """Send a request whose client goes away in the middle of the body."""

    def cut(method, url, **headers):
        headers = {key.replace("_", "-"): str(value) for key, value in headers.items()}
        headers["Tus-Resumable"] = VERSION
        request = rf.generic(method, url, CONTENT, OFFSET_TYPE, headers=headers)
        request.user = user
        arriving = iter([CONTENT[:1234]])

        def read(*args):
            for piece in arriving:
                return piece
            raise ConnectionResetError

        request._stream.read = read
        token = url.rpartition("/")[2] or None
        assert UploadView.as_view(csrf_protected=False)(request, token).status_code == 400

    return cut


def test_who_goes_away_while_it_begins_leaves_nothing(cut, storage):
    cut("POST", "/uploads/", Upload_Length=len(CONTENT))
    assert ResumableUploads(storage.files).collection.count_documents({}) == 0
    assert storage.files.chunks.count_documents({}) == 0


def test_who_goes_away_keeps_what_arrived(cut, user, storage):
    tus = sync_tus("/uploads/", user)
    url = tus.begin(len(CONTENT))
    cut("PATCH", url, Upload_Offset=0)
    assert tus.head(url)["Upload-Offset"] == "1234"
    assert tus.patch(url, 1234, CONTENT[1234:])["Upload-File"] == "a.bin"
    assert stored(storage, "a.bin") == CONTENT


def test_what_is_held_becomes_no_file_by_itself(connect, storage):
    tus = connect("held/")
    url = tus.begin(len(CONTENT))
    response = tus.patch(url, 0, CONTENT)
    assert response.status_code == 204
    assert "Upload-File" not in response
    assert storage.listdir("") == ([], [])
    uploads = ResumableUploads(storage.files)
    [document] = uploads.collection.find()
    assert document["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    uploads.publish(uploads.get(document["_id"]), ["by a form.bin"])
    assert tus.head(url).status_code == 410


async def test_the_async_view_takes_no_thread(storage, user):
    view = AsyncUploadView.as_view(csrf_protected=False)

    async def send(method, url, content=b"", **headers):
        headers = {key.replace("_", "-"): str(value) for key, value in headers.items()}
        headers["Tus-Resumable"] = VERSION
        request = AsyncRequestFactory().generic(method, url, content, OFFSET_TYPE, headers=headers)
        request.user = user
        return await view(request, token=url.rpartition("/")[2] or None)

    async with no_thread_hop():
        created = await send("POST", "/auploads/", Upload_Length=len(CONTENT))
        url = urlsplit(created["Location"]).path
        await send("PATCH", url, CONTENT[:1500], Upload_Offset=0)
        assert (await send("HEAD", url))["Upload-Offset"] == "1500"
        last = await send("PATCH", url, CONTENT[1500:], Upload_Offset=1500)
    assert last["Upload-File"] == "upload"
