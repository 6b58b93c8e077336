"""Who may see a file, asked through both kinds of server and of view."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.middleware.cache import UpdateCacheMiddleware
from django.test import Client

from mongo_contrib.storage import GridFSStorage
from mongo_contrib.storage.access import (
    Access,
    is_authenticated,
    is_staff,
    is_uploader,
)
from mongo_contrib.storage.views import FileView
from mongo_contrib.test import CaptureCommands

from .serving import BACKEND, HOOK, every_kind, hook

CONTENT = b"secret " * 100


@pytest.fixture(autouse=True)
def files(transactional_db, settings):
    settings.STORAGES = {
        "default": {"BACKEND": BACKEND, "OPTIONS": {"base_url": "/"}},
        "signed": {
            "BACKEND": BACKEND,
            "OPTIONS": {"base_url": "/signed/", "querystring_auth": True},
        },
        "hooked": {
            "BACKEND": BACKEND,
            "OPTIONS": {"base_url": "/hooked/", "permission": "tests.storage.serving.ahook"},
        },
        "both": {
            "BACKEND": BACKEND,
            "OPTIONS": {
                "base_url": "/both/",
                "querystring_auth": True,
                "permission": hook,
                "cache_control": "public, max-age=60",
            },
        },
    }
    GridFSStorage().save("a.txt", ContentFile(CONTENT))


def check_private(got):
    directives = got["Cache-Control"].split(", ")
    assert directives[0] == "private"
    assert not {"public", "s-maxage"} & {each.partition("=")[0] for each in directives}
    assert got["Cross-Origin-Resource-Policy"] == "same-site"


def signed(alias, name="a.txt", **options):
    return storages[alias].signed_url(name, **options)


@every_kind
def test_a_signed_address_is_the_only_way_in(fetch):
    got = fetch(storages["signed"].url("a.txt"))
    assert (got.status, got.body) == (200, CONTENT)
    check_private(got)
    assert fetch(storages["signed"].url("a.txt"), "head").status == 200
    assert fetch(storages["signed"].url("a.txt"), range="bytes=0-2").body == CONTENT[:3]
    for address in ("/signed/a.txt", signed("signed", expires=0), signed("signed") + "0"):
        assert fetch(address).status == 403
    assert fetch("/signed/a.txt?" + signed("signed", "b.txt").partition("?")[2]).status == 403


@pytest.mark.parametrize("path", ["/signed/", "/hooked/", "/both/", "/own/"])
def test_nothing_tells_what_files_there_are(fetch, path):
    for method, headers in (
        *[("get", {}), ("head", {}), ("get", {"if_none_match": "*"})],
        *[("head", {"if_match": '"x"'}), ("get", {"range": "bytes=99999-"})],
    ):
        there = fetch(f"{path}a.txt", method, **headers)
        missing = fetch(f"{path}b.txt", method, **headers)
        assert there.status == 403
        assert there == missing
        assert "ETag" not in there.headers and "Last-Modified" not in there.headers


def test_who_is_let_in_is_told_that_there_is_no_file(fetch):
    assert fetch(signed("signed", "b.txt")).status == 404


@every_kind
@pytest.mark.parametrize("path", ["/hooked/a.txt", "/both/a.txt"])
def test_the_hook_decides(fetch, path):
    assert fetch(path).status == 403
    HOOK["answer"] = True
    got = fetch(path)
    assert (got.status, got.body) == (200, CONTENT)
    check_private(got)
    assert fetch(path, "head").status == 200
    assert fetch(path, if_none_match=got["ETag"]).status == 304
    assert HOOK["asked"] == [(m, "a.txt") for m in ("GET", "GET", "HEAD", "GET")]


def test_what_is_not_true_is_no(fetch):
    HOOK["answer"] = None
    assert fetch("/both/a.txt").status == fetch("/hooked/a.txt").status == 403


def test_a_signature_or_the_hook(fetch):
    got = fetch(signed("both"))
    assert (got.status, HOOK["asked"]) == (200, [])
    assert got["Cache-Control"] == "private, max-age=60"
    assert fetch(signed("both", expires=0)).status == 403
    HOOK["answer"] = True
    assert fetch(signed("both", expires=0)).status == 200
    # Also where addresses are not signed by default.
    HOOK["answer"] = False
    assert fetch(signed("hooked")).status == 200


def test_a_signature_changes_nothing_of_a_public_storage(fetch):
    got = fetch("/media/a.txt?signature=nonsense")
    assert (got.status, got["Cache-Control"]) == (200, "no-cache")
    assert "Cross-Origin-Resource-Policy" not in got.headers


def test_a_permission_of_the_view(fetch):
    assert fetch("/own/a.txt").status == 403
    got = fetch("/own/a.txt", X_Key="a.txt")
    assert (got.status, got.body) == (200, CONTENT)
    check_private(got)
    assert got["Cache-Control"] == "private, max-age=60"
    assert fetch("/own" + signed("default")).status == 200


def test_answers_without_content_are_private_as_well(fetch):
    address = signed("signed")
    etag = fetch(address)["ETag"]
    for headers in ({"if_none_match": etag}, {"if_match": '"x"'}, {"range": "bytes=99999-"}):
        got = fetch(address, **headers)
        assert got.status in (304, 412, 416)
        assert got["Cache-Control"].startswith("private")


def test_a_hook_may_ask_who_it_is(settings):
    settings.ROOT_URLCONF = "tests.storage.serving_urls"
    users = get_user_model().objects
    staff = users.create_user("staff", is_staff=True)
    nobody = users.create_user("nobody")
    for prefix in ("/sync", "/async"):
        for user, status in ((None, 403), (nobody, 403), (staff, 200)):
            client = Client()
            if user:
                client.force_login(user)
            for path in ("staff", "of-staff"):  # of as_view(), and of the class
                response = client.get(f"{prefix}/{path}/a.txt")
                assert response.status_code == status
                response.close()


async def test_a_hook_under_an_asynchronous_server_may_ask_who_it_is(settings, async_client):
    settings.ROOT_URLCONF = "tests.storage.serving_urls"
    staff = await get_user_model().objects.acreate_user("staff", is_staff=True)
    for prefix in ("/sync", "/async"):
        assert (await async_client.get(f"{prefix}/staff/a.txt")).status_code == 403
    await async_client.aforce_login(staff)
    for prefix in ("/sync", "/async"):
        response = await async_client.get(f"{prefix}/staff/a.txt")
        assert b"".join([part async for part in response]) == CONTENT


class Info:
    def __init__(self, uploader):
        self.uploader = uploader


class User:
    is_authenticated = is_active = True
    is_staff = False

    def __init__(self, pk):
        self.pk = pk


def test_hooks_that_are_ready(rf):
    request = rf.get("/")
    for ready in (is_authenticated, is_staff, is_uploader):
        assert not ready(request, Info(None))  # without the middleware there is no user
    request.user = AnonymousUser()
    for ready in (is_authenticated, is_staff, is_uploader):
        assert not ready(request, Info(None))
    request.user = User(1)
    assert is_authenticated(request, Info(None))
    assert not is_staff(request, Info(1))
    assert is_uploader(request, Info(1))
    for other in (2, "1", None, True, {"$ne": 2}, [1]):
        assert not is_uploader(request, Info(other))
    request.user.is_staff = True
    assert is_staff(request, Info(None))
    request.user.is_active = False
    for ready in (is_authenticated, is_staff, is_uploader):
        assert not ready(request, Info(1))


def test_djangos_cache_keeps_nothing_private(rf):
    HOOK["answer"] = True
    caches["default"].clear()
    for alias in ("signed", "hooked", "both"):
        request = rf.get("/a.txt", headers={"range": "bytes=0-1"})
        request._cache_update_cache = True
        request.GET = rf.get(signed(alias)).GET
        response = FileView.as_view(storage=alias)(request, name="a.txt")
        # As a middleware might that collects what is streamed.
        response.streaming = False
        response.status_code = 200
        UpdateCacheMiddleware(FileView.as_view()).process_response(request, response)
        response.close()
    assert not caches["default"]._cache


def test_one_look_up_decides(fetch):
    with CaptureCommands() as commands:
        assert fetch("/both/a.txt").status == 403
    assert commands.names == ["find"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"querystring_auth": 1}, "querystring_auth is True or False, not 1."),
        ({"querystring_expire": 0}, "querystring_expire is a number of seconds from 1 to "),
        ({"querystring_expire": True}, "querystring_expire is a number of seconds from 1 to "),
        ({"querystring_expire": 10**10}, "querystring_expire is a number of seconds from 1 to "),
        ({"cache_control": 60}, "cache_control is the value of a header, .* not 60."),
        ({"cache_control": ""}, "cache_control is the value of a header"),
        ({"cache_control": "a\r\nX-Evil: 1"}, "cache_control is the value of a header"),
        ({"cache_control": "größe"}, "cache_control is the value of a header"),
        ({"permission": "nodots"}, "permission is a function .* not 'nodots'."),
        ({"permission": "a..b"}, "permission is a function"),
        ({"permission": 5}, "permission is a function"),
    ],
)
def test_options_that_cannot_be(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        GridFSStorage(**options)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("no.such.hook", "permission is 'no.such.hook', which can't be imported: "),
        ("tests.storage.serving.nothing", "which can't be imported: .*nothing"),
        ("tests.storage.serving.BACKEND", "which is no function but 'mongo_contrib"),
    ],
)
def test_a_path_that_leads_to_no_hook_lets_nobody_in(rf, path, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        _ = Access.from_options(permission=path).hook


def test_a_storage_with_a_hook_can_be_written_into_a_migration():
    storage = GridFSStorage(permission=is_staff, querystring_auth=True)
    _, args, kwargs = storage.deconstruct()
    assert (args, kwargs) == ((), {"permission": is_staff, "querystring_auth": True})
