"""What MongoDB does in one operation: upsert, find_one_and_..., raw, options, bulk_create."""

import datetime
import threading

import pytest
from bson import ObjectId
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, NotSupportedError, connections, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from pymongo import ReadPreference

from mongo_contrib.documents import InsertOne
from mongo_contrib.operators import AddToSet, Inc, Push, SetOnInsert
from mongo_contrib.test import CaptureCommands
from tests.testapp.models import Author, Book, Job, Order, OrderLine, OrderStats

pytestmark = pytest.mark.django_db


# upsert


def test_an_upsert_inserts_what_a_save_would(django_assert_num_queries):
    with django_assert_num_queries(1):
        order, created = Order.objects.upsert(
            {"views": Inc(2), "state": "open"}, on_insert={"title": "First"}, slug="a"
        )
    assert created and isinstance(order.pk, ObjectId) and not order._state.adding
    stored = Order.objects.raw().get(slug="a")
    saved = Order(slug="b", title="First", views=2, state="open")
    saved.save()
    expected = Order.objects.raw().get(slug="b")
    assert stored.keys() == expected.keys()
    for name in stored.keys() - {"_id", "slug", "created", "changed"}:
        assert stored[name] == expected[name], name
    assert order.title == "First" and order.views == 2 and order.tags == []


def test_an_upsert_updates_what_is_there(django_assert_num_queries):
    made = Order.objects.create(slug="a", title="Old", views=5, tags=["x"])
    with django_assert_num_queries(1):
        order, created = Order.objects.upsert(
            {"views": Inc(2), "tags": AddToSet("y")}, on_insert={"title": "New"}, slug="a"
        )
    assert not created and order.pk == made.pk
    assert (order.title, order.views, order.tags) == ("Old", 7, ["x", "y"])
    made.refresh_from_db()
    assert order.created == made.created and order.changed == made.changed
    order.title = "Newer"
    with django_assert_num_queries(1):
        order.save()
    assert Order.objects.get(slug="a").title == "Newer"


def test_an_upsert_keeps_to_the_set_and_fills_in_what_it_says():
    Order.objects.create(slug="a", state="closed")
    order, created = Order.objects.filter(state="open").upsert({"views": 1}, slug="b")
    assert created and order.state == "open"
    with pytest.raises(IntegrityError):
        Order.objects.filter(state="open").upsert({"views": 1}, slug="a")


def test_an_upsert_sets_beside_a_path_into_an_embedded_document():
    order, _ = Order.objects.upsert(
        {"stats__views": Inc(1)}, on_insert={"stats": OrderStats(likes=4)}, slug="a"
    )
    assert order.stats == OrderStats(views=1, likes=4)


def test_an_upsert_by_key():
    job, created = Job.objects.upsert({"priority": Inc(3)}, name="a")
    assert created and (job.pk, job.priority, job.state) == ("a", 3, "new")
    job, created = Job.objects.upsert({"priority": Inc(3)}, name="a")
    assert not created and job.priority == 6
    assert Job.objects.upsert(name="b")[1] and not Job.objects.upsert(name="b")[1]


def test_callables_are_called():
    order, _ = Order.objects.upsert({"state": lambda: "made"}, slug="a")
    assert order.state == "made"


def test_wrong_upserts_are_refused():
    with pytest.raises(ValueError, match="views"):
        Order.objects.upsert({"views": 1}, on_insert={"views": 2}, slug="a")
    with pytest.raises(FieldError, match="bogus"):
        Order.objects.upsert({"bogus": 1}, slug="a")
    with pytest.raises(FieldError, match="bogus"):
        Order.objects.upsert({"views": 1}, bogus=1)
    with pytest.raises(ValidationError):
        Order.objects.upsert({"views": 1}, slug={"$gt": ""})
    with pytest.raises(NotSupportedError, match="operators"):
        Order.objects.upsert({"weight": F("views") * 2}, slug="a")
    with pytest.raises(ValueError, match="nothing to upsert"):
        Order.objects.none().upsert({"views": 1}, slug="a")
    with pytest.raises(TypeError, match="slice"):
        Order.objects.all()[:3].upsert({"views": 1}, slug="a")
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_upserts_at_once_make_one_document():
    results, barrier = [], threading.Barrier(4)

    def work():
        try:
            barrier.wait(30)
            for _ in range(5):
                results.append(Order.objects.upsert({"views": Inc(1)}, slug="a")[1])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [False] * 19 + [True]
    assert Order.objects.get().views == 20


# find_one_and_...


@pytest.fixture
def jobs():
    return Job.objects.bulk_create(
        Job(name=name, priority=priority) for name, priority in (("a", 1), ("b", 3), ("c", 2))
    )


def test_the_first_in_order_is_claimed(jobs, django_assert_num_queries):
    waiting = Job.objects.filter(state="new").order_by("-priority")
    with django_assert_num_queries(4):
        claimed = [
            waiting.find_one_and_update(state="running", priority=Inc(10)) for _ in range(4)
        ]
    assert [job and (job.pk, job.priority) for job in claimed] == [
        ("b", 13),
        ("c", 12),
        ("a", 11),
        None,
    ]
    assert claimed[0].state == "running" and not claimed[0]._state.adding


def test_the_document_as_it_was(jobs):
    job = Job.objects.filter(pk="a").find_one_and_update(return_new=False, priority=9)
    assert job.priority == 1 and Job.objects.get(pk="a").priority == 9


def test_find_one_and_update_may_insert():
    order = Order.objects.filter(slug="a").find_one_and_update(upsert=True, views=Inc(1))
    assert (order.slug, order.views, order.state) == ("a", 1, "new")


def test_find_one_and_update_of_nothing(jobs):
    assert Job.objects.none().find_one_and_update(priority=1) is None
    with pytest.raises(TypeError, match="something"):
        Job.objects.find_one_and_update()
    with pytest.raises(TypeError, match="slice"):
        Job.objects.all()[:2].find_one_and_update(priority=1)
    with pytest.raises(TypeError, match="pipeline"):
        Job.objects.pipeline([{"$limit": 1}]).find_one_and_update(priority=1)


def test_find_one_and_delete(jobs, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert Job.objects.order_by("priority").find_one_and_delete().pk == "a"
    assert Job.objects.count() == 2
    assert Job.objects.filter(pk="x").find_one_and_delete() is None


def test_find_one_and_delete_is_refused_where_others_refer():
    Author.objects.create(name="A")
    with pytest.raises(NotSupportedError, match=r"Book\.author"):
        Author.objects.find_one_and_delete()
    assert Author.objects.exists()


def test_find_one_and_replace(jobs, django_assert_num_queries):
    # Names of its own: some servers never free a unique value that was replaced.
    made = Order.objects.create(slug="left", views=3, tags=["x"])
    with django_assert_num_queries(1):
        order = Order.objects.filter(slug="left").find_one_and_replace(Order(slug="right"))
    assert order.pk == made.pk
    found = Order.objects.get()
    assert (found.pk, found.slug, found.views, found.tags) == (made.pk, "right", 0, [])
    order.views = 1
    order.save()
    assert Order.objects.get().views == 1
    assert Order.objects.filter(slug="zz").find_one_and_replace(Order(slug="c")) is None


@pytest.mark.needs("transactions")
@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_taken_for_stored():
    Order.objects.create(slug="a", views=1)
    with pytest.raises(RuntimeError), transaction.atomic():
        order = Order.objects.filter(slug="a").find_one_and_update(views=Inc(1))
        Order.objects.upsert({"views": 9}, slug="b")
        raise RuntimeError
    assert Order.objects.get().views == 1
    order.save()
    assert Order.objects.get().views == 2


# raw and options


def test_raw_gives_what_is_stored(django_assert_num_queries):
    Order.objects.create(slug="a", title="T", stats=OrderStats())
    Order.objects.create(slug="b")
    with django_assert_num_queries(1):
        found = list(Order.objects.filter(slug="a").raw())
    assert found[0]["name"] == "T" and found[0]["stats"] == {"views": 0, "likes": 0}
    assert type(found[0]) is dict
    assert Order.objects.only("slug").raw().first().keys() == {"_id", "slug"}
    assert [each["slug"] for each in Order.objects.order_by("-slug").raw()[:1]] == ["b"]
    assert next(Order.objects.raw().iterator())["slug"] == "a"
    with pytest.raises(NotSupportedError, match="SQL"):
        Order.objects.raw("SELECT 1")


@pytest.mark.needs("index_collation")
def test_collation_is_of_reading_and_of_writing():
    for slug in ("a", "B", "c"):
        Order.objects.create(slug=slug, title="Straße" if slug == "B" else "x")
    caseless = Order.objects.collation("en", strength=2)
    assert [order.slug for order in caseless.order_by("slug")] == ["a", "B", "c"]
    assert caseless.filter(slug="b").get().slug == "B"
    assert caseless.filter(slug="b").count() == 1 and caseless.filter(slug="b").exists()
    assert caseless.filter(slug="b").update(views=5) == 1
    assert caseless.filter(slug="b").find_one_and_update(views=Inc(1)).views == 6
    assert caseless.filter(slug="b").delete()[0] == 1
    assert not Order.objects.filter(slug="b").exists()


def test_a_comment_goes_along():
    Order.objects.create(slug="a")
    commented = Order.objects.comment("the nightly job").filter(slug="a")
    assert commented.count() == 1 and commented.get().slug == "a"
    assert commented.update(views=1) == 1
    assert commented.query.server_options() == {"comment": "the nightly job"}
    assert Order.objects.all().query.server_options() == {}


# bulk_create(update_conflicts=True)


def test_bulk_create_updates_what_is_there(django_assert_num_queries):
    there = Order.objects.create(slug="a", title="Old", views=1, state="kept")
    orders = [
        Order(slug="a", title="New", views=2, state="ignored"),
        Order(slug="b", title="Made", views=3, lines=[OrderLine(sku="x")]),
    ]
    made = Order.objects.bulk_create(
        orders, update_conflicts=True, unique_fields=["slug"], update_fields=["title", "views"]
    )
    assert [order.pk == there.pk for order in made] == [True, False]
    first, second = Order.objects.all()
    assert (first.pk, first.title, first.views, first.state) == (there.pk, "New", 2, "kept")
    assert (second.pk, second.title, second.state) == (made[1].pk, "Made", "new")
    assert second.lines[0].sku == "x" and second.created is not None


def test_bulk_create_with_keys_that_are_there():
    Job.objects.create(name="a", priority=1, state="kept")
    Job.objects.bulk_create(
        [Job(name="a", priority=5), Job(name="b", priority=6)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["priority"],
    )
    assert list(Job.objects.order_by("pk").values_list("pk", "priority", "state")) == [
        ("a", 5, "kept"),
        ("b", 6, "new"),
    ]


def test_null_is_no_conflict():
    rows = [Author(name="A"), Author(name="B", email="b@example.com"), Author(name="C")]
    Author.objects.create(name="there", email="b@example.com")
    Author.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["email"], update_fields=["name"]
    )
    assert sorted(Author.objects.values_list("name", flat=True)) == ["A", "B", "C"]


def test_bulk_create_wants_to_know_what_conflicts():
    with pytest.raises(ValueError, match="nique"):
        Order.objects.bulk_create([Order()], update_conflicts=True, update_fields=["title"])


@pytest.mark.parametrize(
    "insert",
    [
        lambda each: Order.objects.bulk_create([each]),
        lambda each: Order.objects.bulk_create([each], ignore_conflicts=True),
        lambda each: Order.objects.bulk_create(
            [each], update_conflicts=True, unique_fields=["slug"], update_fields=["views"]
        ),
        lambda each: Order.objects.bulk_write([InsertOne(each)]),
        lambda each: Order.objects.filter(slug="a").find_one_and_replace(each, upsert=True),
        lambda each: Order.objects.upsert({}, on_insert={"views": each.views}, slug="a"),
    ],
    ids=["plain", "ignoring", "updating", "bulk_write", "replacing", "upsert"],
)
def test_no_insert_computes(insert, assert_num_commands):
    with (
        assert_num_commands(0),
        pytest.raises(NotSupportedError, match=r"can't be inserted with the expression.*'views'"),
    ):
        insert(Order(slug="a", views=F("flags") + 1))


# The same, awaited


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_the_twins():
    order, created = await Order.objects.aupsert({"views": Inc(1)}, slug="x")
    assert created and order.views == 1
    found = await Order.objects.filter(slug="x").afind_one_and_update(
        tags=Push("x"), seen=timezone.now(), title=SetOnInsert("no")
    )
    assert found.tags == ["x"] and found.title == ""
    assert abs(found.seen - timezone.now()) < datetime.timedelta(minutes=5)
    await Order.objects.filter(slug="x").aupdate(lines=[{"sku": "a"}])
    assert await Order.objects.aupdate_elements("lines", Q(sku="a"), quantity=7) == 1
    assert [each["lines"][0]["qty"] async for each in Order.objects.raw()] == [7]
    assert (await Order.objects.all().afind_one_and_replace(Order(slug="y"))).slug == "y"
    assert (await Order.objects.all().afind_one_and_delete()).slug == "y"
    assert not await Order.objects.aexists()


def test_templates_change_nothing(jobs):
    from django.template import Context, Engine

    template = Engine().from_string("{{ jobs.find_one_and_delete }}{{ jobs.aupsert }}")
    template.render(Context({"jobs": Job.objects.all()}))
    assert Job.objects.count() == 3


# How the server reads


def test_sorting_and_grouping_on_disk(db):
    Book.objects.create(title="a", pages=1)
    books = Book.objects.order_by("pages").allow_disk_use()
    with CaptureCommands() as captured:
        assert [book.title for book in books] == ["a"]
        assert list(books.values("pages").annotate(n=Count("pk")).values_list("n")) == [(1,)]
        assert books.all().count() == books.allow_disk_use(False).exists() == 1
        assert books.update(title="b") == 1
    asked = [event.command.get("allowDiskUse") for event in captured]
    assert asked == [True, True, None, None, None]
    assert books.explain()


def test_read_preference_of_a_set(db):
    Book.objects.create(title="a", pages=1)
    books = Book.objects.read_preference("secondaryPreferred")
    assert books.collection.read_preference == ReadPreference.SECONDARY_PREFERRED
    assert books.filter(pages=1).read_preference(ReadPreference.NEAREST).get().title == "a"
    assert Book.objects.collection.read_preference == ReadPreference.PRIMARY
    assert books.update(title="b") == 1
    with transaction.atomic():
        assert books.count() == 1
    with pytest.raises(ValueError, match="'backwards'; it must be"):
        Book.objects.read_preference("backwards")
