import keyword

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mongo_contrib import documents
from mongo_contrib.inspection.naming import class_name, field_name, singular, stem


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("name", "name"),
        ("firstName", "firstName"),
        ("first-name", "first_name"),
        ("class", "class_field"),
        ("save", "save_field"),
        ("list", "list_field"),
        ("models", "models_field"),
        ("ListField", "ListField_field"),
        ("id", "id_field"),
        ("_id", "id_field"),
        ("a__b", "a_b"),
        ("2fa", "field_2fa"),
        ("größe", "größe"),
        ("💥", "field"),
        ("a𐧀b", "a_b"),
    ],
)
def test_fields_are_called_as_they_are_stored_where_that_can_be(key, name):
    assert field_name(key, ()) == name


def test_no_name_is_given_twice():
    assert field_name("a-b", {"a_b"}) == "a_b2"
    assert field_name("2-fa", {"field_2_fa", "field_2_fa2"}) == "field_2_fa3"


@given(st.text(max_size=20))
@example("𐧀")
def test_every_key_becomes_a_name_that_django_takes(key):
    name = field_name(key, ())
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert "__" not in name
    assert not name.startswith("_")
    assert not name.endswith("_")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("city", "City"),
        ("order_lines", "OrderLines"),
        ("fs.files", "FsFiles"),
        ("2x", "Collection2x"),
    ],
)
def test_classes_are_named_in_capitals(text, name):
    assert class_name(text, ()) == name


def test_a_class_is_named_once():
    assert class_name("city", {"City"}) == "City2"
    # To Django's registry these would be the same.
    assert class_name("firstName", {"Firstname"}) == "FirstName2"


@pytest.mark.parametrize("text", ["document", "Document", "list_field", "embedded_documents"])
def test_a_class_hides_nothing_that_the_module_imports(text):
    assert class_name(singular(text), ()) not in documents.__all__


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("cities", "city"),
        ("boxes", "box"),
        ("users", "user"),
        ("address", "address"),
        ("addresses", "address"),
        ("status", "status"),
        ("statistics", "statistics"),
        ("s", "s"),
    ],
)
def test_singular(plural, one):
    assert singular(plural) == one


@pytest.mark.parametrize("key", ["country_id", "countryId", "country", "countries", "country_ids"])
def test_keys_that_refer_to_one_thing_have_one_stem(key):
    assert stem(key) == "country"
