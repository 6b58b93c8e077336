"""Where a request comes from; no server needed."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.addresses import address_in, client_address, network_of
from mongo_contrib.checks import check_settings

PROXY = "10.0.0.1"


def forwarded(header, peer=PROXY):
    return client_address(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR=peer))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        (None, None),
        (7, None),
        ({"$gt": ""}, None),
        ("unix:", None),
        ("/run/site.sock", None),
        ("unknown", None),
        ("203.0.113.7\0", None),
        ("203.0.113", None),
        ("203.0.113.07", None),
        ("256.1.1.1", None),
        ("[2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]x", None),
        ("\ud800", None),
        ("٣.٣.٣.٣", None),
        (" " * 100 + "203.0.113.7", None),
        ("1" * 100_000, None),
        (":" * 100_000, None),
    ],
)
def test_an_address_in_its_shortest_spelling_or_none(text, address):
    assert address_in({"REMOTE_ADDR": text}) == address


def test_nothing_known():
    assert address_in({}) is None


def test_no_header_counts_unless_there_is_a_proxy():
    assert forwarded("198.51.100.1") == PROXY


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "198.51.100.1,198.51.100.2,203.0.113.7,10.0.0.2", "203.0.113.7"),
        (1, "198.51.100.1, [2001:db8::7]:4711", "2001:db8::7"),
        # A proxy that doesn't say: the next to the left is the visitor's invention.
        (1, "198.51.100.1, unix:", None),
        (1, "198.51.100.1,", None),
        # Past a proxy, or past all of them.
        (2, "198.51.100.1", PROXY),
        (1, "", PROXY),
        (100, "198.51.100.1", PROXY),
    ],
)
def test_what_the_trusted_proxies_have_appended(settings, proxies, header, address):
    settings.MONGO_TRUSTED_PROXIES = proxies
    assert forwarded(header) == address


def test_what_a_visitor_puts_into_the_header_changes_nothing(settings):
    settings.MONGO_TRUSTED_PROXIES = 2
    for forged in ("198.51.100.1", "," * 100_000, "\0, {$gt: 1}", "x" * 100_000, "[,],[", ","):
        assert forwarded(f"{forged}, 203.0.113.7, 10.0.0.2") == "203.0.113.7"


@given(st.text(st.sampled_from("[]:,.%0123abcf\0 \ud800x")), st.integers(0, 3))
def test_no_header_raises(header, proxies):
    with override_settings(MONGO_TRUSTED_PROXIES=proxies):
        address = address_in({"REMOTE_ADDR": header, "HTTP_X_FORWARDED_FOR": header})
    assert address is None or network_of(address)


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48")],
)
def test_the_network_of_an_address(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize("value", [-1, 101, "1", True, None, 1.0])
def test_a_wrong_number_of_proxies_is_refused_and_checked(settings, value):
    settings.MONGO_TRUSTED_PROXIES = value
    [error] = check_settings()
    assert error.id == "mongo_contrib.E008"
    assert error.msg == (
        f"MONGO_TRUSTED_PROXIES is {value!r}; it must be the number of reverse proxies that stand "
        "before the site, from 0 to 100."
    )
    with pytest.raises(ImproperlyConfigured):
        address_in({})


def test_the_default_is_fine():
    assert check_settings() == []
