"""Meta's options beyond Django: inherited as Django's are, refused by name, and passed on."""

from __future__ import annotations

import datetime

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models, transaction
from django.test.utils import isolate_apps
from pymongo import ReadPreference, monitoring
from pymongo.collation import Collation
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from mongo_contrib.db.schema import plan
from mongo_contrib.documents import Document, EmbeddedDocument
from mongo_contrib.documents.option_values import VALIDATORS
from mongo_contrib.documents.options import NAMES, DocumentOptions
from mongo_contrib.documents.schema import collection_spec
from tests.testapp.models import GuardedMajority


def document(bases=(Document,), name="Thing", **meta):
    attributes = {
        "__module__": "tests.testapp.models",
        "name": models.CharField(max_length=9),
        "at": models.DateTimeField(),
        "Meta": type("Meta", (), {"app_label": "testapp", **meta}),
    }
    return type(bases[0])(name, bases, attributes)


# How they are read


def test_each_option_has_a_validator():
    assert set(VALIDATORS) == set(NAMES)


@isolate_apps("tests.testapp")
def test_a_class_without_options_has_the_defaults():
    assert document()._options == DocumentOptions()


@isolate_apps("tests.testapp")
def test_collection_and_db_table_are_one():
    one, other = document(collection="places"), document(name="Other", db_table="others")
    assert (one._meta.db_table, one._options.collection) == ("places", "places")
    assert (other._meta.db_table, other._options.collection) == ("others", "others")
    with pytest.raises(ImproperlyConfigured, match=r"Thing\.Meta names its collection twice"):
        document(collection="places", db_table="others")
    assert document(name="Same", collection="same", db_table="same")._meta.db_table == "same"


@isolate_apps("tests.testapp")
def test_names_are_made_options():
    options = document(
        read_preference="nearest",
        read_concern="majority",
        write_concern=2,
        collation=Collation("de", strength=2),
    )._options
    assert options.read_preference == ReadPreference.NEAREST
    assert options.read_concern == ReadConcern("majority")
    assert options.write_concern == WriteConcern(2)
    assert options.collation == {"locale": "de", "strength": 2}


@isolate_apps("tests.testapp")
def test_abstract_parents_give_theirs_as_django_does():
    class Base(Document):
        class Meta:
            app_label = "testapp"
            abstract = True
            strict = True
            ordering = ("pk",)
            write_concern = "majority"

    class Plain(Base):
        pass

    class Extended(Base):
        class Meta(Base.Meta):
            strict = False
            collection = "extended"

    class OfItsOwn(Base):
        class Meta:
            app_label = "testapp"

    class Proxy(Extended):
        class Meta:
            app_label = "testapp"
            proxy = True

    assert Plain._options.strict and Plain._options.write_concern == WriteConcern("majority")
    assert not Plain._meta.abstract and Plain._meta.ordering == ("pk",)
    assert not Extended._options.strict
    assert Extended._options.write_concern == WriteConcern("majority")
    assert Extended._meta.ordering == ("pk",) and Extended._meta.db_table == "extended"
    assert OfItsOwn._options == DocumentOptions()
    assert Proxy._options.write_concern == WriteConcern("majority")
    assert Proxy._options.collection == "extended"


@isolate_apps("tests.testapp")
def test_classes_that_share_a_collection_share_its_options():
    base = document(name="Base", allow_inheritance=True, validation="warn", strict=True)
    child = document((base,), "Child")
    assert (child._options.validation, child._options.strict) == ("warn", True)
    assert child._options.allow_inheritance
    with pytest.raises(ImproperlyConfigured, match=r"Second\.Meta\.capped .* say it there"):
        document((base,), "Second", capped={"size": 4096})


@isolate_apps("tests.testapp")
def test_what_is_inside_documents_has_two_of_them():
    inner = document((EmbeddedDocument,), "Inner", strict=True)
    assert inner._options.strict
    with pytest.raises(ImproperlyConfigured, match=r"Other\.Meta\.capped .* must be left out"):
        document((EmbeddedDocument,), "Other", capped={"size": 4096})


@isolate_apps("tests.testapp")
def test_what_nobody_knows_is_refused_by_django():
    with pytest.raises(TypeError, match=r"invalid attribute\(s\): strickt"):
        document(strickt=True)


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("option", "value", "right"),
    [
        ("strict", 1, "True or False"),
        ("allow_inheritance", "yes", "True or False"),
        ("collection", "", "name of a collection"),
        ("collection", "a$b", "name of a collection"),
        ("collection", "system.users", "name of a collection"),
        ("validation", "strict", '"error", "warn" or None'),
        ("capped", True, "size"),
        ("capped", {"max": 3}, "size"),
        ("capped", {"size": 0}, "positive"),
        ("time_series", "at", "time_field"),
        ("time_series", {"meta_field": "name"}, "time_field"),
        ("time_series", {"time_field": "at", "granularity": "days"}, "seconds"),
        ("time_series", {"time_field": "at", "expire_after": 3}, "timedelta"),
        ("time_series", {"time_field": "at", "bucket_rounding": datetime.timedelta(1)}, "equal"),
        (
            "time_series",
            {"time_field": "at", "expire_after": datetime.timedelta(0)},
            "a second or longer",
        ),
        ("collation", {"strength": 2}, "locale"),
        ("collation", {"locale": "en", "strength": 9}, "1 to 5"),
        ("collation", {"locale": "en", "caseLevel": 1}, "bool"),
        ("shard_key", "name", "hashed"),
        ("shard_key", {"name": -1}, "hashed"),
        ("shard_key", {"name": "hashed", "at": "hashed"}, "one at most"),
        ("read_preference", "fastest", "secondaryPreferred"),
        ("read_concern", "all", "majority"),
        ("write_concern", -1, "majority"),
        ("write_concern", True, "majority"),
    ],
)
def test_a_wrong_value_is_told_with_class_option_and_what_would_be_right(option, value, right):
    if option == "collection" and not value:
        # Django's own db_table may be empty.
        value = 3
    with pytest.raises(ImproperlyConfigured) as caught:
        document(**{option: value})
    message = str(caught.value)
    assert message.startswith(f"Thing.Meta.{option} is {value!r}; it must be ")
    assert right in message


# What they do


class Commands(monitoring.CommandListener):
    def __init__(self):
        self.sent = []

    def started(self, event):
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
def commands(connection, monkeypatch):
    """Every command that goes to the server."""
    listener = Commands()
    client = connection.client
    monkeypatch.setattr(
        client._event_listeners,
        "_EventListeners__command_listeners",
        [*client._event_listeners._EventListeners__command_listeners, listener],
    )
    return listener.sent


def test_reads_and_writes_go_with_preference_and_concerns(commands):
    thing = GuardedMajority.objects.create(name="one")
    thing.name = "two"
    thing.save()
    GuardedMajority.objects.filter(name="two").update(name="three")
    assert GuardedMajority.objects.get(pk=thing.pk).name == "three"
    assert GuardedMajority.objects.filter(name="three").count() == 1
    assert list(GuardedMajority.objects.values_list("name", flat=True)) == ["three"]
    thing.delete()
    told = [name for name, _ in commands]
    # delete() is a transaction, whose commit has the concern.
    writes = [each for name, each in commands if name in ("insert", "update")]
    reads = [each for name, each in commands if name in ("find", "aggregate")]
    assert told.count("insert") == 1 and told.count("update") == 2 and len(reads) == 3
    assert {str(each.get("writeConcern")) for each in writes} == {"{'w': 'majority'}"}
    assert all(each["readConcern"]["level"] == "majority" for each in reads)
    repository = GuardedMajority._repository("default")
    assert repository.collection.read_preference == ReadPreference.SECONDARY_PREFERRED
    # Where there is no secondary, the driver asks the primary, and says that it may.
    assert {str(each.get("$readPreference")) for each in reads} <= {
        "{'mode': 'primaryPreferred'}",
        "{'mode': 'secondaryPreferred'}",
    }


@pytest.mark.needs("transactions")
def test_a_transaction_has_its_own(commands):
    with transaction.atomic():
        GuardedMajority.objects.create(name="one")
        assert GuardedMajority.objects.get().name == "one"
    sent = {name: each for name, each in commands}
    assert "writeConcern" not in sent["insert"]
    assert sent["find"].get("$readPreference", {"mode": "primary"}) == {"mode": "primary"}


@pytest.fixture
def made(db):
    """Applies what a class declares; gives what the server says of the collection."""
    names = []

    def made(model):
        connection = connections["default"]
        for step in plan(connection, [collection_spec(model)], undeclared=False):
            step.apply()
        names.append(model._meta.db_table)
        again = plan(connection, [collection_spec(model)], undeclared=False)
        assert [step for step in again if step.kind.is_difference] == []
        [info] = connection.database.list_collections(filter={"name": model._meta.db_table})
        return info

    yield made
    for name in names:
        connections["default"].database.drop_collection(name)


@pytest.mark.needs("capped_collections")
@isolate_apps("tests.testapp")
def test_capped(made):
    info = made(document(collection="opt_capped", capped={"size": 4096, "max": 2}))
    assert {**info["options"], "size": 4096} == {"capped": True, "size": 4096, "max": 2}


@pytest.mark.needs("time_series")
@isolate_apps("tests.testapp")
def test_time_series(made):
    info = made(
        document(
            collection="opt_series",
            time_series={
                "time_field": "at",
                "meta_field": "name",
                "granularity": "hours",
                "expire_after": datetime.timedelta(days=1),
            },
        )
    )
    series = info["options"]["timeseries"]
    assert (series["timeField"], series["metaField"]) == ("at", "name")
    assert series["granularity"] == "hours"
    assert info["options"]["expireAfterSeconds"] == 86_400


@pytest.mark.needs("default_collation")
@isolate_apps("tests.testapp")
def test_collation(made):
    model = document(collection="opt_loose", collation={"locale": "en", "strength": 2})
    assert made(model)["options"]["collation"]["strength"] == 2
    model.objects.create(name="Ada", at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    assert model.objects.filter(name="ADA").count() == 1


@isolate_apps("tests.testapp")
def test_a_shard_key_is_of_stored_paths():
    class Sharded(Document):
        country = models.CharField(max_length=2, db_column="c")

        class Meta:
            app_label = "testapp"
            shard_key = {"country": 1, "id": "hashed"}

    assert collection_spec(Sharded).shard_key == (("c", 1), ("_id", "hashed"))
