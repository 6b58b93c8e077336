"""Dicts into embedded documents, without a server."""

from mongo_contrib.rest.embedding import nested_values
from tests.testapp.models import Address, Book, Publisher, Remark


def remarks(current, sent):
    """What becomes of a book's remarks; `written` is what the serializer doesn't show."""
    return nested_values(Book, {"remarks": sent}, into=Book(title="T", remarks=current))["remarks"]


def test_what_is_embedded_is_changed_in_place():
    publisher = Publisher(name="A", home=Address(street="S", city="Ulm"))
    home = publisher.home
    values = nested_values(Publisher, {"name": "B", "home": {"city": "Bonn"}}, into=publisher)
    assert values["home"] is home
    assert (home.street, home.city) == ("S", "Bonn")
    assert values["name"] == "B"


def test_what_is_new_is_made():
    values = nested_values(Publisher, {"home": {"city": "Bonn"}})
    assert values == {"home": Address(city="Bonn")}
    assert nested_values(Publisher, {"home": None}) == {"home": None}


def test_instances_pass():
    home = Address(city="Bonn")
    assert nested_values(Publisher, {"home": home})["home"] is home


def test_an_element_that_stays_keeps_what_is_not_shown_wherever_it_moves():
    ann = Remark(author="Ann", stars=1, address=Address(city="Ulm", street="S"))
    bob = Remark(author="Bob", stars=2)
    kept = remarks([ann, bob], [{"author": "New"}, {"author": "Bob"}, {"author": "Ann"}])
    assert kept[1] is bob
    assert kept[2] is ann
    assert kept[0] == Remark(author="New")


def test_an_element_that_changed_keeps_its_place():
    ann, bob = Remark(author="Ann", stars=1), Remark(author="Bob", stars=2)
    kept = remarks([ann, bob], [{"author": "Ann"}, {"author": "Bobby"}, {"author": "New"}])
    assert kept == [ann, Remark(author="Bobby", stars=2), Remark(author="New")]


def test_of_a_list_that_got_shorter_nothing_is_guessed():
    ann, bob = Remark(author="Ann", stars=1), Remark(author="Bob", stars=2)
    assert remarks([ann, bob], [{"author": "Bob"}]) == [bob]
    assert remarks([ann, bob], [{"author": "Bobby"}]) == [Remark(author="Bobby")]
    assert remarks([ann, bob], []) == []


def test_equal_elements_are_each_taken_once():
    twins = [Remark(author="Ann", stars=1), Remark(author="Ann", stars=2)]
    assert remarks(twins, [{"author": "Ann"}, {"author": "Ann"}]) == twins
    assert remarks(twins, [{"author": "Ann"}] * 3)[2] == Remark(author="Ann")
