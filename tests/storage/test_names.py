"""Names and numbers; no server needed."""

import pickle
from itertools import islice
from pathlib import PurePosixPath

import pytest
from django.core.exceptions import SuspiciousFileOperation
from hypothesis import given
from hypothesis import strategies as st

from mongo_contrib.storage.names import (
    AvailableName,
    clean_file,
    clean_path,
    first_free,
    numbered,
)


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("a.txt", "a.txt"),
        ("a//b/./c.txt", "a/b/c.txt"),
        ("a\\b.txt", "a/b.txt"),
        (PurePosixPath("a/b.txt"), "a/b.txt"),
        ("größe/日本.txt", "größe/日本.txt"),
        ("...", "..."),
        ("a..b", "a..b"),
    ],
)
def test_a_name_has_one_form(given_name, name):
    assert clean_file(given_name) == name


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "\\evil",
        "..",
        "a/../b",
        "../a",
        "a/..",
        "a\0b",
        "a\nb",
        "\x7f",
        "\ud800",
        "a\\..\\b",
    ],
)
def test_names_that_lead_elsewhere_or_nowhere_are_refused(name):
    with pytest.raises(SuspiciousFileOperation):
        clean_path(name)


@pytest.mark.parametrize("name", ["", ".", "./."])
def test_the_root_is_a_path_and_no_file(name):
    assert clean_path(name) == ""
    with pytest.raises(SuspiciousFileOperation):
        clean_file(name)


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("hello.txt", 0, "hello.txt"),
        ("hello.txt", 1, "hello_1.txt"),
        ("a.b/hello.tar.gz", 12, "a.b/hello_12.tar.gz"),
        ("dotted.path/test", 1, "dotted.path/test_1"),
        ("dotted.path/.test", 1, "dotted.path/.test_1"),
    ],
)
def test_the_number_comes_before_the_extension(name, number, expected):
    assert numbered(name, number) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "docs/hello.txt"), (1, "docs/hel_1.txt"), (10, "docs/he_10.txt")]
)
def test_a_number_cuts_the_name_to_fit(number, expected):
    assert numbered("docs/hello.txt", number, max_length=14) == expected


def test_a_name_that_cannot_be_cut_is_refused():
    with pytest.raises(SuspiciousFileOperation, match="can not find an available filename"):
        numbered("a.longext", 1, max_length=10)


@given(st.integers(min_value=0, max_value=100_000))
def test_the_first_free_number_is_found_in_few_looks(taken):
    looks = []

    def is_taken(number):
        looks.append(number)
        return number <= taken

    assert first_free(is_taken) == taken + 1
    assert len(looks) <= 36


@given(st.sets(st.integers(min_value=1, max_value=50)))
def test_whatever_the_gaps_a_free_number_is_found(taken):
    assert first_free(taken.__contains__) not in taken


def test_who_loses_goes_on_counting():
    name = AvailableName("a.txt", 3)
    assert name == "a_3.txt"
    tried = list(islice(name.onwards(), 2))
    assert tried == ["a_3.txt", "a_4.txt"]


def test_who_loses_never_tries_a_name_twice_nor_one_that_is_too_long():
    tried = list(islice(AvailableName("abcdef.txt", 0, 14).onwards(), 100))
    assert len(set(tried)) == 100
    assert max(map(len, tried)) <= 14


def test_who_loses_tries_every_number_that_fits_before_it_is_an_error():
    tried = set()
    names = AvailableName("abcdef.txt", 0, 8).onwards()
    with pytest.raises(SuspiciousFileOperation, match="can not find an available filename"):
        while True:
            tried.add(next(names))
    assert tried == {numbered("abcdef.txt", number, 8) for number in range(100)}


def test_an_available_name_is_pickled_as_text():
    assert type(pickle.loads(pickle.dumps(AvailableName("a.txt", 1)))) is str
