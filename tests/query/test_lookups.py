"""Look-ups against plain Python filtering of the same values."""

import datetime
import decimal
import itertools
import uuid

import pytest
from bson import ObjectId
from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, NotSupportedError
from django.db.models import F, Q

from mongo_contrib.query.conditions import NOTHING
from tests.query.oracle import fulfils, list_fulfils
from tests.testapp.models import Address, Book, Every, Remark

ORDER = ("exact", "gt", "gte", "lt", "lte")
TEXT = [
    "exact",
    "iexact",
    "contains",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iendswith",
]

WORDS = [
    None,
    "",
    " ",
    "Berlin",
    "berlin",
    "BERLIN ",
    "Straße",
    "STRASSE",
    "äöü",
    "ÄÖÜ",
    "σας",
    "ΣΑΣ",
    "日本",
    "a.b",
    "aXb",
    "a*b",
    "(a|b)[c]{2}^$\\",
    "$where",
    "^x$",
    ".*",
    "%",
    "_",
    "line",
    "line\n",
    "\nline",
    "one\ntwo",
    "\r\n\t",
    "nul\0byte",
    "nul",
    "# - ~ & /",
    "\\n",
    "\\",
    "🐘 a",
]


def bounds(values):
    """Ordering look-ups, membership and ranges over these values."""
    values = [value for value in values if value is not None]
    yield from itertools.product(ORDER, values)
    yield from (("in", [one, None, two]) for one, two in itertools.pairwise(values))
    yield from (("range", [one, two]) for one, two in itertools.combinations(values, 2))
    yield from [("in", []), ("in", [None]), ("in", ()), ("isnull", True), ("isnull", False)]
    yield ("exact", None)


SCALARS = {
    "small": [None, -3, 0, 1, 2, 32767],
    "big": [None, -(2**63), -(2**40), -1, 0, 1, 2**31, 2**63 - 1],
    "number": [None, -1.5, 0.0, 1.0, 2.5, 1e300, float("inf")],
    "decimal": [None, *map(decimal.Decimal, ("-2.5", "0", "1.250", "1.251", "999"))],
    "day": [None, *(datetime.date(*d) for d in ((1, 1, 1), (1969, 12, 31), (2024, 2, 29)))],
    "moment": [
        None,
        datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=datetime.UTC),
        datetime.datetime(2024, 3, 31, 1, tzinfo=datetime.UTC),
        datetime.datetime(2024, 3, 31, 1, 0, 0, 1000, tzinfo=datetime.UTC),
        datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC),
    ],
    "time": [None, *(datetime.time(*t) for t in ((0,), (9, 59, 0, 1), (10,), (23, 59, 59, 9)))],
    "duration": [
        None,
        datetime.timedelta(days=-1),
        datetime.timedelta(microseconds=1),
        datetime.timedelta(hours=1),
        datetime.timedelta(days=400),
    ],
    "uuid": [None, *(uuid.UUID(int=n) for n in (0, 1, 2**127))],
    "reference": [None, *(ObjectId(digit * 24) for digit in "05f")],
    "flag": [None, False, True],
    "slug": WORDS,
}


@pytest.mark.parametrize("field", SCALARS)
def test_order_and_equality(compare, field):
    compare(field, SCALARS[field], bounds(SCALARS[field][:9]), fulfils)


@pytest.mark.parametrize("lookup", TEXT)
def test_text_is_found_literally(compare, lookup):
    operands = [word for word in WORDS if word is not None]
    operands += ["b", "LIN", "ß", "SS", "n\n", "\n", "\0", "\0B", "ä", "Σ", "]", "\\$"]
    compare("text", WORDS, [(lookup, operand) for operand in operands], fulfils)


@pytest.mark.parametrize("lookup", ["regex", "iregex"])
def test_patterns(compare, lookup):
    patterns = ["^b", "lin$", "a.b", r"a\.b", "(?:ber|STR)", "[äöü]{3}", r"^\w+$", "x?", "o|l"]
    # Of "$" and a last line break the servers and Python think alike, so words without one.
    words = [word for word in WORDS if word is None or "\n" not in word]
    compare("text", words, [(lookup, pattern) for pattern in patterns], fulfils)


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("small", [("contains", "2"), ("startswith", "-"), ("endswith", "7"), ("regex", "^.$")]),
        ("big", [("icontains", "99"), ("startswith", "92233"), ("contains", 10)]),
        ("day", [("contains", "02-29"), ("startswith", "2024"), ("regex", "^1969")]),
        ("time", [("startswith", "09:"), ("contains", "59")]),
        ("reference", [("startswith", "555"), ("icontains", "F"), ("iexact", "F" * 24)]),
    ],
)
def test_what_is_no_text_is_searched_as_its_text(compare, field, asked):
    def holds(value, lookup, operand):
        return fulfils(None if value is None else str(value), lookup, str(operand))

    # The Rust server can't write the first years as text.
    values = [value for value in SCALARS[field] if value != datetime.date.min]
    compare(field, values, asked, holds)


# Numbers between and beyond what fields hold


@pytest.mark.parametrize("field", ["small", "big"])
def test_fractions_bound_whole_numbers(compare, field):
    values = [None, -2, -1, 0, 1, 2]
    numbers = [-1.5, -0.5, 0.5, 1.0, 1.5, decimal.Decimal("1.5"), 1e30, -1e30, float("inf")]
    asked = [*itertools.product(("gt", "gte", "lt", "lte"), numbers), ("range", (-1.5, 1.5))]
    compare(field, values, asked, fulfils)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400, -(10**400)])
def test_numbers_that_cannot_be_stored_still_compare(compare, number):
    asked = [*itertools.product(ORDER, [number]), ("in", [number, 1]), ("range", (-1, number))]
    asked += [("range", (number, 1))]
    compare("big", [None, -1, 0, 1], asked, fulfils)


def test_decimals_are_compared_as_they_are_asked(compare):
    values = [None, *map(decimal.Decimal, ("1.234", "1.235", "1.2"))]
    numbers = list(map(decimal.Decimal, ("1.2345", "1.2340", "1.2", "-1e30", "1e30", "1e-30")))
    compare("decimal", values, itertools.product(ORDER, numbers), fulfils)


def test_text_of_numbers_is_cast(db):
    Every.objects.create(big=7, number=1.5, decimal="1.5", flag=True, day="2024-01-31")
    for name, value in {
        "big": "7", "number": "1.5", "decimal": "1.50", "flag": "1", "day": "2024-01-31",
    }.items():  # fmt: skip
        assert Every.objects.filter(**{name: value}).exists(), name


# Lists

LISTS = [None, [], [1], [2], [1, 2], [2, 1], [3, 4], [1, 5], [None], [None, 1], [7] * 3]


def test_lists(compare):
    numbers = [0, 1, 2, 4, 5, 7]
    asked = [
        *itertools.product(("exact", "gt", "gte", "lt", "lte", "contains"), numbers),
        *itertools.product(
            ("len", "len__gt", "len__gte", "len__lt", "len__lte"), (-1, 0, 1, 2, 3)
        ),
        ("len__in", [0, 2]),
        ("range", [2, 4]),
        ("range", [6, 6]),
        ("in", [1, 3]),
        ("in", []),
        ("isnull", True),
        ("isnull", False),
        ("exact", None),
        *itertools.product(
            ("contains", "overlap", "contained_by", "exact"), ([], [1], [1, 2], [2, 1], [3])
        ),
    ]
    compare("numbers", LISTS, asked, list_fulfils)


def test_positions_in_lists(compare):
    def holds(value, lookup, operand):
        position, _, rest = lookup.partition("__")
        item = value[int(position)] if value and len(value) > int(position) else None
        return fulfils(item, rest or "exact", operand)

    asked = [("0", 1), ("1", 2), ("0__gt", 1), ("1__lte", 2), ("0__in", [2, 3]), ("5", 1)]
    compare("numbers", LISTS, asked, holds)


def test_lists_of_dates_and_of_text(compare):
    days = [datetime.date(2024, 1, day) for day in (1, 2, 3)]
    compare(
        "days", [None, [], days[:1], days], [("exact", days[1]), ("gt", days[0])], list_fulfils
    )
    Book.objects.bulk_create(Book(title=str(n), tags=tags) for n, tags in enumerate(
        [["Red", "blue"], ["a.b"], ["green\n"], []]
    ))  # fmt: skip
    for lookup, found in {
        "icontains": {"RE": "02", ".": "1"},
        "startswith": {"R": "0", "b": "0"},
        "iexact": {"BLUE": "0", "green": "", "A.B": "1"},
        "endswith": {"n": "", "\n": "2"},
    }.items():
        for text, titles in found.items():
            books = Book.objects.filter(**{f"tags__{lookup}": text}).order_by("title")
            assert "".join(books.values_list("title", flat=True)) == titles, (lookup, text)


# Embedded documents


def test_embedded_documents_and_what_they_lack(compare):
    values = [None, Address(city="Ulm"), Address(city="ulm", zip_code="1"), Address(city="Bonn")]

    def inside(name):
        def holds(value, lookup, operand):
            lookup = lookup.removeprefix(name).removeprefix("__") or "exact"
            return fulfils(value and getattr(value, name), lookup, operand)

        return holds

    asked = [("city", "Ulm"), ("city__iexact", "ULM"), ("city__in", ["Ulm", "Bonn"])]
    asked += [("city__isnull", True), ("city__gt", "Bonn")]
    compare("home", values, asked, inside("city"))
    Every.objects.all().delete()
    compare("home", values, [("zip_code", None), ("zip_code__isnull", False)], inside("zip_code"))
    Every.objects.all().delete()
    compare("home", values, [("exact", values[1]), ("isnull", True), ("isnull", False)], fulfils)


REMARKS = [
    None,
    [],
    [Remark(author="Ann", stars=1)],
    [Remark(author="Bob", stars=5)],
    [Remark(author="Ann", stars=1), Remark(author="Bob", stars=5)],
    [Remark(author="Ann", stars=5, address=Address(city="Ulm"))],
    [Remark(author="Carl", stars=0), Remark(author="Ann", stars=3, address=Address(city="Bonn"))],
]


def test_one_element_of_a_list_of_embedded_documents_fulfils_all_of_one_filter(db):
    made = Every.objects.bulk_create(Every(remarks=remarks) for remarks in REMARKS)
    position = {document.pk: n for n, document in enumerate(made)}
    cases = [
        ({"author": "Ann"}, lambda r: r.author == "Ann"),
        ({"author": "Ann", "stars": 5}, lambda r: r.author == "Ann" and r.stars == 5),
        ({"author": "Ann", "stars__gt": 2}, lambda r: r.author == "Ann" and r.stars > 2),
        ({"stars__range": (2, 4)}, lambda r: 2 <= r.stars <= 4),
        ({"author__iexact": "ANN", "stars__lt": 2}, lambda r: r.author == "Ann" and r.stars < 2),
        ({"author__in": ["Carl", "X"]}, lambda r: r.author == "Carl"),
        ({"address__city": "Ulm"}, lambda r: r.address and r.address.city == "Ulm"),
        (
            {"address__city__startswith": "B", "stars": 3},
            lambda r: r.address and r.address.city[0] == "B" and r.stars == 3,
        ),
        ({"address__isnull": True}, lambda r: r.address is None),
        ({"address__isnull": False}, lambda r: r.address is not None),
        ({"address": None, "author": "Bob"}, lambda r: r.address is None and r.author == "Bob"),
        ({"address__city__isnull": False}, lambda r: r.address is not None),
        ({"address__zip_code": None}, lambda r: not r.address or r.address.zip_code is None),
    ]
    for asked, holds in cases:
        condition = {f"remarks__{name}": value for name, value in asked.items()}
        expected = [n for n, value in enumerate(REMARKS) if any(map(holds, value or ()))]
        found = Every.objects.filter(**condition).values_list("pk", flat=True)
        assert sorted(position[pk] for pk in found) == expected, asked
        left = Every.objects.exclude(**condition).values_list("pk", flat=True)
        assert len(left) == len(REMARKS) - len(expected), asked
    ann, low = Q(remarks__author="Ann"), Q(remarks__stars__lt=1)
    for tree, expected in (
        (ann & (low | Q(remarks__stars=5)), [5]),
        (ann & (low ^ Q(remarks__stars=3)), [6]),
        (Q(ann, low), []),
        (Q(ann & low | Q(remarks__author="Bob", remarks__stars=5)), [3, 4]),
        (ann & ~low, [2, 4, 5]),
    ):
        found = Every.objects.filter(tree).values_list("pk", flat=True)
        assert sorted(position[pk] for pk in found) == expected, tree
    # In two filters they may be two elements.
    both = Every.objects.filter(remarks__author="Ann").filter(remarks__stars=5)
    assert sorted(position[document.pk] for document in both) == [4, 5]
    assert Every.objects.filter(remarks__0__author="Ann").count() == 3
    assert Every.objects.filter(remarks__1__stars__gte=3).count() == 2
    assert Every.objects.filter(remarks__len=2).count() == 2
    assert Every.objects.filter(remarks=Remark(author="Bob", stars=5)).count() == 2


# JSON

JSON = [
    None,
    {},
    {"a": None},
    {"a": 1},
    {"a": "x", "b": {"c": [1, 2], "d": "Ulm"}},
    {"a": 2, "b": {}},
    {"$ne": 1, "x.y": 2},
    [1, 2],
    "text",
    True,
]
MISSING = object()


def test_keys_of_json(compare):
    def holds(value, lookup, operand):
        *keys, lookup = lookup.split("__")
        for key in keys:
            value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        if lookup == "isnull":
            return (value is MISSING) == operand
        if lookup == "exact" and operand is None:
            return value is None
        if value is MISSING or value is None or isinstance(value, dict | list):
            return False
        if type(value) is not type(operand) and lookup != "in":
            return False
        return fulfils(value, lookup, operand)

    asked = [("a__exact", 1), ("a__exact", "x"), ("a__exact", None), ("a__gt", 1), ("a__lte", 1)]
    asked += [("a__in", [1, "x"]), ("a__isnull", True), ("a__isnull", False), ("z__isnull", True)]
    asked += [("b__d__exact", "Ulm"), ("b__d__icontains", "LM"), ("b__d__isnull", True)]
    compare("json", JSON, asked, holds)


@pytest.mark.django_db
def test_json_as_a_whole():
    for value in JSON:
        Every.objects.create(json=value)

    def found(**asked):
        return [document.json for document in Every.objects.filter(**asked).order_by("pk")]

    assert found(json=None) == [None]
    assert found(json={"$ne": 1, "x.y": 2}) == [{"$ne": 1, "x.y": 2}]
    assert found(json={}) == [{}]
    assert found(json__b={}) == [{"a": 2, "b": {}}]
    assert found(json__contains={"a": 1}) == [{"a": 1}]
    assert found(json__contains={"b": {"d": "Ulm"}}) == [JSON[4]]
    assert found(json__contains={}) == [each for each in JSON if isinstance(each, dict)]
    assert found(json__contains=[]) == [each for each in JSON if isinstance(each, list)]
    assert found(json__has_key="b") == [JSON[4], JSON[5]]
    assert found(json__has_keys=["a", "b"]) == [JSON[4], JSON[5]]
    assert found(json__has_any_keys=["b", "z"]) == [JSON[4], JSON[5]]
    assert found(json__b__c__0=1) == [JSON[4]]
    assert found(json__b__has_key="c") == [JSON[4]]


# Points and bytes


def test_points_and_bytes_are_equal_or_not(compare):
    compare(
        "point", [None, (1.0, 2.0), (2.0, 1.0)], [("exact", (1, 2)), ("isnull", True)], fulfils
    )
    Every.objects.all().delete()
    values = [None, b"", b"\0\xff", b"abc"]
    asked = [*itertools.product(["exact"], values[1:]), ("in", values)]
    compare("data", values, asked, fulfils)


# What is no value


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("small", "x", ValueError),
        ("small", {"$ne": 1}, ValidationError),
        ("small__gt", None, ValueError),
        ("small__in", 1, TypeError),
        ("small__in", "12", TypeError),
        ("small__in", {"$ne": 1}, TypeError),
        ("small__in", [{"$ne": 1}], ValidationError),
        ("small__range", 1, ValueError),
        ("small__range", [1], ValueError),
        ("small__range", [1, None], ValueError),
        ("small__isnull", "false", ValueError),
        ("small__isnull", 1, ValueError),
        ("small", float("nan"), ValueError),
        ("text", {"$ne": 1}, ValidationError),
        ("text__contains", {"$ne": 1}, ValueError),
        ("text__contains", ["a"], ValueError),
        ("text__contains", None, ValueError),
        ("text__regex", {"$ne": 1}, ValueError),
        ("text__len", 1, FieldError),
        ("text__overlap", ["a"], FieldError),
        ("text__contained_by", ["a"], FieldError),
        ("text__has_key", "a", FieldError),
        ("text__bogus", 1, FieldError),
        ("text__year", 1, FieldError),
        ("bogus", 1, FieldError),
        ("home__bogus", 1, FieldError),
        ("home__city__bogus", 1, FieldError),
        ("home", {"$ne": 1}, ValidationError),
        ("home", "x", ValidationError),
        ("day", "yesterday", ValidationError),
        ("day", {"$ne": 1}, ValidationError),
        ("flag", "maybe", ValidationError),
        ("uuid", "x", ValidationError),
        ("decimal", "x", ValidationError),
        ("numbers", "x", ValueError),
        ("numbers", {"$ne": 1}, ValidationError),
        ("numbers__len", "x", ValueError),
        ("numbers__len", {"$gt": 1}, ValueError),
        ("json__$where", "1", FieldError),
        ("json__a.b", "1", FieldError),
        ("json__has_key", "$where", FieldError),
        ("json__has_key", "a.b", FieldError),
        ("json__has_key", "", FieldError),
        ("point", [1], ValidationError),
        ("point", {"$near": 1}, ValidationError),
    ],
)
def test_what_is_no_value_is_refused_when_filtering(name, value, error):
    with pytest.raises(error):
        Every.objects.filter(**{name: value})


@pytest.mark.parametrize(
    "name",
    [
        "uuid__icontains",
        "flag__contains",
        "data__startswith",
        "point__contains",
        "home__icontains",
        "remarks__icontains",
        "numbers__icontains",
        "json__contained_by",
        "text__search",
    ],
)
def test_what_the_server_cannot_search_names_the_alternative(name):
    with pytest.raises((NotSupportedError, FieldError)) as caught:
        Every.objects.filter(**{name: "a"})
    named = ("match(", "text_search(")
    assert isinstance(caught.value, FieldError) or any(each in str(caught.value) for each in named)


def test_a_malformed_object_id_is_found_nowhere():
    for name, value in {
        "pk": "nope",
        "reference": "0" * 23,
        "pk__in": ["nope"],
        "pk__gt": "x",
    }.items():
        assert Every.objects.filter(**{name: value}).query.is_empty()


@pytest.mark.django_db
def test_an_expression_that_is_no_pattern_is_a_wrong_value():
    Book.objects.create(title="T")
    with pytest.raises(DataError):
        list(Book.objects.filter(title__regex="("))


# Comparing fields


def test_fields_of_one_document_are_compared(db):
    rows = [(1, 2.0), (2, 2.0), (3, 2.0), (None, 2.0), (1, None), (None, None)]
    made = Every.objects.bulk_create(Every(big=big, number=number) for big, number in rows)
    position = {document.pk: n for n, document in enumerate(made)}
    for lookup in ORDER:
        for expression, of in (
            (F("number"), lambda n: n),
            (F("number") * 2 - 1, lambda n: n * 2 - 1),
        ):
            expected = [
                n
                for n, (big, number) in enumerate(rows)
                if number is not None and fulfils(big, lookup, of(number))
            ]
            found = Every.objects.filter(**{f"big__{lookup}": expression})
            assert sorted(position[d.pk] for d in found) == expected, (lookup, expression)
            others = Every.objects.exclude(**{f"big__{lookup}": expression})
            assert len(others) == len(rows) - len(expected)


# The MQL itself


def condition(**lookups):
    return Book.objects.filter(**lookups).query.condition("default")


def test_a_prefix_is_asked_so_that_an_index_serves_it():
    assert condition(title__startswith="a.b") == {"title": {"$regex": "^a\\.b"}}


def test_lengths_that_no_list_has_are_numbers_the_server_takes():
    assert condition(tags__len=-1) is NOTHING
    assert condition(tags__len="9" * 400) == {"tags": {"$size": 2**23}}
    assert condition(tags__len__gt="9" * 400) == {f"tags.{2**23}": {"$exists": True}}
    assert condition(tags__len__gte=-(10**40)) == {"tags": {"$type": "array"}}


def test_parts_of_dates_that_none_has_are_numbers_the_server_takes():
    found = condition(added__hour="9" * 400)
    assert found["$expr"]["$eq"][1] == 2**31
    assert condition(added__year="9" * 400) is NOTHING
