"""What is asked about one element of a list, against Python asking each element."""

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import NotSupportedError
from django.db.models import F, Q
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mongo_contrib.query.elements import taken_apart
from tests.testapp.models import Author, Book, Every, Order, OrderLine, Remark


def slugs(*args, **kwargs):
    return sorted(Order.objects.filter(*args, **kwargs).values_list("slug", flat=True))


@pytest.fixture
def orders(db):
    lines = {
        "one": [("a", 1), ("b", 5)],
        "two": [("a", 5), ("b", 1)],
        "three": [("c", 5)],
        "empty": [],
    }
    for slug, found in lines.items():
        Order.objects.create(
            slug=slug,
            title="urgent" if slug == "one" else "",
            lines=[OrderLine(sku=sku, quantity=quantity) for sku, quantity in found],
            tags=[sku for sku, _ in found],
            scores=[quantity for _, quantity in found],
        )


ASKED = {
    "both": (Q(sku="a", quantity__gte=2), lambda sku, n: sku == "a" and n >= 2),
    "dict": ({"sku": "b", "quantity__in": [5, 6]}, lambda sku, n: sku == "b" and n in (5, 6)),
    "or": (Q(sku="c") | Q(quantity=1), lambda sku, n: sku == "c" or n == 1),
    "or and": (Q(quantity=5) & (Q(sku="b") | Q(sku="c")), lambda sku, n: n == 5 and sku in "bc"),
    "not": (~Q(sku="a"), lambda sku, n: sku != "a"),
    "not both": (~Q(sku="a", quantity=5), lambda sku, n: not (sku == "a" and n == 5)),
    "xor": (Q(sku="a") ^ Q(quantity=5), lambda sku, n: (sku == "a") != (n == 5)),
    "nothing": (Q(sku__in=[]), lambda sku, n: False),
    "anything": (Q(), lambda sku, n: True),
}


@pytest.mark.parametrize("name", ASKED)
def test_elem_match_asks_one_embedded_document(orders, name):
    asked, holds = ASKED[name]
    expected = sorted(
        order.slug
        for order in Order.objects.all()
        if any(holds(line.sku, line.quantity) for line in order.lines)
    )
    assert slugs(lines__elem_match=asked) == expected
    found = Order.objects.exclude(lines__elem_match=asked).values_list("slug", flat=True)
    assert sorted(found) == sorted({"one", "two", "three", "empty"} - set(expected))


VALUES = {
    "between": ({"gte": 2, "lt": 5}, lambda n: 2 <= n < 5),
    "one of": (Q(exact=2) | Q(exact=9), lambda n: n in (2, 9)),
    "not": (~Q(gt=3), lambda n: not n > 3),
    "not and": (~Q(gt=1, lt=9), lambda n: n <= 1 or n >= 9),
    "and or": (Q(gt=1) & (Q(lt=3) | Q(exact=9)), lambda n: n > 1 and (n < 3 or n == 9)),
    "in": ({"in": [1, 9]}, lambda n: n in (1, 9)),
    "mod": ({"mod": (2, 0)}, lambda n: n % 2 == 0),
    "nothing": ({"in": []}, lambda n: False),
    "anything": (Q(), lambda n: True),
}


@pytest.mark.parametrize("name", VALUES)
def test_elem_match_asks_one_value(db, name):
    asked, holds = VALUES[name]
    lists = [[], [1], [2, 9], [1, 5], [9], [4], None]
    made = Every.objects.bulk_create(Every(numbers=numbers) for numbers in lists)
    found = set(Every.objects.filter(numbers__elem_match=asked).values_list("pk", flat=True))
    expected = [each.numbers for each in made if each.numbers and any(map(holds, each.numbers))]
    assert [each.numbers for each in made if each.pk in found] == expected


def test_lists_in_lists(db):
    for matrix in ([[1.0, 2.0], [3.0]], [[3.0]], []):
        Every.objects.create(matrix=matrix)
    asked = {"elem_match": {"gt": 1, "lt": 3}}
    assert [each.matrix for each in Every.objects.filter(matrix__elem_match=asked)] == [
        [[1.0, 2.0], [3.0]]
    ]
    assert Every.objects.filter(matrix__elem_match={"size": 1}).count() == 2


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"tags__all": ["b", "a"]}, ["one", "two"]),
        ({"tags__all": []}, ["empty", "one", "three", "two"]),
        ({"lines__all": [Q(sku="a"), Q(quantity=5)]}, ["one", "two"]),
        ({"lines__all": [Q(sku="a", quantity=1), Q(sku="b", quantity=5)]}, ["one"]),
        ({"tags__size": 2}, ["one", "two"]),
        ({"lines__size": 0}, ["empty"]),
        ({"lines__size__lt": 2}, ["empty", "three"]),
        ({"lines__len__gte": 1}, ["one", "three", "two"]),
        ({"tags__0": "a"}, ["one", "two"]),
        ({"lines__1__quantity__gt": 2}, ["one"]),
        ({"lines__0__sku__in": ["c"]}, ["three"]),
        ({"tags__1__exists": True}, ["one", "two"]),
    ],
)
def test_lists_as_wholes(orders, asked, found):
    assert slugs(**asked) == found


# One element, beside what is no matter of lists


def test_one_element_is_meant_beside_the_documents_own_fields(orders):
    large = Q(lines__quantity=5)
    assert slugs(Q(lines__sku="a") & large) == ["two"]
    assert slugs(Q(lines__sku="a") & (large | Q(title="urgent"))) == ["one", "two"]
    assert slugs(Q(lines__sku="b") & (large | Q(title="nothing"))) == ["one"]
    assert slugs(Q(lines__sku="a"), large | Q(title="nothing")) == ["two"]
    # To two filters, any element will do.
    assert sorted(
        each.slug for each in Order.objects.filter(lines__sku="a").filter(large | Q(title="no"))
    ) == ["one", "two"]


def test_one_referring_document_is_meant_there_too(db):
    for number, (title, pages, name) in enumerate([("x", 1, "A"), ("x", 2, "B"), ("y", 2, "A")]):
        author, _ = Author.objects.get_or_create(name=name)
        Book.objects.create(title=title, pages=pages, author=author, tags=[str(number)])
    asked = Q(books__title="x") & (Q(books__pages=2) | Q(name="nobody"))
    assert [author.name for author in Author.objects.filter(asked)] == ["B"]
    asked = Q(books__title="x") & (Q(books__pages=2) | Q(name="A"))
    assert sorted(author.name for author in Author.objects.filter(asked)) == ["A", "B"]


LINES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1)), max_size=2)
LEAVES = st.sampled_from(
    [("lines__sku", "a"), ("lines__sku", "b"), ("lines__quantity", 1), ("title", "t")]
)
TREES = st.recursive(
    LEAVES.map(lambda leaf: Q(leaf)),
    # As & and | join them, and as filter() gets them: one in another.
    lambda inner: st.tuples(inner, inner, st.sampled_from("&|()")).map(
        lambda parts: {
            "&": parts[0] & parts[1],
            "|": parts[0] | parts[1],
            "(": Q(parts[0], parts[1]),
            ")": Q(parts[0], parts[1], _connector=Q.OR),
        }[parts[2]]
    ),
    max_leaves=5,
)


def holds(q, title, line):
    """Ask a tree of a document with one line (or none) in Python."""
    if isinstance(q, tuple):
        name, value = q
        if name == "title":
            return title == value
        return line is not None and line[name == "lines__quantity"] == value
    asked = [holds(child, title, line) for child in q.children]
    return all(asked) if q.connector == Q.AND else any(asked)


@settings(max_examples=200)
@given(TREES, LINES, st.sampled_from(["", "t"]))
@example(Q(Q(title="t", lines__sku="a"), lines__quantity=1), [("a", 0), ("b", 1)], "t")
@example(Q(lines__sku="a") & (Q(lines__quantity=1) | Q(title="")), [("a", 0), ("b", 1)], "t")
def test_trees_mean_one_element(q, lines, title):
    """As SQL has it: some line, joined to its document, fulfils all of the tree."""
    from mongo_contrib.query.filters import build
    from tests.query.matching import matches

    document = {"name": title, "lines": [{"sku": sku, "qty": n} for sku, n in lines]}
    expected = any(holds(q, title, line) for line in lines or [None])
    assert matches(document, build(Order, q)) == expected
    assert matches(document, build(Order, ~q)) != expected


def test_what_is_asked_in_too_many_ways_is_asked_of_any_element():
    q = Q(lines__sku="a")
    for number in range(7):
        q &= Q(lines__quantity=number) | Q(title=str(number))
    assert taken_apart(Order, q) == []
    assert len(taken_apart(Order, Q(lines__sku="a") & (Q(title="a") | Q(lines__sku="b")))) == 2
    assert len(taken_apart(Order, Q(lines__sku="a") & (Q(title="a") | Q(slug="b")))) == 0


@pytest.mark.parametrize(
    ("model", "asked", "error", "told"),
    [
        (Order, {"lines__elem_match": "a"}, TypeError, "Q or a dict"),
        (Order, {"lines__elem_match": Q(bogus=1)}, FieldError, "bogus"),
        (Order, {"lines__elem_match": {"sku": {"$gt": ""}}}, ValidationError, "sku"),
        (Order, {"lines__elem_match": Q(quantity=F("quantity"))}, NotSupportedError, "unwind"),
        (Order, {"scores__elem_match": {"gt": "x"}}, ValueError, "x"),
        (Order, {"scores__elem_match": {"bogus": 1}}, FieldError, "bogus"),
        (Order, {"scores__elem_match": Q(gt=1) ^ Q(lt=5)}, NotSupportedError, "&"),
        (Order, {"scores__elem_match": ~Q(gt=1) & ~Q(lt=0)}, NotSupportedError, r"\$not"),
        (Order, {"title__elem_match": {"x": 1}}, FieldError, "elem_match"),
        (Order, {"tags__all": "ab"}, TypeError, "list"),
        (Order, {"tags__size": "x"}, ValueError, "number"),
        (Book, {"remarks__elem_match": Remark(author="x")}, TypeError, "Q or a dict"),
    ],
)
def test_wrong_questions_are_refused_when_filtering(model, asked, error, told):
    with pytest.raises(error, match=told):
        model.objects.filter(**asked)
