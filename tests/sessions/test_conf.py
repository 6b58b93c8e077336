"""Each setting has a default, and refuses what it cannot be with a sentence."""

import secrets

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pymongo.write_concern import WriteConcern

from mongo_contrib.sessions.checks import IDS, check_settings
from mongo_contrib.sessions.conf import conf

WRONG = [
    ("collection", "a$b", r"is 'a\$b'; it must be a collection's name"),
    ("device_collection", "", "is ''; it must be a collection's name"),
    ("max_size", 0, "is 0; it must be a number of bytes from 1 to 15,000,000"),
    ("max_size", 16_000_000, "is 16000000; it must be a number of bytes"),
    ("max_size", True, "is True; it must be a number of bytes"),
    ("device_collection", "django_session", ".*another collection than MONGO_SESSION_COLL"),
    ("max_per_user", 0, "is 0; it must be a number of sessions from 1 to 1,000"),
    ("max_per_user", 10**12, "is 1000000000000; it must be a number of sessions from 1 to 1,000"),
    ("max_per_user", "3", "is '3'; it must be a number of sessions"),
    ("when_full", "explode", "is 'explode'; it must be 'end_oldest' or 'refuse'"),
    ("when_full", [], r"is \[\]; it must be 'end_oldest' or 'refuse'"),
    ("when_unreachable", None, "is None; it must be 'error' or 'anonymous'"),
    ("record", "address", "is 'address'; it must be a list of names out of \"last_seen\""),
    ("record", ["shoe size"], '.*; it must be without "shoe size"'),
    ("record", ["address", "network"], '.*; it must be without "address" or without "network"'),
    ("record", [["address"]], ".*; it must be without"),
    ("last_seen_interval", -1, "is -1; it must be a number of seconds from 1 to"),
    ("device_cookie_age", 1.5, "is 1.5; it must be a number of seconds from 1 to"),
    ("device_cookie_age", 10**12, "is 1000000000000; it must be a number of seconds from 1 to"),
    (
        "cache_timeout",
        10**10,
        "is 10000000000; it must be a number of seconds from 1 to 2,592,000",
    ),
    ("read_preference", "secondry", "is 'secondry'; it must be one of \"primary\""),
    ("read_preference", None, "is None; it must be given"),
    ("write_concern", -1, 'is -1; it must be "majority", a number of servers'),
    ("write_concern", WriteConcern(0), ".*; it must be acknowledged"),
    ("encryption_keys", "key", "is a str; it must be a list of keys"),
    ("encryption_keys", [b"key"], "is a list whose item 1 is a bytes; it must be"),
    ("encryption_keys", ["?"], "is a list whose item 1 is no base64url"),
    ("encryption_keys", [secrets.token_urlsafe(16)], "is a list whose item 1 has 16 bytes"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_a_wrong_value_is_told_by_name_and_by_a_check(settings, name, value, sentence):
    setting = f"MONGO_SESSION_{name.upper()}"
    setattr(settings, setting, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{setting} {sentence}"):
        getattr(conf, name)
    assert IDS[name] in [message.id for message in check_settings(None)]


def test_no_sentence_shows_a_key(settings):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [secrets.token_urlsafe(32), "a secret that is wrong"]
    with pytest.raises(ImproperlyConfigured) as caught:
        _ = conf.encryption_keys
    assert "wrong" not in str(caught.value)
    assert settings.MONGO_SESSION_ENCRYPTION_KEYS[0] not in str(caught.value)


def test_keys_may_have_their_padding_or_not(settings):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = ["A" * 43, "A" * 43 + "="]
    assert conf.encryption_keys == (bytes(32), bytes(32))


def test_a_misspelt_name_is_told(settings):
    settings.MONGO_SESSION_MAX_PER_USR = 3
    settings.MONGO_SESSION_FROBNICATE = True
    first, second = check_settings(None)
    assert first.id == second.id == "mongo_sessions.W005"
    assert first.msg == "MONGO_SESSION_FROBNICATE is no setting."
    assert second.hint == "Did you mean MONGO_SESSION_MAX_PER_USER?"


@pytest.mark.parametrize("name", ["RECORD", "COLLECTION", "DEVICE_COLLECTION", "ALIAS"])
def test_a_wrong_value_stops_no_other_check(settings, name):
    setattr(settings, f"MONGO_SESSION_{name}", 5)
    found = {message.id for message in run_checks()}
    assert found & {*IDS.values(), "mongo_sessions.E001"}
