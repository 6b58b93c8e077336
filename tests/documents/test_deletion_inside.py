"""Deletion reaches references in lists and inside of embedded documents, by few commands."""

from __future__ import annotations

import pytest
from django.contrib.admin.utils import NestedObjects
from django.db import models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.test.utils import isolate_apps

from mongo_contrib.documents import (
    PULL,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    MapField,
)
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import (
    NOWHERE,
    RefBook,
    RefChapter,
    RefCountry,
    RefLine,
    RefMachine,
    RefOrder,
    RefPart,
    RefPerson,
    RefPlace,
    RefProduct,
    RefShelf,
    RefStop,
    RefTag,
    RefTrip,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return RefPerson.objects.bulk_create([RefPerson(name=str(n)) for n in range(4)])


@pytest.fixture
def products():
    return RefProduct.objects.bulk_create([RefProduct(name=str(n)) for n in range(4)])


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


# Lists of references


def test_pull_takes_keys_out_of_all_lists_by_one_command(people, assert_num_commands):
    one, two, three, four = people
    books = RefBook.objects.bulk_create(
        [RefBook(title=str(n), authors=[one, two, three]) for n in range(100)]
    )
    inside = RefBook.objects.create(
        title="x",
        chapters=[RefChapter(title="1", writers=[one, four]), RefChapter(title="2")],
    )
    seen = []
    signals = (m2m_changed, pre_save, post_save)

    def note(sender, **kwargs):
        seen.append(sender)

    for signal in signals:
        signal.connect(note)
    try:
        gone = RefPerson.objects.filter(name__in=["0", "1"])
        with assert_num_commands(10) as captured:
            assert gone.delete() == (2, {"testapp.RefPerson": 2})
    finally:
        for signal in signals:
            signal.disconnect(note)
    # The people; who must not lose them; who goes along, shelves and machines; books, chapters
    # and shelves lose them; the people and the transaction's end.
    updates = [command for command in captured if command.name == "update"]
    assert len(updates) == 3, str(captured)
    assert stored(books[99])["authors_id"] == [three.pk]
    assert stored(inside)["chapters"] == [
        {"title": "1", "writers_id": [four.pk]},
        {"title": "2", "writers_id": []},
    ]
    assert seen == []


def test_the_other_rules_of_lists(people, assert_num_commands):
    one, two, three, _four = people
    cascading = RefShelf.objects.create(name="c", cascading=[one, two])
    RefShelf.objects.create(name="s", nulled=[one, two], ignored=[one])
    one_key = one.pk
    counted, by_model = one.delete()
    assert (counted, by_model) == (2, {"testapp.RefPerson": 1, "testapp.RefShelf": 1})
    assert not RefShelf.objects.filter(pk=cascading.pk)
    shelf = RefShelf.objects.get()
    assert shelf.nulled_id is None and shelf.nulled.keys == []
    assert shelf.ignored.keys == shelf.ignored.dangling() == [one_key]

    protected = RefShelf.objects.create(protected=[two])
    with pytest.raises(ProtectedError, match=r"RefShelf\.protected") as caught:
        two.delete()
    assert set(caught.value.protected_objects) == {protected}
    restricted = RefShelf.objects.create(restricted=[three])
    with pytest.raises(RestrictedError, match=r"RefShelf\.restricted") as caught:
        RefPerson.objects.filter(pk=three.pk).delete()
    assert set(caught.value.restricted_objects) == {restricted}
    # What goes along anyway restricts nothing.
    restricted.cascading.add(three)
    three.delete()
    assert RefPerson.objects.count() == 2


def test_signals_are_sent_for_what_goes_along_with_a_list(people):
    shelf = RefShelf.objects.create(name="x", cascading=[people[0]])
    seen = []

    def note(sender, instance, signal, origin, **kwargs):
        seen.append((signal is pre_delete, instance.pk, origin))

    for signal in (pre_delete, post_delete):
        signal.connect(note, sender=RefShelf)
    key, origin = shelf.pk, people[0]
    try:
        origin.delete()
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(note, sender=RefShelf)
    assert seen == [(True, key, origin), (False, key, origin)]


def test_chains_of_lists_are_followed(people):
    tag = RefTag.objects.create(slug="red")
    book = RefBook.objects.create(title="x", tags=[tag])
    shelf = RefShelf.objects.create(books=[book])
    RefMachine.objects.create(name="m", owner=people[0])
    assert tag.delete() == (1, {"testapp.RefTag": 1})
    assert stored(book)["tags_id"] == []
    assert book.delete() == (2, {"testapp.RefBook": 1, "testapp.RefShelf": 1})
    assert not RefShelf.objects.filter(pk=shelf.pk)


# Inside of embedded documents


def test_set_null_inside_of_documents_and_lists(assert_num_commands):
    finland, norway = RefCountry.objects.bulk_create(
        [RefCountry(name="Finland"), RefCountry(name="Norway")]
    )
    order = RefOrder.objects.create(
        number="1",
        place=RefPlace(street="a", country=finland, origin=norway),
        trips=[
            RefTrip(stops=[RefStop(name="x", country=finland), RefStop(country=norway)]),
            RefTrip(stops=[]),
            RefTrip(stops=[RefStop(name="y", country=finland)]),
        ],
        lines=[
            RefLine(quantity=2, place=RefPlace(country=finland, origin=norway)),
            RefLine(quantity=3),
        ],
    )
    other = RefOrder.objects.create(number="2", place=RefPlace(country=norway, origin=norway))
    finland.delete()
    found = RefOrder.objects.get(number="1")
    assert found.place.country is None and found.place.street == "a"
    assert [[stop.country_id for stop in trip.stops] for trip in found.trips] == [
        [None, norway.pk],
        [],
        [None],
    ]
    assert [stop.name for stop in found.trips[0].stops] == ["x", ""]
    assert [line.quantity for line in found.lines] == [2, 3]
    assert found.lines[0].place.country is None
    assert stored(order)["trips"][0]["s"][0] == {"name": "x"}
    # Nothing but the references has changed.
    assert stored(other)["place"]["country_id"] == norway.pk
    norway.delete()
    assert not RefCountry.objects.exists()
    nowhere = RefCountry.objects.create(pk=NOWHERE, name="Nowhere")
    found = RefOrder.objects.get(number="1")
    assert found.place.origin == found.lines[0].place.origin == nowhere
    assert RefOrder.objects.get(number="2").place.country is None


def test_one_command_for_each_place(assert_num_commands):
    countries = RefCountry.objects.bulk_create([RefCountry(name=str(n)) for n in range(50)])
    RefOrder.objects.bulk_create(
        [
            RefOrder(
                number=str(n),
                place=RefPlace(country=countries[n % 50]),
                trips=[RefTrip(stops=[RefStop(country=each) for each in countries])],
            )
            for n in range(100)
        ]
    )
    with assert_num_commands(1):
        RefCountry.objects.filter(name="none of them").delete()
    keys = [each.pk for each in countries]
    with assert_num_commands(9) as captured:
        RefCountry.objects.filter(pk__in=keys).delete()
    # The countries; where things come from, at two places, is looked at; people, and orders at
    # three places; the countries and the transaction's end.
    assert captured.names.count("update") == 4, str(captured)
    assert not RefOrder.objects.filter(place__country__isnull=False)
    assert not RefOrder.objects.filter(trips__stops__country__in=keys)


def test_pull_takes_documents_out_of_their_list(products):
    one, two, three, _ = products
    order = RefOrder.objects.create(
        number="1",
        lines=[RefLine(product=one), RefLine(product=two, quantity=5), RefLine(product=three)],
    )
    empty = RefOrder.objects.create(number="2")
    RefProduct.objects.filter(name__in=["0", "2"]).delete()
    assert [line.quantity for line in RefOrder.objects.get(number="1").lines] == [5]
    assert stored(order)["lines"] == [{"product_id": two.pk, "quantity": 5}]
    assert stored(empty)["lines"] == []


def test_cascade_protect_and_restrict_inside(products):
    one, two, three, four = products
    machine = RefMachine.objects.create(name="a", part=RefPart(product=one))
    second = RefMachine.objects.create(name="b", parts=[RefPart(), RefPart(product=one)])
    kept = RefMachine.objects.create(
        name="c", part=RefPart(guarded=two), parts=[RefPart(held=three, ignored=four)]
    )
    assert one.delete() == (3, {"testapp.RefProduct": 1, "testapp.RefMachine": 2})
    assert not RefMachine.objects.filter(pk__in=[machine.pk, second.pk])
    with pytest.raises(ProtectedError, match=r"RefMachine\.part__guarded") as caught:
        two.delete()
    assert set(caught.value.protected_objects) == {kept}
    with pytest.raises(RestrictedError, match=r"RefMachine\.parts__held"):
        three.delete()
    four_key = four.pk
    four.delete()
    assert RefMachine.objects.get().parts[0].ignored_id == four_key


def test_signals_are_sent_for_holders_that_go_along(products):
    RefMachine.objects.create(name="a", parts=[RefPart(product=products[0])])
    seen = []

    def note(sender, instance, signal, **kwargs):
        seen.append((signal is pre_delete, instance.name))

    for signal in (pre_delete, post_delete):
        signal.connect(note, sender=RefMachine)
    try:
        products[0].delete()
    finally:
        for signal in (pre_delete, post_delete):
            signal.disconnect(note, sender=RefMachine)
    assert seen == [(True, "a"), (False, "a")]


@pytest.mark.needs("transactions")
def test_what_fails_in_the_middle_is_undone(products):
    order = RefOrder.objects.create(number="1", lines=[RefLine(product=products[0])])

    def fail(sender, **kwargs):
        raise RuntimeError("on purpose")

    key = products[0].pk
    post_delete.connect(fail, sender=RefProduct)
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            products[0].delete()
    finally:
        post_delete.disconnect(fail, sender=RefProduct)
    assert stored(order)["lines"] == [{"product_id": key, "quantity": 1}]


@isolate_apps("tests.testapp")
def test_custom_rules_and_values():
    class Tag(Document):
        slug = models.SlugField(primary_key=True)

        class Meta:
            app_label = "testapp"

    class Rule(EmbeddedDocument):
        fixed = models.ForeignKey(
            Tag, models.SET("kept"), null=True, related_name="+", db_column="f"
        )
        called = models.ForeignKey(Tag, models.SET(lambda: "made"), null=True, related_name="+")

        class Meta:
            app_label = "testapp"

    class Ruled(Document):
        rule = EmbeddedDocumentField(Rule, null=True)
        rules = EmbeddedDocumentListField(Rule)

        class Meta:
            app_label = "testapp"

    red = Tag.objects.create(slug="red")
    made = Ruled.objects.create(
        rule=Rule(fixed=red), rules=[Rule(called=red), Rule(fixed=red), Rule(called_id="x")]
    )
    red.delete()
    assert stored(made)["rule"] == {"f": "kept"}
    assert stored(made)["rules"] == [{"called_id": "made"}, {"f": "kept"}, {"called_id": "x"}]


def test_the_admin_is_told_what_would_go(people, products):
    shelf = RefShelf.objects.create(name="s", cascading=[people[0]])
    machine = RefMachine.objects.create(name="m", parts=[RefPart(product=products[0])])
    kept = RefShelf.objects.create(name="p", protected=[people[0]])
    collector = NestedObjects(using="default")
    collector.collect([people[0]])
    assert set(collector.nested()) == {people[0], shelf}
    assert collector.protected == {kept}
    collector = NestedObjects(using="default")
    collector.collect(RefProduct.objects.filter(pk=products[0].pk))
    assert set(collector.nested()) == {products[0], machine}


@isolate_apps("tests.testapp")
def test_pull_of_what_is_in_no_list_is_an_error():
    class Single(EmbeddedDocument):
        tag = models.ForeignKey(RefTag, PULL, null=True, related_name="+")

        class Meta:
            app_label = "testapp"

    class Holder(Document):
        single = EmbeddedDocumentField(Single, null=True)

        class Meta:
            app_label = "testapp"

    errors = [error for error in Holder.check() if error.id == "mongo_contrib.E062"]
    assert len(errors) == 1 and "'single__tag'" in errors[0].msg
    assert not [error for error in RefOrder.check() if error.id.startswith("mongo_contrib")]


@isolate_apps("tests.testapp")
def test_references_in_maps_are_an_error_unless_nothing_is_to_be_done():
    class Seat(EmbeddedDocument):
        tag = models.ForeignKey(RefTag, models.CASCADE, related_name="+")
        other = models.ForeignKey(RefTag, models.DO_NOTHING, related_name="+")

        class Meta:
            app_label = "testapp"

    class Table(EmbeddedDocument):
        seat = EmbeddedDocumentField(Seat)
        tables = MapField(MapField(EmbeddedDocumentListField("self")))

        class Meta:
            app_label = "testapp"

    class Hall(Document):
        seats = MapField(EmbeddedDocumentField(Seat))
        table = EmbeddedDocumentField(Table)
        lost = MapField(EmbeddedDocumentField("Nowhere"))

        class Meta:
            app_label = "testapp"

    class Fine(Document):
        seats = EmbeddedDocumentListField(Seat)
        counts = MapField(models.IntegerField())

        class Meta:
            app_label = "testapp"

    assert not [error for error in Fine.check() if error.id == "mongo_contrib.E064"]
    (error,) = [error for error in Table.check() if error.id == "mongo_contrib.E064"]
    assert error.obj == Table._meta.get_field("tables")
    (error,) = [error for error in Hall.check() if error.id == "mongo_contrib.E064"]
    assert error.obj == Hall._meta.get_field("seats")
    assert "'seats' holds testapp.Seat in a MapField" in error.msg and "'tag'" in error.msg
    assert "EmbeddedDocumentListField" in error.hint and "DO_NOTHING" in error.hint


@isolate_apps("tests.testapp")
def test_what_holds_itself_is_followed_once():
    class Node(EmbeddedDocument):
        tag = models.ForeignKey(RefTag, models.SET_NULL, null=True, related_name="+")
        nodes = EmbeddedDocumentListField("self")

        class Meta:
            app_label = "testapp"

    class Tree(Document):
        root = EmbeddedDocumentField(Node, null=True)

        class Meta:
            app_label = "testapp"

    names = [field.name for field in Tree._meta.private_fields]
    assert names == ["root__tag", "root__nodes__tag"]


def test_so_many_keys_that_one_command_can_not_name_them(people, monkeypatch):
    monkeypatch.setattr("mongo_contrib.documents.deletion.MAX_KEYS", 2)
    books = [RefBook(title="x", authors=[each]) for each in people]
    RefBook.objects.bulk_create([*books, RefBook(title="y", authors=people)])
    with CaptureCommands() as captured:
        RefPerson.objects.filter(name__in=["0", "1", "2"]).delete()
    of_books = [each.name for each in captured if each.collection == "testapp_refbook"]
    assert of_books == ["update"] * 4
    assert [len(book.authors_id) for book in RefBook.objects.order_by("pk")] == [0, 0, 0, 1, 1]
