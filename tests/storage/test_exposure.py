"""The checks of private storages."""

import pytest
from django.http import HttpResponse
from django.urls import path
from django.views import View

from mongo_contrib.storage.checks import check_storages
from mongo_contrib.storage.views import AsyncFileView, FileView

from .serving import BACKEND


def function(request, name):
    return HttpResponse()


urlpatterns = [
    path("signed/<path:name>", FileView.as_view(storage="signed")),
    path("async/<path:name>", AsyncFileView.as_view(storage="signed")),
    path("other/<path:name>", FileView.as_view()),
    path("view/<path:name>", View.as_view()),
    path("function/<path:name>", function),
]


@pytest.fixture
def ids(settings):
    """``ids(signed={...})`` are those of the messages for storages with these options."""
    settings.ROOT_URLCONF = __name__

    def ids(**storages):
        settings.STORAGES = {
            name: {"BACKEND": BACKEND, "OPTIONS": options} for name, options in storages.items()
        }
        messages = check_storages(None)
        for message in messages:
            assert message.msg.endswith(".")
        return [message.id for message in messages]

    return ids


PRIVATE = {"querystring_auth": True, "bucket": "private", "base_url": "/signed/"}


def test_a_private_storage_that_is_served(ids):
    assert ids(default={}, signed=PRIVATE) == []
    assert ids(default={}, signed={**PRIVATE, "base_url": "/async/"}) == []


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("/nowhere/", ["mongo_storage.W001"]),
        ("/other/", ["mongo_storage.W001"]),
        ("/view/", ["mongo_storage.W001"]),
        ("/function/", []),  # nobody knows
        ("https://files.example.com/signed/", []),
    ],
)
def test_a_private_storage_that_is_not_served_where_it_says(ids, base_url, expected):
    assert ids(default={}, signed={**PRIVATE, "base_url": base_url}) == expected


@pytest.mark.parametrize(
    ("public", "private", "expected"),
    [
        ({}, {}, True),
        ({"location": "a"}, {"location": "a"}, True),
        ({"location": "a"}, {"location": "a/b"}, True),
        ({"location": "a/b"}, {"location": "a"}, False),  # a folder of it is for everybody
        ({"location": "a"}, {"location": "ab"}, False),
        ({"bucket": "other"}, {}, False),
        ({"base_url": ""}, {}, True),
        ({"permission": "mongo_contrib.storage.access.is_staff"}, {}, False),
    ],
)
def test_a_private_storage_in_a_public_one(ids, public, private, expected):
    found = ids(default={"bucket": "private", **public}, signed={**PRIVATE, **private})
    assert ("mongo_storage.E006" in found) is expected


STATIC = "mongo_contrib.storage.staticfiles.GridFSStaticFilesStorage"
MANIFEST = "mongo_contrib.storage.staticfiles.GridFSManifestStaticFilesStorage"


@pytest.mark.parametrize("backend", [STATIC, MANIFEST])
@pytest.mark.parametrize(
    ("static", "media", "expected"),
    [
        ({}, {}, False),  # it has a bucket of its own
        ({"bucket": "fs"}, {}, True),
        ({}, {"bucket": "static"}, True),
        ({"bucket": "fs"}, {"location": "a"}, True),
        ({"bucket": "fs", "location": "a"}, {}, True),  # who chooses names may choose "a/b"
        ({"bucket": "fs", "location": "a"}, {"location": "b"}, False),
        ({"bucket": "fs", "location": "a"}, {"location": "ab"}, False),
        ({"bucket": "fs"}, {"bucket": "fs2"}, False),
        ({"bucket": "fs"}, {"base_url": ""}, True),
    ],
)
def test_files_of_visitors_among_the_static_ones(settings, backend, static, media, expected):
    settings.STATIC_URL = "/static/"
    settings.STORAGES = {
        "default": {"BACKEND": BACKEND, "OPTIONS": media},
        "staticfiles": {"BACKEND": backend, "OPTIONS": static},
        "more": {"BACKEND": STATIC, "OPTIONS": static},  # another of its kind is no matter
    }
    messages = check_storages(None)
    assert [message.id for message in messages] == ["mongo_storage.E007"] * expected
    for message in messages:
        assert message.msg.startswith("Files of STORAGES['default'] are among those of STORAGES['")


def test_permissions_that_are_none(ids):
    for wrong in ("no.such.hook", "tests.storage.serving.hooked", "tests.storage.serving.BACKEND"):
        assert ids(signed={**PRIVATE, "permission": wrong}) == ["mongo_storage.E005"]
    for right in ("tests.storage.serving.hook", "mongo_contrib.storage.access.is_uploader"):
        assert ids(signed={**PRIVATE, "permission": right}) == []


def test_an_alias_that_is_wrong_is_said_once(ids):
    found = ids(default={"alias": "nowhere"}, signed={**PRIVATE, "alias": "nowhere"})
    assert found == ["mongo_storage.E001", "mongo_storage.E001"]
