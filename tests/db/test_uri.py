import pytest
from django.core.exceptions import ImproperlyConfigured

from mongo_contrib.db import parse_uri
from mongo_contrib.db.uri import (
    client_arguments,
    database_name,
    embedded_directory,
    redacted,
)

EMPTY = {"HOST": "", "PORT": "", "USER": "", "PASSWORD": "", "NAME": "", "OPTIONS": {}}


def arguments(**entry):
    return client_arguments("shop", {**EMPTY, **entry})


@pytest.mark.parametrize(
    ("uri", "host", "name"),
    [
        ("mongodb://h:1/atlas?w=1", "mongodb://h:1/atlas?w=1", "atlas"),
        ("mongodb://h", "mongodb://h", ""),
        ("mongodb+srv://h.example/my%2Ddb", "mongodb+srv://h.example/my%2Ddb", "my-db"),
        ("embedded:var/mongodb?name=atlas", "embedded:var/mongodb", "atlas"),
        ("embedded:var/mongodb", "embedded:var/mongodb", ""),
    ],
)
def test_a_uri_becomes_an_entry(uri, host, name):
    assert parse_uri(uri) == {
        "ENGINE": "mongo_contrib.db",
        "HOST": host,
        "NAME": name,
        "OPTIONS": {},
    }


def test_overrides_win():
    entry = parse_uri("mongodb://h/atlas", NAME="other", CONN_HEALTH_CHECKS=True)
    assert entry["NAME"] == "other"
    assert entry["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize("uri", ["http://h/", "localhost", "", "postgres://h/db"])
def test_another_scheme_is_refused(uri):
    with pytest.raises(ImproperlyConfigured, match="begins with 'mongodb://'"):
        parse_uri(uri)


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("mongodb://h/?maxPoolSiz=3", "maxPoolSiz"),
        ("mongodb://h/?maxPoolSize=many", "integer"),
        ("mongodb://h:99999/", "Port must be"),
        ("mongodb://u:p@ss@h/", "must be escaped"),
        ("mongodb+srv://h.example/?retryWrite=true", "retryWrite"),
    ],
)
def test_a_malformed_uri_is_refused_without_asking_a_server(uri, what):
    with pytest.raises(ImproperlyConfigured, match=what):
        parse_uri(uri)
    with pytest.raises(ImproperlyConfigured, match=r"DATABASES\['shop'\]\['HOST'\]"):
        arguments(HOST=uri)


def test_options_that_only_srv_uris_have_are_accepted_there():
    uri = "mongodb+srv://h.example/x?srvMaxHosts=2&w=1"
    assert parse_uri(uri)["HOST"] == uri


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://me:secret@h/db", "mongodb://me:***@h/db"),
        ("mongodb://me:se@cr/et@h/db", "mongodb://me:***@h/db"),
        (
            "mongodb://h/?tlsCertificateKeyFilePassword=secret&w=1",
            "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1",
        ),
        ("mongodb://h/db?appName=a@b", "mongodb://h/db?appName=a@b"),
    ],
)
def test_messages_hide_passwords(uri, shown):
    assert redacted(uri) == shown


def test_an_error_does_not_tell_the_password():
    with pytest.raises(ImproperlyConfigured) as raised:
        arguments(HOST="mongodb://me:top@secret@h/")
    assert "secret" not in str(raised.value)


def test_djangos_own_keys_are_honoured():
    given = arguments(HOST="h", PORT="27018", USER="me", PASSWORD="p")
    assert given["host"] == "h"
    assert given["port"] == 27018
    assert given["username"] == "me"
    assert given["password"] == "p"


def test_without_a_host_it_is_this_machine():
    assert arguments()["host"] == "localhost"


def test_a_visitor_does_not_wait_half_a_minute():
    assert arguments()["serverSelectionTimeoutMS"] == 5000


@pytest.mark.parametrize(
    "entry",
    [
        {"HOST": "mongodb://h/?serverSelectionTimeoutMS=9"},
        {"OPTIONS": {"serverselectiontimeoutms": 9}},
    ],
)
def test_a_time_limit_of_ones_own_is_kept(entry):
    assert "serverSelectionTimeoutMS" not in arguments(**entry)


@pytest.mark.parametrize(
    ("entry", "key", "what"),
    [
        ({"HOST": "http://me:secret@h/"}, "HOST", "'mongodb://'"),
        ({"PORT": "many"}, "PORT", "from 1 to 65535"),
        ({"PORT": 0x10000}, "PORT", "from 1 to 65535"),
        ({"PASSWORD": "p"}, "PASSWORD", "without a USER"),
        ({"OPTIONS": {"maxPoolSiz": 3}}, "OPTIONS", "maxPoolSiz"),
        ({"OPTIONS": {"maxPoolSize": "x"}}, "OPTIONS", "integer"),
        ({"OPTIONS": {"tls": True, "tlsCAFile": "/no/such"}}, "OPTIONS", "/no/such"),
        ({"OPTIONS": {"host": "h"}}, "OPTIONS", r"DATABASES\['shop'\]\['HOST'\]"),
        ({"OPTIONS": ["w"]}, "OPTIONS", "a dict"),
    ],
)
def test_a_bad_entry_is_refused_by_alias_and_key(entry, key, what):
    with pytest.raises(ImproperlyConfigured, match=rf"DATABASES\['shop'\]\['{key}'\].*{what}"):
        arguments(**entry)


def test_the_name_may_be_in_the_uri_and_name_wins():
    assert database_name("shop", {**EMPTY, "HOST": "mongodb://h/atlas"}) == "atlas"
    assert database_name("shop", {**EMPTY, "HOST": "mongodb://h/a", "NAME": "b"}) == "b"


@pytest.mark.parametrize("name", ["", None])
def test_a_missing_name_is_told(name):
    with pytest.raises(ImproperlyConfigured, match=r"\['NAME'\] is missing"):
        database_name("shop", {**EMPTY, "NAME": name, "HOST": "mongodb://h"})


@pytest.mark.parametrize("name", ["a b", "a.b", "a/b", "a$b", "x" * 64, 'a"b', "a\\b", 7])
def test_a_name_that_no_server_takes_is_told(name):
    with pytest.raises(ImproperlyConfigured, match="at most 63 characters"):
        database_name("shop", {**EMPTY, "NAME": name})


def test_an_embedded_directory_is_relative_to_the_project(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    assert embedded_directory("embedded:var/m") == str(tmp_path / "var/m")
    assert embedded_directory("embedded:/srv/m") == "/srv/m"
    assert embedded_directory("mongodb://h") is None


def test_an_embedded_host_is_left_to_who_starts_it():
    assert "host" not in arguments(HOST="embedded:var/m")
