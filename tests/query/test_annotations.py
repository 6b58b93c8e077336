"""`annotate()` and `alias()`: computed by the server, in the one command that reads."""

import asyncio
import datetime
import decimal
import uuid

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import NotSupportedError
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DecimalField,
    DurationField,
    ExpressionWrapper,
    F,
    FloatField,
    Q,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Length, Lower, Upper
from django.db.models.lookups import Exact, GreaterThan, IsNull, StartsWith

from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Address, Author, Book, Every, Publisher, Remark

pytestmark = pytest.mark.django_db

D = decimal.Decimal
NOON = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def library():
    ann, bob, _ = Author.objects.bulk_create(
        [Author(name="Ann"), Author(name="Bob"), Author(name="Cyd")]
    )
    piper = Publisher.objects.create(name="Piper", home=Address(city="Munich"))
    return Book.objects.bulk_create(
        [
            Book(title="Emil", pages=170, author=bob, tags=["city", "boys"], price=D("8.50")),
            Book(title="Momo", pages=300, author=ann, publisher=piper, tags=["time"]),
            Book(title="Orphan", pages=1, remarks=[Remark(author="X", stars=2)]),
            Book(title="Lotte", pages=160, author=bob, price=D("9.00")),
        ]
    )


def titles(queryset):
    return sorted(queryset.values_list("title", flat=True))


def stages(commands, position=0):
    return [next(iter(stage)) for stage in commands[position].command["pipeline"]]


# Instances


def test_instances_get_attributes(library, assert_num_commands):
    with assert_num_commands(1):
        books = list(
            Book.objects.annotate(double=F("pages") * 2, shout=Upper("title")).order_by("title")
        )
    assert [(book.title, book.double, book.shout) for book in books] == [
        ("Emil", 340, "EMIL"),
        ("Lotte", 320, "LOTTE"),
        ("Momo", 600, "MOMO"),
        ("Orphan", 2, "ORPHAN"),
    ]
    assert all(type(book.double) is int for book in books)


def test_what_is_annotated_is_never_stored(library, assert_num_commands):
    book = Book.objects.annotate(double=F("pages") * 2).get(title="Emil")
    with assert_num_commands(0):
        book.save()
    book.title = "Emilia"
    book.save()
    stored = Book.objects.collection.find_one({"_id": book.pk})
    assert stored["title"] == "Emilia"
    assert not [key for key in stored if key.startswith("__") or key == "double"]


def test_annotations_build_on_annotations(library):
    books = Book.objects.annotate(a=F("pages") + 1).annotate(b=F("a") * 2).alias(c=F("b") + F("a"))
    book = books.annotate(d=F("c")).get(title="Orphan")
    assert (book.a, book.b, book.d) == (2, 4, 6)
    assert not hasattr(book, "c")


@pytest.mark.parametrize(
    ("stored", "expression", "value"),
    [
        ({"big": 7}, F("big") + 1, 8),
        ({"big": 7}, F("big") / 2, 3),
        ({"big": -7}, F("big") / 2, -3),
        ({"big": 7}, F("big") / 2.0, 3.5),
        ({"big": 7}, F("big") / 0, None),
        ({"big": 7}, F("big") % 0, None),
        ({"big": 7}, F("big") % 4, 3),
        ({"big": 3}, F("big") ** 2, 9),
        ({"big": 7}, -F("big"), -7),
        ({"big": 7, "small": 2}, F("big") - F("small"), 5),
        ({"big": 7}, F("big") + F("small"), None),
        ({}, F("big"), None),
        ({"decimal": D("1.250")}, F("decimal") * 2, D("2.500")),
        ({"number": 1.5}, F("number") * 2, 3.0),
        ({"day": datetime.date(2024, 2, 28)}, F("day"), datetime.date(2024, 2, 28)),
        ({"moment": NOON}, F("moment") + DAY, NOON + DAY),
        ({"moment": NOON}, F("moment") - DAY, NOON - DAY),
        ({"moment": NOON}, F("moment") - F("moment"), datetime.timedelta(0)),
        (
            {"day": datetime.date(2024, 3, 1)},
            F("day") - Value(datetime.date(2024, 2, 28)),
            DAY * 2,
        ),
        (
            {"duration": DAY},
            ExpressionWrapper(F("duration") / 2, output_field=DurationField()),
            DAY / 2,
        ),
        ({"duration": DAY}, F("duration") + F("duration"), DAY * 2),
        ({"time": datetime.time(8, 30)}, F("time"), datetime.time(8, 30)),
        ({"uuid": uuid.UUID(int=5)}, F("uuid"), uuid.UUID(int=5)),
        ({"home": Address(city="Ulm")}, F("home__city"), "Ulm"),
        ({}, F("home__city"), None),
        ({"json": {"a": {"b": 3}}}, F("json__a__b"), 3),
        ({"numbers": [3, 1]}, F("numbers"), [3, 1]),
        ({"numbers": [3, 1]}, F("numbers__len"), 2),
        ({"numbers": []}, F("numbers__len"), 0),
        ({}, F("numbers__len"), None),
        ({}, Value("$text"), "$text"),
        ({}, Value(3), 3),
        ({}, Value(None, output_field=CharField()), None),
        ({}, Value(datetime.date(2024, 1, 2)), datetime.date(2024, 1, 2)),
        ({}, Value(datetime.time(7, 5)), datetime.time(7, 5)),
        ({}, Value(DAY), DAY),
        ({}, Value(D("1.50")), D("1.50")),
        ({}, Value(NOON), NOON),
        (
            {"big": 3, "number": 0.5},
            ExpressionWrapper(F("big") * F("number"), output_field=FloatField()),
            1.5,
        ),
        ({"big": 3}, ExpressionWrapper(F("big"), output_field=DecimalField()), D(3)),
        ({"big": 3}, Q(big__gt=2), True),
        ({}, Q(big__gt=2), False),
        ({"big": 3}, GreaterThan(F("big"), 5), False),
        ({"big": 3}, IsNull(F("small"), True), True),
    ],
    ids=str,
)
def test_values_are_of_the_type_of_their_field(stored, expression, value):
    Every.objects.create(**stored)
    found = Every.objects.annotate(found=expression).get().found
    assert found == value
    assert type(found) is type(value)
    assert Every.objects.annotate(found=expression).values_list("found", flat=True)[0] == value


# Rows


def test_rows_have_what_is_annotated(library):
    books = Book.objects.annotate(double=F("pages") * 2).order_by("title")
    assert books.values("title", "double")[0] == {"title": "Emil", "double": 340}
    assert list(books.values_list("double", "title")[:1]) == [(340, "Emil")]
    assert list(books.values_list("double", flat=True)) == [340, 320, 600, 2]
    assert books.values()[0]["double"] == 340
    assert next(iter(books.values("title"))) == {"title": "Emil"}
    assert books.values_list("title", "double", named=True)[0].double == 340


def test_expressions_stand_in_values(library):
    books = Book.objects.order_by("title")
    assert books.values("title", low=Lower("title"))[0] == {"title": "Emil", "low": "emil"}
    assert list(books.values_list("title", Lower("title"))[:1]) == [("Emil", "emil")]
    assert next(iter(books.values("title").annotate(n=Length("title")))) == {
        "title": "Emil",
        "n": 4,
    }
    assert list(books.values_list(F("author__name"), flat=True)) == ["Bob", "Bob", "Ann", None]


def test_rows_of_annotations_come_once(library):
    letters = Book.objects.annotate(n=Length("title")).values_list("n", flat=True).distinct()
    assert list(letters.order_by("n")) == [4, 5, 6]
    assert letters.count() == 3
    assert list(letters.order_by("-n")[1:]) == [5, 4]


# Filters


def test_what_is_annotated_can_be_asked(library):
    books = Book.objects.annotate(double=F("pages") * 2, low=Lower("title"))
    assert titles(books.filter(double=340)) == ["Emil"]
    assert titles(books.filter(double__gt=320)) == ["Emil", "Momo"]
    assert titles(books.filter(double__in=[2, 600])) == ["Momo", "Orphan"]
    assert titles(books.exclude(double__gt=320)) == ["Lotte", "Orphan"]
    assert titles(books.filter(low__startswith="e")) == ["Emil"]
    assert titles(books.filter(low__contains="m")) == ["Emil", "Momo"]
    assert titles(books.filter(low__icontains="MOM")) == ["Momo"]
    assert titles(books.filter(Q(double=2) | Q(title="Momo"))) == ["Momo", "Orphan"]
    assert titles(books.filter(double__gt=F("pages") + 160)) == ["Emil", "Momo"]
    assert titles(books.filter(pages__lt=F("double") - 200)) == ["Momo"]
    assert titles(Book.objects.alias(double=F("pages") * 2).filter(double=2)) == ["Orphan"]
    assert books.filter(double=340).count() == 1
    assert books.filter(double=340).exists()
    assert not books.filter(double=341).exists()
    assert books.filter(double=340).first().double == 340
    assert books.get(double=340).title == "Emil"


def test_an_annotation_that_is_null_is_in_no_comparison():
    Every.objects.bulk_create([Every(big=1), Every(), Every(big=-5)])
    rows = Every.objects.annotate(x=F("big") * 2)
    assert rows.filter(x__lt=100).count() == 2
    assert rows.filter(x__lte=2).count() == 2
    assert rows.filter(x__isnull=True).count() == 1
    assert rows.filter(x=None).count() == 1
    assert rows.exclude(x__lt=0).count() == 2
    assert rows.filter(x__lt=F("big") + 1000).count() == 2


def test_a_plain_name_stays_a_plain_condition(library):
    """So that an index serves it."""
    with CaptureCommands() as commands:
        list(Book.objects.alias(name=F("title")).filter(name="Emil"))
    assert commands[0].command["filter"] == {"title": "Emil"}


def test_expressions_stand_in_filters(library):
    assert titles(Book.objects.filter(GreaterThan(F("pages"), 165))) == ["Emil", "Momo"]
    assert titles(Book.objects.filter(Exact(F("pages") * 2, 2))) == ["Orphan"]
    assert titles(Book.objects.filter(GreaterThan(F("pages"), F("price") * 18))) == ["Emil"]
    assert titles(Book.objects.exclude(GreaterThan(F("pages"), 165))) == ["Lotte", "Orphan"]
    assert titles(Book.objects.filter(~GreaterThan(F("pages"), 165))) == ["Lotte", "Orphan"]
    assert titles(Book.objects.filter(StartsWith(F("title"), "Mo"))) == ["Momo"]
    assert titles(Book.objects.filter(GreaterThan(F("pages"), 165) | Q(title="Lotte"))) == [
        "Emil",
        "Lotte",
        "Momo",
    ]
    long = ExpressionWrapper(Q(pages__gt=200), output_field=BooleanField())
    assert titles(Book.objects.filter(long)) == ["Momo"]
    with pytest.raises(TypeError, match="non-conditional"):
        Book.objects.filter(F("pages") + 1)


def test_arithmetic_on_the_right(library):
    Every.objects.bulk_create([Every(big=5, small=2), Every(big=4, small=2), Every(big=3)])
    assert Every.objects.filter(big=F("small") + F("small")).count() == 1
    assert Every.objects.filter(big__gt=F("small") * 2).count() == 1
    assert Every.objects.filter(big__lte=F("small") + 100).count() == 2
    assert Book.objects.filter(pages__gt=F("tags__len") * 100).count() == 3


def test_transforms_that_are_registered_are_look_ups(library):
    CharField.register_lookup(Lower)
    CharField.register_lookup(Length)
    try:
        assert titles(Book.objects.filter(title__lower="emil")) == ["Emil"]
        assert titles(Book.objects.filter(title__lower__startswith="mo")) == ["Momo"]
        assert titles(Book.objects.filter(title__length__gt=4)) == ["Lotte", "Orphan"]
        assert Book.objects.annotate(n=F("title__length")).get(title="Emil").n == 4
        assert Book.objects.order_by("title__length", "title")[0].title == "Emil"
    finally:
        CharField._unregister_lookup(Lower)
        CharField._unregister_lookup(Length)
    with pytest.raises(FieldError):
        Book.objects.filter(title__lower="emil")


def test_writes_take_what_is_annotated_in_filters(library):
    books = Book.objects.annotate(double=F("pages") * 2)
    assert books.filter(double=340).update(title="Emilia") == 1
    assert books.filter(author__name="Bob", double__lt=330).delete()[0] == 1
    assert titles(Book.objects) == ["Emilia", "Momo", "Orphan"]
    assert Book.objects.annotate(who=F("author__name")).filter(who="Ann").update(pages=5) == 1
    assert Book.objects.get(title="Momo").pages == 5


def test_updates_take_what_is_annotated(library):
    books = Book.objects.annotate(double=F("pages") * 2, low=Lower("title"))
    assert books.filter(low="emil").update(pages=F("double") + 1, title=F("low")) == 1
    assert Book.objects.get(title="emil").pages == 341
    long = Case(When(double__gt=500, then=Value("long")), default=F("title"))
    assert books.update(title=long) == 4
    assert titles(Book.objects) == ["Lotte", "Orphan", "long", "long"]


def test_a_condition_of_another_collection_is_no_value_to_write(library):
    """What that asks would have to be asked first, and a write is one operation."""
    by = Case(When(author__name="Ann", then=Value(1)), default=Value(2))
    with pytest.raises(NotSupportedError, match=r"\$lookup"):
        Book.objects.update(pages=by)
    with pytest.raises(NotSupportedError, match=r"\$lookup"):
        Book.objects.update(title=F("author__name"))


def test_what_is_annotated_gives_values_to_look_ups(library):
    same = Book.objects.annotate(x=F("pages") + 10).values("x")
    assert titles(Book.objects.filter(pages__in=same)) == ["Emil"]


# Across references


def test_one_reference_is_one_lookup(library, assert_num_commands):
    with CaptureCommands() as commands:
        found = {
            book.title: (book.who, book.mail)
            for book in Book.objects.annotate(who=F("author__name"), mail=F("author__email"))
        }
    assert found == {
        "Emil": ("Bob", None),
        "Lotte": ("Bob", None),
        "Momo": ("Ann", None),
        "Orphan": (None, None),
    }
    assert stages(commands) == ["$lookup", "$set", "$set", "$unset"]
    assert commands[0].command["pipeline"][0]["$lookup"]["pipeline"] == [
        {"$project": {"email": 1, "name": 1, "_id": 0}}
    ]
    books = Book.objects.annotate(who=Upper("author__name"))
    assert titles(books.filter(who="BOB")) == ["Emil", "Lotte"]
    assert titles(books.filter(who__isnull=True)) == ["Orphan"]
    assert titles(books.exclude(who="BOB")) == ["Momo", "Orphan"]
    assert books.filter(who="BOB").count() == 2
    assert books.filter(who="BOB").exists()
    assert Book.objects.filter(title=F("author__name")).count() == 0
    assert Book.objects.annotate(c=F("publisher__home__city")).get(title="Momo").c == "Munich"


def test_own_conditions_come_before_the_lookup(library):
    with CaptureCommands() as commands:
        list(Book.objects.annotate(who=F("author__name")).filter(who="Bob", pages__gt=165))
    assert stages(commands)[:3] == ["$match", "$lookup", "$set"]
    assert commands[0].command["pipeline"][0] == {"$match": {"pages": {"$gt": 165}}}


def test_what_refers_is_counted(library, assert_num_commands):
    with assert_num_commands(1):
        found = {
            author.name: (author.n, author.pages, author.most, author.mean)
            for author in Author.objects.annotate(
                n=Count("books"),
                pages=Sum("books__pages"),
                most=Sum("books__pages", filter=Q(books__pages__gt=165)),
                mean=Sum("books__pages", default=0),
            )
        }
    assert found == {
        "Ann": (1, 300, 300, 300),
        "Bob": (2, 330, 170, 330),
        "Cyd": (0, None, None, 0),
    }


def test_what_is_counted_can_be_asked_and_sorted_by(library):
    authors = Author.objects.annotate(n=Count("books")).order_by("-n", "name")
    assert [author.name for author in authors] == ["Bob", "Ann", "Cyd"]
    assert [author.name for author in authors.filter(n__gt=0)] == ["Bob", "Ann"]
    assert authors.filter(n=0).get().name == "Cyd"
    assert authors.filter(n__gt=1).count() == 1
    assert authors.filter(Q(n=0) | Q(name="Ann")).count() == 2
    assert authors.values_list("pk", "n")[0][1] == 2
    assert list(Author.objects.values("pk").annotate(n=Count("books")).values_list("n")) != []
    assert authors.aggregate(most=Sum("n")) == {"most": 3}
    assert Author.objects.annotate(n=Count("books") + 10).get(name="Cyd").n == 10
    cheap = Count("books", filter=Q(books__price__lt=9) | Q(books__title="Momo"))
    assert sorted(Author.objects.annotate(n=cheap).values_list("name", "n")) == [
        ("Ann", 1),
        ("Bob", 1),
        ("Cyd", 0),
    ]
    assert Author.objects.alias(n=Count("books")).filter(n=0).update(email="x@example.org") == 1


def test_what_a_filter_has_narrowed_is_not_counted_whole(library):
    """To Django it would count those books alone."""
    with pytest.raises(NotSupportedError, match="filter="):
        Author.objects.filter(books__pages__gt=165).annotate(n=Count("books"))
    found = Author.objects.annotate(n=Count("books")).filter(books__pages__gt=165)
    assert sorted(found.values_list("name", "n")) == [("Ann", 1), ("Bob", 2)]


# With everything else of a query set


def test_conditions_come_first_and_only_the_page_is_computed(library):
    with CaptureCommands() as commands:
        list(Book.objects.annotate(x=F("pages") * 2).filter(pages__gt=100).order_by("title")[:2])
        list(Book.objects.annotate(x=F("pages") * 2).order_by("-x")[:2])
        Book.objects.annotate(x=F("pages") * 2).filter(pages__gt=100).count()
    assert stages(commands) == ["$match", "$sort", "$limit", "$set"]
    assert stages(commands, 1) == ["$set", "$sort", "$limit"]
    assert "__annotated" not in str(commands[2].command)


def test_it_composes(library):
    books = Book.objects.annotate(double=F("pages") * 2)
    assert books.only("title").get(title="Emil").double == 340
    assert books.only("title").get(title="Emil").get_deferred_fields() >= {"pages", "author_id"}
    assert books.defer("tags").get(title="Emil").pages == 170
    assert books.order_by("double").first().title == "Orphan"
    assert books.order_by("double").last().title == "Momo"
    assert books.order_by("-double")[1].title == "Emil"
    assert books.latest("double").title == "Momo"
    assert [b.double for b in books.order_by("title").iterator(chunk_size=1)] == [340, 320, 600, 2]
    assert books.in_bulk([library[0].pk])[library[0].pk].double == 340
    assert books.select_related("author").get(title="Emil").author.name == "Bob"
    assert books.prefetch_related("author").get(title="Emil").double == 340
    assert books.distinct().count() == 4
    assert books[:2].count() == 2
    assert books.none().count() == 0
    assert list(books.none()) == []
    assert books.aggregate(n=Sum("double")) == {"n": 1262}
    assert books.contains(library[0])
    assert (books.filter(double=2) | books.filter(double=600)).count() == 2
    assert len(list(library[0].author.books.annotate(double=F("pages") * 2))) == 2
    assert list(books.order_by("-double").values_list("title", flat=True)[:1]) == ["Momo"]
    assert "__annotated" in str(books.explain())


def test_hints_and_time_limits_reach_the_pipeline(library):
    with CaptureCommands() as commands:
        list(Book.objects.annotate(x=F("pages")).hint("_id_").max_time_ms(5000))
    assert commands[0].command["hint"] == "_id_"
    assert commands[0].command["maxTimeMS"] == 5000


# Errors


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        (lambda: F("bogus"), FieldError, "Choices are"),
        (lambda: F("pages__bogus"), FieldError, "Unsupported lookup"),
        (lambda: F("author__bogus"), FieldError, "Unsupported lookup"),
        (lambda: F("remarks__stars"), NotSupportedError, r"\$unwind"),
        (lambda: F("tags__0"), NotSupportedError, r"\$unwind"),
        (lambda: F("loans__note"), NotSupportedError, r"\$lookup"),
        (lambda: Count("tags"), NotSupportedError, r"values\(\.\.\.\) before"),
        (lambda: Sum("loans__note"), FieldError, "numbers"),
        (lambda: F("pages") + Value("x", output_field=CharField()), FieldError, "output_field"),
        (lambda: Count("loans", filter=Q(title="x")), NotSupportedError, "filter"),
        (lambda: Author.objects.all(), NotSupportedError, r"\$lookup"),
    ],
)
def test_what_can_not_be_annotated_is_told_at_once(expression, error, words, assert_num_commands):
    with assert_num_commands(0), pytest.raises(error, match=words):
        Book.objects.annotate(found=expression()).filter(found=1)


@pytest.mark.parametrize("name", ["title", "author_id", "loans"])
def test_an_annotation_has_a_name_of_its_own(name):
    with pytest.raises(ValueError, match="conflicts"):
        Book.objects.annotate(**{name: F("pages")})


@pytest.mark.parametrize("name", ["a.b", "$x", "", "a\0b"])
def test_an_annotation_is_no_path(name):
    with pytest.raises(ValueError, match="name"):
        Book.objects.annotate(**{name: F("pages")})


def test_arguments_are_expressions():
    with pytest.raises(TypeError):
        Book.objects.annotate(x=3)
    with pytest.raises(TypeError, match="alias"):
        Book.objects.annotate(F("pages") + 1)
    with pytest.raises(FieldError, match="aggregate"):
        Author.objects.annotate(n=Count("books")).annotate(m=Sum("n"))


def test_values_from_outside_are_cast(library):
    books = Book.objects.annotate(x=F("pages") * 2)
    with pytest.raises(ValueError):
        books.filter(x="many")
    with pytest.raises(ValidationError, match="single value"):
        books.filter(x={"$gt": 0})
    assert books.filter(x="340").count() == 1


def test_all_of_it_is_awaited(library):
    async def ask():
        books = Book.objects.annotate(double=F("pages") * 2, who=F("author__name"))
        return (
            [(book.double, book.who) async for book in books.order_by("-double")[:2]],
            await books.filter(who="Bob").acount(),
            await books.filter(double=2).aget(),
            [row async for row in Book.objects.values("author__name").annotate(n=Count("pk"))],
            await Author.objects.annotate(n=Count("books")).aget(name="Bob"),
            await Book.objects.order_by("author__name", "title").afirst(),
            await Book.objects.aaggregate(n=Count("author__name")),
            await books.filter(who="Ann").aupdate(pages=5),
        )

    two, bobs, orphan, rows, bob, first, counted, updated = asyncio.run(ask())
    assert two == [(600, "Ann"), (340, "Bob")]
    assert (bobs, orphan.title, len(rows), bob.n) == (2, "Orphan", 3, 2)
    assert (first.title, counted, updated) == ("Orphan", {"n": 3}, 1)
