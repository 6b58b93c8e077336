"""Signed addresses."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation
from hypothesis import given, settings
from hypothesis import strategies as st

from mongo_contrib.storage import GridFSStorage, signing

NOW = 1_800_000_000
FILE = "folder/größe ü.png"


@pytest.fixture
def now(monkeypatch):
    """``now(5)`` lets five seconds pass."""
    clock = [NOW]
    monkeypatch.setattr(time, "time", lambda: clock[0])

    def now(seconds=0):
        clock[0] += seconds

    return now


@pytest.fixture
def storage():
    return GridFSStorage(alias="default", base_url="/media/")


def is_signed(rf, url, storage, name=FILE):
    return signing.is_signed(rf.get(url), storage, name)


def test_an_address_lets_in_until_its_end(rf, now, storage):
    url = storage.signed_url(FILE, 60)
    assert urlsplit(url).path == GridFSStorage(base_url="/media/").url(FILE)
    assert is_signed(rf, url, storage)
    now(59.9)
    assert is_signed(rf, url, storage)
    now(0.1)
    assert not is_signed(rf, url, storage)


@pytest.mark.parametrize(
    "expires",
    [
        *[90, 90.5, timedelta(minutes=1, seconds=30), datetime.fromtimestamp(NOW + 90, UTC)],
        datetime.fromtimestamp(NOW + 90),  # of the test's time zone
    ],
)
def test_ends_in_every_form(rf, now, storage, expires, settings):
    if isinstance(expires, datetime) and expires.tzinfo is None:
        settings.TIME_ZONE = "UTC"
        expires = datetime.fromtimestamp(NOW + 90, UTC).replace(tzinfo=None)
    url = storage.signed_url(FILE, expires)
    now(89)
    assert is_signed(rf, url, storage)
    now(1)
    assert not is_signed(rf, url, storage)


@pytest.mark.parametrize("expires", [0, -5, timedelta(-1), datetime(1960, 1, 1, tzinfo=UTC)])
def test_an_end_that_is_over_lets_nobody_in(rf, now, storage, expires):
    assert not is_signed(rf, storage.signed_url(FILE, expires), storage)


@pytest.mark.parametrize("expires", ["60", True, float("nan"), float("inf"), 10**13, object()])
def test_what_is_no_end_is_said(storage, expires):
    with pytest.raises(ValueError, match="expires is a number of seconds, a timedelta or a date"):
        storage.signed_url(FILE, expires)


def test_the_option_says_how_long_and_that_all_addresses_are_signed(rf, now):
    storage = GridFSStorage(querystring_auth=True, querystring_expire=10, base_url="/media/")
    url = storage.url(FILE)
    now(9)
    assert is_signed(rf, url, storage)
    now(1)
    assert not is_signed(rf, url, storage)
    assert storage.url("/a.txt").startswith("/media/a.txt?signature=")
    for name in ("../a", "a\0", "a/../.."):
        with pytest.raises(SuspiciousFileOperation):
            storage.url(name)


def test_an_address_opens_nothing_else(rf, storage, settings):
    url = storage.signed_url(FILE)
    others = [
        GridFSStorage(alias="default", bucket="other"),
        GridFSStorage(alias="another"),
        GridFSStorage(alias="default", location="folder"),
    ]
    for other in others:
        assert not is_signed(rf, url, other)
    for name in ("folder/größe ü.pn", "größe ü.png", "folder/größe ü.png.png", "a"):
        assert not is_signed(rf, url, storage, name)
    # It is the same file, however a storage calls it.
    assert is_signed(rf, url, GridFSStorage(alias="default", location="folder"), "größe ü.png")


def test_names_cannot_be_shifted_into_other_parts(rf):
    one = GridFSStorage(alias="default", bucket="a", location='b", "c')
    url = one.signed_url("d")
    assert is_signed(rf, url, one, "d")
    assert not is_signed(
        rf, url, GridFSStorage(alias="default", bucket="a", location="b"), 'c", "d'
    )


def test_what_is_tampered_with_lets_nobody_in(rf, storage):
    url = storage.signed_url(FILE)
    path, _, value = url.partition("?signature=")
    ends, _, mac = value.partition(".")
    wrong = [
        *["", ".", "0.", f".{mac}", f"{ends}.", ends, mac, f"{ends}:{mac}", f"{ends}.{mac}="],
        *[f"{int(ends) + 1}.{mac}", f"{ends}0.{mac}", f"0{ends}.{mac}", f"+{ends}.{mac}"],
        *[f"{ends}.{mac[:-1]}", f"{ends}.{mac}A", f"{ends}.{mac.swapcase()}", f"{ends}.{mac}%00"],
        *[f"{ends}.{'A' * 43}", f"{ends}.{'A' * 100_000}", f"{'9' * 100_000}.{mac}", "\ud800"],
        *[f"-{ends}.{mac}", f" {ends}.{mac}", f"{ends}.{mac}%0A", "٣" * 10 + f".{mac}"],
    ]
    for each in wrong:
        request = rf.get(path)
        request.GET = request.GET.copy()
        request.GET["signature"] = each
        assert not signing.is_signed(request, storage, FILE), each[:80]
    for each in (f"{url}&signature={value}", f"{url}&signature=", f"{path}?signature=x&{url}"):
        assert not is_signed(rf, each, storage)
    assert not is_signed(rf, path, storage)
    assert not is_signed(rf, f"{path}?Signature={value}", storage)
    assert is_signed(rf, f"{url}&download=1", storage)


@settings(max_examples=50)
@given(st.text("0123456789.:=-_AZaz\0\n \ud800٣", max_size=60))
def test_any_text_lets_nobody_in(text):
    class Request:
        class GET:
            getlist = staticmethod(lambda name: [text])

    assert not signing.is_signed(Request, GridFSStorage(alias="default"), "a.txt")


def test_keys_can_be_rotated(rf, storage, settings):
    settings.SECRET_KEY = "the first"
    url = storage.signed_url(FILE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the second", ["the first"]
    assert is_signed(rf, url, storage)
    assert storage.signed_url(FILE) != url
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_signed(rf, url, storage)


def test_an_address_holds_nothing_but_name_end_and_code(storage, settings):
    settings.SECRET_KEY = "a-secret-that-is-told-nobody"
    url = storage.signed_url(FILE)
    assert "secret" not in url
    (value,) = parse_qs(urlsplit(url).query)["signature"]
    ends, _, mac = value.partition(".")
    assert int(ends) > time.time()
    assert len(mac) == 43  # SHA-256
