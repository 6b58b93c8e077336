from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from bson import Decimal128, encode
from django.core.exceptions import ImproperlyConfigured
from django.core.management.color import no_style
from django.db import models
from django.db.models import sql

from mongo_contrib.repository import Repository


def test_emptying_keeps_indexes(connection, repository):
    people = repository("django_session")
    people.insert_one({"_id": 1})
    before = people.list_indexes()
    statements = connection.ops.sql_flush(no_style(), ["django_session"])
    assert statements == ["db.getCollection('django_session').deleteMany({});"]
    connection.ops.execute_sql_flush(statements)
    assert people.count() == 0
    assert isinstance(before, list)


@pytest.mark.parametrize(
    ("method", "value", "stored"),
    [
        ("adapt_datefield_value", date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC)),
        ("adapt_timefield_value", time(8, 30), "08:30:00.000000"),
        ("adapt_decimalfield_value", Decimal("1.50"), Decimal128("1.50")),
        ("adapt_ipaddressfield_value", "", None),
        ("adapt_unknown_value", datetime(2024, 1, 1), datetime(2024, 1, 1)),
    ],
)
def test_values_become_what_bson_holds(connection, method, value, stored):
    assert getattr(connection.ops, method)(value) == stored
    assert getattr(connection.ops, method)(None) is None
    encode({"value": stored})


def test_json_values_stay_documents(connection):
    assert connection.ops.adapt_json_value({"a": (1, 2)}, None) == {"a": [1, 2]}


def test_the_length_of_names_is_told_without_a_server(connect):
    assert connect(HOST="mongodb://127.0.0.1:1/").ops.max_name_length() > 100


class Sql(models.Model):
    class Meta:
        app_label = "tests_db"
        managed = False


@pytest.mark.parametrize(
    "use",
    [
        lambda objects: list(objects.all()),
        lambda objects: objects.count(),
        lambda objects: objects.exists(),
        lambda objects: objects.create(),
        lambda objects: objects.update(id=1),
        lambda objects: objects.bulk_create([Sql()]),
        lambda objects: objects.all().delete(),
        lambda objects: objects.aggregate(models.Count("id")),
        lambda objects: Sql(id=1).delete(),
        lambda objects: Sql(id=1).save(),
    ],
)
def test_an_sql_model_is_refused_by_name(connection, use):
    with pytest.raises(ImproperlyConfigured, match=r"tests_db\.Sql.*'default'.*Document"):
        use(Sql._default_manager.using("default"))


def test_migrations_are_refused_by_name(connection):
    with pytest.raises(ImproperlyConfigured, match=r"tests_db\.Sql"):  # noqa: SIM117
        with connection.schema_editor() as editor:
            editor.create_model(Sql)


class Stored(models.Model):
    """As a Document looks to the compiler."""

    _is_document = True
    id = models.IntegerField(primary_key=True, db_column="_id")
    name = models.CharField(db_column="n", null=True)

    class Meta:
        app_label = "tests_db"
        db_table = "tests_db_stored"
        managed = False

    @classmethod
    def _encode_value(cls, field, value):
        return value

    @classmethod
    def _repository(cls, using):
        return Repository(cls._meta.db_table, using=using)


@pytest.fixture
def stored(repository):
    collection = repository("tests_db_stored")
    collection.insert_many([{"_id": n, "n": f"name {n}"} for n in range(250)])
    return collection


def test_djangos_deletion_deletes_documents(connection, stored):
    assert sql.DeleteQuery(Stored).delete_batch(list(range(1, 250)), "default") == 249
    assert list(stored.find()) == [{"_id": 0, "n": "name 0"}]


def test_djangos_deletion_updates_documents(connection, stored):
    name = Stored._meta.get_field("name")
    sql.UpdateQuery(Stored).update_batch([1, 2], {name.name: "new"}, "default")
    sql.UpdateQuery(Stored).update_batch([3], {name.name: None}, "default")
    assert stored.count({"n": "new"}) == 2
    assert stored.find_one({"_id": 3}) == {"_id": 3}


def test_other_queries_of_a_document_name_the_manager(connection, stored):
    with pytest.raises(ImproperlyConfigured, match="DocumentManager"):
        list(models.QuerySet(Stored, using="default"))
    query = sql.DeleteQuery(Stored)
    query.add_filter("name", "x")
    with pytest.raises(ImproperlyConfigured, match="DocumentManager"):
        query.get_compiler("default").execute_sql()
    assert stored.count() == 250
