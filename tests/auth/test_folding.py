"""Which names are the same."""

import pytest

from mongo_contrib.auth.folding import fold, is_text

SAME = [
    ("Alice", "ALICE"),
    ("Straße", "STRASSE"),
    ("\ufb00oo", "FFoo"),  # a ligature
    ("\uff21nn", "ann"),  # a full-width letter
    ("Ángel", "A\u0301NGEL"),  # composed and decomposed
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),  # the two small sigmas
    ("①", "1"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("ann", "anna"), ("ann", "ann "), ("e", "é"), ("\u0430nn", "ann")]
)
def test_different_names(one, other):
    assert fold(one) != fold(other)


def test_case_may_count():
    assert fold("\uff21nn", keep_case=True) == "Ann"
    assert fold("Ann", keep_case=True) != fold("ann", keep_case=True)


@pytest.mark.parametrize("name", [name for pair in SAME for name in pair])
def test_folding_what_django_normalized_changes_nothing(name):
    from mongo_contrib.auth.models import User

    assert fold(User.normalize_username(name)) == fold(name)


@pytest.mark.parametrize("value", ["", "ann", "\0", "Ännchen", "\U0001f600"])
def test_text(value):
    assert is_text(value)


@pytest.mark.parametrize(
    "value", [None, 1, b"ann", ["ann"], {"$ne": 1}, True, "\ud800", "a\udfff"]
)
def test_no_text(value):
    assert not is_text(value)
