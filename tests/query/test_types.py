"""Null and missing told apart; BSON types, remainders and bits."""

import pytest
from django.core.exceptions import FieldError
from django.db import NotSupportedError
from django.db.models import Q

from tests.testapp.models import Every, Order, OrderLine


@pytest.fixture
def stored(db):
    """Documents with a value, with null, and without the key: of fields, lists and JSON."""

    def store(**documents):
        Every.objects.collection.insert_many(
            [{"_id": name, **document} for name, document in documents.items()]
        )

    return store


def keys(*args, **kwargs):
    return {each["_id"] for each in Every.objects.filter(*args, **kwargs).raw()}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"isnull": True}, {"null", "missing"}),
        ({"isnull": False}, {"value"}),
        ({"exists": True}, {"value", "null"}),
        ({"exists": False}, {"missing"}),
        ({"type": "null"}, {"null"}),
        ({"type": 10}, {"null"}),
        ({"type": ["null", "string"]}, {"value", "null"}),
        ({"type": "string"}, {"value"}),
        ({"type": "number"}, set()),
    ],
)
def test_fields(stored, asked, found):
    stored(value={"text": "x"}, null={"text": None}, missing={})
    assert keys(**{f"text__{name}": value for name, value in asked.items()}) == found


def test_inside_of_embedded_documents(stored):
    stored(
        value={"home": {"town": "x"}}, null={"home": {"town": None}}, without={"home": {}}, none={}
    )
    assert keys(home__city__exists=True) == {"value", "null"}
    assert keys(home__city__type="null") == {"null"}
    assert keys(home__city__isnull=True) == {"null", "without", "none"}
    assert keys(home__exists=True, home__city__exists=False) == {"without"}


def test_inside_of_lists(stored):
    stored(
        value={"remarks": [{"author": "x"}]},
        null={"remarks": [{"author": None}]},
        without={"remarks": [{}]},
        both={"remarks": [{"author": "x"}, {}]},
        empty={"remarks": []},
        none={},
    )
    assert keys(remarks__author__exists=True) == {"value", "null", "both"}
    assert keys(remarks__author__exists=False) == {"without", "both"}
    assert keys(remarks__author__type="null") == {"null"}
    assert keys(remarks__elem_match=Q(author__isnull=True)) == {"null", "without", "both"}


def test_values_of_lists(stored):
    stored(
        ints={"numbers": [1, 2]},
        null={"numbers": [1, None]},
        only={"numbers": [None]},
        empty={"numbers": []},
        nothing={"numbers": None},
        missing={},
    )
    assert keys(numbers__isnull=True) == {"nothing", "missing"}
    assert keys(numbers__exists=False) == {"missing"}
    assert keys(numbers__type="array") == {"ints", "null", "only", "empty"}
    assert keys(numbers__type="int") == {"ints", "null"}
    assert keys(numbers__elem_match={"type": "null"}) == {"null", "only"}
    assert keys(numbers__elem_match={"isnull": True}) == {"null", "only"}
    assert keys(numbers__0__exists=True) == {"ints", "null", "only"}
    assert keys(numbers__0__type="null") == {"only"}


def test_inside_of_json(stored):
    stored(
        text={"json": {"a": "x", "type": "t", "size": 2}},
        null={"json": {"a": None}},
        missing={"json": {}},
        list={"json": {"a": [1, 2], "list": {"0": 1}}},
        none={},
    )
    assert keys(json__a__exists=True) == {"text", "null", "list"}
    assert keys(json__a__exists=False) == {"missing", "none"}
    assert keys(json__a__bson_type="null") == keys(json__a=None) == {"null"}
    assert keys(json__a__bson_type="array") == {"list"}
    assert keys(json__a__len=2) == {"list"}
    assert keys(json__contains={"a": None}) == {"null"}
    # These are keys, as Django has it.
    assert keys(json__type="t") == {"text"} and keys(json__size=2) == {"text"}


@pytest.fixture
def orders(db):
    for number in range(8):
        Order.objects.create(
            slug=str(number),
            flags=number,
            weight=number / 2,
            scores=[number],
            lines=[OrderLine(sku="x", quantity=number)],
        )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"flags__mod": (3, 1)}, "147"),
        ({"flags__mod": [2, 0]}, "0246"),
        ({"scores__mod": (4, 3)}, "37"),
        ({"lines__quantity__mod": (7, 0)}, "07"),
        ({"flags__bits_all_set": 5}, "57"),
        ({"flags__bits_all_set": [0, 2]}, "57"),
        ({"flags__bits_any_set": 5}, "134567"),
        ({"flags__bits_all_clear": 5}, "02"),
        ({"flags__bits_any_clear": 5}, "012346"),
    ],
)
def test_remainders_and_bits(orders, asked, found):
    assert "".join(Order.objects.filter(**asked).values_list("slug", flat=True)) == found


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"flags__exists": 1}, ValueError, "True or False"),
        ({"flags__type": "integer"}, ValueError, "'integer'.*int, "),
        ({"flags__type": 99}, ValueError, "99"),
        ({"flags__type": []}, ValueError, "at least one"),
        ({"flags__type": {"$gt": ""}}, ValueError, "gt"),
        ({"flags__mod": 3}, ValueError, "divisor"),
        ({"flags__mod": (0, 1)}, ValueError, "zero"),
        ({"flags__mod": ("x", 1)}, ValueError, "whole numbers"),
        ({"flags__mod": (1.5, 1)}, ValueError, "whole numbers"),
        ({"title__mod": (1, 1)}, FieldError, "mod"),
        ({"flags__bits_all_set": -1}, ValueError, "mask"),
        ({"flags__bits_all_set": "x"}, ValueError, "mask"),
        ({"weight__bits_all_set": 1}, FieldError, "bits"),
    ],
)
def test_wrong_questions_are_refused_when_filtering(asked, error, told):
    with pytest.raises(error, match=told):
        Order.objects.filter(**asked)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("titel", "Did you mean 'title'"),
        ("stats__vievs", "Did you mean 'views'"),
        ("lines__skuu", "Did you mean 'sku'"),
        ("title__startwith", "Did you mean 'startswith'"),
        ("lines__elemmatch", "Did you mean 'elem_match'"),
        ("title__ne", r"exclude\(\)"),
        ("title__nin", r"exclude\(\)"),
        ("lines__match", "elem_match"),
        ("title__search", r"text_search\(\)"),
    ],
)
def test_an_unknown_name_tells_what_may_be_meant(name, told):
    with pytest.raises((FieldError, NotSupportedError), match=told):
        Order.objects.filter(**{name: 1})
