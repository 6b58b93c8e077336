"""Data that is encrypted at rest: the format alone, then the engines with it."""

import datetime
import secrets
import sys

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.sessions import record
from mongo_contrib.sessions.checks import check_settings
from mongo_contrib.sessions.conf import conf
from mongo_contrib.sessions.sealing import Sealed, Unreadable

KEY = "k" * 32
NEW, OLD = b"n" * 32, b"o" * 32
DATA = {"_auth_user_id": '"65a"', "a.b$c": "[1]", "": "", "größe": "é\0", "raw": b"\xff\0"}


def sealed(data=None, session_key=KEY, keys=(NEW,)):
    """The fields that hold `data`, or DATA."""
    return record.fields(DATA if data is None else data, Sealed(session_key, keys))


def opened(fields, session_key=KEY, keys=(NEW,)):
    return Sealed(session_key, keys).read(fields)


any_text = st.text(st.characters(exclude_categories=()), max_size=20)


@given(
    st.dictionaries(any_text, st.one_of(any_text, st.binary(max_size=20)), max_size=5),
    any_text.filter(len),
)
def test_any_data_comes_back_as_it_was(data, session_key):
    fields = sealed(data, session_key)
    assert opened(fields, session_key) == data
    assert all(type(blob) is bytes for blob in fields.values())


def test_nothing_of_it_can_be_read():
    stored = repr(sealed(dict.fromkeys(["_auth_user_id", "cart"], '"some value"')))
    assert not [text for text in ("_auth", "cart", "some", KEY) if text in stored]


def test_a_field_is_safe_in_a_path_and_the_same_whatever_the_keys_of_the_settings():
    names = [Sealed(KEY, [NEW, OLD]).field(key) for key in DATA]
    assert names == [Sealed(KEY, [OLD]).field(key) for key in DATA]
    assert len(set(names)) == len(DATA)
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)


def test_two_sessions_have_no_field_and_no_value_in_common():
    one, other = sealed(), sealed(session_key="l" * 32)
    assert not one.keys() & other.keys()
    assert not set(one.values()) & set(other.values())


def test_the_same_value_is_sealed_differently_each_time():
    form = Sealed(KEY, [NEW])
    assert len({form.value("a", "1") for _ in range(50)}) == 50


def test_it_takes_the_sessions_key_and_that_of_the_settings():
    fields = sealed()
    with pytest.raises(Unreadable, match="for another session"):
        opened(fields, session_key="l" * 32)
    with pytest.raises(Unreadable, match="a key that is not in the settings"):
        opened(fields, keys=[OLD])
    with pytest.raises(Unreadable, match="a key that is not in the settings"):
        opened(fields, keys=[])


def test_the_first_key_encrypts_and_all_decrypt():
    fields = {**sealed({"a": "1"}, keys=[OLD]), **sealed({"b": "2"}, keys=[NEW, OLD])}
    assert opened(fields, keys=[NEW, OLD]) == {"a": "1", "b": "2"}
    assert opened(sealed(keys=[NEW, OLD]), keys=[NEW]) == DATA
    with pytest.raises(Unreadable):
        opened(fields, keys=[NEW])


def test_keys_that_share_an_id_are_both_tried(monkeypatch):
    monkeypatch.setattr("mongo_contrib.sessions.sealing._key_id", lambda master: b"same")
    assert opened(sealed(keys=[OLD]), keys=[NEW, OLD]) == DATA


def test_a_value_belongs_to_its_field():
    fields = sealed()
    (one, first), (other, second), *_ = fields.items()
    with pytest.raises(Unreadable, match=f"Field '{one}' was sealed otherwise"):
        opened({**fields, one: second, other: first})
    with pytest.raises(Unreadable):
        opened({"of my own": first})


def test_every_bit_counts():
    ((field, blob),) = sealed({"a": "1"}).items()
    for position in range(len(blob)):
        for bit in (1, 128):
            changed = blob[:position] + bytes([blob[position] ^ bit]) + blob[position + 1 :]
            with pytest.raises(Unreadable):
                opened({field: changed})


def test_a_truncated_value_is_unreadable():
    ((field, blob),) = sealed({"a": "1"}).items()
    for length in range(len(blob)):
        with pytest.raises(Unreadable):
            opened({field: blob[:length]})
    with pytest.raises(Unreadable):
        opened({field: blob + b"\0"})


def test_a_later_version_is_told_from_a_damaged_one():
    ((field, blob),) = sealed({"a": "1"}).items()
    with pytest.raises(Unreadable, match="not in a form that is known here"):
        opened({field: b"\x02" + blob[1:]})


@pytest.mark.parametrize("blob", ["text", None, 1, {}, [b""]])
def test_what_is_no_sealed_value_is_unreadable(blob):
    with pytest.raises(Unreadable, match="not sealed bytes"):
        opened({"field": blob})


@pytest.mark.parametrize("fields", [None, [], "text", b"bytes"])
def test_what_is_no_document_is_unreadable(fields):
    with pytest.raises(Unreadable, match="not fields"):
        opened(fields)


def test_unreadable_is_what_the_engine_expects():
    assert issubclass(Unreadable, record.UNREADABLE)


@pytest.mark.parametrize("session_key", [None, ""])
def test_nothing_is_sealed_for_a_session_without_a_key(session_key):
    with pytest.raises(ValueError, match="this one has none"):
        Sealed(session_key, [NEW])


def test_without_keys_nothing_is_sealed():
    with pytest.raises(ImproperlyConfigured, match="MONGO_SESSION_ENCRYPTION_KEYS is empty"):
        Sealed(KEY, []).value("a", "1")


# The library


@pytest.fixture
def without_library(monkeypatch):
    """As if `cryptography` were not installed, and nobody had asked for it yet."""
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    monkeypatch.delitem(sys.modules, "mongo_contrib.sessions.sealing")
    monkeypatch.delattr("mongo_contrib.sessions.sealing")


@pytest.mark.usefixtures("without_library")
def test_without_the_library_a_check_says_what_to_install(settings):
    assert "mongo_sessions.E016" not in [message.id for message in check_settings(None)]
    settings.MONGO_SESSION_ENCRYPTION_KEYS = ["a" * 43]
    (message,) = [each for each in check_settings(None) if each.id == "mongo_sessions.E016"]
    assert message.msg == (
        "MONGO_SESSION_ENCRYPTION_KEYS needs the package 'cryptography': "
        'python -m pip install "django-mongo-contrib[encryption]".'
    )


@pytest.mark.usefixtures("without_library")
def test_without_the_library_plain_sessions_work(twin):
    assert twin.data(twin.saved(a=1)) == {"a": 1}


@pytest.mark.usefixtures("without_library", "encrypted")
def test_without_the_library_nothing_is_saved_unencrypted(twin, sessions):
    with pytest.raises(ImproperlyConfigured, match="needs the package 'cryptography'"):
        twin.saved(a=1)
    assert sessions.count() == 0


# The setting


@pytest.mark.parametrize(
    "value, found",
    [
        ("a" * 43, "a str; it must be a list of keys"),
        (["a" * 42], "a list whose item 1 has 31 bytes"),
        (["a" * 43, b"a" * 43], "a list whose item 2 is a bytes"),
        (["a" * 43, "ä" * 43], "a list whose item 2 is no base64url"),
    ],
)
def test_a_wrong_key_is_named_and_not_shown(settings, value, found):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = value
    (message,) = [each for each in check_settings(None) if each.id == "mongo_sessions.E012"]
    assert message.msg.startswith(f"MONGO_SESSION_ENCRYPTION_KEYS is {found}")
    assert "aaa" not in message.msg


def test_a_key_is_as_the_documentation_makes_it(settings):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [secrets.token_urlsafe(32), "_-" + "A" * 41]
    assert [len(key) for key in conf.encryption_keys] == [32, 32]
    assert "mongo_sessions.E012" not in [message.id for message in check_settings(None)]


# The engines


FIRST, SECOND = "A" * 43, "B" * 42 + "A"


@pytest.fixture
def encrypted(settings):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [FIRST]


@pytest.mark.usefixtures("encrypted")
class TestEngines:
    def test_what_is_saved_comes_back_and_nothing_is_readable(self, twin, sessions):
        session = twin.saved(shopping_cart=["a long text"], other={"inner name": "again"})
        again = twin.store(session.session_key, later="more text")
        twin("save", again)
        (document,) = sessions.find()
        assert sorted(document) == ["_id", "created", "expire_date", "sealed"]
        stored = repr(document)
        readable = ("shopping", "long", "inner", "again", "later", "text", session.session_key)
        assert [text for text in readable if text in stored] == []
        assert twin.data(session) == {
            "shopping_cart": ["a long text"],
            "other": {"inner name": "again"},
            "later": "more text",
        }

    def test_two_requests_that_change_different_keys_both_survive(self, twin):
        key = twin.saved(both=0, same=1).session_key
        one, other = twin.store(key, one=1), twin.store(key, other=2)
        twin("pop", other, "both")
        twin("save", other)
        twin("save", one)
        assert twin.data(key) == {"one": 1, "other": 2, "same": 1}

    def test_what_has_not_changed_is_not_written(self, twin, sessions):
        session = twin.saved(a=1, b=2)
        before = sessions.find_one()["sealed"]
        twin("save", twin.store(session.session_key, b=3))
        after = sessions.find_one()["sealed"]
        assert before.keys() == after.keys()
        assert len(set(before.values()) & set(after.values())) == 1

    def test_any_text_is_a_key(self, twin):
        data = {"a.b": 1, "$set": 2, "": 3, "\0": 4, "\ud800": 5, "é%2E": 6}
        session = twin.saved()
        for name, value in data.items():
            twin("__setitem__", session, name, value)
        twin("save", session)
        assert twin.data(session) == data

    def test_the_key_changes(self, twin, sessions, settings):
        session = twin.saved(a=1, b=2)
        settings.MONGO_SESSION_ENCRYPTION_KEYS = [SECOND, FIRST]
        assert twin.data(session) == {"a": 1, "b": 2}
        again = twin.store(session.session_key, a=3)
        twin("save", again)
        assert twin.data(session) == {"a": 3, "b": 2}
        # Renamed as at a log-in, all of it is sealed with the first key.
        twin("cycle_key", again)
        settings.MONGO_SESSION_ENCRYPTION_KEYS = [SECOND]
        assert twin.data(again) == {"a": 3, "b": 2}

    @pytest.mark.parametrize("keys", [[SECOND], []])
    def test_without_its_key_a_session_is_empty_and_said_to_security(
        self, twin, sessions, settings, caplog, keys
    ):
        session = twin.saved(a=1)
        settings.MONGO_SESSION_ENCRYPTION_KEYS = keys
        assert twin.data(session) == {}
        assert [each.name for each in caplog.records] == ["django.security.SuspiciousSession"]
        again = twin.store(session.session_key, b=2)
        twin("save", again)
        assert twin.data(session) == {"b": 2}
        # It is replaced as a whole, in the format that the settings want now.
        assert (("sealed" in sessions.find_one()), ("data" in sessions.find_one())) == (
            bool(keys),
            not keys,
        )

    def test_a_value_that_was_moved_or_damaged_empties_the_session(self, twin, sessions, caplog):
        victim, thief = twin.saved(role="admin"), twin.saved(role="guest")
        taken = sessions.find_one({"_id": victim.session_id})["sealed"]
        (own,) = sessions.find_one({"_id": thief.session_id})["sealed"]
        (blob,) = taken.values()
        for fields in (taken, {own: blob}, {own: "text"}, {own: b""}, {own: blob[:-1]}):
            sessions.update_one({"_id": thief.session_id}, {"$set": {"sealed": fields}})
            assert twin.data(twin.engine(thief.session_key)) == {}
            message = caplog.records.pop().getMessage()
            assert message.startswith("Session data corrupted: Field ")
        assert twin.data(victim) == {"role": "admin"}

    def test_clear_replaces_everything(self, twin, sessions):
        session = twin.saved(a=1)
        twin("save", twin.store(session.session_key, b=2))
        session.clear()
        twin("__setitem__", session, "c", 3)
        twin("save", session)
        assert twin.data(session) == {"c": 3}
        assert len(sessions.find_one()["sealed"]) == 1

    def test_a_users_session_is_still_listed_by_the_user(self, twin, sessions):
        login = {SESSION_KEY: "65a", BACKEND_SESSION_KEY: "b.B", HASH_SESSION_KEY: "hash"}
        session = twin.saved(**login)
        document = sessions.find_one({"user": "65a"})
        assert "hash" not in repr(document) and "_auth" not in repr(document)
        assert twin.data(session) == login

    def test_what_others_wrote_while_it_is_renamed_is_kept(self, twin):
        session = twin.saved(a=1)
        renamed = twin.store(session.session_key)
        assert twin("get", renamed, "a") == 1
        twin("save", twin.store(session.session_key, late=2))
        twin("cycle_key", renamed)
        assert twin.data(renamed) == {"a": 1, "late": 2}


def test_plain_sessions_stay_readable_and_plain_until_they_are_renamed(twin, sessions, settings):
    session = twin.saved(a="plain text")
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [FIRST]
    again = twin.store(session.session_key, b="more text")
    twin("save", again)
    assert sessions.find_one()["data"] == {"a": '"plain text"', "b": '"more text"'}
    twin("cycle_key", again)
    assert twin.data(again) == {"a": "plain text", "b": "more text"}
    (document,) = sessions.find({"_id": again.session_id})
    assert "text" not in repr(document) and "data" not in document


def test_encrypted_sessions_stay_so_when_the_setting_ends_only_if_the_key_is_there(
    twin, sessions, settings
):
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [FIRST]
    session = twin.saved(a=1)
    settings.MONGO_SESSION_ENCRYPTION_KEYS = []
    assert twin.data(session) == {}
    assert "sealed" in sessions.find_one()


def test_our_serializer_and_encryption_together(twin, settings):
    settings.SESSION_SERIALIZER = "mongo_contrib.sessions.serializers.ExtendedJSONSerializer"
    settings.MONGO_SESSION_ENCRYPTION_KEYS = [FIRST]
    data = {"when": datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC), "raw": b"\xff"}
    assert twin.data(twin.saved(**data)) == data
