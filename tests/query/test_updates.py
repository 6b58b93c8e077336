"""`update()`, `bulk_update()` and `delete()`: what is stored, and what is sent."""

import datetime
import decimal

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, NotSupportedError
from django.db.models import F, Value
from django.db.models.functions import MD5, Upper
from django.template import engines

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Game, Publisher, Remark

pytestmark = pytest.mark.django_db

D = decimal.Decimal
HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2024, 3, 31, 12, tzinfo=datetime.UTC)


def sent(commands):
    return [event.command["updates"][0]["u"] for event in commands if event.name == "update"]


def test_an_update_is_one_command_and_says_how_many_matched(assert_num_commands):
    Every.objects.bulk_create(Every(big=n) for n in range(5))
    with assert_num_commands(1):
        assert Every.objects.filter(big__gt=1).update(text="x", flag=True) == 3
    assert Every.objects.filter(text="x", flag=True).count() == 3
    with assert_num_commands(0):
        assert Every.objects.update() == 0
        assert Every.objects.none().update(text="y") == 0
    assert Every.objects.filter(big=99).update(text="y") == 0
    # Django counts what matched, not what changed.
    assert Every.objects.filter(text="x").update(text="x") == 3


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("decimal", "1.5", D("1.500")),
        ("day", "2024-02-29", datetime.date(2024, 2, 29)),
        ("numbers", [1, "2"], [1, 2]),
        ("home", Address(city="Ulm"), Address(city="Ulm")),
        ("home", {"city": "Ulm"}, Address(city="Ulm")),
        ("remarks", [Remark(author="A")], [Remark(author="A")]),
        ("json", {"$set": {"a.b": 1}, "": []}, {"$set": {"a.b": 1}, "": []}),
        ("text", "$slug", "$slug"),
        ("text", "a\0b", "a\0b"),
        ("point", (1, 2), (1.0, 2.0)),
        ("data", b"\0", b"\0"),
    ],
)
def test_values_are_stored_as_their_fields_store_them(field, value, kept):
    every = Every.objects.create()
    Every.objects.update(**{field: value})
    assert getattr(Every.objects.get(), field) == kept
    Every.objects.update(**{field: value, "number": F("number") + 1})
    assert getattr(Every.objects.get(pk=every.pk), field) == kept


def test_none_is_a_key_less():
    Every.objects.create(text="x", home=Address(city="Ulm", zip_code="1"))
    Every.objects.update(text=None, home__zip_code=None)
    assert Every.objects.collection.find_one({}, {"_id": 0, "remarks": 0}) == {
        "home": {"street": "", "town": "Ulm"}
    }
    Every.objects.update(text=None, big=F("big") + 1)
    assert Every.objects.get().big is None


def test_parts_of_embedded_documents_and_positions():
    Every.objects.create(home=Address(city="Ulm", street="S"), numbers=[1, 2])
    with CaptureCommands() as commands:
        Every.objects.update(home__city="Bonn", numbers__1=5)
    assert sent(commands) == [{"$set": {"home.town": "Bonn", "numbers.1": 5}}]
    found = Every.objects.get()
    assert (found.home, found.numbers) == (Address(city="Bonn", street="S"), [1, 5])


def test_keys_of_maps_that_look_like_positions_are_computed(db):
    Game.objects.create(name="ulm", scores={"7": 1})
    Game.objects.update(name=Upper("name"), scores__7=5)
    found = Game.objects.get()
    assert (found.name, found.scores) == ("ULM", {"7": 5})


def test_references_are_set_by_document_by_key_and_to_none():
    ann = Author.objects.create(name="Ann")
    Book.objects.create(title="T")
    for value in (ann, ann.pk, str(ann.pk)):
        Book.objects.update(author=None)
        assert Book.objects.get().author is None
        Book.objects.update(author=value)
        assert Book.objects.get().author == ann
        Book.objects.update(author_id=None)
        Book.objects.update(author_id=value)
        assert Book.objects.get().author == ann


# Computed values


@pytest.mark.parametrize(
    ("before", "field", "expression", "after"),
    [
        ({"big": 7}, "big", F("big") + 1, 8),
        ({"big": 7}, "big", F("big") - 10, -3),
        ({"big": 7}, "big", F("big") * 3, 21),
        ({"big": 7}, "big", F("big") / 2, 3),
        ({"big": -7}, "big", F("big") / 2, -3),
        ({"big": 7}, "big", F("big") % 4, 3),
        ({"big": 7}, "big", F("big") ** 2, 49),
        ({"big": 7}, "big", -F("big"), -7),
        ({"big": 7}, "big", 10 - F("big"), 3),
        ({"big": 7, "small": 2}, "big", F("big") * F("small") + 1, 15),
        ({"big": 7, "number": 1.5}, "big", F("number") * 3, 4),
        ({"big": 7}, "big", F("big") + 0.5, 7),
        ({"big": None}, "big", F("big") + 1, None),
        ({"big": 7, "number": 1.5}, "number", F("big"), 7.0),
        ({"number": 1.5}, "number", F("number") + 1, 2.5),
        ({"decimal": D("1.250")}, "decimal", F("decimal") + 1, D("2.250")),
        ({"decimal": D("1.250")}, "decimal", F("decimal") * 3, D("3.750")),
        ({"decimal": D("1.250")}, "decimal", F("decimal") / 3, D("0.417")),
        ({"decimal": D("1.250")}, "decimal", F("decimal") + D("0.001"), D("1.251")),
        ({"decimal": D("1.250")}, "decimal", F("decimal") + 0.1, D("1.350")),
        ({"moment": NOON}, "moment", F("moment") + HOUR, NOON + HOUR),
        ({"moment": NOON}, "moment", F("moment") - HOUR / 2, NOON - HOUR / 2),
        ({"moment": NOON}, "moment", Value(HOUR) + F("moment"), NOON + HOUR),
        ({"moment": NOON, "duration": HOUR}, "moment", F("moment") + F("duration"), NOON + HOUR),
        ({"moment": None}, "moment", F("moment") + HOUR, None),
        ({"day": NOON.date()}, "day", F("day") + 24 * HOUR, datetime.date(2024, 4, 1)),
        ({"day": NOON.date()}, "day", F("day") + HOUR, NOON.date()),
        ({"duration": HOUR}, "duration", F("duration") + HOUR, HOUR * 2),
        ({"duration": HOUR}, "duration", F("duration") * 2, HOUR * 2),
        ({"duration": HOUR}, "duration", F("duration") / 2, HOUR / 2),
        (
            {"moment": NOON, "duration": HOUR},
            "duration",
            F("moment") - Value(NOON - HOUR * 3),
            HOUR * 3,
        ),
        ({"text": "a", "slug": "b"}, "text", F("slug"), "b"),
        ({"text": "a", "slug": None}, "text", F("slug"), None),
        ({"text": "a"}, "text", Value("$slug"), "$slug"),
        ({"home": Address(city="Ulm"), "text": "x"}, "home__city", F("text"), Address(city="x")),
    ],
    ids=str,
)
def test_the_server_computes_in_the_type_of_the_field(before, field, expression, after):
    Every.objects.create(**before)
    assert Every.objects.update(**{field: expression}) == 1
    found = getattr(Every.objects.get(), field.partition("__")[0])
    assert found == after
    assert isinstance(found, type(after))


def test_a_computed_save_is_the_same():
    every = Every.objects.create(big=7, decimal="1.25", duration=HOUR)
    every.big, every.decimal, every.duration = F("big") / 2, F("decimal") / 3, F("duration") + HOUR
    every.save()
    found = Every.objects.get()
    assert (found.big, found.decimal, found.duration) == (3, D("0.417"), HOUR * 2)


@pytest.mark.parametrize("value", [None, F("price"), F("price") + 1])
def test_null_for_a_field_that_may_not_be_null_is_left_out(value):
    book = Book.objects.create(title="T", pages=7)
    Book.objects.update(pages=value)
    assert "pages" not in Book.objects.collection.find_one()
    assert Book.objects.get().pages == 0
    Book.objects.update(pages=7)
    book.pages = value
    book.save()
    assert "pages" not in Book.objects.collection.find_one()


def test_null_for_an_embedded_field_that_may_not_be_null_is_left_out():
    Every.objects.create(home=Address(street="A", city="Ulm"))
    Every.objects.update(home__city=Upper("home__zip_code"))
    assert Every.objects.collection.find_one()["home"] == {"street": "A"}
    assert Every.objects.get().home.city == ""


def test_adding_to_a_number_that_is_never_null_is_an_increment():
    Book.objects.create(title="T", pages=1)
    with CaptureCommands() as commands:
        Book.objects.update(pages=F("pages") + 2, title="U")
        Book.objects.update(pages=F("pages") - 1)
    assert sent(commands) == [
        {"$set": {"title": "U"}, "$inc": {"pages": 2}},
        {"$inc": {"pages": -1}},
    ]
    assert Book.objects.get().pages == 2


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"bogus": 1}, FieldError),
        ({"home__bogus": 1}, FieldError),
        ({"author__name": "x"}, FieldError),
        ({"remarks__author": "x"}, FieldError),
        ({"pages__gt": 1}, FieldError),
        ({"pk": "x"}, FieldError),
        ({"id": "x"}, FieldError),
        ({"books": 1}, FieldError),
        ({"pages": "many"}, ValueError),
        ({"pages": {"$inc": 1}}, ValidationError),
        ({"title": {"$ne": 1}}, ValidationError),
        ({"author": Publisher(name="x")}, ValueError),
        ({"pages": F("bogus")}, FieldError),
        ({"title": F("author__name")}, NotSupportedError),
        ({"title": MD5("title")}, NotSupportedError),
        ({"added": F("added") + 1}, NotSupportedError),
        ({"added": F("added") * 2}, NotSupportedError),
        ({"published": F("added")}, NotSupportedError),
        # To the server's pipelines a position would be a key of each element.
        ({"tags__0": Upper("title")}, NotSupportedError),
        ({"tags__0": "x", "title": Upper("title")}, NotSupportedError),
        ({"remarks__1__author": None, "title": Upper("title")}, NotSupportedError),
        ({"extra__a__0": F("pages")}, NotSupportedError),
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused_before_anything_is_sent(values, error, assert_num_commands):
    with assert_num_commands(0), pytest.raises(error):
        Book.objects.update(**values)


def test_a_duplicate_is_an_integrity_error():
    Publisher.objects.bulk_create([Publisher(name="a"), Publisher(name="b")])
    with pytest.raises(IntegrityError):
        Publisher.objects.update(name="c")


# bulk_update()


def test_bulk_update_is_one_command_of_what_was_named():
    books = Book.objects.bulk_create(Book(title=str(n), pages=n) for n in range(3))
    for book in books:
        book.pages, book.title, book.price = book.pages + 10, "unsent", D("1.5")
    books[0].pages = F("pages") * 2 + 1
    with CaptureCommands() as commands:
        assert Book.objects.bulk_update(books, ["pages", "price"]) == 3
    assert commands.names.count("update") == 1
    found = Book.objects.order_by("title").values_list("title", "pages", "price")
    assert list(found) == [("0", 1, D("1.50")), ("1", 11, D("1.50")), ("2", 12, D("1.50"))]
    books[1].price = None
    Book.objects.bulk_update(books[1:], ["price"], batch_size=1)
    assert Book.objects.filter(price=None).get().title == "1"
    assert "price" not in Book.objects.collection.find_one({"title": "1"})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"fields": []}, ValueError),
        ({"fields": ["id"]}, ValueError),
        ({"fields": ["bogus"]}, Exception),
        ({"fields": ["pages"], "batch_size": -1}, ValueError),
        ({"fields": ["pages"], "objs": [Book(title="unsaved")]}, ValueError),
    ],
    ids=str,
)
def test_bulk_update_refuses(arguments, error, assert_num_commands):
    arguments = {"objs": [Book.objects.create(title="T")], **arguments}
    with assert_num_commands(0), pytest.raises(error):
        Book.objects.bulk_update(**arguments)


# delete()


def test_a_delete_says_what_it_deleted(assert_num_commands):
    Every.objects.bulk_create(Every(big=n) for n in range(5))
    with assert_num_commands(1):
        assert Every.objects.filter(big__gt=1).delete() == (3, {"testapp.Every": 3})
    with assert_num_commands(1):
        assert Every.objects.filter(big=99).delete() == (0, {})
    assert Every.objects.count() == 2
    for refused in (
        lambda: Every.objects.all()[:1].delete(),
        lambda: Every.objects.values("big").delete(),
    ):
        with pytest.raises(TypeError):
            refused()
    assert not hasattr(Every.objects, "delete")


def test_templates_cannot_change_anything():
    Every.objects.create()
    template = engines["django"].from_string(
        "{{ set.delete }}{{ set.update }}{{ set.first.delete }}"
    )
    template.render({"set": Every.objects.all()})
    assert Every.objects.count() == 1
    for name in ("update", "delete", "bulk_create", "bulk_update", "get_or_create"):
        assert getattr(Every.objects.all(), name).alters_data, name


def test_nothing_computed_is_left_out_so_that_a_unique_index_takes_it_twice():
    first, second = Author.objects.create(name="a"), Author.objects.create(name="b")
    assert Author.objects.filter(pk__in=[first.pk, second.pk]).update(email=F("email")) == 2
    assert "email" not in Author.objects.collection.find_one({"_id": first.pk})
