"""The serializer that holds values of Python and BSON, and serializers that are refused."""

import datetime
import enum
import json
import pickle
import re
import zlib
from collections import OrderedDict
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from bson import (
    SON,
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    json_util,
)
from bson.datetime_ms import DatetimeMS
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from hypothesis import example, given
from hypothesis import strategies as st

from mongo_contrib.sessions import notations
from mongo_contrib.sessions.checks import check_settings
from mongo_contrib.sessions.serializers import ExtendedJSONSerializer, refuse_pickle

PATH = "mongo_contrib.sessions.serializers.ExtendedJSONSerializer"
OURS, DJANGOS = ExtendedJSONSerializer(), JSONSerializer()
UTC = datetime.UTC


def exact(value):
    """What tells values apart that Python calls equal, or never does."""
    kind = type(value)
    if kind is dict:
        return [(exact(key), exact(item)) for key, item in value.items()]
    if kind is list:
        return [exact(item) for item in value]
    if kind in (datetime.datetime, datetime.time):
        offset = value.utcoffset()
        return kind, value.isoformat(), offset, value.fold if offset is None else 0
    if kind is Code:
        return kind, str(value), exact(value.scope)
    if kind is DBRef:
        return kind, exact(dict(value.as_doc()))
    if kind is Decimal128:
        return kind, value.bid
    if kind is Regex:
        return kind, exact(value.pattern), int(value.flags)
    if kind is re.Pattern:
        return kind, exact(value.pattern), value.flags
    if kind in (MinKey, MaxKey):
        return kind
    return kind, repr(value)


def there_and_back(value, serializer=OURS):
    return serializer.loads(serializer.dumps(value))


offsets = st.one_of(
    st.none(),
    st.just(UTC),
    st.timedeltas(
        datetime.timedelta(hours=-23, minutes=-59), datetime.timedelta(hours=23, minutes=59)
    )
    # Python's own fromisoformat() takes an offset of less than a second for none.
    .filter(lambda offset: abs(offset) >= datetime.timedelta(seconds=1))
    .map(datetime.timezone),
    st.sampled_from(["Europe/Berlin", "Europe/London", "America/St_Johns"]).map(ZoneInfo),
)
folds = st.sampled_from([0, 1])
datetimes = st.builds(
    lambda moment, fold: moment.replace(fold=fold), st.datetimes(timezones=offsets), folds
)
times = st.builds(
    lambda moment, fold: moment.replace(fold=fold),
    st.times(timezones=st.sampled_from([None, UTC, datetime.timezone(datetime.timedelta(1 / 7))])),
    folds,
)
texts = st.one_of(st.text(max_size=8), st.sampled_from(["$", "$oid", "$pairs", '"$', "\ud800"]))
patterns = st.builds(
    re.compile,
    st.text("ab.*\u00e9", max_size=4).map(re.escape),
    st.sampled_from([0, re.I, re.M | re.S, re.X | re.A, re.U]),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    datetimes,
    times,
    st.dates(),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.binary(max_size=8),
    patterns,
    st.builds(re.compile, st.binary(max_size=4).map(re.escape), st.sampled_from([0, re.I])),
    st.builds(Binary, st.binary(max_size=17), st.integers(0, 255)),
    st.builds(Int64, st.integers(-(2**63), 2**63 - 1)),
    st.builds(DatetimeMS, st.integers(-(2**63), 2**63 - 1)),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.sampled_from([MinKey(), MaxKey()]),
    st.builds(Regex, st.one_of(texts, st.binary(max_size=4)), st.integers(0, 512)),
    st.builds(Regex, texts, st.sampled_from(["", "i", "lmsux"])),
    st.builds(Code, texts),
)
NOTATIONS = sorted({key for keys in notations.READERS for key in keys} | {"$ref", "$id", "$db"})
keys = st.one_of(texts, st.sampled_from(NOTATIONS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.builds(Code, texts, st.dictionaries(keys, inner, max_size=2)),
        st.builds(
            DBRef,
            texts,
            inner,
            st.one_of(st.none(), texts),
            st.dictionaries(
                texts.filter(lambda key: key not in ("$ref", "$id", "$db")), inner, max_size=2
            ),
        ),
    ),
    max_leaves=12,
)


@given(values)
@example({"$oid": "65a000000000000000000000"})
@example({"$pairs": [["$pairs", {"$pairs": []}]]})
@example({"$code": "x", "$scope": {"$oid": 1}})
@example({"$ref": "users", "$id": ObjectId(b"a" * 12)})
@example([b"", Binary(b"", 0), Binary(b"", 4)])
# NaN that carries something, and a zero of more digits than there are.
@example(Decimal128.from_bid(b"\x01" + bytes(14) + b"\x7c"))
@example(Decimal128.from_bid(b"\xff" * 12 + b"\xff\xff\x00\x60"))
@example([Int64(1), 1, Decimal("sNaN12"), Decimal("-0E+9"), float("nan"), -0.0])
def test_every_value_comes_back_as_it_was(value):
    text = OURS.dumps(value)
    read = OURS.loads(text)
    assert exact(read) == exact(value)
    # Or a request that changes nothing would write, over what others have changed.
    assert OURS.dumps(read) == text


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.one_of(st.text(max_size=4), st.integers(), st.booleans(), st.none(), st.floats()),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(json_values)
@example({1: "a", "1": "b"})
def test_what_json_holds_is_what_djangos_serializer_makes_of_it(value):
    read = there_and_back(value)
    assert exact(read) == exact(there_and_back(value, DJANGOS))
    assert OURS.dumps(read) == OURS.dumps(value)


@given(json_values)
def test_a_text_of_djangos_serializer_is_read(value):
    text = DJANGOS.dumps(value)
    assert exact(OURS.loads(text)) == exact(DJANGOS.loads(text))


def test_plain_data_is_written_byte_for_byte_as_django_writes_it():
    data = {"_auth_user_id": "1", "cart": [{"id": 1, "é": 2**80}, None, 1.5, True], "empty": {}}
    assert OURS.dumps(data) == DJANGOS.dumps(data)


@pytest.mark.parametrize(
    "value, text",
    [
        (ObjectId("65a000000000000000000000"), {"$oid": "65a000000000000000000000"}),
        (datetime.datetime(2026, 5, 1, 12, tzinfo=UTC), {"$date": "2026-05-01T12:00:00Z"}),
        (
            datetime.datetime(2026, 5, 1, 12, 0, 0, 250_000, UTC),
            {"$date": "2026-05-01T12:00:00.250Z"},
        ),
        (Decimal128("1.50"), {"$numberDecimal": "1.50"}),
        (b"\0", {"$binary": {"base64": "AA==", "subType": "00"}}),
        (Binary(b"\0", 5), {"$binary": {"base64": "AA==", "subType": "05"}}),
        (UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
        (Int64(5), {"$numberLong": "5"}),
        (Regex("a", "ix"), {"$regularExpression": {"pattern": "a", "options": "ix"}}),
        (Code("x", {"y": 1}), {"$code": "x", "$scope": {"y": 1}}),
        (Timestamp(1, 2), {"$timestamp": {"t": 1, "i": 2}}),
        (DBRef("users", 1, "db", x=2), {"$ref": "users", "$id": 1, "$db": "db", "x": 2}),
        (MinKey(), {"$minKey": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_standard_spelling_is_one_that_the_driver_reads(value, text):
    assert json.loads(OURS.dumps(value)) == text
    options = json_util.CANONICAL_JSON_OPTIONS.with_options(
        tz_aware=True, tzinfo=UTC, uuid_representation=4
    )
    assert json_util.object_hook(dict(text), options) == value


@pytest.mark.parametrize(
    "moment, text",
    [
        (datetime.datetime(1969, 12, 31, tzinfo=UTC), "1969-12-31T00:00:00+00:00"),
        (datetime.datetime(2026, 5, 1, 0, 0, 0, 1, UTC), "2026-05-01T00:00:00.000001+00:00"),
        (datetime.datetime(2026, 5, 1), "2026-05-01T00:00:00"),
        (
            datetime.datetime(2026, 5, 1, tzinfo=ZoneInfo("Asia/Tokyo")),
            "2026-05-01T00:00:00+09:00",
        ),
    ],
)
def test_a_moment_that_the_standard_would_change_has_a_spelling_of_its_own(moment, text):
    assert json.loads(OURS.dumps(moment)) == {"$datetime": text}


@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_comes_twice_is_told_apart(fold):
    naive = datetime.datetime(2026, 10, 25, 2, 30, fold=fold)
    assert there_and_back(naive).fold == fold
    aware = naive.replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert there_and_back(aware).utcoffset() == datetime.timedelta(hours=2 - fold)


class Mood(enum.StrEnum):
    GOOD = "good"


class Level(enum.IntEnum):
    HIGH = 3


class Moment(datetime.datetime):
    """As freezegun, pandas and pendulum have theirs."""


@pytest.mark.parametrize(
    "value, read",
    [
        (Mood.GOOD, "good"),
        (Level.HIGH, 3),
        ({Mood.GOOD: Level.HIGH}, {"good": 3}),
        (SafeString("<b>"), "<b>"),
        (OrderedDict(a=b"1"), {"a": b"1"}),
        (SON([("$a", 1)]), {"$a": 1}),
        (Moment(2026, 5, 1), datetime.datetime(2026, 5, 1)),
        ((1, (b"2",)), [1, [b"2"]]),
        ({1: "a", "1": b"b"}, {"1": b"b"}),
        ({None: b"", True: 1, 1.5: 2}, {"null": b"", "true": 1, "1.5": 2}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_comes_back_as_what_it_derives_from(value, read):
    assert exact(there_and_back(value)) == exact(read)


def test_a_pattern_is_compiled_as_it_was_and_prints_nothing(capsys):
    for pattern in ("(?i)a", "(?a:b)", "(?x) a  # b", "(?u)c"):
        assert there_and_back(re.compile(pattern)) == re.compile(pattern)
    debugged = re.compile("x", re.DEBUG)
    capsys.readouterr()
    assert there_and_back(debugged).pattern == "x"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "value, message",
    [
        ({1}, r"^Object of type set is not JSON serializable; a session holds"),
        (
            {"cart": [1, {"x": {2}}]},
            r"type set is not JSON serializable at \['cart'\]\[1\]\['x'\]",
        ),
        ([b"", bytearray(b"x")], r"type bytearray is not JSON serializable at \[1\]"),
        (gettext_lazy("Yes"), r"type __proxy__ is not JSON"),
        (1j, "type complex"),
        (Code("x", {"a": [object()]}), r"type object .* at \['\$scope'\]\['a'\]\[0\]"),
        ({"a": {(1,): 2}}, r"^A key of a dict is of type tuple at \['a'\], and keys of JSON are"),
        ({b"a": 2}, r"^A key of a dict is of type bytes, and"),
    ],
)
def test_what_cannot_be_held_is_named_with_its_place(value, message):
    with pytest.raises(TypeError, match=message):
        OURS.dumps(value)


def endless(inner):
    inner.append([inner])
    return inner


def deep(inner, levels=100_000):
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "made", [lambda: endless([]), lambda: endless([b""]), lambda: deep(1), lambda: deep(b"")]
)
def test_data_without_an_end_is_a_value_error(made):
    with pytest.raises(ValueError, match=r"nested too deeply|Circular"):
        OURS.dumps(made())


# Code is any text, a pattern that nobody compiles is, too.
ANY_TEXT = {("$code", '"?"'), ("$regexFlags", '["(", 0]')}
HOSTILE = [
    b"",
    b"{",
    b"\xff",
    b"nul",
    b"[" * 1_000_000,
    b'{"a":' * 1_000_000,
    b'{"$date":' * 1_000_000,
    b'"$",' + b"[" * 1_000_000,
    b"9" * 5000,
    *(
        f'{{"{key}": {contents}}}'.encode()
        for key in NOTATIONS
        if (key,) in notations.READERS
        for contents in ("{}", '{"base64": 1}', '"?"', "[[]]", '["(", 0]', "[[1,2]]", "null")
        if (key, contents) not in ANY_TEXT
    ),
    b'{"$oid": {"$oid": "65a000000000000000000000"}}',
    b'{"$minKey": 2}',
    b'{"$numberLong": 1}',
    b'{"$decimal": "1E+99999999999999999999"}',
    b'{"$duration": [1e308]}',
    b'{"$duration": [NaN]}',
    b'{"$pattern": ["[[a]", 64]}',
    b'{"$pattern": ["a", 128]}',
    b'{"$pattern": ["' + b"(" * 9000 + b")" * 9000 + b'", 0]}',
    b'{"$pattern": ["a{99999999999999999999}", 0]}',
    b'{"$pattern": ["a", 0.5]}',
    b'{"$binary": {"base64": "AA", "subType": "00"}}',
    b'{"$binary": {"base64": "AA==", "subType": "-1"}}',
    b'{"$code": "x", "$scope": 1}',
    b'{"$ref": 1, "$id": 2}',
    b'{"$timestamp": {"t": -1, "i": 0}}',
    b'{"$date": {"$numberLong": "99999999999999999999"}}',
    b'{"$datetime": "2026-05-01T12:00:00", "$fold": 1, "$date": 1}#',
    b'{"\\u0024oid": "65"}',
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:40]))
def test_a_text_that_nobody_wrote_is_a_value_error(text):
    with pytest.raises(ValueError):
        OURS.loads(text)


@given(
    st.recursive(
        st.one_of(
            st.none(), st.integers(), st.floats(), st.sampled_from(["", "a", "1", "2026-05-01"])
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from([*NOTATIONS, "base64", "subType", "pattern", "options", "t", "i"]),
                inner,
                max_size=2,
            ),
        ),
        max_leaves=10,
    )
)
def test_any_other_text_is_a_value_or_a_value_error(value):
    try:
        read = OURS.loads(json.dumps(value).encode())
    except ValueError:
        return
    assert exact(there_and_back(read)) == exact(read)


def test_a_notation_that_is_escaped_as_json_allows_is_the_same():
    assert OURS.loads(b'{"\\u0024numberLong": "5"}') == Int64(5)
    assert type(OURS.loads(b'{"\\u0024numberLong": "5"}')) is Int64


def test_a_dict_that_is_no_notation_stays_one():
    text = b'{"price": {"$gt": 5}, "both": {"$oid": "x", "y": 1}, "$date": 1, "z": 2}'
    assert OURS.loads(text) == json.loads(text)


# With Django's own engines


class Anywhere(SessionBase):
    """Django's encoding without a place to store."""


RICH = {"when": datetime.datetime(2026, 5, 1, 12, 0, 0, 1, UTC), "$id": ObjectId(), "n": b"\xff"}


def test_djangos_encoding_of_sessions(settings):
    settings.SESSION_SERIALIZER = PATH
    session = Anywhere()
    assert session.decode(session.encode(RICH)) == RICH
    assert session.decode("no session") == {}


def test_djangos_sessions_in_cookies(settings):
    settings.SESSION_SERIALIZER = PATH
    session = signed_cookies.SessionStore()
    session.update(RICH)
    session.save()
    assert signed_cookies.SessionStore(session.session_key).load() == RICH


def test_djangos_signing():
    signed = signing.dumps(RICH, serializer=ExtendedJSONSerializer, compress=True)
    assert signing.loads(signed, serializer=ExtendedJSONSerializer) == RICH


# Refusals. Pickle is imported for what must be found; nothing here reads what others wrote.


class Harmless(JSONSerializer):
    pass


class Renamed:
    dumps = staticmethod(pickle.dumps)
    loads = staticmethod(pickle.loads)


class Compressed:
    def dumps(self, obj):
        return zlib.compress(pickle.dumps(obj))

    def loads(self, data):
        return pickle.loads(zlib.decompress(data))


unpickled = pickle.loads


class StillReading(JSONSerializer):
    """As a project's that has moved to JSON, and reads what it had."""

    def loads(self, data):
        try:
            return super().loads(data)
        except ValueError:
            return unpickled(data)


class Reprs:
    """Of bytes in dumps(), of any kind."""

    def dumps(self, obj):
        return b"\x80"

    def loads(self, data):
        raise KeyError(data)


class OnlyWriting(Reprs):
    dumps = staticmethod(pickle.dumps)


class PickledBase(JSONSerializer):
    pass


class Derived(PickledBase):
    pass


class NoLoads:
    def dumps(self, obj):
        return b""


class NeedsMore:
    def __init__(self, key):
        pass

    dumps = loads = None


NO_CLASS = []


@pytest.fixture
def path(monkeypatch):
    """The path at which a serializer is found."""

    def of(found):
        monkeypatch.setattr("tests.settings.FOUND", found, raising=False)
        return "tests.settings.FOUND"

    return of


@pytest.mark.parametrize("serializer", [Renamed, Compressed, StillReading, OnlyWriting, Derived])
def test_a_pickler_by_another_name_is_refused(path, serializer):
    with pytest.raises(
        ImproperlyConfigured,
        match=r"^SESSION_SERIALIZER is 'tests.settings.FOUND', and unpickling runs whatever code",
    ):
        refuse_pickle(path(serializer))


@pytest.mark.parametrize("name", ["myproject.PickleSerializer", "unpickled.Serializer"])
def test_a_name_is_enough(name):
    with pytest.raises(ImproperlyConfigured, match="unpickling runs"):
        refuse_pickle(name)


@pytest.mark.parametrize("serializer", [JSONSerializer, ExtendedJSONSerializer, Harmless, Reprs])
def test_others_are_not(path, serializer):
    refuse_pickle(path(serializer))


@pytest.mark.parametrize(
    "serializer, message",
    [
        (NoLoads, r"'tests.settings.FOUND', which has no method loads\(\); use"),
        (NeedsMore, r"which cannot be made without arguments: .*key"),
        (NO_CLASS, "which is no class; use"),
    ],
)
def test_what_is_no_serializer_is_refused(path, settings, serializer, message):
    settings.SESSION_SERIALIZER = path(serializer)
    with pytest.raises(ImproperlyConfigured, match=message):
        refuse_pickle(settings.SESSION_SERIALIZER)
    assert "mongo_sessions.E003" in [message.id for message in check_settings(None)]


@pytest.mark.parametrize("name", ["nowhere.At.All", "json.NoSuchName", "nodots", "", None, 3])
def test_what_cannot_be_imported_is_refused(settings, name):
    settings.SESSION_SERIALIZER = name
    with pytest.raises(ImproperlyConfigured, match="which cannot be imported: "):
        refuse_pickle(settings.SESSION_SERIALIZER)
    assert "mongo_sessions.E003" in [message.id for message in check_settings(None)]


def test_a_class_is_asked_once(path):
    asked = []

    class Counting(JSONSerializer):
        def dumps(self, obj):
            asked.append(obj)
            return super().dumps(obj)

    for _ in range(3):
        refuse_pickle(path(Counting))
    assert asked == [{}]
