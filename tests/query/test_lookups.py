"""Look-ups: values that no document can have."""

from mongo_contrib.query.conditions import NOTHING
from tests.testapp.models import Book


def condition(**lookups):
    return Book.objects.filter(**lookups).query.condition("default")


def test_lengths_that_no_list_has_are_numbers_the_server_takes():
    assert condition(tags__len=-1) is NOTHING
    assert condition(tags__len="9" * 400) == {"tags": {"$size": 2**23}}
    assert condition(tags__len__gt="9" * 400) == {f"tags.{2**23}": {"$exists": True}}
    assert condition(tags__len__gte=-(10**40)) == {"tags": {"$type": "array"}}


def test_parts_of_dates_that_none_has_are_numbers_the_server_takes():
    found = condition(added__hour="9" * 400)
    assert found["$expr"]["$eq"][1] == 2**31
    assert condition(added__year="9" * 400) is NOTHING
