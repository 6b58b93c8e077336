"""Plans and their steps on a real server: collections and indexes."""

import threading

import pytest
from django.db import DatabaseError

from mongo_contrib.db.schema import (
    CollectionSpec,
    IndexSpec,
    Kind,
    declared,
    differences,
    plan,
)
from mongo_contrib.exceptions import DuplicateKeyError
from mongo_contrib.test import CaptureCommands
from tests.db.people import BY_EMAIL, BY_NAME, NAME, described, indexes, people


def test_a_new_collection_gets_its_indexes_and_then_nothing_is_to_do(
    synchronize, steps, collection
):
    spec = people(BY_NAME, BY_EMAIL)
    assert synchronize(spec) == [
        f"Create collection {NAME} (tests.Person) with indexes by_name, by_email"
    ]
    assert set(indexes(collection)) == {"by_name", "by_email"}
    assert indexes(collection)["by_email"]["unique"] is True
    assert steps(spec) == []


def test_planning_writes_nothing(steps, database):
    before = database.list_collection_names()
    assert len(steps(people(BY_NAME))) == 1
    assert database.list_collection_names() == before


def test_applying_twice_is_harmless(steps, collection):
    first, second = steps(people(BY_NAME)), steps(people(BY_NAME))
    for step in [*first, *second, *first]:
        step.apply()
    assert set(indexes(collection)) == {"by_name"}


def test_a_missing_index_is_created_beside_the_documents(synchronize, collection):
    collection.insert_one({"name": "Ada"})
    assert synchronize(people(BY_NAME)) == [
        f"Create index by_name (name) on {NAME} (tests.Person)"
    ]
    assert collection.count_documents({}) == 1


def test_the_same_index_by_another_name_is_adopted(synchronize, collection):
    collection.create_index("name", name="made_by_hand")
    assert synchronize(people(BY_NAME)) == []
    assert set(indexes(collection)) == {"made_by_hand"}


def test_two_declared_indexes_do_not_adopt_one_real_one(synchronize, collection):
    collection.create_index("name", name="by_name")
    partial = IndexSpec((("name", 1),), "partial", {"partialFilterExpression": {"old": True}})
    synchronize(people(BY_NAME, partial))
    assert set(indexes(collection)) == {"by_name", "partial"}


def test_an_undeclared_index_is_noted_and_left(synchronize, steps, collection):
    collection.create_index("age", name="experiment")
    synchronize(people(BY_NAME))
    assert set(indexes(collection)) == {"by_name", "experiment"}
    left = steps(people(BY_NAME))
    assert described(left) == [
        (
            Kind.NOTE,
            f"Collection {NAME} (tests.Person) has 1 index(es) that nothing declares: experiment",
        )
    ]
    assert differences(left) == []


def test_an_undeclared_collection_is_noted_and_left(connection, database):
    database["of_somebody_else"].insert_one({})
    notes = [step for step in plan(connection, []) if step.kind is Kind.NOTE]
    assert len(notes) == 1
    assert "of_somebody_else" in notes[0].describe() or "..." in notes[0].describe()
    notes[0].apply()
    assert database["of_somebody_else"].count_documents({}) == 1


def test_a_changed_index_of_the_same_name_is_replaced(synchronize, steps, collection):
    collection.create_index("email", name="by_email")
    collection.insert_one({"email": "ada@example.com"})
    assert synchronize(people(BY_EMAIL)) == [
        f"Replace index by_email on {NAME} (tests.Person) (unique: none -> yes)"
    ]
    assert indexes(collection)["by_email"]["unique"] is True
    assert steps(people(BY_EMAIL)) == []


def test_changed_keys_of_the_same_name_are_replaced_and_back(synchronize, steps, collection):
    """The new index needs a name of its own while both are there, and keeps it."""
    collection.create_index("surname", name="by_name")
    synchronize(people(BY_NAME))
    assert indexes(collection)["by_name_by_migrate"]["key"] == [("name", 1)]
    assert len(indexes(collection)) == 1
    assert steps(people(BY_NAME)) == []
    again = IndexSpec((("first", 1),), "by_name")
    synchronize(people(again))
    assert {name: index["key"] for name, index in indexes(collection).items()} == {
        "by_name": [("first", 1)]
    }
    assert steps(people(again)) == []


def test_a_weaker_index_by_another_name_gives_way(synchronize, steps, collection):
    collection.create_index("email", name="email_1")
    assert synchronize(people(BY_EMAIL)) == [
        f"Replace index email_1 by by_email on {NAME} (tests.Person) (unique: none -> yes)"
    ]
    assert set(indexes(collection)) == {"by_email"}
    assert steps(people(BY_EMAIL)) == []


def test_a_stricter_index_by_another_name_stays(synchronize, steps, collection):
    collection.create_index("name", name="guard", unique=True)
    synchronize(people(BY_NAME))
    assert set(indexes(collection)) == {"guard"}
    [step] = steps(people(BY_NAME))
    assert step.kind is Kind.WARNING
    assert "index guard, which serves as by_name and enforces more" in step.describe()


def test_an_index_that_enforces_something_else_is_not_dropped(synchronize, steps, collection):
    collection.create_index("seen", name="guard", unique=True)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 60}))
    synchronize(spec)
    assert set(indexes(collection)) == {"guard"}
    [step] = differences(steps(spec))
    assert step.kind is Kind.ERROR
    assert "drop one or declare both" in step.describe()


def test_the_time_of_a_ttl_index_changes_in_place(synchronize, steps, collection):
    collection.create_index("seen", name="ttl", expireAfterSeconds=60)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 3600}))
    assert synchronize(spec) == [
        f"Change index ttl on {NAME} (tests.Person) (expireAfterSeconds: 60 -> 3600)"
    ]
    assert indexes(collection)["ttl"]["expireAfterSeconds"] == 3600
    assert steps(spec) == []


def test_the_time_of_a_ttl_index_by_another_name_changes_in_place(synchronize, steps, collection):
    collection.create_index("seen", name="old_name", expireAfterSeconds=60)
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 3600}))
    synchronize(spec)
    assert set(indexes(collection)) == {"old_name"}
    assert steps(spec) == []


def test_an_index_becomes_a_ttl_index(synchronize, steps, collection):
    collection.create_index("seen", name="ttl")
    spec = people(IndexSpec((("seen", 1),), "ttl", {"expireAfterSeconds": 60}))
    synchronize(spec)
    assert indexes(collection)["ttl"]["expireAfterSeconds"] == 60
    assert steps(spec) == []


@pytest.mark.needs("hidden_index")
def test_a_hidden_index_is_somebodys_experiment(steps, collection):
    collection.create_index("name", name="by_name", hidden=True)
    [step] = steps(people(BY_NAME))
    assert step.kind is Kind.NOTE
    assert "the index by_name hidden, which nothing declares" in step.describe()


@pytest.mark.needs("index_collation")
def test_an_index_with_a_collation_is_recognised(synchronize, steps):
    spec = people(
        IndexSpec((("name", 1),), "loose", {"collation": {"locale": "en", "strength": 2}})
    )
    synchronize(spec)
    assert steps(spec) == []


@pytest.mark.needs("text_index")
def test_a_text_index_is_recognised_and_replaced(synchronize, steps, collection):
    title = IndexSpec((("title", "text"),), "search", {"weights": {"title": 3}})
    both = IndexSpec((("title", "text"), ("body", "text")), "search_all")
    synchronize(people(title))
    assert steps(people(title)) == []
    synchronize(people(both))
    assert set(indexes(collection)) == {"search_all"}
    assert steps(people(both)) == []


def test_point_indexes_are_recognised(synchronize, steps):
    spec = people(IndexSpec((("home", "2dsphere"),), "by_home", needs="2dsphere"))
    synchronize(spec)
    assert steps(spec) == []


# Unique indexes and duplicates


def test_duplicates_are_named_and_nothing_is_lost(synchronize, collection):
    collection.insert_many(
        [{"_id": n, "email": f"{n % 7}@example.com"} for n in range(20)] + [{"_id": 20}]
    )
    with pytest.raises(DuplicateKeyError) as caught:
        synchronize(people(BY_EMAIL))
    message = str(caught.value)
    assert message.startswith(
        f"Unique index 'by_email' of collection '{NAME}' cannot be built, because there are "
        "duplicates: email='0@example.com' in 3 documents (_id 0, 14, ...); "
    )
    assert "email='6@example.com'" not in message  # 7 values have duplicates, 5 are shown
    assert message.endswith("; .... Change or delete them and run migrate again.")
    assert caught.value.index == "by_email"
    assert caught.value.fields == ("email",)
    assert caught.value.values == {"email": "0@example.com"}
    assert collection.count_documents({}) == 21
    assert indexes(collection) == {}


def test_a_replaced_index_stays_where_duplicates_forbid_the_new_one(synchronize, collection):
    collection.create_index("email", name="by_email")
    collection.insert_many([{"email": "ada@example.com"}, {"email": "ada@example.com"}])
    duplicates = r"email='ada@example\.com' in 2 documents"
    with CaptureCommands() as commands, pytest.raises(DuplicateKeyError, match=duplicates):
        synchronize(people(BY_EMAIL))
    # Building the old one again would do too, but a big collection would be long without it.
    assert "dropIndexes" not in commands.names
    assert set(indexes(collection)) == {"by_email"}
    assert "unique" not in indexes(collection)["by_email"]


def test_a_renamed_index_stays_where_duplicates_forbid_the_new_one(synchronize, collection):
    collection.create_index("email", name="email_1")
    collection.insert_many([{"email": "ada@example.com"}, {"email": "ada@example.com"}])
    with pytest.raises(DuplicateKeyError):
        synchronize(people(BY_EMAIL))
    assert set(indexes(collection)) == {"email_1"}


def test_an_index_that_the_server_refuses_leaves_the_old_one(synchronize, collection):
    collection.create_index("a", name="ab")
    with pytest.raises(DatabaseError, match=NAME):
        synchronize(people(IndexSpec((("a", "of no kind"),), "ab")))
    assert indexes(collection)["ab"]["key"] == [("a", 1)]


@pytest.mark.parametrize(
    ("index", "documents", "found"),
    [
        (
            IndexSpec((("a", 1), ("b", 1)), "u", {"unique": True}),
            [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 2}],
            "a=1, b=2 in 2 documents",
        ),
        # Missing is null.
        (
            IndexSpec((("a", 1),), "u", {"unique": True}),
            [{"a": None}, {}],
            "a=None in 2 documents",
        ),
        # Each element of a list has an entry; one document may repeat its own.
        (
            IndexSpec((("tags", 1),), "u", {"unique": True}),
            [{"tags": ["x", "x", "y"]}, {"tags": ["y", "z"]}],
            "tags='y' in 2 documents",
        ),
        (
            IndexSpec((("remarks.author", 1),), "u", {"unique": True}),
            [{"remarks": [{"author": "Ada"}]}, {"remarks": [{"author": "Ada"}]}],
            "remarks.author='Ada' in 2 documents",
        ),
        (
            IndexSpec(
                (("a", 1),), "u", {"unique": True, "partialFilterExpression": {"live": True}}
            ),
            [{"a": 1}, {"a": 1}, {"a": 2, "live": True}, {"a": 2, "live": True}],
            "a=2 in 2 documents",
        ),
        (
            IndexSpec((("a", 1),), "u", {"unique": True, "sparse": True}),
            [{}, {}, {"a": 1}, {"a": 1}],
            "a=1 in 2 documents",
        ),
    ],
)
def test_duplicates_are_what_the_index_would_refuse(
    synchronize, collection, index, documents, found
):
    collection.insert_many(documents)
    with pytest.raises(DuplicateKeyError) as caught:
        synchronize(people(index))
    assert f"duplicates: {found} (_id " in str(caught.value)
    assert str(caught.value).count(" in 2 documents") == 1


@pytest.mark.needs("index_collation")
def test_duplicates_by_collation(synchronize, collection):
    collection.insert_many([{"name": "Ada"}, {"name": "ADA"}])
    options = {"unique": True, "collation": {"locale": "en", "strength": 2}}
    with pytest.raises(DuplicateKeyError, match="in 2 documents"):
        synchronize(people(IndexSpec((("name", 1),), "u", options)))


# Several at once


def test_processes_may_synchronize_at_once(steps, collection):
    spec = people(BY_NAME, BY_EMAIL)
    plans = [steps(spec) for _ in range(4)]
    errors = []

    def apply(plan):
        try:
            for step in plan:
                step.apply()
        except DatabaseError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=apply, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(indexes(collection)) == {"by_name", "by_email"}


# What apps declare


def test_every_app_is_asked_and_one_collection_is_one_spec(monkeypatch):
    from django.apps import apps

    one, other = (apps.get_app_config(label) for label in ("contenttypes", "messages"))
    mine = CollectionSpec(NAME, (BY_NAME,), source="one.Person")
    theirs = CollectionSpec(NAME, (BY_NAME, BY_EMAIL), source="other")
    monkeypatch.setattr(one, "mongo_collections", lambda alias: [mine], raising=False)
    monkeypatch.setattr(other, "mongo_collections", lambda alias: [theirs], raising=False)
    [spec] = [spec for spec in declared("default") if spec.name == NAME]
    assert spec.indexes == (BY_NAME, BY_EMAIL)
    assert spec.source == "one.Person, other"
    assert spec.app_labels == {"one", "other"}
