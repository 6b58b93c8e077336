"""One element of a list, asked beyond a reference; lengths and positions that are computed."""

import itertools

import pytest
from django.core.exceptions import FieldError
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Lower
from django.db.utils import NotSupportedError

from mongo_contrib.test import assert_num_commands
from tests.testapp.models import RefCountry, RefLine, RefOrder, RefPlace, RefProduct

pytestmark = pytest.mark.django_db

NAMES = ["lamp", "chair", "table"]


@pytest.fixture
def orders():
    """Orders of up to two lines: every product in every quantity."""
    products = RefProduct.objects.bulk_create(RefProduct(name=name) for name in NAMES)
    single = [(product, quantity) for product in products for quantity in (1, 2)]
    chosen = [[], *([each] for each in single), *itertools.combinations(single, 2)]
    return RefOrder.objects.bulk_create(
        RefOrder(lines=[RefLine(product=p, quantity=q) for p, q in lines]) for lines in chosen
    )


def found(*args, **kwargs):
    return {each.pk for each in RefOrder.objects.filter(*args, **kwargs)}


def meant(orders, test):
    """The orders with a line of which `test(name, quantity)` holds."""
    return {
        each.pk
        for each in orders
        if any(test(line.product.name, line.quantity) for line in each.lines)
    }


@pytest.mark.parametrize(
    ("asked", "test"),
    [
        (Q(lines__product__name="lamp", lines__quantity=2), lambda n, q: n == "lamp" and q == 2),
        (
            Q(lines__product__name="lamp") & (Q(lines__quantity=1) | Q(lines__quantity=5)),
            lambda n, q: n == "lamp" and q == 1,
        ),
        (
            Q(lines__quantity=2)
            & (Q(lines__product__name="lamp") | Q(lines__product__name="chair")),
            lambda n, q: q == 2 and n in ("lamp", "chair"),
        ),
        (
            Q(lines__elem_match=Q(product__name__startswith="l", quantity=2)),
            lambda n, q: n == "lamp" and q == 2,
        ),
        (Q(lines__product__name="lamp"), lambda n, q: n == "lamp"),
        (
            Q(lines__product__name__contains="a", lines__product__name__endswith="p"),
            lambda n, q: n == "lamp",
        ),
        (Q(lines__product__name="nothing", lines__quantity=2), lambda n, q: False),
    ],
)
def test_one_element_is_asked_beyond_its_reference_too(orders, asked, test):
    assert found(asked) == meant(orders, test)
    assert found(~asked) == {each.pk for each in orders} - meant(orders, test)


def test_either_of_two_elements_is_enough(orders):
    asked = Q(lines__product__name="lamp") | Q(lines__quantity=2)
    assert found(asked) == meant(orders, lambda n, q: n == "lamp" or q == 2)


def test_filters_one_after_the_other_may_mean_two_elements(orders):
    both = RefOrder.objects.filter(lines__product__name="lamp").filter(lines__quantity=2)
    assert {each.pk for each in both} == meant(orders, lambda n, q: n == "lamp") & meant(
        orders, lambda n, q: q == 2
    )


def test_two_look_ups_beyond_one_reference_cost_one_query(orders):
    with assert_num_commands(2):
        found(lines__product__name="lamp", lines__product__pk__isnull=False, lines__quantity=2)


def test_a_query_set_is_a_value_inside_of_a_list(orders):
    lamps = RefProduct.objects.filter(name="lamp")
    assert found(lines__product__in=lamps, lines__quantity=2) == meant(
        orders, lambda n, q: n == "lamp" and q == 2
    )


def test_what_is_updated_can_not_be_chosen_beyond_a_reference(orders):
    with pytest.raises(NotSupportedError, match="beyond a reference"):
        RefOrder.objects.update_elements("lines", Q(product__name="lamp"), quantity=3)


@pytest.mark.parametrize("lookup", ["len", "len__gt", "len__gte", "len__lt", "len__lte"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_lengths_mean_the_same_where_they_are_computed(orders, lookup, number):
    asked = Q(**{f"lines__{lookup}": number})
    expected = len(found(asked))
    assert RefOrder.objects.aggregate(n=Count("pk", filter=asked))["n"] == expected
    case = Case(When(asked, then=Value(1)), default=Value(0))
    assert [each.is_it for each in RefOrder.objects.annotate(is_it=case)].count(1) == expected


def test_positions_mean_the_same_where_they_are_computed(orders):
    asked = Q(lines__1__quantity=2)
    assert RefOrder.objects.aggregate(n=Count("pk", filter=asked))["n"] == len(found(asked))


def test_what_is_computed_here_is_not_compared_beyond_a_reference(orders):
    """F() there would be read as a field of the other class."""
    for asked in (
        Q(lines__product__name=F("number")),
        Q(lines__product__name=Lower("number")),
        Q(lines__product__name__in=[F("number")]),
    ):
        with pytest.raises((NotSupportedError, FieldError, TypeError)):
            found(asked)
    with pytest.raises(NotSupportedError, match="lies in another collection"):
        RefOrder.objects.filter(place__country__name=F("number"))
    with pytest.raises(NotSupportedError, match="lies in another collection"):
        RefOrder.objects.annotate(x=Case(When(place__country__name=F("number"), then=Value(1))))


def test_a_query_set_of_nested_values_is_a_value(orders):
    lamp = RefProduct.objects.get(name="lamp")
    chosen = RefOrder.objects.filter(lines__product=lamp)
    expected = {line.product_id for order in chosen for line in order.lines}
    inside = RefProduct.objects.filter(pk__in=chosen.values("lines__product"))
    assert {each.pk for each in inside} == expected
    names = RefProduct.objects.filter(name__in=chosen.values("lines__product__name"))
    assert {each.pk for each in names} == expected
    sliced = RefProduct.objects.filter(pk__in=chosen.order_by("pk").values("lines__product")[:1])
    first = chosen.order_by("pk").first()
    assert {each.pk for each in sliced} == {line.product_id for line in first.lines}
    position = RefProduct.objects.filter(pk__in=chosen.values("lines__0__product"))
    assert {each.pk for each in position} == {order.lines[0].product_id for order in chosen}


def test_a_query_set_of_values_in_an_embedded_document_is_a_value():
    countries = [RefCountry.objects.create(name=code) for code in ("DE", "FR", "IT")]
    for country in countries[:2]:
        RefOrder.objects.create(number=country.name, place=RefPlace(country=country, street="x"))
    streets = RefOrder.objects.filter(number="DE")
    same = RefOrder.objects.filter(place__street__in=streets.values("place__street"))
    assert {each.number for each in same} == {"DE", "FR"}
    assert not RefOrder.objects.exclude(place__street__in=streets.values("place__street"))
    used = RefCountry.objects.filter(pk__in=RefOrder.objects.values("place__country"))
    assert {each.name for each in used} == {"DE", "FR"}
    named = RefCountry.objects.filter(name__in=streets.values_list("place__country__name"))
    assert {each.name for each in named} == {"DE"}
