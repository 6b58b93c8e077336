"""What a session looks like in MongoDB; no server needed."""

import ast
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.contrib.sessions.serializers import JSONSerializer
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.sessions import record
from mongo_contrib.sessions.serializers import ExtendedJSONSerializer

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
JSON = JSONSerializer()
PLAIN = record.Plain()

# Lone surrogates too: they are in no UTF-8, and JSON takes them.
keys = st.text(st.one_of(st.characters(), st.sampled_from(".$%\0uDE24"), st.just("\ud800")))


@given(keys)
def test_a_field_name_comes_back_as_its_key(key):
    field = record.field_name(key)
    assert record.key_of(field) == key
    assert field and not set(field) & set(".$\0")
    assert field.encode()


@given(keys, keys)
def test_two_keys_never_share_a_field(one, other):
    assert (record.field_name(one) == record.field_name(other)) == (one == other)


def test_a_readable_key_stays_readable():
    assert record.field_name("_auth_user_id") == "_auth_user_id"
    assert record.field_name("größe") == "größe"


def test_the_key_is_hashed_under_each_secret_the_current_one_first():
    ids = record.session_ids("k" * 32, ["new", "old"])
    assert ids == record.session_ids("k" * 32, ["new"]) + record.session_ids("k" * 32, ["old"])
    assert len(set(ids)) == 2
    assert all(len(session_id) == 64 and "kkk" not in session_id for session_id in ids)


def test_a_key_that_is_no_unicode_matches_nothing_rather_than_failing():
    assert len(record.session_ids("\ud800" * 8, ["secret"])) == 1


def test_one_secret_needs_no_list_of_ids():
    assert record.with_id(["a"]) == {"_id": "a"}
    assert record.with_id(["a", "b"]) == {"_id": {"$in": ["a", "b"]}}


def test_expired_is_the_opposite_of_live():
    assert record.live(["a"], NOW)["expire_date"] == {"$gt": NOW}
    assert record.expired(NOW) == {"expire_date": {"$lte": NOW}}


def test_moments_are_stored_in_utc():
    berlin = timezone(timedelta(hours=2))
    assert record.to_utc(datetime(2026, 5, 1, 14, tzinfo=berlin)) == NOW
    assert record.to_utc(datetime(2026, 5, 1, 14, tzinfo=berlin)).tzinfo is UTC


def test_a_naive_moment_is_in_the_default_time_zone():
    # TIME_ZONE of the tests is Europe/Berlin; stored as it is, it would expire two hours late.
    assert record.to_utc(datetime(2026, 5, 1, 14)) == NOW


VALUES = [None, True, 1, 2**80, 1.5, "é\0", [1, [2]], {"a.b": {"$c": "\0"}}, {}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_json_can_say_comes_back(value):
    encoded = record.encoded({"key": value}, JSON)
    assert record.decoded(encoded, JSON) == {"key": value}


def test_keys_that_are_no_strings_become_what_the_serializer_makes_of_them():
    data = {2: "a", True: "b", None: "c", 1.5: "d"}
    assert record.decoded(record.encoded(data, JSON), JSON) == JSON.loads(JSON.dumps(data))


def test_what_json_cannot_say_is_refused_when_saving():
    with pytest.raises(TypeError, match="not JSON serializable"):
        record.encoded({"when": NOW}, JSON)


@pytest.mark.parametrize("serializer", [JSON, ExtendedJSONSerializer()])
def test_an_error_says_under_which_key_it_is(serializer):
    with pytest.raises(TypeError) as caught:
        record.encoded({"fine": 1, "cart": [1, object()]}, serializer)
    assert caught.value.__notes__ == ["It is in session['cart']."]


class Binary:
    """A serializer that writes no UTF-8, and keeps the type of keys."""

    def dumps(self, obj):
        return b"\xff" + repr(obj).encode()

    def loads(self, data):
        return ast.literal_eval(data[1:].decode())


def test_a_binary_serializer_works():
    encoded = record.encoded({"a": 1}, Binary())
    assert encoded == {"a": b"\xff1"}
    assert record.decoded(encoded, Binary()) == {"a": 1}


def test_a_key_that_stays_no_string_is_refused_with_a_sentence():
    with pytest.raises(TypeError, match=r"keys of a session are strings, and 1 is of type int"):
        record.encoded({1: "a"}, Binary())


def test_changes_are_the_changed_keys_only():
    before, after = {"same": "1", "new": "2", "gone": "3"}, {"same": "1", "new": "4"}
    assert record.changes(before, after, PLAIN, NOW, {"seen": NOW, "user": None}) == {
        "$set": {"expire_date": NOW, "data.new": "4", "seen": NOW},
        "$unset": {"data.gone": "", "user": ""},
    }


def test_no_change_still_prolongs_the_session():
    update = record.changes({"a": "1"}, {"a": "1"}, PLAIN, NOW, {})
    assert update == {"$set": {"expire_date": NOW}}


def test_unknown_data_is_replaced_as_a_whole_in_whatever_form_it_was():
    assert record.replacement({"a.b": "1"}, PLAIN, NOW, {}) == {
        "$set": {"expire_date": NOW, "data": {"a%2Eb": "1"}},
        "$unset": {"sealed": ""},
    }


def test_a_document_comes_back_as_its_data():
    document = record.insertable("id", {"a.b": "1", "": "2"}, PLAIN, NOW, {"created": NOW})
    assert document == {
        "_id": "id",
        "data": {"a%2Eb": "1", "%": "2"},
        "expire_date": NOW,
        "created": NOW,
    }
    assert PLAIN.read(document["data"]) == {"a.b": "1", "": "2"}


def test_of_what_others_changed_only_that_which_is_not_changed_here():
    before = {"same": "1", "theirs": "1", "both": "1", "gone": "1", "gone here": "1"}
    own = {"same": "1", "theirs": "1", "both": "2", "gone": "1", "new here": "1"}
    theirs = {"same": "1", "theirs": "3", "both": "3", "gone here": "1", "new": "3"}
    changed = record.changed_by_others(before, own, theirs)
    assert changed == {"theirs": "3", "gone": None, "new": "3"}


def test_the_size_counts_bytes_of_keys_and_values():
    assert record.size({"é": "12", "b": b"\xff" * 3}) == 2 + 2 + 1 + 3
