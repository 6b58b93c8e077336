"""Look-ups of users: equal names are equal for the index too."""

import pytest
from django.db.models import Q

from mongo_contrib.auth.models import User
from tests.auth.people.models import Person


def condition(queryset):
    return queryset.query.condition("default")


@pytest.mark.parametrize(
    ("lookup", "value", "expected"),
    [
        ("username", "ANN", {"username_key": "ann"}),
        ("username__exact", "ANN", {"username_key": "ann"}),
        ("username__iexact", "ANN", {"username_key": "ann"}),
        ("username__in", ["ANN", "Bob"], {"username_key": {"$in": ["ann", "bob"]}}),
        ("email__iexact", "ANN@x.org", {"email_key": "ann@x.org"}),
        ("email", "ANN@x.org", {"email": "ANN@x.org"}),
        ("username__startswith", "An", {"username": {"$regex": "^An"}}),
        ("username__gt", "An", {"username": {"$gt": "An"}}),
        ("first_name", "Ann", {"first_name": "Ann"}),
    ],
)
def test_where_look_ups_go(lookup, value, expected):
    assert condition(User.objects.filter(**{lookup: value})) == expected
    assert condition(User.objects.filter(Q((lookup, value)))) == expected
    assert condition(User.objects.exclude(**{lookup: value})) == condition(
        User.objects.filter(~Q((lookup, value)))
    )


def test_case_counts_where_it_should(settings):
    settings.MONGO_AUTH_CASE_SENSITIVE_USERNAMES = True
    assert condition(User.objects.filter(username="Ann")) == {"username_key": "Ann"}
    assert condition(User.objects.filter(username__in=["Ann"])) == {
        "username_key": {"$in": ["Ann"]}
    }
    assert "$regex" in condition(User.objects.filter(username__iexact="Ann"))["username"]


def test_look_ups_inside_of_others():
    either = Q(username="ANN") | Q(Q(email__iexact="A@X.org"), is_active=True)
    assert condition(User.objects.filter(either)) == {
        "$or": [{"username_key": "ann"}, {"email_key": "a@x.org", "is_active": True}]
    }
    twice_negated = condition(User.objects.exclude(~Q(username="ANN")))
    assert twice_negated == {"$nor": [{"$nor": [{"username_key": "ann"}]}]}


def test_the_name_of_a_class_of_ones_own():
    assert condition(Person.objects.filter(email="ANN@x.org")) == {"username_key": "ann@x.org"}
