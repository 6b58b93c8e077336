"""Trees of Q objects, and conditions that other collections decide."""

import django
import pytest
from django.db import NotSupportedError
from django.db.models import Exists, F, OuterRef, Q, Subquery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mongo_contrib.query.conditions import NOTHING
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Author, Book, Every, Loan, Publisher, Remark, Ticket

# Trees of conditions

ROWS = [
    (title, pages, tags)
    for title in ("", "a", "b", None)
    for pages in (0, 1, None)
    for tags in ([], ["x"], ["x", "y"], None)
]
LEAVES = {
    ("text", "a"): lambda text, big, tags: text == "a",
    ("text__gt", ""): lambda text, big, tags: text is not None and text > "",
    ("text__in", ("a", "b")): lambda text, big, tags: text in ("a", "b"),
    ("text__isnull", True): lambda text, big, tags: text is None,
    ("big", 1): lambda text, big, tags: big == 1,
    ("big__lt", 1): lambda text, big, tags: big is not None and big < 1,
    ("big", None): lambda text, big, tags: big is None,
    ("numbers", 1): lambda text, big, tags: "x" in (tags or ()),
    ("numbers__len", 0): lambda text, big, tags: tags == [],
    ("pk__in", ()): lambda text, big, tags: False,
    ("big__gte", F("big")): lambda text, big, tags: big is not None,
}


def trees():
    """Pairs of a Q object and the function that says which rows it means."""
    leaves = st.sampled_from(list(LEAVES)).map(lambda leaf: (Q(leaf), LEAVES[leaf]))
    nothing = st.just((Q(), None))
    return st.recursive(leaves | nothing, _branches, max_leaves=6)


def _branches(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        inner.map(_negated),
        *(pair.map(lambda two, join=join: _joined(join, *two)) for join in "&|^"),
    )


def _negated(one):
    q, holds = one
    return ~q, holds and (lambda *row: not holds(*row))


def _joined(join, one, two):
    (q, holds), (other_q, other_holds) = one, two
    joined = {"&": q & other_q, "|": q | other_q, "^": q ^ other_q}[join]
    # An empty Q asks nothing, wherever it stands.
    if holds is None or other_holds is None:
        return joined, holds or other_holds
    return joined, {
        "&": lambda *row: holds(*row) and other_holds(*row),
        "|": lambda *row: holds(*row) or other_holds(*row),
        "^": lambda *row: holds(*row) != other_holds(*row),
    }[join]


@pytest.fixture
def rows(db):
    made = Every.objects.bulk_create(
        Every(text=text, big=big, numbers=tags and [{"x": 1, "y": 2}[tag] for tag in tags])
        for text, big, tags in ROWS
    )
    return {document.pk: row for document, row in zip(made, ROWS, strict=True)}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=trees())
def test_trees_find_what_python_finds(rows, tree):
    q, holds = tree
    expected = {pk for pk, row in rows.items() if holds is None or holds(*row)}
    assert set(Every.objects.filter(q).values_list("pk", flat=True)) == expected
    left = rows.keys() - expected if holds else expected
    assert set(Every.objects.exclude(q).values_list("pk", flat=True)) == left


def test_nothing_asked_is_everything():
    for queryset in (
        Book.objects.filter(),
        Book.objects.exclude(),
        Book.objects.filter(Q()),
        Book.objects.filter(~Q()),
        Book.objects.filter(Q(Q(), ~Q())),
    ):
        assert queryset.query.condition("default") == {}
    one = Book.objects.filter(Q(Q(), Q(pages=1), _connector=Q.OR))
    assert one.query.condition("default") == {"pages": 1}


def test_what_can_never_be_costs_no_command(db, assert_num_commands):
    nothing = Book.objects.filter(pk__in=[])
    with assert_num_commands(0):
        assert list(nothing) == []
        assert nothing.count() == 0
        assert not nothing.exists()
        assert nothing.update(pages=1) == 0
        assert nothing.delete() == (0, {})
        assert list(nothing.filter(pages=1) | Book.objects.none()) == []


def test_no_condition_widens_another():
    hostile = Book.objects.filter(pages=1).match({"$or": [{"pages": 2}]}).filter(Q(pages=3))
    assert hostile.query.condition("default") == {
        "$and": [{"pages": 1}, {"$or": [{"pages": 2}]}, {"pages": 3}]
    }


def test_conditions_join_by_operators(db):
    Book.objects.bulk_create(Book(title=str(n), pages=n) for n in range(5))
    low, even = Book.objects.filter(pages__lt=3), Book.objects.filter(pages__in=[0, 2, 4])

    def pages(queryset):
        return list(queryset.order_by("pages").values_list("pages", flat=True))

    assert pages(low & even) == [0, 2]
    assert pages(low | even) == [0, 1, 2, 4]
    assert pages(low ^ even) == [1, 4]
    assert pages(low | Book.objects.all()) == [0, 1, 2, 3, 4]
    assert pages(low & Book.objects.all()) == [0, 1, 2]
    assert pages(low | Book.objects.none()) == [0, 1, 2]
    assert pages(low & Book.objects.none()) == []
    assert pages(low.order_by("pages")[:1] | even) == [0, 2, 4]
    for refused in (
        lambda: low & Author.objects.all(),
        lambda: low[:1] & even,
        lambda: low | even.values("pages").distinct(),
    ):
        with pytest.raises(TypeError):
            refused()


# Across references


@pytest.fixture
def library(db):
    ann, bob, carl = Author.objects.bulk_create(Author(name=n) for n in ("Ann", "Bob", "Carl"))
    piper = Publisher.objects.create(name="Piper")
    momo, emil, one, orphan = Book.objects.bulk_create(
        [
            Book(title="Momo", pages=300, author=ann, publisher=piper),
            Book(title="Emil", pages=170, author=bob),
            Book(title="One", pages=1, author=ann),
            Book(title="Orphan", pages=5),
        ]
    )
    Loan.objects.bulk_create(
        [
            Loan(book=momo, reader=bob, note="a"),
            Loan(book=momo, reader=carl, note="b"),
            Loan(book=emil, note="c"),
        ]
    )
    Ticket.objects.create(code="A1", holder=ann, expires="2030-01-01T00:00Z")
    return {document.title: document for document in (momo, emil, one, orphan)}


def names(queryset):
    field = "title" if queryset.model is Book else "name"
    return " ".join(sorted(queryset.values_list(field, flat=True)))


FORWARD = [
    (Q(author__name="Ann"), "Momo One"),
    (~Q(author__name="Ann"), "Emil Orphan"),
    (Q(author__name__in=["Bob", "X"]), "Emil"),
    (Q(author__name__iexact="ANN", pages__gt=1), "Momo"),
    (Q(author__name="Ann") | Q(pages=5), "Momo One Orphan"),
    (Q(author__name="Ann") ^ Q(pages=300), "One"),
    (Q(author__isnull=True), "Orphan"),
    (Q(author=None), "Orphan"),
    (Q(author__name=None), "Orphan"),
    (Q(author__email__isnull=True), "Emil Momo One Orphan"),
    (Q(author__name__isnull=False), "Emil Momo One"),
    (~Q(author__isnull=True), "Emil Momo One"),
    (Q(author__name="Ann", author__email=None), "Momo One"),
    (Q(author__name="Ann", publisher__name="Piper"), "Momo"),
    (Q(author__name="Nobody"), ""),
    (~Q(author__name="Nobody"), "Emil Momo One Orphan"),
    (Q(author__ticket__code="A1"), "Momo One"),
    (Q(author__books__title="One"), "Momo One"),
    (Q(author__name="Ann") & Q(author__name="Bob"), ""),
    (Q(Q(author__name="Ann"), Q(author__name="Bob")), ""),
    (Q(author__books__title="One", author__books__pages=300), ""),
    (Q(author__books__title="One", author__books__pages=1), "Momo One"),
]
BACKWARD = [
    (Q(books__title="Momo"), "Ann"),
    (~Q(books__title="Momo"), "Bob Carl"),
    (Q(books__pages__gt=100), "Ann Bob"),
    (Q(books__title="Momo", books__pages=1), ""),
    (Q(books__title="Momo", books__pages=300), "Ann"),
    (Q(books__title="Momo") & Q(books__pages=1), ""),
    (Q(books__title="Momo") | Q(books__title="Emil"), "Ann Bob"),
    (Q(books__title="Momo") & (Q(books__pages=1) | Q(books__pages=2)), ""),
    (Q(books__title="Momo") & (Q(books__pages=1) | Q(books__pages=300)), "Ann"),
    (Q(Q(books__title="Momo"), Q(books__pages=1)), ""),
    (Q(books__title="Momo") & ~Q(books__pages=1), ""),
    (Q(books__title="Momo") & (Q(name="Ann") | Q(books__pages=1)), "Ann"),
    (Q(books__title="One") & (Q(books__pages=1) ^ Q(books__title="X")), "Ann"),
    (Q(books__title="Momo") & Q(books__title="One"), ""),
    (Q(books__loans__note="a", books__loans__reader__name="Carl"), ""),
    (Q(books__loans__note="b", books__loans__reader__name="Carl"), "Ann"),
    (Q(books__isnull=True), "Carl"),
    (Q(books__isnull=False), "Ann Bob"),
    (Q(books=None), "Carl"),
    (~Q(books=None), "Ann Bob"),
    (Q(ticket__isnull=True), "Bob Carl"),
    (Q(ticket="A1"), "Ann"),
    (Q(ticket__code__startswith="A"), "Ann"),
    (Q(books__loans__note="c"), "Bob"),
    (Q(books__loans__reader__name="Carl"), "Ann"),
    (Q(loans__book__title="Momo"), "Bob Carl"),
]


@pytest.mark.parametrize(("q", "found"), FORWARD, ids=str)
def test_references_are_crossed_forward(library, q, found):
    assert names(Book.objects.filter(q)) == found


@pytest.mark.parametrize(("q", "found"), BACKWARD, ids=str)
def test_references_are_crossed_backward(library, q, found):
    assert names(Author.objects.filter(q)) == found


def test_two_filters_backward_may_be_met_by_two(library):
    assert names(Author.objects.filter(books__title="Momo").filter(books__pages=1)) == "Ann"
    assert names(Author.objects.filter(books__title="Momo", books__pages=1)) == ""


def test_references_are_given_as_documents_keys_text_or_sets(library):
    momo = library["Momo"]
    ann = momo.author
    for value in (ann, ann.pk, str(ann.pk)):
        assert names(Book.objects.filter(author=value)) == "Momo One"
        assert names(Book.objects.filter(author_id=value)) == "Momo One"
        assert names(Book.objects.filter(author__in=[value])) == "Momo One"
        assert names(Book.objects.exclude(author=value)) == "Emil Orphan"
    some = Author.objects.filter(name__lt="B")
    for value in (some, some.values("pk"), some.values_list("id", flat=True), some[:1]):
        assert names(Book.objects.filter(author__in=value)) == "Momo One"
        assert names(Book.objects.exclude(author__in=value)) == "Emil Orphan"
    assert names(Book.objects.filter(author=some[:1])) == "Momo One"
    assert names(Author.objects.filter(books=momo)) == "Ann"
    assert names(Author.objects.filter(books__in=[momo, library["Emil"].pk])) == "Ann Bob"
    assert names(Author.objects.filter(books__in=Book.objects.filter(pages__lt=100))) == "Ann"
    assert names(Author.objects.filter(name__in=Book.objects.values("title"))) == ""
    assert names(Author.objects.filter(pk__in=Book.objects.values("author"))) == "Ann Bob"


def test_a_set_as_value_is_asked_when_the_query_runs(library, assert_num_commands):
    with assert_num_commands(0):
        books = Book.objects.filter(author__in=Author.objects.filter(name="Ann"))
    with assert_num_commands(2):
        assert len(books) == 2
    Author.objects.filter(name="Ann").update(name="Anna")
    assert len(books.all()) == 0


def test_a_crossed_reference_asks_for_keys_alone(library):
    with CaptureCommands() as commands:
        list(Book.objects.filter(author__name="Ann"))
    keys, books = commands
    assert (keys.collection, keys.command["projection"]) == ("testapp_author", {"_id": 1})
    assert books.command["filter"] == {"author_id": {"$in": [library["Momo"].author_id]}}


def test_nothing_beyond_a_reference_asks_only_there(library):
    with CaptureCommands() as commands:
        assert list(Book.objects.filter(author__name="Nobody")) == []
    assert [event.collection for event in commands] == ["testapp_author"]


def test_exists_with_the_documents_own_key_narrows(library):
    """As Django's admin and Django REST framework search where joins would repeat rows."""
    found = Author.objects.filter(books__title__icontains="o")
    kept = Author.objects.filter(name__lt="B")
    narrowed = kept.filter(Exists(found.filter(pk=OuterRef("pk"))))
    assert names(narrowed) == "Ann"
    assert names(Author.objects.filter(Exists(found.filter(pk=OuterRef("pk"))))) == "Ann"
    for refused in (
        lambda: Exists(found),
        lambda: ~Exists(found.filter(pk=OuterRef("pk"))),
        lambda: Exists(Book.objects.filter(pk=OuterRef("pk"))),
        lambda: Exists(Book.objects.filter(author=OuterRef("pk"))),
    ):
        with pytest.raises(NotSupportedError):
            Author.objects.filter(refused())
    with pytest.raises(NotSupportedError):
        list(Author.objects.filter(pk=OuterRef("pk")))


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        (lambda: {"author": Publisher(name="x")}, ValueError),
        (lambda: {"author": Author(name="unsaved")}, ValueError),
        (lambda: {"author__in": Publisher.objects.all()}, ValueError),
        (lambda: {"author": Author.objects.all()}, ValueError),
        (lambda: {"author__in": Author.objects.values("pk", "name")}, ValueError),
        (lambda: {"author__gt": Author.objects.all()}, NotSupportedError),
        (lambda: {"title__icontains": F("title")}, NotSupportedError),
        (lambda: {"author": Subquery(Author.objects.values("pk"))}, NotSupportedError),
    ],
)
def test_what_no_reference_takes_is_refused_when_filtering(condition, error):
    with pytest.raises(error):
        Book.objects.filter(**condition())


def test_too_many_keys_are_refused_with_the_alternative(library, monkeypatch):
    monkeypatch.setattr("mongo_contrib.query.crossing.MAX_KEYS", 2)
    with pytest.raises(NotSupportedError, match=r"\$lookup"):
        list(Book.objects.filter(author__name__gt=""))


def test_the_keys_that_are_carried_over_are_counted_once(library, monkeypatch):
    author = Author.objects.get(name="Ann")
    Book.objects.bulk_create([Book(title=f"t{n}", author=author) for n in range(5)])
    monkeypatch.setattr("mongo_contrib.query.crossing.MAX_KEYS", 2)
    assert names(Author.objects.filter(books__title__startswith="t")) == "Ann"
    hers = Book.objects.filter(author=author).values("author")
    assert names(Author.objects.filter(pk__in=hers)) == "Ann"


def test_a_filter_that_finds_nothing_there_finds_nothing_here():
    assert Book.objects.filter(author__in=Author.objects.none()).query.condition("") is NOTHING


def test_embedded_lists_and_references_in_one_filter(library):
    Book.objects.filter(title="Momo").update(remarks=[Remark(author="X", stars=1)])
    both = Book.objects.filter(author__name="Ann", remarks__author="X", remarks__stars=1)
    assert names(both) == "Momo"


def test_the_time_limit_is_also_that_of_the_other_collections(library):
    found = Book.objects.filter(Q(author__name="Ann") | Q(title="Emil"))
    with CaptureCommands() as captured:
        assert names(found.max_time_ms(5000)) == "Emil Momo One"
    assert [event.command.get("maxTimeMS") for event in captured] == [5000, 5000]


def _search(words, *names):
    return Q(*(Q(*((name, word) for name in names), _connector=Q.OR) for word in words))


def test_a_search_of_elements_asks_of_any_element_first():
    q = _search("abcde", "title__icontains", "remarks__author__icontains")
    *first, ways = Book.objects.filter(q).query.condition("")["$and"]
    assert (len(first), len(ways["$or"])) == (5, 32)
    assert first[0]["$or"][0] == {"title": {"$regex": "a", "$options": "i"}}


@pytest.mark.parametrize(("words", "commands"), [("ab", 4), ("abcdefgh", 9)])
def test_a_search_backward_asks_few_times(library, words, commands):
    found = Author.objects.filter(_search(words, "name__icontains", "books__title__icontains"))
    with CaptureCommands() as captured:
        list(found)
    assert len(captured) == commands


def test_none_among_what_is_excluded_is_djangos(library):
    def without_null(excluded, kept):
        return excluded if django.VERSION >= (6, 1) else kept

    ann = Author.objects.get(name="Ann")
    asked = Q(author__in=[ann, None])
    assert names(Book.objects.filter(asked)) == "Momo One"
    assert names(Book.objects.exclude(asked)) == without_null("Emil", "Emil Orphan")
    assert names(Book.objects.exclude(author__in=[ann])) == "Emil Orphan"
    assert names(Book.objects.filter(~(~asked))) == "Momo One"
    asked = Q(author__name__in=["Ann", None])
    assert names(Book.objects.exclude(asked)) == without_null("Emil", "Emil Orphan")
