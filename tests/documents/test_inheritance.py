"""Several classes in one collection."""

from __future__ import annotations

import asyncio
import copy
import datetime
import io
import json
import pickle

import pytest
from bson import ObjectId
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import DataError, IntegrityError, models
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from mongo_contrib.documents import Document
from mongo_contrib.documents.schema import collection_spec, collection_specs
from tests.testapp.models import (
    Account,
    Animal,
    Cat,
    Dog,
    Keeper,
    Pet,
    Puppy,
    Trained,
    Visit,
    Walk,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper():
    return Keeper.objects.create(name="Ada")


@pytest.fixture
def zoo(keeper):
    """One of each class; by name."""
    return {
        each.name: each
        for each in (
            Animal.objects.create(name="a", age=1, keeper=keeper),
            Cat.objects.create(name="c", age=3, lives=7),
            Dog.objects.create(name="d", age=12, breed="collie", tricks=2, keeper=keeper),
            Puppy.objects.create(name="p", age=0, breed="collie", toys=5),
        )
    }


def stored(document):
    return type(document).objects.collection.find_one({"_id": document.pk})


# The classes


def test_the_parent_link_of_sql_does_not_exist():
    assert Puppy._meta.parents == {}
    assert [field.name for field in Dog._meta.concrete_fields] == [
        *("id", "name", "age", "tag", "born", "keeper", "mother", "_cls"),
        *("tricks", "breed", "licence"),
    ]
    assert {model._meta.db_table for model in (Animal, Dog, Puppy, Cat, Pet)} == {"animals"}
    assert Dog._meta.ordering == ["name"]
    assert issubclass(Dog.DoesNotExist, Animal.DoesNotExist)
    assert not Animal._meta.abstract
    assert issubclass(Puppy, Trained) and not issubclass(Cat, Trained)


def test_a_reference_of_the_base_has_one_reverse_side():
    assert [relation.name for relation in Keeper._meta.related_objects] == ["animals"]
    assert {relation.name for relation in Puppy._meta.related_objects} == {
        *("young", "visits", "walks", "rivals")
    }
    assert Puppy._meta.get_field("keeper").related_model is Keeper
    assert Puppy._meta.get_field("mother").related_model is Animal


def test_a_child_of_a_class_that_says_nothing_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"collection of its own.*allow_inheritance"):

        class Savings(Account):
            class Meta:
                app_label = "testapp"


def test_a_proxy_has_no_children():
    with pytest.raises(ImproperlyConfigured, match=r"is a proxy; inherit from testapp\.Animal"):

        class Hamster(Pet):
            class Meta:
                app_label = "testapp"


@isolate_apps("tests.testapp")
def test_two_collections_cannot_be_shared():
    class Ship(Document):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Plane(Document):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    with pytest.raises(ImproperlyConfigured, match=r"stored in different places"):

        class Seaplane(Ship, Plane):
            class Meta:
                app_label = "testapp"


@isolate_apps("tests.testapp")
def test_a_child_has_no_other_collection():
    class Ship(Document):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    with pytest.raises(ImproperlyConfigured, match=r"stored in the collection of testapp\.Ship"):

        class Yacht(Ship):
            class Meta:
                app_label = "testapp"
                collection = "yachts"


@isolate_apps("tests.testapp")
def test_a_field_can_be_declared_anew():
    class Ship(Document):
        name = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Yacht(Ship):
        name = models.CharField(max_length=50)

        class Meta:
            app_label = "testapp"

    assert Yacht._meta.get_field("name").max_length == 50
    assert Ship._meta.get_field("name").max_length == 5


# What is stored


def test_save_writes_the_class(zoo):
    assert {name: stored(each)["_cls"] for name, each in zoo.items()} == {
        "a": "Animal",
        "c": "Animal.Cat",
        "d": "Animal.Dog",
        "p": "Animal.Dog.Puppy",
    }


def test_only_what_changed_is_saved(zoo, django_assert_num_queries):
    found = Animal.objects.get(name="d")
    Dog.objects.filter(name="d").update(tricks=9)
    found.breed = "poodle"
    with django_assert_num_queries(1):
        found.save()
    assert stored(found)["tricks"] == 9
    assert stored(found)["breed"] == "poodle"


def test_bulk_create_on_the_base_keeps_classes():
    Animal.objects.bulk_create([Dog(name="x", breed="pug"), Cat(name="y"), Animal(name="z")])
    assert [type(each) for each in Animal.objects.all()] == [Dog, Cat, Animal]
    assert Dog.objects.get().breed == "pug"


def test_bulk_update_on_the_base(zoo):
    animals = list(Animal.objects.all())
    for each in animals:
        each.age += 100
    assert Animal.objects.bulk_update(animals, ["age"]) == 4
    assert [each.age for each in Animal.objects.all()] == [101, 103, 112, 100]


def test_what_mongoengine_wrote_is_read():
    Animal.objects.collection.insert_many(
        [
            {"_id": ObjectId(), "_cls": "Animal.Dog", "name": "Rex", "age": 4, "tricks": 1},
            {"_id": ObjectId(), "_cls": "Animal.Dog.Puppy", "name": "Tim", "age": 0},
            {"_id": ObjectId(), "_cls": "Animal", "name": "Zoe", "age": 9},
        ]
    )
    assert [type(each) for each in Animal.objects.all()] == [Dog, Puppy, Animal]


def test_a_former_name_is_read_and_kept():
    key = ObjectId()
    Animal.objects.collection.insert_one({"_id": key, "_cls": "Animal.Kitty", "name": "k"})
    cat = Cat.objects.get()
    assert type(Animal.objects.get(pk=key)) is Cat
    cat.lives = 3
    cat.save()
    assert stored(cat)["_cls"] == "Animal.Kitty"


def test_a_document_without_class_is_of_the_base():
    key = ObjectId()
    Animal.objects.collection.insert_one({"_id": key, "name": "old"})
    assert type(Animal.objects.get()) is Animal
    assert not Dog.objects.exists()


def test_an_unknown_class_is_named_and_others_can_be_read(zoo):
    key = ObjectId()
    Animal.objects.collection.insert_one({"_id": key, "_cls": "Animal.Fox", "name": "f"})
    with pytest.raises(
        DataError, match=rf"{key}: the stored '_cls' is 'Animal\.Fox'.*Animal\.Dog"
    ):
        Animal.objects.get(pk=key)
    assert Animal.objects.get(name="d").breed == "collie"
    assert Dog.objects.count() == 2
    assert Animal.objects.filter(pk=key).values_list("_cls", flat=True)[0] == "Animal.Fox"
    Animal.objects.filter(pk=key).update(_cls="Animal.Dog")
    assert type(Animal.objects.get(pk=key)) is Dog


@pytest.mark.parametrize("name", [{"$gt": ""}, 5, ["Animal"]])
def test_a_class_name_that_is_no_text(name):
    Animal.objects.collection.insert_one({"_id": ObjectId(), "_cls": name, "name": "f"})
    with pytest.raises(DataError, match="the stored '_cls' is"):
        list(Animal.objects.all())


# Queries


def test_the_base_finds_all_as_what_they_are(zoo):
    assert [type(each) for each in Animal.objects.all()] == [Animal, Cat, Dog, Puppy]
    assert Animal.objects.get(name="d") == Dog.objects.get(name="d") == zoo["d"]
    assert isinstance(Animal.objects.get(name="p"), Dog)
    assert Animal.objects.old().get().breed == "collie"


def test_a_subclass_finds_its_own_and_their_subclasses(zoo):
    assert [each.name for each in Dog.objects.all()] == ["d", "p"]
    assert [each.name for each in Puppy.objects.all()] == ["p"]
    assert [each.name for each in Cat.objects.all()] == ["c"]
    assert Dog.objects.count() == 2
    assert Dog.objects.filter(name="c").exists() is False
    with pytest.raises(Dog.DoesNotExist):
        Dog.objects.get(name="c")
    with pytest.raises(Animal.DoesNotExist):
        Dog.objects.get(name="c")
    assert Dog.objects.aggregate(models.Sum("age")) == {"age__sum": 12}
    assert list(Dog.objects.values_list("name", flat=True)) == ["d", "p"]
    assert Dog.objects.in_bulk([zoo["c"].pk, zoo["d"].pk]) == {zoo["d"].pk: zoo["d"]}
    assert Dog.objects.filter(pk__in=Dog.objects.all()).count() == 2
    assert [each["name"] for each in Dog.objects.pipeline([{"$sort": {"name": -1}}])] == ["p", "d"]
    found = list(Dog.objects.pipeline([{"$sort": {"name": -1}}], documents=True))
    assert [type(each) for each in found] == [Puppy, Dog]
    assert Dog.objects.exclude(breed="x").count() == 2
    assert Dog.objects.order_by("-name").first().name == "p"
    assert (Dog.objects.filter(age=12) | Dog.objects.filter(age=3)).get().name == "d"
    assert Dog.objects.none().count() == 0


def test_dates_and_distinct(zoo):
    Animal.objects.update(born=datetime.date(2020, 5, 1))
    Cat.objects.update(born=datetime.date(2021, 5, 1))
    assert [each.year for each in Dog.objects.dates("born", "year")] == [2020]
    assert list(Dog.objects.order_by().values_list("breed").distinct()) == [("collie",)]


def test_update_and_delete_reach_only_the_class(zoo):
    assert Dog.objects.update(age=50) == 2
    assert Animal.objects.get(name="c").age == 3
    assert Dog.objects.all().delete()[0] == 2
    assert [each.name for each in Animal.objects.all()] == ["a", "c"]


def test_get_or_create_looks_in_the_class(zoo):
    dog, created = Dog.objects.get_or_create(name="c", defaults={"breed": "lab"})
    assert created and dog.breed == "lab"
    cat, created = Cat.objects.update_or_create(name="c", defaults={"lives": 1})
    assert not created and cat.lives == 1


def test_a_field_of_a_subclass_is_not_the_bases(zoo):
    with pytest.raises(
        FieldError, match=r"'breed'.*testapp\.Animal.*testapp\.Dog and testapp\.Puppy has it"
    ):
        Animal.objects.filter(breed="collie")
    assert Dog.objects.filter(breed="collie").count() == 2


def test_the_class_can_be_asked_for(zoo):
    assert Animal.objects.filter(_cls="Animal.Cat").get().lives == 7


def test_refresh_from_db(zoo):
    found = Animal.objects.get(name="d")
    Dog.objects.filter(pk=found.pk).update(breed="lab", tricks=7)
    found.refresh_from_db()
    assert (found.breed, found.tricks) == ("lab", 7)
    found.refresh_from_db(fields=["breed"])
    assert type(found) is Dog


def test_only_and_defer_on_mixed_classes(zoo, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = list(Animal.objects.only("name"))
        assert [type(each) for each in found] == [Animal, Cat, Dog, Puppy]
        assert [each.name for each in found] == ["a", "c", "d", "p"]
    assert found[2].get_deferred_fields() >= {"breed", "age"}
    with django_assert_num_queries(1):
        assert found[2].breed == "collie"
    with django_assert_num_queries(1):
        found = list(Animal.objects.defer("age"))
        assert (found[2].breed, found[3].toys) == ("collie", 5)
    assert found[2].get_deferred_fields() == {"age"}
    found[2].tricks = 8
    found[2].save()
    assert stored(zoo["d"])["age"] == 12
    assert stored(zoo["d"])["tricks"] == 8
    # What only() asks of one class says nothing about another that has the same fields.
    assert list(Animal.objects.only("name", "age", "tag"))[2].get_deferred_fields() >= {"breed"}


def test_a_proxy_is_found_as_itself_where_the_class_is_its_own(zoo):
    assert [type(each) for each in Pet.objects.all()] == [Pet, Cat, Dog, Puppy]
    assert Pet.objects.get(name="a").call() == "Here, a!"
    pet = Pet.objects.create(name="q")
    assert stored(pet)["_cls"] == "Animal"
    assert Animal.objects.get(name="q") == pet


# References


def test_references_to_the_base_and_to_a_subclass(zoo, keeper):
    visit = Visit.objects.create(animal=zoo["d"])
    walk = Walk.objects.create(dog=zoo["p"])
    assert type(Visit.objects.get().animal) is Dog
    assert type(Visit.objects.select_related("animal").get().animal) is Dog
    assert type(Visit.objects.prefetch_related("animal").get().animal) is Dog
    assert type(Walk.objects.get().dog) is Puppy
    assert [type(each) for each in keeper.animals.all()] == [Animal, Dog]
    assert list(zoo["d"].visits.all()) == [visit]
    assert list(zoo["p"].walks.all()) == [walk]
    assert Animal.objects.get(visits__note="").name == "d"
    assert Dog.objects.get(visits__note="").name == "d"
    assert Puppy.objects.get(walks=walk).name == "p"
    assert Walk.objects.get(dog__breed="collie") == walk
    assert Keeper.objects.get(animals__name="d") == keeper
    with pytest.raises(ValueError, match="must be a"):
        Walk(dog=zoo["c"])
    stray = Walk(dog_id=zoo["c"].pk)
    with pytest.raises(Dog.DoesNotExist):
        _ = stray.dog


def test_prefetching_mixed_classes(zoo, keeper, django_assert_num_queries):
    zoo["p"].mother = zoo["d"]
    zoo["p"].save()
    Visit.objects.create(animal=zoo["d"])
    with django_assert_num_queries(4):
        found = list(Animal.objects.prefetch_related("keeper", "mother", "visits"))
        assert [each.keeper for each in found] == [keeper, None, keeper, None]
        assert found[3].mother == zoo["d"]
        assert [len(each.visits.all()) for each in found] == [0, 0, 1, 0]
    assert list(zoo["d"].young.all()) == [zoo["p"]]
    with django_assert_num_queries(2):
        assert [
            len(each.animals.all()) for each in Keeper.objects.prefetch_related("animals")
        ] == [2]


# Deletion


def test_deleting_one_that_the_base_found(zoo):
    Walk.objects.create(dog=zoo["d"])
    Visit.objects.create(animal=zoo["d"])
    count, by_class = Animal.objects.get(name="d").delete()
    assert by_class == {"testapp.Walk": 1, "testapp.Visit": 1, "testapp.Dog": 1}
    assert count == 3
    assert Animal.objects.count() == 3


def test_deleting_a_mixed_lot_reaches_what_refers_to_subclasses(zoo):
    Walk.objects.create(dog=zoo["d"])
    zoo["c"].rival = zoo["p"]
    zoo["c"].save()
    Animal.objects.exclude(name="c").delete()
    assert not Walk.objects.exists()
    assert [each.rival_id for each in Cat.objects.all()] == [None]
    assert Animal.objects.count() == 1


def test_a_cascade_reaches_all_classes_once(zoo, keeper):
    Walk.objects.create(dog=zoo["d"])
    _count, by_class = keeper.delete()
    assert by_class == {
        **{"testapp.Walk": 1, "testapp.Keeper": 1},
        **{"testapp.Animal": 1, "testapp.Dog": 1},
    }
    assert [each.name for each in Animal.objects.all()] == ["c", "p"]


@pytest.mark.parametrize("how", ["all", "cascade", "one"])
def test_signals_tell_the_right_class(zoo, keeper, how):
    told = []

    def receiver(sender, instance, **kwargs):
        told.append((sender, instance.name))

    for signal in (models.signals.pre_delete, models.signals.post_delete):
        signal.connect(receiver, sender=Dog)
    try:
        if how == "all":
            Animal.objects.all().delete()
        elif how == "cascade":
            keeper.delete()
        else:
            Animal.objects.get(name="d").delete()
    finally:
        for signal in (models.signals.pre_delete, models.signals.post_delete):
            signal.disconnect(receiver, sender=Dog)
    assert told == [(Dog, "d"), (Dog, "d")]


# Uniqueness


def test_unique_on_the_base_holds_among_all(zoo):
    zoo["c"].tag = "t"
    zoo["c"].save()
    with pytest.raises(ValidationError, match="tag"):
        Dog(name="x", tag="t").full_clean()


def test_validation_of_a_subclasses_own_unique_field(zoo):
    Dog.objects.create(name="x", licence="l")
    with pytest.raises(ValidationError, match="licence"):
        Puppy(name="y", licence="l").full_clean()
    Cat(name="y", licence="l").full_clean()


# Fixtures, commands, the admin


def dumped(*labels, **options):
    out = io.StringIO()
    call_command("dumpdata", *labels, stdout=out, **options)
    return json.loads(out.getvalue())


def test_fixtures_hold_each_document_once_as_what_it_is(zoo, tmp_path):
    wanted = ["testapp.animal", "testapp.cat", "testapp.dog", "testapp.puppy"]
    for labels in (["testapp.Animal"], ["testapp.Animal", "testapp.Dog"]):
        assert sorted(each["model"] for each in dumped(*labels)) == wanted
    models_of_all = [each["model"] for each in dumped("testapp")]
    assert sorted(each for each in models_of_all if each in wanted) == wanted
    assert sorted(each["model"] for each in dumped("testapp.Dog")) == wanted[2:]
    assert [each["model"] for each in dumped("testapp.Dog", exclude=["testapp.Animal"])] == (
        ["testapp.dog", "testapp.puppy"]
    )
    before = list(Animal.objects.collection.find(sort=[("name", 1)]))
    fixture = tmp_path / "zoo.json"
    call_command("dumpdata", "testapp.Keeper", "testapp.Animal", output=str(fixture))
    Animal.objects.all().delete()
    call_command("loaddata", str(fixture), verbosity=0)
    assert list(Animal.objects.collection.find(sort=[("name", 1)])) == before


def test_all_classes_are_one_collection_to_migrate():
    spec = collection_spec(Animal)
    assert [each.name for each in collection_specs("default")].count("animals") == 1
    indexes = {each.name: dict(each.options) for each in spec.indexes}
    assert indexes.keys() >= {"tag_1", "_cls_1", "breed_1", "rival_id_1"}
    # Cats have a licence too, which need not be unique.
    assert indexes["licence_1_dog"] == {
        "unique": True,
        "partialFilterExpression": {
            "licence": {"$exists": True},
            "_cls": {"$in": ["Animal.Dog", "Animal.Dog.Puppy"]},
        },
    }
    assert len({each.keys for each in spec.indexes}) == len(spec.indexes)


def test_a_subclasses_unique_field_holds_among_its_documents(zoo):
    Dog.objects.create(name="x", licence="l")
    Cat.objects.create(name="y", licence="l")
    Cat.objects.create(name="z", licence="l")
    Animal.objects.create(name="n")
    with pytest.raises(IntegrityError):
        Puppy.objects.create(name="w", licence="l")
    Cat.objects.create(name="v", tag="t")
    with pytest.raises(IntegrityError):
        Dog.objects.create(name="u", tag="t")


def test_makemigrations_says_nothing(capsys):
    call_command("makemigrations", "testapp", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_checks_are_silent():
    for model in (Animal, Dog, Puppy, Cat, Pet):
        assert model.check() == []


@isolate_apps("tests.testapp")
def test_two_classes_of_one_name_are_an_error():
    class Ship(Document):
        class Meta:
            app_label = "testapp"
            allow_inheritance = True

    class Yacht(Ship):
        class Meta:
            app_label = "testapp"
            class_name = "Ship"

    class Tug(Ship):
        name = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"

    class Barge(Tug):
        name = models.CharField(max_length=5, db_column="other")

        class Meta:
            app_label = "testapp"

    assert [each.id for each in Yacht.check()] == ["mongo_contrib.E040"]
    assert [each.id for each in Barge.check()] == ["mongo_contrib.E043"]
    assert Tug.check() == []


def test_a_form_of_the_base_keeps_what_it_does_not_show(zoo):
    form_class = modelform_factory(Animal, fields=["name", "age"])
    form = form_class({"name": "new", "age": "5"}, instance=Animal.objects.get(name="d"))
    assert form.is_valid(), form.errors
    saved = form.save()
    assert type(saved) is Dog
    document = stored(saved)
    assert (document["name"], document["breed"], document["_cls"]) == (
        *("new", "collie"),
        "Animal.Dog",
    )


def test_content_types_and_copies(zoo):
    dog = Animal.objects.get(name="d")
    for copied in (copy.copy(dog), copy.deepcopy(dog), pickle.loads(pickle.dumps(dog))):
        assert type(copied) is Dog and copied == dog
    assert dog._meta.concrete_model is Dog
    dog.pk = None
    dog._state.adding = True
    dog.tag = None
    dog.save()
    assert Dog.objects.count() == 3


def test_operations_stay_within_the_class(zoo):
    cat = zoo["c"].pk
    with pytest.raises(Dog.DoesNotExist):
        Dog.objects.get(pk=cat)
    assert Dog.objects.filter(pk=cat).first() is None
    assert Dog.objects.filter(pk__in=[cat]).update(age=99) == 0
    assert {each["name"] for each in Dog.objects.raw()} == {"d", "p"}
    assert {type(each) for each in Animal.objects.iterator(chunk_size=2)} == {
        *(Animal, Cat, Dog, Puppy)
    }
    dog, created = Dog.objects.upsert(name="c", defaults={"breed": "lab"})
    assert created and type(dog) is Dog and stored(dog)["_cls"] == "Animal.Dog"
    puppy, created = Puppy.objects.upsert(name="new", defaults={"toys": 1})
    assert created and stored(puppy)["_cls"] == "Animal.Dog.Puppy"
    same, created = Animal.objects.upsert(name="d", defaults={"age": 13})
    assert not created and type(same) is Dog and same.age == 13


@pytest.mark.django_db(transaction=True)
def test_the_same_asynchronously():
    async def ask():
        await Dog.objects.acreate(name="d")
        await Cat.objects.acreate(name="c")
        found = [type(each) async for each in Animal.objects.all()]
        one = await Animal.objects.aget(name="d")
        count = await Dog.objects.acount()
        await one.adelete()
        return found, type(one), count, await Animal.objects.acount()

    assert asyncio.run(ask()) == ([Cat, Dog], Dog, 1, 1)
